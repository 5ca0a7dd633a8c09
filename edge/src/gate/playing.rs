//! Who plays here by a token that bounds how many may at once. Shards note each request; whoever reports to the origin reads the notes
//! and brings back which streams have a place (decision 0200). A shard takes the lock when it meets a stream, then two atomics do.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wire::token::Streams;

use crate::limits::{PLAYING_MAX, STREAM_LEASE_MS};

/// Noted by every shard, read by whoever reports. Cheap to clone.
#[derive(Clone, Default, Debug)]
pub struct Playing(Arc<Shared>);

#[derive(Default, Debug)]
struct Shared {
    /// Somebody reports to an origin.
    is_counted: AtomicBool,
    /// Since when the origin has not answered a report, milliseconds; 0: it has.
    unanswered_ms: AtomicU64,
    table: Mutex<Table>,
}

#[derive(Default, Debug)]
struct Table {
    groups: HashMap<Group, Counted>,
    streams: usize,
}

/// What is counted together.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Group {
    subject: String,
    class: String,
}

#[derive(Debug)]
struct Counted {
    max: u32,
    /// As the origin last said: one more begins without a place.
    is_full: bool,
    streams: HashMap<Name, Arc<Stream>>,
}

/// A stream, and the network that asks for it: who passes a token on makes a second stream of it.
type Name = (Vec<u8>, IpAddr);

/// One stream, for the shards that serve it.
#[derive(Debug, Default)]
pub(super) struct Stream {
    asked_ms: AtomicU64,
    is_refused: AtomicBool,
    /// It has been forgotten here: whoever asks again enters again.
    has_left: AtomicBool,
}

impl Stream {
    /// Notes a request. `None`: it is to enter again. Else whether it has a place.
    pub(super) fn ask(&self, now_ms: u64) -> Option<bool> {
        if self.has_left.load(Ordering::Acquire) {
            return None;
        }
        self.asked_ms.fetch_max(now_ms, Ordering::Relaxed);
        Some(!self.is_refused.load(Ordering::Relaxed))
    }
}

/// A stream that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Whose.
    pub subject: String,
    /// What is counted together.
    pub class: String,
    /// As many may play.
    pub max: u32,
    /// Its id.
    pub id: Vec<u8>,
    /// The network that asks: an IPv4 address, or the /64 of an IPv6 one.
    pub from: IpAddr,
    /// Milliseconds since it was asked for.
    pub ago_ms: u64,
}

/// What the origin says of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// It has a place.
    pub plays: bool,
    /// There is no place for one more.
    pub is_full: bool,
}

impl Playing {
    /// Somebody reports from now on: tokens that bound streams are taken.
    pub fn counts(&self) {
        self.0.is_counted.store(true, Ordering::Relaxed);
    }

    /// Every stream that has been asked for within a lease; the others are forgotten.
    pub fn asked(&self, now_ms: u64) -> Vec<Asked> {
        let mut table = self.hold();
        let mut asked = Vec::with_capacity(table.streams);
        for (group, counted) in &mut table.groups {
            counted.streams.retain(|(id, from), stream| {
                let ago_ms = now_ms.saturating_sub(stream.asked_ms.load(Ordering::Relaxed));
                if ago_ms >= STREAM_LEASE_MS {
                    stream.has_left.store(true, Ordering::Release);
                    return false;
                }
                let (subject, class) = (group.subject.clone(), group.class.clone());
                asked.push(Asked { subject, class, max: counted.max, id: id.clone(), from: *from, ago_ms });
                true
            });
        }
        table.groups.retain(|_, counted| !counted.streams.is_empty());
        table.streams = asked.len();
        asked
    }

    /// What the origin has said of these.
    pub fn told<'a>(&self, told: impl IntoIterator<Item = (&'a Asked, Told)>) {
        let mut table = self.hold();
        for (asked, told) in told {
            let group = Group { subject: asked.subject.clone(), class: asked.class.clone() };
            let Some(counted) = table.groups.get_mut(&group) else { continue };
            counted.is_full = told.is_full;
            if let Some(stream) = counted.streams.get(&(asked.id.clone(), asked.from)) {
                stream.is_refused.store(!told.plays, Ordering::Relaxed);
            }
        }
        drop(table);
        self.0.unanswered_ms.store(0, Ordering::Relaxed);
    }

    /// The origin did not answer a report.
    pub fn unanswered(&self, now_ms: u64) {
        let _ = self.0.unanswered_ms.compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// How long the origin has not answered.
    pub(super) fn silent_ms(&self, now_ms: u64) -> u64 {
        match self.0.unanswered_ms.load(Ordering::Relaxed) {
            0 => 0,
            since => now_ms.saturating_sub(since),
        }
    }

    /// The stream of a token for whoever asks from `address`. `None`: nobody counts here, or there are too many.
    pub(super) fn enter(&self, subject: &str, streams: &Streams, address: IpAddr, now_ms: u64) -> Option<Arc<Stream>> {
        if !self.0.is_counted.load(Ordering::Relaxed) {
            return None;
        }
        let mut table = self.hold();
        let group = Group { subject: subject.to_owned(), class: streams.class.clone() };
        let name = (streams.id.clone(), network(address));
        if let Some(known) = table.groups.get(&group).and_then(|counted| counted.streams.get(&name)) {
            return Some(known.clone());
        }
        if table.streams >= PLAYING_MAX {
            return None;
        }
        table.streams += 1;
        let counted = table.groups.entry(group);
        let counted = counted.or_insert_with(|| Counted { max: 0, is_full: false, streams: HashMap::new() });
        // The youngest token says what the rule is now.
        counted.max = streams.max;
        let stream = Arc::new(Stream {
            asked_ms: AtomicU64::new(now_ms),
            is_refused: AtomicBool::new(counted.is_full),
            has_left: AtomicBool::new(false),
        });
        counted.streams.insert(name, stream.clone());
        Some(stream)
    }

    fn hold(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one household has: an IPv4 address, or the /64 of an IPv6 one.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams(id: u8) -> Streams {
        Streams { class: "a".into(), max: 1, id: vec![id] }
    }

    const AT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn who_is_told_to_stop_stops_and_one_more_begins_without_a_place() {
        let playing = Playing::default();
        assert!(playing.enter("ann", &streams(1), AT, 0).is_none(), "nobody counts");
        playing.counts();
        let first = playing.enter("ann", &streams(1), AT, 1_000).expect("room");
        let second = playing.enter("ann", &streams(2), AT, 1_000).expect("room");
        assert_eq!((first.ask(1_000), second.ask(2_000)), (Some(true), Some(true)), "until the origin has said");
        let asked = playing.asked(2_000);
        let is_first = |asked: &Asked| asked.id == [1];
        playing.told(asked.iter().map(|asked| (asked, Told { plays: is_first(asked), is_full: true })));
        assert_eq!((first.ask(3_000), second.ask(3_000)), (Some(true), Some(false)));
        let third = playing.enter("ann", &streams(3), AT, 3_000).expect("room");
        assert_eq!(third.ask(3_000), Some(false));
        assert_eq!(playing.enter("bob", &streams(1), AT, 3_000).expect("room").ask(3_000), Some(true));
        let passed_on = playing.enter("ann", &streams(1), "192.0.2.1".parse().expect("an address"), 3_000);
        assert_eq!(passed_on.expect("room").ask(3_000), Some(false), "from another network it is another stream");
    }

    #[test]
    fn who_does_not_ask_for_a_lease_is_forgotten() {
        let playing = Playing::default();
        playing.counts();
        let stream = playing.enter("ann", &streams(1), AT, 1_000).expect("room");
        assert_eq!(playing.asked(1_000 + STREAM_LEASE_MS - 1).len(), 1);
        assert_eq!(playing.asked(1_000 + STREAM_LEASE_MS), []);
        assert_eq!(stream.ask(20_000), None);
        assert!(playing.hold().groups.is_empty() && playing.hold().streams == 0);
    }

    #[test]
    fn silence_of_the_origin_is_counted_from_its_first_failure() {
        let playing = Playing::default();
        assert_eq!(playing.silent_ms(5_000), 0);
        playing.unanswered(5_000);
        playing.unanswered(6_000);
        assert_eq!(playing.silent_ms(9_000), 4_000);
        playing.told([]);
        assert_eq!(playing.silent_ms(9_000), 0);
    }
}
