//! Wakes the worker of a kind the moment a job of that kind is queued.

use durable::catalogue::JobKind;
use tokio::sync::Notify;

/// One bell a kind of job. A ring while nobody listens is kept.
#[derive(Debug, Default)]
pub(crate) struct Bells {
    ingest: Notify,
    fallback: Notify,
    ladder: Notify,
    /// For the house's own jobs.
    chores: Notify,
    /// Something is to be sent to a webhook.
    hooks: Notify,
}

impl Bells {
    /// Rings all of them.
    pub(crate) fn all(&self) {
        [&self.ingest, &self.fallback, &self.ladder, &self.chores].into_iter().for_each(Notify::notify_one);
    }

    /// The bell of the webhooks.
    pub(crate) fn hooks(&self) -> &Notify {
        &self.hooks
    }

    /// The bell of a kind.
    pub(crate) fn of(&self, kind: JobKind) -> &Notify {
        match kind {
            JobKind::Ingest => &self.ingest,
            JobKind::Fallback => &self.fallback,
            JobKind::Ladder => &self.ladder,
            JobKind::Sweep => &self.chores,
        }
    }
}
