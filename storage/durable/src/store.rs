//! The catalogue and the objects together, and the rule between them: objects first, then the row; the row's end first,
//! then the object's.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::catalogue::{Actor, PostgresUrl};
use crate::limits::{RELEASE_BATCH, S3_YOUNG_MS};
use crate::lock::FolderLock;
use crate::{AssetId, Catalogue, Disk, ObjectId, Objects, S3Place, StoreError, UnixMs, id::by_chance};

/// An open data folder.
#[derive(Debug)]
pub struct Store {
    /// Rows.
    pub catalogue: Catalogue,
    /// Bytes.
    pub objects: Objects,
    instance: String,
    lock: Mutex<Option<FolderLock>>,
    /// Other processes may write objects to the same place.
    is_shared: bool,
}

/// Where rows and bytes are; the default is the data folder for both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// `None`: SQLite in the data folder.
    pub catalogue: Option<PostgresUrl>,
    /// `None`: files in the data folder.
    pub objects: Option<S3Place>,
}

impl Store {
    /// Opens or makes the data folder: locks it, empties its `tmp`, brings the schema up to date. The catalogue is a file in it.
    pub async fn open(data: &Path, disk: Disk) -> Result<Self, StoreError> {
        Self::open_at(data, disk, &Places::default()).await
    }

    /// The same, with rows and bytes where it is said.
    pub async fn open_at(data: &Path, disk: Disk, places: &Places) -> Result<Self, StoreError> {
        let remote = match &places.objects {
            Some(place) => Some(Objects::reach(place).await?),
            None => None,
        };
        let folder = data.to_path_buf();
        let (lock, objects, instance) = blocking(move || {
            std::fs::create_dir_all(&folder).map_err(|e| StoreError::io("create", &folder, e))?;
            let lock = FolderLock::take(&folder)?;
            Ok((lock, Objects::open(&folder, disk, remote)?, instance(&folder)?))
        })
        .await?;
        let catalogue = match &places.catalogue {
            None => Catalogue::open_sqlite(&data.join("catalogue.sqlite")).await?,
            Some(url) => Catalogue::open_postgres(url, &instance).await?,
        };
        catalogue.index_missing().await?;
        let is_shared = places.catalogue.is_some() && places.objects.is_some();
        Ok(Self { catalogue, objects, instance, lock: Mutex::new(Some(lock)), is_shared })
    }

    /// The name of this data folder among those of one installation: made once, of chance, 16 letters and digits.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Whether other processes may have the same rows and the same objects, so that what one stores is of use to all.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Removes an asset, in the bin or not, its jobs and every object that only it named. `false` when there is no such asset.
    pub async fn delete_asset(&self, id: &AssetId, actor: &Actor, now: UnixMs) -> Result<bool, StoreError> {
        let Some(objects) = self.catalogue.delete_asset(id, actor, now).await? else { return Ok(false) };
        self.release(objects).await?;
        Ok(true)
    }

    /// Removes those of `ids` that no row names and nobody is about to name. Answers how many that were.
    pub async fn release(&self, ids: Vec<ObjectId>) -> Result<usize, StoreError> {
        let before = self.is_shared.then(|| system_now_ms() - S3_YOUNG_MS);
        let mut removed = 0;
        for part in ids.chunks(RELEASE_BATCH) {
            let doomed = self.objects.doom(part.to_vec());
            let named = self.catalogue.referenced(doomed.ids()).await?;
            let objects = self.objects.clone();
            removed += blocking(move || {
                let unnamed: Vec<ObjectId> = doomed.ids().iter().filter(|id| !named.contains(id)).copied().collect();
                objects.remove(&unnamed, before)
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

/// The wall clock, since an S3 dates what it stores by its own; between the two an hour is left.
fn system_now_ms() -> UnixMs {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.as_millis().try_into().unwrap_or(UnixMs::MAX)
}

/// The name of this data folder among those that share a database: made once, kept beside the objects.
fn instance(data: &Path) -> Result<String, StoreError> {
    let path = data.join("instance");
    match std::fs::read_to_string(&path) {
        Ok(name) if (16..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric()) => Ok(name),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io("read", &path, error)),
        _ => {
            let name = by_chance()?;
            std::fs::write(&path, &name).map_err(|e| StoreError::io("write", &path, e))?;
            Ok(name)
        }
    }
}

/// File work on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(StoreError::Damaged("the runtime is shutting down".into())),
    }
}
