//! What runs now in this process: live progress, and the handle by which a job is stopped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durable::AssetId;

use super::cancel::{Cancel, Why};
use super::progress::{Progress, Snapshot};

/// Running jobs by asset. There is at most one an asset.
#[derive(Debug, Default)]
pub(crate) struct Board {
    running: Mutex<HashMap<AssetId, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    cancel: Arc<Cancel>,
    progress: Arc<Progress>,
}

impl Board {
    /// Enters a job.
    pub(super) fn enter(&self, asset: &AssetId) -> (Arc<Cancel>, Arc<Progress>) {
        let entry = Entry { cancel: Arc::default(), progress: Arc::default() };
        self.lock().insert(asset.clone(), entry.clone());
        (entry.cancel, entry.progress)
    }

    /// Takes a job off, unless another run of it has been entered since.
    pub(super) fn leave(&self, asset: &AssetId, cancel: &Arc<Cancel>) {
        let mut running = self.lock();
        if running.get(asset).is_some_and(|entry| Arc::ptr_eq(&entry.cancel, cancel)) {
            running.remove(asset);
        }
    }

    /// Asks the job of an asset to stop, if one runs.
    pub(crate) fn cancel(&self, asset: &AssetId, why: Why) {
        if let Some(entry) = self.lock().get(asset) {
            entry.cancel.because(why);
        }
    }

    /// Asks all jobs to stop.
    pub(crate) fn cancel_all(&self, why: Why) {
        self.lock().values().for_each(|entry| entry.cancel.because(why));
    }

    /// How far the job of an asset is.
    pub(crate) fn snapshot(&self, asset: &AssetId) -> Option<Snapshot> {
        let progress = self.lock().get(asset).map(|entry| entry.progress.clone())?;
        Some(progress.snapshot())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AssetId, Entry>> {
        // Nothing under this lock can panic half way, so a poisoned map is a whole one.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
