//! Jobs that end at the same moment end in one commit: what a commit costs is mostly that it is on disk when it returns, and whoever waits for the
//! one connection that writes may as well wait together. The first of them has the commit made, in a task of its own, so that one who is cancelled
//! takes nobody along; those that come before it begins are in it. Nobody is answered, and no row seen, before it is on disk.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::jobs::finish;
use super::{Catalogue, JobKind, Lease};
use crate::{StoreError, UnixMs};

/// Those that wait for the next commit of this process.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<Vec<End>>);

/// A job that did its part.
#[derive(Debug)]
struct End {
    lease: Lease,
    next: Option<JobKind>,
    now: UnixMs,
    told: oneshot::Sender<Ended>,
}

/// What became of one in a commit of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Done,
    Fenced,
}

impl Ends {
    fn all(&self) -> MutexGuard<'_, Vec<End>> {
        // A push or a take is all that is done under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True: there was none before it, so that nobody has the commit made yet.
    fn enter(&self, end: End) -> bool {
        let mut all = self.all();
        all.push(end);
        all.len() == 1
    }
}

impl Catalogue {
    /// Ends a job that did its part; `next` is queued in the same commit. Without a next one the asset is ready.
    pub async fn finish_job(&self, lease: &Lease, next: Option<JobKind>, now: UnixMs) -> Result<(), StoreError> {
        let (told, ended) = oneshot::channel();
        if self.ends.enter(End { lease: lease.clone(), next, now, told }) {
            tokio::spawn(end_together(self.clone()));
        }
        match ended.await {
            Ok(Ended::Done) => Ok(()),
            Ok(Ended::Fenced) => Err(StoreError::Fenced),
            // The commit failed, for one of them or for all: alone, each hears its own reason.
            Err(_) => {
                let mut tx = self.begin().await?;
                finish(&mut tx, lease, next, now).await?;
                Ok(tx.commit().await?)
            }
        }
    }
}

/// Ends all that wait when the connection is free. After an error nobody is answered.
async fn end_together(catalogue: Catalogue) {
    let begun = catalogue.begin().await;
    let all = std::mem::take(&mut *catalogue.ends.all());
    let done = async {
        let mut tx = begun?;
        let mut ended = Vec::with_capacity(all.len());
        for end in &all {
            ended.push(match finish(&mut tx, &end.lease, end.next, end.now).await {
                Ok(()) => Ended::Done,
                // It has written nothing.
                Err(StoreError::Fenced) => Ended::Fenced,
                Err(error) => return Err(error),
            });
        }
        tx.commit().await?;
        Ok(ended)
    };
    match done.await {
        Ok(ended) => {
            for (end, ended) in all.into_iter().zip(ended) {
                // Whoever is gone wants no answer.
                let _ = end.told.send(ended);
            }
        }
        Err(error) => tracing::debug!(%error, jobs = all.len(), "jobs cannot end together"),
    }
}
