//! Connections to a place: kept alive, counted, bounded; a pool a shard and a place.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::limits::ADDRESSES_TRIED_MAX;
use crate::refusal::Refusal;
use crate::rt::{self, Session, Stream};
use crate::shard::Shard;
use crate::shard::line::{Listed, Waits};
use crate::shard::wire::Wire;

/// Capacity of the buffer an origin's head and framing are read into.
const ORIGIN_RECV_BYTES: usize = 16 * 1024;

/// A connection to a place.
pub(crate) struct Origin {
    pub(crate) line: Listed,
    /// What was received and not yet taken.
    pub(crate) buffer: Vec<u8>,
    /// It has carried an answer before: it may have been closed since.
    pub(crate) reused: bool,
    /// Whose it is: its place's index.
    at: usize,
    to: SocketAddr,
    _open: Open,
}

impl Origin {
    /// Whose it is: its place's index.
    pub(crate) fn at(&self) -> usize {
        self.at
    }
}

/// A place among the connections a shard may have open.
struct Open(Rc<Cell<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// The idle connection to `at` that was used last.
pub(super) fn take(shard: &Shard, at: usize) -> Option<Origin> {
    let target = shard.sources.at(at);
    let mut idle = target.idle.borrow_mut();
    while let Some(origin) = idle.pop() {
        // A name that leads elsewhere now has a reason to.
        if !origin.line.is_overdue() && target.addrs.borrow().contains(&origin.to) {
            origin.line.not_due();
            return Some(origin);
        }
    }
    None
}

/// Opens a connection to `at`.
pub(super) async fn connect(shard: &Rc<Shard>, at: usize) -> Result<Origin, Refusal> {
    let config = shard.config();
    let limits = &config.limits;
    let target = shard.sources.at(at);
    let open = target.open.clone();
    if open.get() >= limits.origin_connections_max {
        return Err(Refusal::OriginBusy);
    }
    open.set(open.get() + 1);
    let open = Open(open);
    let (stream, to) = reach(shard, at, limits.connect).await?;
    shard.counters.origin_connects.add(1);
    let buffer = Vec::with_capacity(ORIGIN_RECV_BYTES);
    Ok(Origin { line: shard.list(Wire::Socket(stream)), buffer, reused: false, at, to, _open: open })
}

/// Tries the addresses of `at` in turn. All of them together have the time of one.
async fn reach(shard: &Rc<Shard>, at: usize, limit: Duration) -> Result<(Stream, SocketAddr), Refusal> {
    let target = shard.sources.at(at);
    let addrs = target.addrs.borrow().clone();
    let turn = target.turn.get();
    let until_ms = rt::now() + limit.as_millis() as u64;
    let mut why = Refusal::OriginConnect;
    for step in 0..addrs.len().min(ADDRESSES_TRIED_MAX) {
        let to = addrs[(turn + step) % addrs.len()];
        let left = Duration::from_millis(until_ms.saturating_sub(rt::now()));
        match open(shard, at, to, left).await {
            Ok(stream) => return Ok((stream, to)),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {
                tracing::warn!(upstream = %target.place.source, error = %e, "no TLS with the origin");
                why = Refusal::OriginTls;
            }
            Err(e) if e.kind() == io::ErrorKind::TimedOut => why = Refusal::OriginTimeout,
            Err(_) => why = Refusal::OriginConnect,
        }
        // The next request begins with the next one.
        target.turn.set((turn + step + 1) % addrs.len());
    }
    Err(why)
}

/// Connects, and shakes hands where the place wants TLS.
async fn open(shard: &Rc<Shard>, at: usize, to: SocketAddr, limit: Duration) -> io::Result<Stream> {
    let until_ms = rt::now() + limit.as_millis() as u64;
    let stream = rt::connect(to, limit).await?;
    let target = shard.sources.at(at);
    let Some(name) = &target.place.tls_name else { return Ok(stream) };
    let session = Session::new(&shard.sources.tls(), name)?;
    let left = Duration::from_millis(until_ms.saturating_sub(rt::now()));
    let shaken = rt::timeout(left, stream.secure(session)).await;
    shaken.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))?;
    Ok(stream)
}

/// Gives a connection back whose answer has been read to its end.
pub(crate) fn give_back(shard: &Shard, mut origin: Origin, now_ms: u64) {
    let config = shard.config();
    let limits = &config.limits;
    let target = shard.sources.at(origin.at);
    let mut idle = target.idle.borrow_mut();
    let is_over = target.is_gone() || shard.draining.get();
    // Bytes nobody asked for: whatever they are, they are no answer to the next request.
    if !origin.buffer.is_empty() || idle.len() >= limits.origin_idle_max || is_over {
        return;
    }
    origin.reused = true;
    origin.line.due(now_ms + limits.idle.as_millis() as u64, Waits::Idle);
    idle.push(origin);
}
