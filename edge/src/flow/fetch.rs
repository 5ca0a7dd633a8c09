//! One fetch from the origin on behalf of everyone who asks: what its answer's head means for what is kept.

use std::rc::Rc;
use std::sync::Arc;

use crate::flow::fill::{self, Fill};
use crate::flow::flight::land;
use crate::http::freshness::{Freshness, Unkept, judge};
use crate::http::response::{Framing, Response};
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{Answer, Ask, How};
use crate::stored::{Object, Stored};
use crate::upstream::{Body, Exchanged, exchange, give_back};

/// A fetch has no body.
pub(crate) struct NoBody;

impl Body for NoBody {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }
}

/// Fetches, answers who waits, and fills.
pub(crate) async fn fly(shard: &Rc<Shard>, ask: Box<Ask>, old: Option<Arc<Object>>) {
    let mut head = ask.head.clone();
    if let Some(old) = &old {
        condition(&mut head, &old.meta);
    }
    head.extend_from_slice(b"\r\n");
    let exchanged = exchange::<NoBody>(shard, &head, None, false).await;
    let now_ms = rt::now();
    let stand_in = old.clone().filter(|old| old.meta.freshness.is_some_and(|f| f.covers_error(now_ms)));
    match (exchanged, stand_in, old) {
        (Err(_), Some(old), _) => stale_on_error(shard, &ask, &old),
        (Ok(exchanged), Some(old), _) if exchanged.response.status >= 500 => stale_on_error(shard, &ask, &old),
        (Err(refusal), None, _) => {
            land(shard, ask.key, Answer::Refuse(refusal), || Answer::Refuse(refusal));
        }
        (Ok(exchanged), _, Some(old)) if exchanged.response.status == 304 => {
            confirmed(shard, &ask, old, exchanged, now_ms);
        }
        (Ok(exchanged), _, old) => {
            let replaces = old.is_some();
            drop(old);
            fresh(shard, &ask, replaces, exchanged, now_ms).await;
        }
    }
}

/// Asks only for what has changed.
fn condition(head: &mut Vec<u8>, stored: &Stored) {
    let validators = stored.validators();
    if let Some(etag) = validators.etag {
        for part in [b"If-None-Match: ", etag, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    if let Some(date) = validators.last_modified {
        for part in [b"If-Modified-Since: ", date, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
}

fn stale_on_error(shard: &Shard, ask: &Ask, old: &Arc<Object>) {
    let answer = || Answer::Object { object: old.clone(), first: None, how: How::StaleOnError };
    land(shard, ask.key, answer(), answer);
}

/// The origin says that what is stored is current: a new head over the old body.
fn confirmed(shard: &Rc<Shard>, ask: &Ask, old: Arc<Object>, exchanged: Exchanged, now_ms: u64) {
    let facts = exchanged.facts(ask.authorised, ask.cookie);
    let date = shard.date(now_ms);
    let renewed = old.meta.updated_by(&exchanged.response).and_then(|merged| {
        let freshness = judge(&merged, facts).ok()?;
        let meta = Stored::new(&ask.name, &merged, Some(freshness), &date);
        Object::over(&old, meta)
    });
    give_back(shard, exchanged.origin, now_ms);
    let Some(renewed) = renewed else {
        // It may no longer be kept, or its head no longer reads: the next request fetches it whole.
        shard.ram.borrow_mut().remove(ask.key);
        land(shard, ask.key, Answer::Pass, || Answer::Pass);
        return;
    };
    let renewed = Arc::new(renewed);
    let bytes = renewed.meta.cost()
        + renewed.chunks().iter().flat_map(|c| c.iter()).map(|c| u64::from(c.capacity())).sum::<u64>();
    drop(old);
    // Full means that the answer is given and not kept.
    let _ = shard.ram.borrow_mut().put(renewed.clone(), bytes);
    let answer = || Answer::Object { object: renewed.clone(), first: None, how: How::Revalidated };
    land(shard, ask.key, answer(), answer);
}

/// A new answer: kept and given to everyone, or given to the leader alone.
async fn fresh(shard: &Rc<Shard>, ask: &Ask, replaces: bool, exchanged: Exchanged, now_ms: u64) {
    let verdict = judge(&exchanged.response, exchanged.facts(ask.authorised, ask.cookie));
    let date = shard.date(now_ms);
    let verdict = verdict.and_then(|freshness| may_keep(shard, &exchanged.response, freshness));
    let stored = Stored::new(&ask.name, &exchanged.response, verdict.ok(), &date);
    let arena = shard.arena.as_ref().filter(|_| verdict.is_ok());
    let mut fill = fill::start(ask.key, stored, exchanged, arena);
    if verdict.is_ok() {
        fill.keep(shard);
    }
    let how = match (fill.is_kept(), replaces) {
        (true, true) => How::Replaced,
        (true, false) => How::Miss,
        (false, _) => How::MissUnkept,
    };
    let answer = |how| Answer::Object { object: fill.object.clone(), first: fill.first.clone(), how };
    if fill.is_kept() {
        land(shard, ask.key, answer(how), || answer(How::Joined));
        return fill.run(shard).await;
    }
    if replaces {
        shard.ram.borrow_mut().remove(ask.key);
    }
    if verdict == Err(Unkept::TooLarge) && ask.ranged {
        // A part of something too large to keep: the origin is asked for that part alone.
        shard.set_passing(ask.key, now_ms);
        land(shard, ask.key, Answer::Pass, || Answer::Pass);
        return;
    }
    // An error is nobody's secret: whoever waited shares it. Anything else that cannot be kept is for the leader alone.
    let shared = verdict == Err(Unkept::Status) && fill.object.meta.status >= 500 && !fill.object.meta.gated;
    if !shared {
        shard.set_passing(ask.key, now_ms);
    }
    let led = land(shard, ask.key, answer(how), || if shared { answer(How::Joined) } else { Answer::Pass });
    if led || shared {
        fill.run(shard).await;
    }
}

fn may_keep(shard: &Shard, response: &Response, freshness: Freshness) -> Result<Freshness, Unkept> {
    match response.framing {
        Framing::None => Ok(freshness),
        Framing::Length(n) if n <= shard.object_bytes_max() => Ok(freshness),
        // Larger than a shard should give to one object.
        Framing::Length(_) => Err(Unkept::TooLarge),
        Framing::Chunked => Ok(freshness),
        // The end of the connection may be the end of the body, or a crash: nobody can tell.
        Framing::Close => Err(Unkept::NoLength),
    }
}

/// A fill that nobody keeps, for the one client who asked.
pub(crate) fn unkept(shard: &Shard, key: cache::Key, name: &[u8], exchanged: Exchanged, now_ms: u64) -> Fill {
    let date = shard.date(now_ms);
    let stored = Stored::new(name, &exchanged.response, None, &date);
    fill::start(key, stored, exchanged, None)
}
