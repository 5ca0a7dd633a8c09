//! A request turned down: a named reason, a problem document (RFC 9457), never cached.

use crate::flow::After;
use crate::flow::accept::{Asked, Conn, sends_body};
use crate::flow::head::{end, end_of_connection};
use crate::http::request::Framing;
use crate::refusal::{Refusal, phrase};
use crate::shard::Shard;
use crate::stored::{push_number, status_line};

/// Turns `asked` down.
pub(crate) fn send(shard: &Shard, conn: &mut Conn, asked: &Asked, refusal: Refusal) -> After {
    shard.counters.refused(refusal);
    // A body that was not read would be taken for the next request.
    let unread = asked.request.framing != Framing::None;
    let after = if unread { After::Close } else { conn.after(shard, &asked.request) };
    let before = conn.out.len();
    let body = write(conn, refusal);
    end(&mut conn.out, &conn.hsts, &asked.request, after);
    if sends_body(&asked.request) {
        conn.out.extend_from_slice(body.as_bytes());
    }
    conn.answered = (conn.out.len() - before) as u64;
    shard.record(conn, asked, refusal.status(), "refused", refusal.word());
    after
}

/// Turns down what could not be read as a request; the connection ends.
pub(crate) fn unparsed(shard: &Shard, conn: &mut Conn, refusal: Refusal) {
    shard.counters.refused(refusal);
    let body = write(conn, refusal);
    end_of_connection(&mut conn.out, &conn.hsts);
    conn.out.extend_from_slice(body.as_bytes());
}

/// Writes the head but for its end, and says the body.
fn write(conn: &mut Conn, refusal: Refusal) -> String {
    let status = refusal.status();
    let body = serde_json::json!({
        "type": "about:blank", "title": phrase(status), "status": status, "code": refusal.word(), "detail": refusal.detail(),
    })
    .to_string();
    let out = &mut conn.out;
    status_line(out, status);
    out.extend_from_slice(b"Content-Type: application/problem+json\r\nCache-Control: no-store\r\n");
    out.extend_from_slice(
        b"Access-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: Cache-Status, StreamGate-Refusal\r\n",
    );
    if status == 405 {
        out.extend_from_slice(b"Allow: GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE\r\n");
    }
    if refusal == Refusal::AddressRate {
        // A bound is one request a second at least, so that the next one is never further away.
        out.extend_from_slice(b"Retry-After: 1\r\n");
    }
    out.extend_from_slice(b"Content-Length: ");
    push_number(out, body.len() as u64);
    for part in ["\r\nStreamGate-Refusal: ", refusal.word(), "\r\nCache-Status: streamgate; detail=", refusal.word()] {
        out.extend_from_slice(part.as_bytes());
    }
    body
}
