//! What the streams of one connection share: who asks, how many are open, and what the connection waits for.
//!
//! A connection has up to three deadlines at a time: for a send, for what has begun to come, and, without a stream, for the next one. The
//! first of them is its line's; a stream has a line of its own.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::Notify;

use super::watch::Wrong;
use crate::door::addresses::Seat;
use crate::flow::accept::Conn;
use crate::limits::{HTTP2_GOODBYE_MS, Limits};
use crate::rt;
use crate::shard::line::{Line, Listed, Waits};

const NEVER: u64 = u64::MAX;

/// A connection that carries streams.
pub(super) struct Session {
    pub(super) peer: SocketAddr,
    proxy: Option<SocketAddr>,
    seat: Option<Rc<Seat>>,
    hsts: Option<Rc<str>>,
    line: Rc<Line>,
    open: Cell<usize>,
    wrong: Cell<Option<Wrong>>,
    woken: Notify,
    is_leaving: Cell<bool>,
    idle_ms: u64,
    head_ms: u64,
    write_ms: u64,
    send_due: Cell<u64>,
    head_due: Cell<u64>,
    idle_due: Cell<u64>,
}

impl Session {
    pub(super) fn new(conn: &Conn, limits: &Limits) -> Session {
        let session = Session {
            peer: conn.peer,
            proxy: conn.proxy,
            seat: conn.seat.clone(),
            hsts: conn.hsts.clone(),
            line: conn.line.line(),
            open: Cell::new(0),
            wrong: Cell::new(None),
            woken: Notify::new(),
            is_leaving: Cell::new(false),
            idle_ms: limits.idle.as_millis() as u64,
            head_ms: limits.header.as_millis() as u64,
            write_ms: limits.write.as_millis() as u64,
            send_due: Cell::new(NEVER),
            head_due: Cell::new(NEVER),
            idle_due: Cell::new(NEVER),
        };
        session.rest();
        session
    }

    /// What a stream's request comes on.
    pub(super) fn conn(&self, line: Listed) -> Conn {
        Conn { proxy: self.proxy, seat: self.seat.clone(), hsts: self.hsts.clone(), ..Conn::new(line, self.peer) }
    }

    /// The connection.
    pub(super) fn line(&self) -> Rc<Line> {
        self.line.clone()
    }

    /// A stream opens.
    pub(super) fn begin(&self) {
        self.open.set(self.open.get() + 1);
        self.idle_due.set(NEVER);
        self.set();
    }

    /// A stream has ended.
    pub(super) fn end(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            self.rest();
        }
    }

    /// No stream is open.
    fn rest(&self) {
        let wait_ms = if self.is_leaving.get() { HTTP2_GOODBYE_MS } else { self.idle_ms };
        self.idle_due.set(rt::now() + wait_ms);
        self.set();
    }

    /// A send of `len` bytes begins; 0: it has ended.
    pub(super) fn sending(&self, len: usize) {
        self.send_due.set(if len == 0 { NEVER } else { rt::now() + self.write_ms + len as u64 / 16 });
        self.set();
    }

    /// Something has begun to come that is not whole yet.
    pub(super) fn coming_since(&self, since_ms: Option<u64>) {
        self.head_due.set(since_ms.map_or(NEVER, |since| since + self.head_ms));
        self.set();
    }

    fn set(&self) {
        let busy = self.send_due.get().min(self.head_due.get());
        let idle = self.idle_due.get();
        // Who was asked to leave and does not is cut; who is merely idle is asked first.
        let is_asked = !self.is_leaving.get() && idle < busy;
        self.line.due(busy.min(idle), if is_asked { Waits::Stream } else { Waits::Busy });
    }

    /// Waits until the connection is to end in good order, once.
    pub(super) async fn leave(&self) {
        if self.is_leaving.get() {
            std::future::pending::<()>().await;
        }
        self.line.leave.notified().await;
        self.is_leaving.set(true);
        if self.open.get() == 0 {
            self.rest();
        }
    }

    /// The client has done something for which the connection ends.
    pub(super) fn fail(&self, wrong: Wrong) {
        self.wrong.set(Some(wrong));
        self.woken.notify_one();
    }

    pub(super) fn has_failed(&self) -> bool {
        self.wrong.get().is_some()
    }

    /// Waits for something for which the connection ends, once.
    pub(super) async fn failed(&self) -> Wrong {
        loop {
            self.woken.notified().await;
            if let Some(wrong) = self.wrong.get() {
                return wrong;
            }
        }
    }
}
