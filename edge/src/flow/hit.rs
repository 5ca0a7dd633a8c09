//! The short way: a fresh, small object in this shard's memory, or leased by it. No wait, no allocation, no lock.

use std::borrow::Cow;

use crate::flow::After;
use crate::flow::accept::{Conn, sends_body};
use crate::flow::head::{Shape, write_head};
use crate::flow::{ahead, send, variant};
use crate::gate::Pass;
use crate::http::freshness::Use;
use crate::http::request::{Framing, Method, Request};
use crate::http::target;
use crate::limits::COPY_BODY_BYTES_MAX;
use crate::media::{self, cmcd};
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

/// Answers into `conn.out` when the short way suffices. `None`: take the long one.
pub(crate) fn quick(shard: &Shard, conn: &mut Conn, request: &Request, now_ms: u64) -> Option<After> {
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
    let object: &Object = if shard.owner(key) == shard.id {
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
    let body = object.single().filter(|body| body.len() <= COPY_BODY_BYTES_MAX)?;
    if !stored.is_for(name, &selecting) || stored.sliced.is_some() || shard.is_purged(object) || stored.purged.is_soft()
    {
        return None;
    }
    if (stored.gated || token.is_some()) && !is_open(shard, request, head, token, name, now_ms) {
        return None;
    }
    let is_said = request.cmcd || argument.is_some();
    if ahead::is_due(shard, name, is_said, now_ms) {
        return None;
    }
    stored.asked(&shard.counters);
    let after = conn.after(shard, request);
    let shape = Shape {
        length: stored.has_body().then_some(body.len() as u64),
        age: Some(freshness.age(now_ms)),
        cmsd: send::cmsd(shard, conn, object, name),
        ..Shape::whole(How::Hit)
    };
    let before = conn.out.len();
    write_head(&mut conn.out, &conn.hsts, stored, &shape, request, after);
    if sends_body(request) {
        conn.out.extend_from_slice(body);
    }
    shard.counters.hits.add(1);
    let cmcd = if is_said { media::listen(shard, head, argument) } else { None };
    let mut access = shard.access.borrow_mut();
    if access.wants() {
        let lost = access.push(&Record {
            time_ms: now_ms,
            peer: conn.peer,
            version: request.version,
            method: request.method_word.of_buffer(head),
            target: name,
            status: stored.status,
            cache: How::Hit.word(),
            refusal: "",
            bytes: (conn.out.len() - before) as u64,
            micros: 0,
            token: token.is_some(),
            cut: false,
            cmcd: &cmcd.map(|cmcd| cmcd.to_json()).unwrap_or_default(),
            trace: trace(head),
        });
        shard.counters.log_lost.add(lost);
    }
    Some(after)
}

fn is_open(shard: &Shard, request: &Request, head: &[u8], token: Option<&[u8]>, name: &[u8], now_ms: u64) -> bool {
    let in_header = || bearer(request.authorization?.of_buffer(head));
    let in_cookie = || token_cookie(request.cookie?.of_buffer(head));
    let Some(token) = token.or_else(in_header).or_else(in_cookie) else { return false };
    shard.tokens.borrow_mut().check(token, target::path(name), now_ms) == Pass::Valid
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
