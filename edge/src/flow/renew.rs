//! A stored answer under a new head: what a 304 or the answer to a HEAD says of it (RFC 9111 sections 4.3.4 and 4.3.5).

use std::rc::Rc;
use std::sync::Arc;

use cache::State;

use crate::flow::{compress, variant};
use crate::http::conditional;
use crate::http::freshness::{Exchange, judge};
use crate::http::request::number;
use crate::http::response::Response;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::Ask;
use crate::stored::{Object, Stored, length_of};

/// What `response` makes of a stored answer.
pub(crate) enum Renewed {
    /// The old body under a new head.
    Kept(Arc<Object>),
    /// The same, for the one who asked: it may no longer be kept.
    Once(Arc<Object>),
    /// It is about something else.
    Other,
}

/// The old body under the head that `response` makes of the old one.
pub(crate) fn by_response(shard: &Shard, old: &Object, response: &Response, facts: Exchange) -> Renewed {
    old.meta.asked(&shard.counters);
    if !conditional::is_same(old.meta.validators(), response) {
        return Renewed::Other;
    }
    let Some(merged) = old.meta.updated_by(response) else { return Renewed::Other };
    let merged = compress::varying(shard, merged);
    let freshness = judge(&merged, facts, shard.config().defaults.into()).ok();
    let date = shard.date(rt::now());
    let mut meta = Stored::new(&old.meta.name, &old.meta.selecting, &merged, freshness, &date);
    meta.sliced = old.meta.sliced;
    match Object::over(old, meta).map(Arc::new) {
        Some(renewed) if freshness.is_some() => Renewed::Kept(renewed),
        Some(renewed) => Renewed::Once(renewed),
        None => Renewed::Other,
    }
}

/// Puts a renewed object in the place of the old one.
pub(crate) fn keep(shard: &Shard, renewed: &Arc<Object>) {
    let body = renewed.chunks().iter().flat_map(|c| c.iter()).map(|c| u64::from(c.capacity())).sum::<u64>();
    // Full means that the answer is given and not kept.
    let _ = shard.ram.borrow_mut().put(renewed.clone(), renewed.meta.cost() + body);
    if shard.disk.forget(renewed.key) {
        // It was worth its place with the old head.
        shard.disk.offer(shard, renewed, rt::now());
    }
}

/// An origin answered a HEAD: what is stored for the same request is updated when it is the same thing, and else no longer used.
pub(crate) fn by_head(shard: &Rc<Shard>, mut ask: Box<Ask>, response: &Response, facts: Exchange) {
    if response.status != 200 {
        return;
    }
    variant::select(shard, &mut ask);
    let found = shard.ram.borrow().peek(ask.at).cloned();
    let Some(old) = found.filter(|old| old.meta.is_for(&ask.name, &ask.selecting) && old.state() == State::Whole)
    else {
        return;
    };
    if old.meta.status != 200 {
        return;
    }
    let length = response.first("content-length").and_then(number);
    let same_length = length.is_none_or(|length| length_of(&old) == Some(length));
    match by_response(shard, &old, response, facts) {
        Renewed::Kept(renewed) if same_length => keep(shard, &renewed),
        _ => shard.forget(ask.at),
    }
}
