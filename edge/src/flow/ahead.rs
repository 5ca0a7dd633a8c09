//! What will be asked for next is fetched before it is: what the player announces (CMCD `nor`), or what follows in a sequence that is
//! being played. By the ordinary fetch on the key's owner, so that a client who comes meanwhile joins it; few at a time, and not when
//! the origin or memory has enough to do. Whether a client may have it is asked when it comes.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache::State;
use tokio::sync::oneshot;

use crate::flow::accept::Asked;
use crate::flow::slices::Slices;
use crate::flow::{flight, hit, lookup, variant};
use crate::http::cache_control::CacheControl;
use crate::http::range;
use crate::http::request::Method;
use crate::http::target;
use crate::limits::SLICES_AHEAD;
use crate::media::cmcd;
use crate::media::sequence::Due;
use crate::metrics::Counters;
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{Answer, Ask, How, Mail};
use crate::stored::{Object, Stored};

/// `asked` is answered with `object`: fetches what comes after it.
pub(crate) fn after(shard: &Rc<Shard>, asked: &Asked, object: &Object) {
    let is_playing =
        asked.request.method == Method::Get && object.meta.status == 200 && object.meta.freshness.is_some();
    // What another edge asks for its clients it asks for ahead as well.
    if shard.config().prefetch == 0 || !is_playing || asked.fellow.is_hop {
        return;
    }
    let due = shard.sequences.borrow_mut().note(asked.name(), asked.now_ms);
    let announced = asked.cmcd.as_ref().map_or(&[][..], |cmcd| &cmcd.next);
    for next in announced {
        if let Some(name) = named(asked.name(), &next.reference) {
            let range = next.range.as_ref().map(|range| format!("bytes={range}"));
            set_out(shard, asked, &name, range, None);
        }
    }
    if let (true, Some(due)) = (announced.is_empty(), due) {
        let name = due.target.clone();
        set_out(shard, asked, &name, None, Some(due));
    }
}

/// Whether the short way must not answer, because something is to be fetched after it.
pub(crate) fn is_due(shard: &Shard, name: &[u8], is_said: bool, now_ms: u64) -> bool {
    shard.config().prefetch > 0 && (is_said || shard.sequences.borrow_mut().note(name, now_ms).is_some())
}

/// The target that a player announces beside `name`: of the same asset, and of this host.
fn named(name: &[u8], reference: &[u8]) -> Option<Vec<u8>> {
    let resolved = target::resolve(reference, name, &[])?;
    let (bare, _) = cmcd::bare(hit::split(&resolved).1);
    (asset(name) == asset(&bare)).then(|| bare.into_owned())
}

/// What a target belongs to: `/v/<asset>/`, or its folder.
fn asset(name: &[u8]) -> &[u8] {
    let path = target::path(name);
    let slash = |from: usize| path[from..].iter().position(|b| *b == b'/').map(|at| from + at + 1);
    let end = if path.starts_with(b"/v/") { slash(3) } else { path.iter().rposition(|b| *b == b'/').map(|at| at + 1) };
    &path[..end.unwrap_or(path.len())]
}

/// Sends for `name` as a client like `asked` would.
fn set_out(shard: &Rc<Shard>, asked: &Asked, name: &[u8], range: Option<String>, due: Option<Due>) {
    if shard.fetching_ahead.get() >= shard.config().prefetch || shard.draining.get() {
        return;
    }
    let mut ask = lookup::ask_for(shard, asked, name, range.as_ref().map(String::as_bytes), CacheControl::default());
    if ask.authorised || ask.cookie {
        // It may be for this client alone.
        return;
    }
    ask.ahead = true;
    if let Some(due) = &due {
        shard.sequences.borrow_mut().set_out(due);
    }
    shard.fetching_ahead.set(shard.fetching_ahead.get() + 1);
    let shard = shard.clone();
    rt::spawn(async move {
        let end = fetch(&shard, ask, range).await;
        shard.fetching_ahead.set(shard.fetching_ahead.get() - 1);
        let (mut sequences, now_ms) = (shard.sequences.borrow_mut(), rt::now());
        match (due, end) {
            (Some(due), End::Nothing) => sequences.ended(&due, now_ms),
            (Some(due), End::Unfit) => sequences.rest(&due, now_ms),
            (_, End::Well) | (None, _) => {}
        }
    });
}

/// What came of it.
enum End {
    /// It is here, or somebody else fetches it.
    Well,
    /// There is no such thing.
    Nothing,
    /// It cannot be kept, or cannot be had now.
    Unfit,
}

/// Returns when it is here or cannot be.
async fn fetch(shard: &Rc<Shard>, ask: Box<Ask>, range: Option<String>) -> End {
    let (head, reach, owner) = (ask.head.clone(), ask.reach, shard.owner(ask.key));
    let (reply, answer) = oneshot::channel();
    if owner == shard.id {
        at_owner(shard, ask, reply);
    } else if !shard.peers[owner].send(Mail::Ahead(ask, reply)).await {
        return End::Unfit;
    }
    let object = match answer.await {
        Ok(Answer::Object { object, .. }) => object,
        Ok(Answer::Pass | Answer::Refuse(_)) => return End::Unfit,
        Err(_) => return End::Well,
    };
    if matches!(object.meta.status, 404 | 410) {
        return End::Nothing;
    }
    if object.meta.status != 200 || object.meta.freshness.is_none() {
        return End::Unfit;
    }
    if let Some(sliced) = object.meta.sliced {
        let asked = range.and_then(|range| range::parse(range.as_bytes())).unwrap_or_default();
        if let Some(part) = range::resolve(&asked, sliced.total).first() {
            let mut slices = Slices::of(shard, object, sliced, *part, head, reach);
            for _ in 0..=SLICES_AHEAD {
                if !matches!(slices.next().await, Ok(Some(_))) {
                    break;
                }
            }
        }
        return End::Well;
    }
    // Without holding it: a fill that nobody keeps looks for readers.
    let object = { Arc::downgrade(&object) };
    while object.upgrade().is_some_and(|object| object.state() == State::Filling) {
        rt::sleep(LOOK).await;
    }
    End::Well
}

/// How often a fetch that was not asked for is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Fetches on the shard that owns the key, unless it is here, under way, or there is enough to do.
pub(crate) fn at_owner(shard: &Rc<Shard>, mut ask: Box<Ask>, reply: oneshot::Sender<Answer>) {
    let now_ms = rt::now();
    variant::select(shard, &mut ask);
    let known = shard.ram.borrow().peek(ask.at).cloned();
    if let Some(object) =
        known.filter(|object| object.meta.sliced.is_some() && object.meta.is_for(&ask.name, &ask.selecting))
    {
        let _ = reply.send(Answer::Object { object, first: None, marker: None, how: How::Hit });
    } else if shard.ram.borrow().peek(ask.at).is_none() && !shard.flights.borrow().contains_key(&ask.at) {
        let is_calm = shard.sources.is_steady(&ask.name, ask.reach, now_ms) && !shard.is_pressed(now_ms);
        if !is_calm || shard.is_passing(ask.at, now_ms) {
            let _ = reply.send(Answer::Refuse(Refusal::OriginBusy));
            return;
        }
        flight::join(shard, ask, None, Some(reply));
    }
}

/// The mark of what was fetched ahead and has not been asked for yet.
pub(crate) struct Unasked {
    is_so: AtomicBool,
    counters: Arc<Counters>,
}

impl Unasked {
    /// Counts it.
    pub(crate) fn new(counters: &Arc<Counters>) -> Unasked {
        counters.prefetched.add(1);
        Unasked { is_so: AtomicBool::new(true), counters: counters.clone() }
    }
}

impl Drop for Unasked {
    fn drop(&mut self) {
        if *self.is_so.get_mut() {
            self.counters.prefetch_wasted.add_from_anywhere(1);
        }
    }
}

impl Stored {
    /// A client is given it.
    pub(crate) fn asked(&self, counters: &Counters) {
        if let Some(unasked) = &self.unasked
            && unasked.is_so.load(Ordering::Relaxed)
            && unasked.is_so.swap(false, Ordering::Relaxed)
        {
            counters.prefetch_used.add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_player_announces_only_what_belongs_to_the_same_asset() {
        let check = |name: &str, reference: &str| {
            named(name.as_bytes(), reference.as_bytes()).map(|name| String::from_utf8(name).expect("ASCII"))
        };
        let name = "/v/a/av1-360/7.m4s?x";
        assert_eq!(check(name, "8.m4s").as_deref(), Some("/v/a/av1-360/8.m4s"));
        assert_eq!(check(name, "../av1-720/8.m4s?CMCD=x").as_deref(), Some("/v/a/av1-720/8.m4s"));
        assert_eq!(check(name, "/p/token/v/a/av1-360/8.m4s").as_deref(), Some("/v/a/av1-360/8.m4s"));
        assert_eq!(check(name, "").as_deref(), Some(name), "another part of the same");
        for other in
            ["/v/b/av1-360/8.m4s", "../../b/8.m4s", "//h/v/a/8.m4s", "http://h/v/a/8.m4s", "/v/a/%2e%2e/b", "/"]
        {
            assert_eq!(check(name, other), None, "{other}");
        }
        assert_eq!(check("/live/seg7.ts", "seg8.ts").as_deref(), Some("/live/seg8.ts"));
        assert_eq!(check("/live/seg7.ts", "low/seg8.ts"), None);
    }
}
