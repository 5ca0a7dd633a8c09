//! What is there under a key, asked of the shard that owns it.

use std::rc::Rc;
use std::sync::Arc;

use cache::{Chunk, State};
use tokio::sync::oneshot;

use crate::flow::accept::{Asked, Conn, Gone};
use crate::flow::{flight, interim, slices, variant};
use crate::http::cache_control::{self, CacheControl};
use crate::http::fields::fields;
use crate::http::freshness::{Freshness, Use};
use crate::http::request::Method;
use crate::media::hls::{self, Delivery};
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{Answer, Ask, How, Mail};
use crate::stored::Object;
use crate::upstream::Reach;
use crate::upstream::request::{Purpose, Sized, forward};

/// What a client's own Cache-Control asks for, as far as it is honoured here.
pub(crate) fn wants(shard: &Shard, asked: &Asked) -> CacheControl {
    if asked.request.cache_control.is_none() {
        return CacheControl::default();
    }
    let lines = fields(&asked.head).filter(|(name, _)| name.eq_ignore_ascii_case(b"cache-control"));
    let told = cache_control::parse(lines.map(|(_, value)| value));
    if shard.config().client_directives {
        return told;
    }
    CacheControl { only_if_cached: told.only_if_cached, ..CacheControl::default() }
}

/// What `asked` means to the owner of its key.
pub(crate) fn ask_of(shard: &Shard, asked: &Asked, wants: CacheControl) -> Box<Ask> {
    ask_for(shard, asked, asked.name(), asked.field(asked.request.range), wants)
}

/// As [`ask_of`], had `asked` been for `range` of `name`.
pub(crate) fn ask_for(
    shard: &Shard,
    asked: &Asked,
    name: &[u8],
    range: Option<&[u8]>,
    wants: CacheControl,
) -> Box<Ask> {
    let is_token = |text: &[u8]| shard.tokens.borrow().is_token(text);
    let forwarded = forward(b"GET", name, &asked.head, &shard.config().upstream, Purpose::Fetch, Sized::None, is_token);
    let key = shard.seed.key(name);
    Box::new(Ask {
        key,
        at: key,
        selecting: Vec::new(),
        name: name.into(),
        head: forwarded.head,
        authorised: forwarded.authorised,
        cookie: forwarded.cookie,
        slice: range.and_then(slices::first_of),
        informed: None,
        forced: false,
        hold: None,
        ahead: false,
        only_if_cached: asked.request.method == Method::Head || wants.only_if_cached,
        reach: if asked.fellow.is_hop { Reach::Shield } else { Reach::Tier },
        wants,
    })
}

/// Asks the owner, here or by mail, and takes a lease on what another shard gives.
pub(crate) async fn ask(shard: &Rc<Shard>, conn: &mut Conn, asked: &Asked) -> Result<Answer, Gone> {
    let key = shard.seed.key(asked.name());
    let owner = shard.owner(key);
    let wants = wants(shard, asked);
    if owner != shard.id
        && wants == CacheControl::default()
        && let Some(answer) = leased(shard, asked, key)
    {
        return Ok(answer);
    }
    if wants.no_store {
        // Nothing that this request brings may be kept (RFC 9111 section 5.2.1.5).
        return Ok(Answer::Pass);
    }
    let (informed, mut interim) = interim::way(asked);
    let is_held = hls::delivery(asked.name()) == Delivery::Held;
    let hold = is_held.then(|| shard.playlists.borrow().hold(asked.name()));
    let ask = Box::new(Ask { informed, hold, ..*ask_of(shard, asked, wants) });
    let (reply, answer) = oneshot::channel();
    if owner == shard.id {
        at_owner(shard, ask, reply);
    } else {
        shard.counters.asks.add(1);
        if !shard.peers[owner].send(Mail::Ask(ask, reply)).await {
            return Ok(Answer::Refuse(Refusal::Draining));
        }
    }
    let answer = interim::until(shard, conn, asked, &mut interim, answer).await?;
    let answer = answer.unwrap_or(Answer::Refuse(Refusal::Draining));
    if let Answer::Object { object, marker, .. } = &answer
        && owner != shard.id
        && (object.key == key || marker.is_some())
        && object.meta.freshness.is_some()
        // One that passed by is whole as well, and has no body for anyone else.
        && object.is_here()
        && !object.is_dead()
    {
        let mut front = shard.front.borrow_mut();
        front.lease(object);
        marker.iter().for_each(|marker| front.lease(marker));
    }
    Ok(answer)
}

/// A leased object that may be used without asking.
fn leased(shard: &Shard, asked: &Asked, key: cache::Key) -> Option<Answer> {
    let mut front = shard.front.borrow_mut();
    let (at, selecting) = variant::of(shard, front.get(key)?, asked.name(), &asked.head);
    let object = front.get(at)?;
    let fresh = object.meta.freshness.is_some_and(|f| f.at(asked.now_ms) == Use::Fresh);
    let fresh = fresh && !shard.is_purged(object) && !object.meta.purged.is_soft();
    (fresh && object.meta.is_for(asked.name(), &selecting)).then(|| Answer::Object {
        object: object.clone(),
        first: None,
        marker: None,
        how: How::Hit,
    })
}

/// Answers a request for a key this shard owns, now or when its fetch lands.
pub(crate) fn at_owner(shard: &Rc<Shard>, ask: Box<Ask>, reply: oneshot::Sender<Answer>) {
    at_owner_as(shard, ask, reply, How::Hit);
}

/// As [`at_owner`]; a fresh answer that is there came about by `hit`.
pub(crate) fn at_owner_as(shard: &Rc<Shard>, mut ask: Box<Ask>, reply: oneshot::Sender<Answer>, hit: How) {
    let now_ms = rt::now();
    variant::select(shard, &mut ask);
    match found(shard, &ask) {
        Some((object, _)) if !object.meta.is_for(&ask.name, &ask.selecting) => {
            // Two names, one key: the one that is kept stays, the other is passed through.
            let _ = reply.send(Answer::Pass);
        }
        Some((object, first)) => serve_found(shard, ask, reply, object, first, (now_ms, hit)),
        None if ask.only_if_cached && !shard.disk.holds(ask.at) => {
            let _ = reply.send(Answer::Refuse(Refusal::OnlyIfCached));
        }
        None if shard.is_passing(ask.at, now_ms) => {
            let _ = reply.send(Answer::Pass);
        }
        None => flight::join(shard, ask, None, Some(reply)),
    }
}

/// An answer that was passed through could have been kept: its key is no longer passed by.
pub(crate) fn is_keepable(shard: &Shard, mut ask: Box<Ask>) {
    variant::select(shard, &mut ask);
    shard.passing.borrow_mut().remove(&ask.at);
}

fn found(shard: &Shard, ask: &Ask) -> Option<(Arc<Object>, Option<Arc<Chunk>>)> {
    let mut ram = shard.ram.borrow_mut();
    let found = ram.get(ask.at)?;
    if shard.is_purged(found.object) {
        drop(ram);
        shard.counters.purged.add(1);
        shard.forget(ask.at);
        return None;
    }
    Some((found.object.clone(), found.first.cloned()))
}

fn serve_found(
    shard: &Rc<Shard>,
    mut ask: Box<Ask>,
    reply: oneshot::Sender<Answer>,
    object: Arc<Object>,
    first: Option<Arc<Chunk>>,
    (now_ms, hit): (u64, How),
) {
    let filling = object.state() == State::Filling;
    let marker = if ask.at == ask.key { None } else { shard.ram.borrow().peek(ask.key).cloned() };
    // It was fetched once: it comes from the disk.
    let from_disk = filling && object.is_below();
    let freshness = object.meta.freshness;
    let is_soft = object.meta.purged.is_soft();
    let how = match freshness.map_or(Use::Stale, |f| usable(&f, &ask.wants, now_ms)) {
        // The same body again, or another: only the origin knows.
        Use::Fresh | Use::Wanted | Use::WhileRevalidating if is_soft && !filling => {
            return flight::join(shard, ask, Some(object), Some(reply));
        }
        Use::Fresh if from_disk => How::DiskHit,
        // For one client it is not fresh enough, and it cannot be confirmed before it is whole.
        _ if from_disk => {
            let _ = reply.send(Answer::Pass);
            return;
        }
        // What is still arriving is as new as it gets: joining it is one request, not a stale answer.
        _ if filling => How::Joined,
        Use::Fresh => {
            shard.disk.offer(shard, &object, now_ms);
            hit
        }
        Use::Wanted => How::StaleWanted,
        Use::WhileRevalidating => {
            flight::join(shard, ask, Some(object.clone()), None);
            How::Stale
        }
        Use::Stale if ask.only_if_cached => {
            let _ = reply.send(Answer::Refuse(Refusal::OnlyIfCached));
            return;
        }
        Use::Stale => {
            ask.forced = freshness.is_some_and(|f| f.at(now_ms) == Use::Fresh);
            return flight::join(shard, ask, Some(object), Some(reply));
        }
    };
    let _ = reply.send(Answer::Object { object, first, marker, how });
}

/// How usable what is kept is for a client that asks for this (RFC 9111 section 5.2.1).
fn usable(freshness: &Freshness, wants: &CacheControl, now_ms: u64) -> Use {
    let too_old = wants.max_age.is_some_and(|seconds| freshness.age(now_ms) > seconds);
    let too_short = wants.min_fresh.is_some_and(|seconds| now_ms + seconds * 1000 >= freshness.fresh_until_ms);
    if wants.no_cache || too_old || too_short {
        return Use::Stale;
    }
    let stale_until_ms = freshness.fresh_until_ms + wants.max_stale.unwrap_or(0) * 1000;
    match freshness.at(now_ms) {
        Use::Stale if !freshness.never_stale && now_ms < stale_until_ms => Use::Wanted,
        usable => usable,
    }
}
