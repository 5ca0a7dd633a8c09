//! Wakes the worker of a kind the moment a job of that kind is queued.

use durable::catalogue::JobKind;
use tokio::sync::{Notify, broadcast};

use crate::limits::RINGS_KEPT;

/// One bell a kind of job. A ring while nobody listens is kept.
#[derive(Debug)]
pub(crate) struct Bells {
    /// For whoever carries rings to other processes.
    far: broadcast::Sender<JobKind>,
    ingest: Notify,
    fallback: Notify,
    ladder: Notify,
    pictures: Notify,
    /// For the house's own jobs that are soon over.
    chores: Notify,
    backups: Notify,
    /// Something is to be sent to a webhook.
    hooks: Notify,
}

impl Default for Bells {
    fn default() -> Self {
        Self {
            far: broadcast::Sender::new(RINGS_KEPT),
            ingest: Notify::new(),
            fallback: Notify::new(),
            ladder: Notify::new(),
            pictures: Notify::new(),
            chores: Notify::new(),
            backups: Notify::new(),
            hooks: Notify::new(),
        }
    }
}

/// The bell of a kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bell<'a> {
    bells: &'a Bells,
    kind: JobKind,
}

impl Bell<'_> {
    /// Rings it, here and wherever rings are carried.
    pub(crate) fn notify_one(self) {
        self.bells.ring_here(self.kind);
        // Nobody may carry them.
        let _ = self.bells.far.send(self.kind);
    }

    /// Returns when it was rung.
    pub(crate) async fn notified(self) {
        self.bells.here(self.kind).notified().await;
    }
}

impl Bells {
    /// Rings all of them.
    pub(crate) fn all(&self) {
        for kind in
            [JobKind::Ingest, JobKind::Fallback, JobKind::Ladder, JobKind::Pictures, JobKind::Sweep, JobKind::Backup]
        {
            self.of(kind).notify_one();
        }
    }

    /// What is rung here from now on.
    pub(crate) fn rung(&self) -> broadcast::Receiver<JobKind> {
        self.far.subscribe()
    }

    /// Rings one for this process alone.
    pub(crate) fn ring_here(&self, kind: JobKind) {
        self.here(kind).notify_one();
    }

    /// The bell of the webhooks.
    pub(crate) fn hooks(&self) -> &Notify {
        &self.hooks
    }

    /// The bell of a kind.
    pub(crate) fn of(&self, kind: JobKind) -> Bell<'_> {
        Bell { bells: self, kind }
    }

    fn here(&self, kind: JobKind) -> &Notify {
        match kind {
            JobKind::Ingest => &self.ingest,
            JobKind::Fallback => &self.fallback,
            JobKind::Ladder => &self.ladder,
            JobKind::Pictures => &self.pictures,
            JobKind::Sweep | JobKind::Purge => &self.chores,
            JobKind::Backup => &self.backups,
        }
    }
}
