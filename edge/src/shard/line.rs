//! Connections of a shard with their deadlines. A deadline is a number in a cell; one sweep a tick looks at all of them and shuts
//! what is overdue, which makes whatever waits on it return. So a request sets no timer.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::{Rc, Weak};

use tokio::sync::Notify;

use super::wire::Wire;

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waits {
    /// Between two requests: closed at once when the shard drains.
    Idle,
    /// For a stream, as it has none: it is asked to leave, and has a moment for it.
    Stream,
    /// For the rest of a head: only the reading direction is shut, so that the refusal can be sent.
    Head,
    /// In the middle of something.
    Busy,
}

/// A connection in the shard's list.
pub(crate) struct Line {
    pub(crate) stream: Wire,
    until_ms: Cell<u64>,
    waits: Cell<Waits>,
    overdue: Cell<bool>,
    /// Rung when a connection that carries streams should say goodbye.
    pub(crate) leave: Notify,
}

impl Line {
    /// Shut the connection at `until_ms` unless this is called again before.
    pub(crate) fn due(&self, until_ms: u64, waits: Waits) {
        self.until_ms.set(until_ms);
        self.waits.set(waits);
    }

    /// Nothing is waited for on the wire.
    pub(crate) fn not_due(&self) {
        self.until_ms.set(u64::MAX);
        self.waits.set(Waits::Busy);
    }

    /// Whether the sweep shut it.
    pub(crate) fn is_overdue(&self) -> bool {
        self.overdue.get()
    }
}

/// Every open connection of a shard, clients' and origins' alike.
#[derive(Default)]
pub(crate) struct Lines {
    slots: Vec<Option<Rc<Line>>>,
    free: Vec<usize>,
}

/// A connection whose place in the list ends with it.
pub(crate) struct Listed {
    line: Rc<Line>,
    slot: usize,
    shard: Weak<super::Shard>,
}

impl Deref for Listed {
    type Target = Line;
    fn deref(&self) -> &Line {
        &self.line
    }
}

impl Listed {
    /// The line itself, for what lives as long.
    pub(crate) fn line(&self) -> Rc<Line> {
        self.line.clone()
    }
}

impl Listed {
    /// What it is made of, off the list. `None`: somebody else has a part in it, and is the last.
    pub(crate) fn taken_off(self) -> Option<Wire> {
        let line = self.line.clone();
        drop(self);
        Rc::into_inner(line).map(|line| line.stream)
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(shard) = self.shard.upgrade() {
            shard.lines.borrow_mut().remove(self.slot);
        }
    }
}

impl Lines {
    fn add(&mut self, line: Rc<Line>) -> usize {
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = Some(line);
                slot
            }
            None => {
                self.slots.push(Some(line));
                self.slots.len() - 1
            }
        }
    }

    fn remove(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.free.push(slot);
    }

    /// Shuts what is overdue at `now_ms`; while draining, idle ones too.
    pub(crate) fn sweep(&self, now_ms: u64, draining: bool) {
        for line in self.slots.iter().flatten() {
            let idle = draining && line.waits.get() == Waits::Idle;
            if draining {
                line.leave.notify_one();
            }
            if now_ms >= line.until_ms.get() || idle {
                line.until_ms.set(u64::MAX);
                if line.waits.get() == Waits::Stream {
                    line.leave.notify_one();
                    continue;
                }
                line.overdue.set(true);
                match line.waits.get() {
                    Waits::Head => line.stream.shut_read(),
                    Waits::Idle | Waits::Stream | Waits::Busy => line.stream.shut(),
                }
            }
        }
    }

    /// Shuts everything: the drain's time is over.
    pub(crate) fn cut(&self) {
        for line in self.slots.iter().flatten() {
            line.overdue.set(true);
            line.stream.shut();
        }
    }
}

impl super::Shard {
    /// Enters a connection in the list.
    pub(crate) fn list(self: &Rc<Self>, stream: Wire) -> Listed {
        let line = Rc::new(Line {
            stream,
            until_ms: Cell::new(u64::MAX),
            waits: Cell::new(Waits::Busy),
            overdue: Cell::new(false),
            leave: Notify::new(),
        });
        let slot = self.lines.borrow_mut().add(line.clone());
        Listed { line, slot, shard: Rc::downgrade(self) }
    }
}
