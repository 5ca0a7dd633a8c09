//! One fetch from the origin on behalf of everyone who asks: what its answer's head means for what is kept.

use std::rc::Rc;
use std::sync::Arc;

use crate::disk::promote::{Look, Promoted, promote};
use crate::flow::ahead::Unasked;
use crate::flow::compress::compressed;
use crate::flow::fill::{self, Fill};
use crate::flow::flight::{Others, again, is_overtaken, land};
use crate::flow::renew::{self, Renewed};
use crate::flow::slices;
use crate::flow::variant::{self, Place};
use crate::http::fields::{has_member, push_line};
use crate::http::freshness::{Exchange, Freshness, Unkept, judge};
use crate::http::response::{Framing, Response};
use crate::limits::{SLICE_BYTES, WHOLE_BYTES_MAX};
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{Answer, Ask, How};
use crate::stored::{Object, Stored};
use crate::upstream::{self, Body, Call, Exchanged, give_back};

/// A fetch has no body.
pub(crate) struct NoBody;

impl Body for NoBody {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        Ok(None)
    }
}

/// Looks at the disk, fetches, answers who waits, and fills.
pub(crate) async fn fly(shard: &Rc<Shard>, ask: Box<Ask>, old: Option<Arc<Object>>) {
    if old.is_none() && shard.disk.holds(ask.at) {
        if promote(shard, Look::of(&ask)).await == Promoted::Here {
            return again(shard, ask, How::DiskHit);
        }
        if ask.only_if_cached {
            let leader = Answer::Refuse(Refusal::OnlyIfCached);
            land(shard, ask.at, leader, Others::Same(&|| Answer::Pass));
            return;
        }
    }
    let mut head = ask.head.clone();
    match (&old, ask.slice) {
        (Some(old), _) => condition(&mut head, &old.meta),
        (None, Some(index)) => head.extend_from_slice(slices::range_line(index).as_bytes()),
        (None, None) => {}
    }
    head.extend_from_slice(b"\r\n");
    let call = Call { reach: ask.reach, informed: ask.informed.as_ref(), hold: ask.hold, ..Call::new(&head, false) };
    let exchanged = upstream::ask::<NoBody>(shard, call, None).await.map_err(|refusal| late(&ask, refusal));
    let now_ms = rt::now();
    let granted = ask.wants.stale_if_error.unwrap_or(0);
    let stand_in = old.clone().filter(|old| old.meta.freshness.is_some_and(|f| f.covers_error(now_ms, granted)));
    match (exchanged, stand_in, old) {
        (Err(_), Some(old), _) => stale_on_error(shard, &ask, &old),
        (Ok(exchanged), Some(old), _) if matches!(exchanged.response.status, 500 | 502..=504) => {
            stale_on_error(shard, &ask, &old);
        }
        (Err(refusal), None, _) => {
            land(shard, ask.at, Answer::Refuse(refusal), Others::Same(&|| Answer::Refuse(refusal)));
        }
        (Ok(exchanged), _, Some(old)) if exchanged.response.status == 304 => {
            confirmed(shard, &ask, &old, exchanged, now_ms);
        }
        (Ok(exchanged), _, None) if exchanged.response.status == 304 => {
            // Nobody asked whether anything has changed: there is nothing that it could be about.
            let refuse = || Answer::Refuse(Refusal::OriginHead);
            land(shard, ask.at, refuse(), Others::Same(&refuse));
        }
        (Ok(exchanged), _, None) if exchanged.response.status == 206 && ask.slice.is_some() => {
            part(shard, &ask, exchanged, now_ms).await;
        }
        (Ok(exchanged), _, old) => {
            let replaces = old.is_some();
            drop(old);
            let exchanged = compressed(shard, &ask, exchanged).await;
            fresh(shard, &ask, replaces, exchanged, now_ms).await;
        }
    }
}

/// A playlist that was held until the end has not failed.
fn late(ask: &Ask, refusal: Refusal) -> Refusal {
    if ask.hold.is_some() && refusal == Refusal::OriginTimeout { Refusal::PlaylistTimeout } else { refusal }
}

/// Asks only for what has changed.
fn condition(head: &mut Vec<u8>, stored: &Stored) {
    let validators = stored.validators();
    if let Some(etag) = validators.etag {
        push_line(head, b"If-None-Match", etag);
    }
    if let Some(date) = validators.last_modified {
        push_line(head, b"If-Modified-Since", date);
    }
}

fn stale_on_error(shard: &Rc<Shard>, ask: &Ask, old: &Arc<Object>) {
    let answer = || Answer::Object { object: old.clone(), first: None, marker: None, how: How::StaleOnError };
    land(shard, ask.at, answer(), Others::Same(&answer));
}

/// The origin says that what is stored is current: a new head over the old body.
fn confirmed(shard: &Rc<Shard>, ask: &Ask, old: &Arc<Object>, exchanged: Exchanged, now_ms: u64) {
    let facts = exchanged.facts(ask.authorised, ask.cookie);
    let renewed = renew::by_response(shard, old, &exchanged.response, facts);
    give_back(shard, exchanged.origin, now_ms);
    let how = if ask.forced { How::ConfirmedOnRequest } else { How::Revalidated };
    let answer = |object: &Arc<Object>| Answer::Object { object: object.clone(), first: None, marker: None, how };
    match renewed {
        Renewed::Kept(renewed) => {
            if !is_overtaken(shard, ask.at) {
                renew::keep(shard, &renewed);
            }
            land(shard, ask.at, answer(&renewed), Others::Same(&|| answer(&renewed)));
        }
        Renewed::Once(renewed) => {
            shard.forget(ask.at);
            land(shard, ask.at, answer(&renewed), Others::Same(&|| Answer::Pass));
        }
        Renewed::Other => {
            shard.forget(ask.at);
            land(shard, ask.at, Answer::Pass, Others::Same(&|| Answer::Pass));
        }
    }
}

/// A slice of what is not known yet: the head of the whole is kept beside it, or the whole when that is all there is.
async fn part(shard: &Rc<Shard>, ask: &Ask, mut exchanged: Exchanged, now_ms: u64) {
    let told = ask.slice.and_then(|index| slices::told(&exchanged.response, index));
    let whole = told.and_then(|(part, total)| Some((part, total, exchanged.response.as_whole(total)?)));
    let facts = exchanged.facts(ask.authorised, ask.cookie);
    let (part, total, whole) = match whole {
        Some((part, total, whole)) if part.from == 0 && part.to == total => {
            exchanged.response = whole;
            return fresh(shard, ask, false, exchanged, now_ms).await;
        }
        Some(whole) => whole,
        None => return pass(shard, ask, now_ms),
    };
    let Some(head) = keep_head(shard, ask, &whole, facts, total, now_ms) else { return pass(shard, ask, now_ms) };
    let object = &head.0;
    let (Some(sliced), index) = (object.meta.sliced, part.from / SLICE_BYTES) else { return };
    let (key, selecting) = slices::name_of(shard, object, sliced, index);
    let date = shard.date(now_ms);
    let stored = Stored::new(&ask.name, &selecting, &exchanged.response, object.meta.freshness, &date);
    let mut fill = fill::start(key, stored, exchanged, shard.arena.as_ref());
    fill.resumable(ask.head.clone(), ask.reach, part.from, total);
    fill.keep(shard);
    land_head(shard, ask, &head, How::Miss);
    if fill.is_kept() {
        fill.run_for_disk(shard).await;
    }
}

/// Puts the head of a whole that is kept by slice in its place.
fn keep_head(
    shard: &Shard,
    ask: &Ask,
    whole: &Response,
    facts: Exchange,
    total: u64,
    now_ms: u64,
) -> Option<(Arc<Object>, Place)> {
    let freshness = judge(whole, facts, shard.config().defaults.into()).ok()?;
    if is_overtaken(shard, ask.at) {
        return None;
    }
    let place = variant::settle(shard, ask, whole)?;
    let stored = Stored::new(&ask.name, &place.selecting, whole, Some(freshness), &shard.date(now_ms));
    stored.strong_etag()?;
    let object = Arc::new(slices::head(place.at, stored, total, shard.next_life()));
    shard.disk.forget(place.at);
    shard.ram.borrow_mut().put(object.clone(), object.meta.cost()).ok()?;
    Some((object, place))
}

/// Gives the head of a sliced whole to all who wait: each then asks for the slices it wants.
fn land_head(shard: &Rc<Shard>, ask: &Ask, (object, place): &(Arc<Object>, Place), how: How) {
    let answer = |how| Answer::Object { object: object.clone(), first: None, marker: None, how };
    land(shard, ask.at, answer(how), Others::WhoSuit(place, &|| answer(How::Joined)));
}

/// Everyone asks the origin for themselves.
fn pass(shard: &Rc<Shard>, ask: &Ask, now_ms: u64) {
    shard.set_passing(ask.at, now_ms);
    land(shard, ask.at, Answer::Pass, Others::Same(&|| Answer::Pass));
}

/// A new answer: kept and given to everyone it suits, or given to the leader alone.
async fn fresh(shard: &Rc<Shard>, ask: &Ask, replaces: bool, exchanged: Exchanged, now_ms: u64) {
    let facts = exchanged.facts(ask.authorised, ask.cookie);
    let verdict = judge(&exchanged.response, facts, shard.config().defaults.into());
    let verdict = verdict.and_then(|freshness| may_keep(shard, &exchanged.response, freshness));
    let verdict = verdict.and_then(|freshness| match is_overtaken(shard, ask.at) {
        true => Err(Unkept::Overtaken),
        false => Ok(freshness),
    });
    // An error of the origin is passed on, and what is stored waits for a better word (RFC 9111 section 4.3.3).
    let fails = replaces && exchanged.response.status >= 500;
    if !fails {
        // Whatever becomes of this answer, what is stored is an older one.
        shard.forget(ask.at);
    }
    if let Framing::Length(total) = exchanged.response.framing
        && total > shard.object_bytes_max().min(WHOLE_BYTES_MAX)
    {
        let by_range = exchanged.response.first("accept-ranges").is_some_and(|units| has_member(units, b"bytes"));
        let head = if by_range { keep_head(shard, ask, &exchanged.response, facts, total, now_ms) } else { None };
        match head {
            // The rest of this answer is not read: its connection ends, and the slices come on others.
            Some(head) => return land_head(shard, ask, &head, if replaces { How::Replaced } else { How::Miss }),
            // A part of something too large to keep: the origin is asked for that part alone.
            None if verdict == Err(Unkept::TooLarge) && ask.slice.is_some() => return pass(shard, ask, now_ms),
            None => {}
        }
    }
    let place = if verdict.is_ok() { variant::settle(shard, ask, &exchanged.response) } else { None };
    let is_placed = place.is_some();
    let place = place.unwrap_or_else(|| Place::unkept(ask));
    let status = exchanged.response.status;
    let date = shard.date(now_ms);
    let freshness = verdict.ok().filter(|_| is_placed);
    let mut stored = Stored::new(&ask.name, &place.selecting, &exchanged.response, freshness, &date);
    if ask.ahead && status == 200 {
        stored.unasked = Some(Unasked::new(&shard.counters));
    }
    let arena = shard.arena.as_ref().filter(|_| is_placed);
    let mut fill = fill::start(place.at, stored, exchanged, arena);
    if is_placed {
        fill.resumable(ask.head.clone(), ask.reach, 0, fill.object.length().unwrap_or(0));
        shard.disk.forget(place.at);
        fill.keep(shard);
    }
    let how = match (fill.is_kept(), replaces) {
        (true, true) if ask.forced => How::ReplacedOnRequest,
        (true, true) => How::Replaced,
        (true, false) if ask.at != ask.key => How::MissVariant,
        (true, false) => How::Miss,
        (false, _) => How::MissUnkept,
    };
    let answer = |how| Answer::Object { object: fill.object.clone(), first: fill.first.clone(), marker: None, how };
    let joined = || answer(How::Joined);
    if fill.is_kept() {
        land(shard, ask.at, answer(how), Others::WhoSuit(&place, &joined));
        return fill.run_for_disk(shard).await;
    }
    // An error is nobody's secret: whoever waited shares it. Anything else that cannot be kept is for the leader alone.
    let shared =
        matches!(verdict, Err(Unkept::Status | Unkept::NoLifetime)) && status >= 500 && !fill.object.meta.gated;
    if !shared && !fails {
        shard.set_passing(ask.at, now_ms);
    }
    let pass = || Answer::Pass;
    let led = land(shard, ask.at, answer(how), Others::Same(if shared { &joined } else { &pass }));
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
        // A body that ends with its connection is whole when the connection ends in good order (RFC 9112 section 8).
        Framing::Chunked | Framing::Close => Ok(freshness),
    }
}

/// A fill that nobody keeps, for the one client who asked.
pub(crate) fn unkept(shard: &Shard, key: cache::Key, name: &[u8], exchanged: Exchanged, now_ms: u64) -> Fill {
    let date = shard.date(now_ms);
    let stored = Stored::new(name, b"", &exchanged.response, None, &date);
    fill::start(key, stored, exchanged, None)
}
