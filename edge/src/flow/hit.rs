//! The short way: a fresh object that is whole in this shard's memory, or leased by it. No lock; for a small one no wait and no allocation.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use cache::Slice;

use crate::flow::After;
use crate::flow::accept::{Conn, Gone, sends_body};
use crate::flow::head::{Shape, write_head};
use crate::flow::{ahead, send, variant};
use crate::gate::Pass;
use crate::gate::conditions::Viewer;
use crate::http::freshness::Use;
use crate::http::request::{Framing, Method, Request};
use crate::http::target;
use crate::limits::{COPY_BODY_BYTES_MAX, SEND_BYTES_MAX};
use crate::media::{
    self,
    cmcd::{self, Cmcd},
};
use crate::rt::Piece;
use crate::shard::Shard;
use crate::shard::access::{Record, trace};
use crate::shard::mail::How;
use crate::stored::Object;
use crate::upstream::request::{bearer, token_cookie};

/// The token of `/p/<token>/...` and the target without it.
pub(crate) fn split(target: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(rest) = target.strip_prefix(b"/p/") else { return (None, target) };
    match rest.iter().position(|b| *b == b'/') {
        Some(at) if at > 0 => (Some(&rest[..at]), &rest[at..]),
        _ => (None, target),
    }
}

/// What the short way has made of a request.
pub(crate) enum Quick {
    /// The answer is in `conn.out`, and the request is to be taken out of the input.
    Said(After),
    /// The head is in `conn.out`; the body is too large to be copied behind it, and is for [`send`].
    Body(Box<Large>),
}

/// A body that leaves straight out of cache memory.
pub(crate) struct Large {
    /// Held until it is sent: memory counts as used so long.
    object: Arc<Object>,
    after: After,
    now_ms: u64,
    cmcd: Option<Box<Cmcd>>,
}

/// Answers when the short way suffices. `None`: take the long one.
pub(crate) fn quick(shard: &Shard, conn: &mut Conn, request: &Request, now_ms: u64) -> Option<Quick> {
    let is_read = matches!(request.method, Method::Get | Method::Head);
    if !is_read || !request.plain || request.framing != Framing::None {
        return None;
    }
    let head = &conn.input[conn.at..conn.at + request.head_len];
    let (token, name) = split(request.target.of_buffer(head));
    let (Cow::Borrowed(name), argument) = cmcd::bare(name) else { return None };
    let key = shard.seed.key(name);
    let mut ram;
    let mut front;
    let (at, selecting);
    let object: &Arc<Object> = if shard.owner(key) == shard.id {
        ram = shard.ram.borrow_mut();
        (at, selecting) = variant::of(shard, ram.peek(key)?, name, head);
        let object = ram.get(at)?.object;
        shard.disk.offer(shard, object, now_ms);
        object
    } else {
        front = shard.front.borrow_mut();
        (at, selecting) = variant::of(shard, front.get(key)?, name, head);
        front.get(at)?
    };
    let stored = &object.meta;
    let freshness = stored.freshness.as_ref().filter(|f| f.at(now_ms) == Use::Fresh)?;
    let length = object.chunks().and_then(|_| object.length()).filter(|length| *length <= SEND_BYTES_MAX as u64)?;
    if !stored.is_for(name, &selecting) || stored.sliced.is_some() || shard.is_purged(object) || stored.purged.is_soft()
    {
        return None;
    }
    if (stored.gated || token.is_some()) && !is_open(shard, conn, request, token, name, now_ms) {
        return None;
    }
    let is_said = request.cmcd || argument.is_some();
    if ahead::is_due(shard, name, is_said, now_ms) {
        return None;
    }
    stored.asked(&shard.counters);
    let after = conn.after(shard, request);
    let shape = Shape {
        length: stored.has_body().then_some(length),
        age: Some(freshness.age(now_ms)),
        cmsd: send::cmsd(shard, conn, object, name),
        ..Shape::whole(How::Hit)
    };
    let before = conn.out.len();
    write_head(&mut conn.out, &conn.hsts, stored, &shape, request, after);
    shard.counters.hits.add(1);
    let cmcd = if is_said { media::listen(shard, head, argument) } else { None };
    if sends_body(request) {
        match object.single().filter(|body| body.len() <= COPY_BODY_BYTES_MAX) {
            Some(body) => conn.out.extend_from_slice(body),
            None => {
                conn.answered = (conn.out.len() - before) as u64;
                conn.cut = false;
                return Some(Quick::Body(Box::new(Large { object: object.clone(), after, now_ms, cmcd })));
            }
        }
    }
    let bytes = (conn.out.len() - before) as u64;
    record(shard, conn, request, &Sent { status: stored.status, bytes, now_ms, cmcd, cut: false, began: None });
    Some(Quick::Said(after))
}

/// Sends the body of what [`quick`] has begun to answer, with all that waits before it.
pub(crate) async fn send(shard: &Rc<Shard>, conn: &mut Conn, request: &Request, large: Large) -> Result<After, Gone> {
    let Large { object, after, now_ms, cmcd } = large;
    let chunks = object.chunks().unwrap_or_default();
    let mut total = conn.out.len() as u64;
    let mut pieces = Vec::with_capacity(1 + chunks.len());
    pieces.push(Piece::Made(std::mem::take(&mut conn.out)));
    for chunk in chunks {
        let slice = Slice::new(chunk.clone(), 0, u32::MAX);
        total += slice.len() as u64;
        conn.answered += slice.len() as u64;
        pieces.push(Piece::Body(slice));
    }
    let result = send::send_pieces(shard, conn, pieces, total).await;
    let (status, began) = (object.meta.status, Some(conn.asked.0));
    record(shard, conn, request, &Sent { status, bytes: conn.answered, now_ms, cmcd, cut: result.is_err(), began });
    conn.at += request.head_len;
    result.map(|()| after)
}

/// What the record of a request says of its answer.
struct Sent {
    status: u16,
    bytes: u64,
    now_ms: u64,
    cmcd: Option<Box<Cmcd>>,
    cut: bool,
    /// `None`: it takes no time that could be told.
    began: Option<Instant>,
}

/// Writes the access record of a request that is still in the input.
fn record(shard: &Shard, conn: &Conn, request: &Request, sent: &Sent) {
    let mut access = shard.access.borrow_mut();
    if !access.wants() {
        return;
    }
    let head = &conn.input[conn.at..conn.at + request.head_len];
    let (token, name) = split(request.target.of_buffer(head));
    let lost = access.push(&Record {
        time_ms: sent.now_ms,
        peer: conn.peer,
        version: request.version,
        method: request.method_word.of_buffer(head),
        target: &cmcd::bare(name).0,
        status: sent.status,
        cache: How::Hit.word(),
        refusal: "",
        bytes: sent.bytes,
        micros: sent.began.map_or(0, |began| u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)),
        token: token.is_some(),
        cut: sent.cut,
        cmcd: &sent.cmcd.as_ref().map(|cmcd| cmcd.to_json()).unwrap_or_default(),
        trace: trace(head),
    });
    shard.counters.log_lost.add(lost);
}

fn is_open(shard: &Shard, conn: &Conn, request: &Request, token: Option<&[u8]>, name: &[u8], now_ms: u64) -> bool {
    let head = &conn.input[conn.at..conn.at + request.head_len];
    let in_header = || bearer(request.authorization?.of_buffer(head));
    let in_cookie = || token_cookie(request.cookie?.of_buffer(head));
    let Some(token) = token.or_else(in_header).or_else(in_cookie) else { return false };
    let viewer = Viewer { address: conn.peer.ip(), head };
    shard.tokens.borrow_mut().check(token, target::path(name), now_ms, &viewer) == Pass::Valid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_cut_out_of_the_path() {
        assert_eq!(split(b"/p/tok/v/a/1.m4s?x"), (Some(&b"tok"[..]), &b"/v/a/1.m4s?x"[..]));
        assert_eq!(split(b"/v/a/1.m4s"), (None, &b"/v/a/1.m4s"[..]));
        assert_eq!(split(b"/p//v"), (None, &b"/p//v"[..]));
        assert_eq!(split(b"/p/tok"), (None, &b"/p/tok"[..]));
    }
}
