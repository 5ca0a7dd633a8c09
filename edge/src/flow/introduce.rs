//! Who it is that asks: the address that connected, or whom a trusted proxy names, by a PROXY header or field by field.

use std::rc::Rc;

use crate::door::{Door, told};
use crate::flow::accept::{Conn, receive};
use crate::http::proxy_protocol::{self, Told};
use crate::http::request::Request;
use crate::limits::RECV_BYTES;
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::line::Waits;

/// Before the first request: reads the PROXY header of a trusted proxy, and counts the connection for its address. Bytes like those
/// of a PROXY header from anyone else are a malformed request.
pub(crate) async fn first(shard: &Rc<Shard>, conn: &mut Conn) -> Result<(), Refusal> {
    let config = &shard.config();
    if !config.trusted_proxies.is_empty() && Door::trusts(config, conn.peer) {
        if config.proxy_protocol {
            // Boxed: a connection should not pay for it afterwards.
            Box::pin(header(shard, conn)).await?;
        }
        // What is left may be a trusted proxy as well, when one names another.
        if Door::trusts(config, conn.peer) {
            conn.proxy = Some(conn.peer);
            return Ok(());
        }
    }
    let seat = shard.door.enter(conn.peer, rt::now()).map_err(|_| Refusal::AddressConnections)?;
    conn.seat = seat.map(Rc::new);
    Ok(())
}

/// Before each request, where requests are counted or a proxy speaks for others. False: its client has asked for too much.
///
/// A trusted proxy's own requests are not counted, and neither are its connections: they are those of many.
pub(crate) fn again(shard: &Shard, conn: &mut Conn, request: &Request, now_ms: u64) -> bool {
    let Some(proxy) = conn.proxy else { return shard.door.admits(conn.seat.as_deref(), now_ms) };
    let head = &conn.input[conn.at..conn.at + request.head_len];
    let config = shard.config();
    let client = told::client(head, config.trusted_field, &config.trusted_proxies);
    conn.peer = client.unwrap_or(proxy);
    !shard.door.counts_requests() || client.is_none_or(|client| shard.door.admits_told(client, now_ms))
}

/// Reads the PROXY header; what came behind it is the first request's.
async fn header(shard: &Rc<Shard>, conn: &mut Conn) -> Result<(), Refusal> {
    // As idle: a drain need not wait for someone who has not asked for anything yet.
    conn.line.due(rt::now() + shard.config().limits.header.as_millis() as u64, Waits::Idle);
    loop {
        if conn.input.capacity() - conn.input.len() < RECV_BYTES / 2 {
            conn.input.reserve(RECV_BYTES);
        }
        if !matches!(receive(conn).await, Ok(count) if count > 0) {
            return Err(Refusal::ProxyHeader);
        }
        match proxy_protocol::parse(&conn.input) {
            Ok(Told::Partial) => {}
            Ok(Told::Header { len, client }) => {
                conn.line.not_due();
                conn.at = len;
                conn.peer = client.unwrap_or(conn.peer);
                return Ok(());
            }
            Err(error) => {
                tracing::debug!(peer = %conn.peer, %error, "a trusted proxy's connection is closed");
                return Err(Refusal::ProxyHeader);
            }
        }
    }
}
