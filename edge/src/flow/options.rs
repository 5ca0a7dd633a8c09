//! OPTIONS that the edge answers itself: CORS preflights (Fetch standard section 4.8) for reads, since any page may play what is served
//! here, and requests that may make no more hops.

use crate::flow::After;
use crate::flow::accept::{Asked, Conn};
use crate::flow::head::end;
use crate::http::request::{Framing, Method};
use crate::shard::Shard;

/// Whether the edge answers it: a preflight of a GET or HEAD. Any other is the origin's.
pub(crate) fn is_preflight(asked: &Asked) -> bool {
    asked.request.method == Method::Options
        && asked.request.framing == Framing::None
        && asked.field(asked.request.preflight_method).is_some_and(|method| method == b"GET" || method == b"HEAD")
}

/// Allows it.
pub(crate) fn preflight(shard: &Shard, conn: &mut Conn, asked: &Asked) -> After {
    let after = conn.after(shard, &asked.request);
    let before = conn.out.len();
    conn.out.extend_from_slice(
        b"HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n\
          Access-Control-Allow-Headers: Authorization, Range, If-None-Match, If-Modified-Since, *\r\n\
          Access-Control-Max-Age: 86400\r\nCache-Status: streamgate; detail=preflight",
    );
    end(&mut conn.out, &conn.hsts, &asked.request, after);
    conn.answered = (conn.out.len() - before) as u64;
    shard.record(conn, asked, 204, "preflight", "");
    after
}

/// Answers an OPTIONS that may make no more hops (RFC 9110 section 9.3.7).
pub(crate) fn capabilities(shard: &Shard, conn: &mut Conn, asked: &Asked) -> After {
    let after = conn.after(shard, &asked.request);
    let before = conn.out.len();
    conn.out.extend_from_slice(
        b"HTTP/1.1 204 No Content\r\nAllow: GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE\r\nCache-Status: streamgate; detail=max-forwards",
    );
    end(&mut conn.out, &conn.hsts, &asked.request, after);
    conn.answered = (conn.out.len() - before) as u64;
    shard.record(conn, asked, 204, "preflight", "");
    after
}
