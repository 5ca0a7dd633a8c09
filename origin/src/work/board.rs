//! What runs now in this process: live progress, and the handle by which a job is stopped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durable::AssetId;
use durable::catalogue::JobKind;

use super::cancel::{Cancel, Why};
use super::progress::{Progress, Snapshot};

/// Running jobs by asset. There is at most one an asset that carries it, and one beside that.
#[derive(Debug, Default)]
pub(crate) struct Board {
    running: Mutex<HashMap<Place, Entry>>,
}

/// An asset, and whether its state is what the job is about.
type Place = (AssetId, bool);

#[derive(Debug, Clone)]
struct Entry {
    cancel: Arc<Cancel>,
    progress: Arc<Progress>,
}

impl Board {
    /// Enters a job.
    pub(super) fn enter(&self, asset: &AssetId, kind: JobKind) -> (Arc<Cancel>, Arc<Progress>) {
        let entry = Entry { cancel: Arc::default(), progress: Arc::default() };
        self.lock().insert((asset.clone(), kind.carries_asset()), entry.clone());
        (entry.cancel, entry.progress)
    }

    /// Takes a job off, unless another run of it has been entered since.
    pub(super) fn leave(&self, asset: &AssetId, kind: JobKind, cancel: &Arc<Cancel>) {
        let (mut running, place) = (self.lock(), (asset.clone(), kind.carries_asset()));
        if running.get(&place).is_some_and(|entry| Arc::ptr_eq(&entry.cancel, cancel)) {
            running.remove(&place);
        }
    }

    /// Asks all jobs of an asset to stop.
    pub(crate) fn cancel(&self, asset: &AssetId, why: Why) {
        for carries in [true, false] {
            if let Some(entry) = self.lock().get(&(asset.clone(), carries)) {
                entry.cancel.because(why);
            }
        }
    }

    /// Asks the job of this kind of an asset to stop, if it runs.
    pub(crate) fn cancel_one(&self, asset: &AssetId, kind: JobKind, why: Why) {
        if let Some(entry) = self.lock().get(&(asset.clone(), kind.carries_asset())) {
            entry.cancel.because(why);
        }
    }

    /// Asks all jobs to stop.
    pub(crate) fn cancel_all(&self, why: Why) {
        self.lock().values().for_each(|entry| entry.cancel.because(why));
    }

    /// How far the job is that carries an asset.
    pub(crate) fn snapshot(&self, asset: &AssetId) -> Option<Snapshot> {
        let progress = self.lock().get(&(asset.clone(), true)).map(|entry| entry.progress.clone())?;
        Some(progress.snapshot())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, Entry>> {
        // Nothing under this lock can panic half way, so a poisoned map is a whole one.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
