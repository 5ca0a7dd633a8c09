//! Connections to the origin: kept alive, counted, bounded.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::line::{Listed, Waits};

/// Capacity of the buffer an origin's head and framing are read into.
const ORIGIN_RECV_BYTES: usize = 16 * 1024;

/// A connection to the origin.
pub(crate) struct Origin {
    pub(crate) line: Listed,
    /// What was received and not yet taken.
    pub(crate) buffer: Vec<u8>,
    /// It has carried an answer before: it may have been closed since.
    pub(crate) reused: bool,
    _open: Open,
}

/// A place among the connections a shard may have open.
struct Open(Rc<Cell<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Idle connections of one shard.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Vec<Origin>,
    open: Rc<Cell<usize>>,
}

impl Pool {
    /// The idle connection used last.
    pub(crate) fn take(&mut self) -> Option<Origin> {
        while let Some(origin) = self.idle.pop() {
            if !origin.line.is_overdue() {
                origin.line.not_due();
                return Some(origin);
            }
        }
        None
    }

    /// Drops every idle connection.
    pub(crate) fn clear(&mut self) {
        self.idle.clear();
    }
}

/// Opens a connection.
pub(crate) async fn connect(shard: &Rc<Shard>) -> Result<Origin, Refusal> {
    let limits = &shard.config.limits;
    let open = shard.pool.borrow().open.clone();
    if open.get() >= limits.origin_connections_max {
        return Err(Refusal::OriginBusy);
    }
    open.set(open.get() + 1);
    let open = Open(open);
    let stream = rt::connect(shard.origin, limits.connect).await.map_err(|e| match e.kind() {
        io::ErrorKind::TimedOut => Refusal::OriginTimeout,
        _ => Refusal::OriginConnect,
    })?;
    shard.counters.origin_connects.add(1);
    Ok(Origin { line: shard.list(stream), buffer: Vec::with_capacity(ORIGIN_RECV_BYTES), reused: false, _open: open })
}

/// Gives a connection back whose answer has been read to its end.
pub(crate) fn give_back(shard: &Shard, mut origin: Origin, now_ms: u64) {
    let limits = &shard.config.limits;
    let mut pool = shard.pool.borrow_mut();
    // Bytes nobody asked for: whatever they are, they are no answer to the next request.
    if !origin.buffer.is_empty() || pool.idle.len() >= limits.origin_idle_max || shard.draining.get() {
        return;
    }
    origin.reused = true;
    origin.buffer.clear();
    origin.line.due(now_ms + limits.idle.as_millis() as u64, Waits::Idle);
    pool.idle.push(origin);
}
