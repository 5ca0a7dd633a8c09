//! The catalogue and the objects together, and the rule between them: objects first, then the row; the row's end first,
//! then the object's.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::catalogue::Actor;
use crate::limits::RELEASE_BATCH;
use crate::lock::DataLock;
use crate::{AssetId, Catalogue, Disk, ObjectId, Objects, StoreError, UnixMs};

/// An open data folder.
#[derive(Debug)]
pub struct Store {
    /// Rows.
    pub catalogue: Catalogue,
    /// Bytes.
    pub objects: Objects,
    lock: Mutex<Option<DataLock>>,
}

impl Store {
    /// Opens or makes the data folder: locks it, empties its `tmp`, brings the schema up to date.
    pub async fn open(data: &Path, disk: Disk) -> Result<Self, StoreError> {
        let folder = data.to_path_buf();
        let (lock, objects) = blocking(move || {
            std::fs::create_dir_all(&folder).map_err(|e| StoreError::io("create", &folder, e))?;
            let lock = DataLock::take(&folder)?;
            Ok((lock, Objects::open(&folder, disk)?))
        })
        .await?;
        let catalogue = Catalogue::open_sqlite(&data.join("catalogue.sqlite")).await?;
        catalogue.index_missing().await?;
        Ok(Self { catalogue, objects, lock: Mutex::new(Some(lock)) })
    }

    /// Removes an asset, in the bin or not, its jobs and every object that only it named. `false` when there is no such asset.
    pub async fn delete_asset(&self, id: &AssetId, actor: &Actor, now: UnixMs) -> Result<bool, StoreError> {
        let Some(objects) = self.catalogue.delete_asset(id, actor, now).await? else { return Ok(false) };
        self.release(objects).await?;
        Ok(true)
    }

    /// Removes those of `ids` that no row names and nobody is about to name. Answers how many that were.
    pub async fn release(&self, ids: Vec<ObjectId>) -> Result<usize, StoreError> {
        let mut removed = 0;
        for part in ids.chunks(RELEASE_BATCH) {
            let doomed = self.objects.doom(part.to_vec());
            let named = self.catalogue.referenced(doomed.ids()).await?;
            let objects = self.objects.clone();
            removed += blocking(move || {
                let unnamed: Vec<ObjectId> = doomed.ids().iter().filter(|id| !named.contains(id)).copied().collect();
                objects.remove(&unnamed)?;
                Ok(unnamed.len())
            })
            .await?;
        }
        Ok(removed)
    }

    /// Removes objects that a crash left without a row. Answers how many. Safe beside uploads and jobs.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let mut removed = 0;
        for shelf in 0..=u8::MAX {
            let objects = self.objects.clone();
            let found = blocking(move || objects.shelf(shelf)).await?;
            removed += self.release(found.into_iter().collect()).await?;
        }
        Ok(removed)
    }

    /// Closes the catalogue and lets go of the data folder, whoever else still holds this value.
    pub async fn close(&self) {
        self.catalogue.close().await;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// File work on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(StoreError::Damaged("the runtime is shutting down".into())),
    }
}
