//! Connections and requests of each address, over all shards: the kernel spreads one address over the listeners of all of them.
//!
//! One table of atomics, of one size for ever, without a lock. An address is an IPv4 address or the /64 of an IPv6 one, which is what
//! one household or one server has. It is kept while it has a connection, and after that as long as its requests are remembered;
//! forgetting it then loses nothing. A place is looked for once a connection; a request touches one word.
//!
//! What can go wrong, and what it costs: two addresses with the same 44 bits of a keyed hash in one row share a bound; one address that
//! enters on two shards in the very instant in which a place before it becomes free may have two places, and twice the bound, for as
//! long; an address that finds its row full of connected ones is not counted. None of the three can be brought about from outside
//! by one address.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{ADDRESS_ROW, ADDRESS_ROWS};

/// Connections of one address that a place can count.
const COUNT_BITS: u32 = 20;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const NANOS_PER_MS: u64 = 1_000_000;

/// The address has as many connections as it may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Full;

/// How many requests one address may have answered: a token bucket, kept as the time at which it is full again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rate {
    interval_ns: u64,
    /// What `burst` requests at once put between now and that time.
    depth_ns: u64,
}

impl Rate {
    /// `None`: no bound.
    pub(crate) fn new(per_second: u32, burst: u32) -> Option<Rate> {
        let interval_ns = 1_000_000_000_u64.checked_div(u64::from(per_second))?.max(1);
        Some(Rate { interval_ns, depth_ns: interval_ns.saturating_mul(u64::from(burst.max(1))) })
    }

    /// The new time after one more request, or `None` when the bucket is empty.
    fn after(self, full_ns: u64, now_ns: u64) -> Option<u64> {
        // A clock that was set back must not shut an address out for as long; shards that read it are less than a second apart.
        let is_from_ahead = full_ns > now_ns.saturating_add(self.depth_ns + 1000 * NANOS_PER_MS);
        let after = (if is_from_ahead { now_ns } else { full_ns.max(now_ns) }).saturating_add(self.interval_ns);
        (after - now_ns <= self.depth_ns).then_some(after)
    }
}

/// A place in the table.
#[derive(Default)]
struct Place {
    /// 44 bits of the address' hash, 20 bits of connections. 0: free.
    word: AtomicU64,
    /// When the address' bucket is full again, in nanoseconds since 1970. Touched only by who is counted in `word`.
    full_ns: AtomicU64,
}

/// The table.
pub(crate) struct Addresses {
    places: Vec<Place>,
    hash: RandomState,
}

/// A connection that is counted for its address until it is dropped.
pub(crate) struct Seat {
    addresses: Arc<Addresses>,
    at: usize,
}

impl Addresses {
    pub(crate) fn new() -> Addresses {
        let places = (0..ADDRESS_ROWS * ADDRESS_ROW).map(|_| Place::default()).collect();
        Addresses { places, hash: RandomState::default() }
    }

    /// Counts one more connection of `ip`, of which there may be `max` (0: any number). `None`: there is no place to count it in.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr, max: u32, now_ms: u64) -> Result<Option<Seat>, Full> {
        let max = if max == 0 { COUNT_MAX } else { u64::from(max).min(COUNT_MAX) };
        let (row, tag) = self.row(ip);
        // Who loses against another shard looks again; each loss means that somebody else got on.
        loop {
            let Some((at, word)) = self.find(row, tag, now_ms.saturating_mul(NANOS_PER_MS)) else { return Ok(None) };
            let place = &self.places[at];
            let is_known = word >> COUNT_BITS == tag;
            if is_known && word & COUNT_MAX >= max {
                return Err(Full);
            }
            let new = if is_known { word + 1 } else { tag << COUNT_BITS | 1 };
            if place.word.compare_exchange(word, new, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                if !is_known {
                    place.full_ns.store(0, Ordering::Release);
                }
                return Ok(Some(Seat { addresses: self.clone(), at }));
            }
        }
    }

    /// The first place of the row of `ip`, and its mark there, never 0.
    fn row(&self, ip: IpAddr) -> (usize, u64) {
        let hash = match ip.to_canonical() {
            IpAddr::V4(ip) => self.hash.hash_one((4u8, u64::from(u32::from(ip)))),
            IpAddr::V6(ip) => self.hash.hash_one((6u8, u64::try_from(u128::from(ip) >> 64).unwrap_or(u64::MAX))),
        };
        let row = (hash % ADDRESS_ROWS as u64) as usize * ADDRESS_ROW;
        (row, (hash >> COUNT_BITS).max(1))
    }

    /// Where `tag` is, or else the place it may have: of those without a connection the one that is full again first.
    fn find(&self, row: usize, tag: u64, now_ns: u64) -> Option<(usize, u64)> {
        let mut best: Option<(u64, usize, u64)> = None;
        for at in row..row + ADDRESS_ROW {
            let word = self.places[at].word.load(Ordering::Acquire);
            if word >> COUNT_BITS == tag {
                return Some((at, word));
            }
            let full_ns = self.places[at].full_ns.load(Ordering::Acquire);
            let wait = if word == 0 { 0 } else { full_ns.saturating_sub(now_ns) };
            if word & COUNT_MAX == 0 && best.is_none_or(|(least, ..)| wait < least) {
                best = Some((wait, at, word));
            }
        }
        best.map(|(_, at, word)| (at, word))
    }
}

impl Seat {
    /// Takes one request out of the address' bucket. False: it is empty.
    pub(crate) fn take(&self, rate: Rate, now_ms: u64) -> bool {
        let now_ns = now_ms.saturating_mul(NANOS_PER_MS);
        let full_ns = &self.addresses.places[self.at].full_ns;
        let step = |full| rate.after(full, now_ns);
        full_ns.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).is_ok()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.addresses.places[self.at].word.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn enter(table: &Arc<Addresses>, text: &str, max: u32) -> Result<Seat, Full> {
        table.enter(ip(text), max, 0).map(|seat| seat.expect("a place"))
    }

    #[test]
    fn connections_count_until_they_end() {
        let table = Arc::new(Addresses::new());
        let first = enter(&table, "192.0.2.1", 2).expect("room");
        let _second = enter(&table, "::ffff:192.0.2.1", 2).expect("room");
        assert_eq!(enter(&table, "192.0.2.1", 2).err(), Some(Full));
        assert!(enter(&table, "192.0.2.2", 2).is_ok());
        drop(first);
        assert!(enter(&table, "192.0.2.1", 2).is_ok());
        assert!(enter(&table, "192.0.2.1", 0).is_ok());
    }

    #[test]
    fn a_64_of_ipv6_is_one_address() {
        let table = Arc::new(Addresses::new());
        let _seat = enter(&table, "2001:db8:1:2::1", 1).expect("room");
        assert_eq!(enter(&table, "2001:db8:1:2:ffff::9", 1).err(), Some(Full));
        assert!(enter(&table, "2001:db8:1:3::1", 1).is_ok());
    }

    #[test]
    fn requests_come_at_the_rate_after_a_burst() {
        let table = Arc::new(Addresses::new());
        let rate = Rate::new(10, 3).expect("a bound");
        let seat = enter(&table, "192.0.2.1", 0).expect("room");
        let now = 1_800_000_000_000;
        assert_eq!([0; 4].map(|after| seat.take(rate, now + after)), [true, true, true, false]);
        assert_eq!([99, 100, 101].map(|after| seat.take(rate, now + after)), [false, true, false]);
        // A second connection has no bucket of its own, and a new one finds what the last one left.
        assert!(!enter(&table, "192.0.2.1", 0).expect("room").take(rate, now + 150));
        drop(seat);
        assert!(!enter(&table, "192.0.2.1", 0).expect("room").take(rate, now + 150));
        assert!(enter(&table, "192.0.2.2", 0).expect("room").take(rate, now + 150));
    }

    #[test]
    fn a_clock_that_is_set_back_shuts_nobody_out() {
        let table = Arc::new(Addresses::new());
        let rate = Rate::new(10, 3).expect("a bound");
        let seat = enter(&table, "192.0.2.1", 0).expect("room");
        assert!(seat.take(rate, 1_800_000_000_000));
        assert_eq!([0; 4].map(|after| seat.take(rate, 1_000 + after)), [true, true, true, false]);
    }

    #[test]
    fn more_addresses_than_places_forget_the_ones_that_are_gone() {
        let table = Arc::new(Addresses::new());
        let held = enter(&table, "203.0.113.1", 1).expect("room");
        for n in 0..(ADDRESS_ROWS * ADDRESS_ROW * 4) as u32 {
            let ip = IpAddr::from(std::net::Ipv4Addr::from(0x0a00_0000 + n));
            assert!(matches!(table.enter(ip, 1, 0), Ok(Some(_))), "{ip}");
        }
        assert_eq!(enter(&table, "203.0.113.1", 1).err(), Some(Full));
        drop(held);
        assert!(enter(&table, "203.0.113.1", 1).is_ok());
    }

    #[test]
    fn a_bound_holds_over_threads() {
        let table = Arc::new(Addresses::new());
        let held: usize = std::thread::scope(|scope| {
            let enter = || (0..100).filter_map(|_| table.enter(ip("192.0.2.1"), 50, 0).ok().flatten()).collect();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(enter)).collect();
            let held: Vec<Vec<Seat>> = threads.into_iter().map(|t| t.join().expect("no panic")).collect();
            held.iter().map(Vec::len).sum()
        });
        assert_eq!(held, 50);
    }

    #[test]
    fn no_bound_is_no_rate() {
        assert_eq!(Rate::new(0, 5), None);
    }
}
