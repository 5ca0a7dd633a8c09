//! Playback that this origin answered itself, counted in memory and written to the catalogue now and then: a request must not
//! cost a write. A crash loses the counts of the last seconds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use durable::catalogue::{Catalogue, Count, CountSource};
use durable::{AssetId, StoreError, UnixMs};

use crate::limits::PLAYS_MAX;

/// Counts that are not written yet.
#[derive(Debug, Default)]
pub(crate) struct Plays {
    counts: Mutex<HashMap<AssetId, Count>>,
}

impl Plays {
    /// One answer of `bytes` was given.
    pub(crate) fn add(&self, asset: &AssetId, is_start: bool, bytes: u64) {
        let mut counts = self.lock();
        if counts.len() >= PLAYS_MAX && !counts.contains_key(asset) {
            return;
        }
        let count = counts.entry(asset.clone()).or_default();
        count.starts += u64::from(is_start);
        count.requests += 1;
        count.bytes += bytes;
    }

    /// Writes what was counted.
    pub(crate) async fn flush(&self, catalogue: &Catalogue, now: UnixMs) -> Result<(), StoreError> {
        let counts: Vec<_> = std::mem::take(&mut *self.lock()).into_iter().collect();
        catalogue.count(&counts, CountSource::Origin, now).await
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AssetId, Count>> {
        // Nothing under this lock can panic half way, so a poisoned map is a whole one.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
