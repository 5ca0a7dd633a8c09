//! How a running job is told to stop, and why.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Why a job is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The process ends: the job goes back to the queue.
    Shutdown,
    /// The asset was deleted: nothing is left to do.
    Deleted,
    /// A person ended the work.
    Cancelled,
    /// Another worker took the job over.
    Fenced,
    /// It made no step for too long.
    Stalled,
}

/// A flag that is set once. Threads look at it, tasks wait for it.
#[derive(Debug, Default)]
pub(crate) struct Cancel {
    flag: AtomicBool,
    why: OnceLock<Why>,
    told: Notify,
}

impl Cancel {
    /// Asks the job to stop; the first reason counts.
    pub(crate) fn because(&self, why: Why) {
        let _ = self.why.set(why);
        self.flag.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    /// Why, when it was asked to.
    pub(crate) fn why(&self) -> Option<Why> {
        self.why.get().copied()
    }

    /// For code that looks at a plain flag.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.flag
    }

    /// Returns when it was asked to stop.
    pub(crate) async fn asked(&self) {
        let told = self.told.notified();
        tokio::pin!(told);
        // Enlist first and look then, so that no call between the two is missed.
        told.as_mut().enable();
        if !self.flag.load(Ordering::Acquire) {
            told.await;
        }
    }
}
