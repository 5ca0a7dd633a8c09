//! One request to the origin, up to the head of its answer.

use std::rc::Rc;

use super::pool::{self, Origin};
use crate::http::freshness::Exchange;
use crate::http::response::{self, Response};
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::line::Waits;

/// An answer whose head is here; its body follows on the connection.
pub(crate) struct Exchanged {
    pub(crate) response: Response,
    pub(crate) origin: Origin,
    pub(crate) sent_ms: u64,
    pub(crate) received_ms: u64,
}

impl Exchanged {
    /// The facts that freshness depends on.
    pub(crate) fn facts(&self, authorised: bool, cookie: bool) -> Exchange {
        Exchange { sent_ms: self.sent_ms, received_ms: self.received_ms, authorised, cookie }
    }
}

/// A request body on its way through: the next piece, already framed as the origin expects it.
pub(crate) trait Body {
    /// `Ok(None)`: the body has ended.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal>;
}

/// Sends `head` (whole) and `body`, and reads the answer's head. A request without body that finds a kept connection closed is
/// sent once more on a new one.
pub(crate) async fn exchange<B: Body>(
    shard: &Rc<Shard>,
    head: &[u8],
    mut body: Option<&mut B>,
    to_head: bool,
) -> Result<Exchanged, Refusal> {
    shard.counters.fetches.add(1);
    let pooled = shard.pool.borrow_mut().take();
    if let Some(mut origin) = pooled {
        let sent_ms = rt::now();
        match attempt::<B>(shard, &mut origin, head, body.as_deref_mut(), to_head).await {
            Ok(response) => return Ok(Exchanged { response, origin, sent_ms, received_ms: rt::now() }),
            // Closed before a byte of the answer came: the origin had not seen the request, or let go of an idle connection.
            Err(Refusal::OriginClosed) if body.is_none() && origin.buffer.is_empty() => {}
            Err(refusal) => return Err(refusal),
        }
    }
    let mut origin = pool::connect(shard).await?;
    let sent_ms = rt::now();
    let response = attempt(shard, &mut origin, head, body, to_head).await?;
    Ok(Exchanged { response, origin, sent_ms, received_ms: rt::now() })
}

async fn attempt<B: Body>(
    shard: &Rc<Shard>,
    origin: &mut Origin,
    head: &[u8],
    body: Option<&mut B>,
    to_head: bool,
) -> Result<Response, Refusal> {
    let wait_ms = shard.config.limits.origin_read.as_millis() as u64;
    origin.line.due(rt::now() + wait_ms, Waits::Busy);
    let mut sent = origin.line.stream.send(head.to_vec()).await.0.is_ok();
    if let Some(body) = body {
        while sent {
            origin.line.not_due();
            let Some(piece) = body.next().await? else { break };
            origin.line.due(rt::now() + wait_ms, Waits::Busy);
            // An origin may answer before it has read everything, and close: its answer counts.
            sent = origin.line.stream.send(piece).await.0.is_ok();
        }
    }
    loop {
        match response::parse(&origin.buffer, to_head) {
            Err(_) => return Err(Refusal::OriginHead),
            Ok(Some((response, len))) if response.status < 200 => {
                if response.status == 101 {
                    return Err(Refusal::OriginHead);
                }
                origin.buffer.drain(..len);
            }
            Ok(Some((response, len))) => {
                origin.buffer.drain(..len);
                origin.line.not_due();
                return Ok(response);
            }
            Ok(None) => {
                origin.line.due(rt::now() + wait_ms, Waits::Busy);
                receive(origin).await?;
            }
        }
    }
}

async fn receive(origin: &mut Origin) -> Result<(), Refusal> {
    let mut buffer = std::mem::take(&mut origin.buffer);
    if buffer.capacity() - buffer.len() < 4096 {
        buffer.reserve(16 * 1024);
    }
    let (result, buffer) = origin.line.stream.recv(buffer).await;
    origin.buffer = buffer;
    match result {
        _ if origin.line.is_overdue() => Err(Refusal::OriginTimeout),
        Ok(0) | Err(_) => Err(Refusal::OriginClosed),
        Ok(_) => Ok(()),
    }
}
