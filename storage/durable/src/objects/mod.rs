//! Objects: bytes in files, named by their SHA-256, written once. Everything here blocks; call it from a thread that may.
//!
//! A write goes `tmp/<n>.part` -> sync the file -> rename to `objects/ab/cdef...` -> sync the folder. Only then may a
//! row name it. Drawn in `docs/formats/objects.md`.

mod batch;
mod partial;
mod pins;
mod writer;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use batch::Batch;
pub use partial::{Partial, RunningHash};
pub(crate) use pins::Doomed;
use pins::{Pin, Pins};
pub use writer::Writer;

use crate::{Disk, ObjectId, StoreError};

/// The folder of objects. Cheap to clone; all clones share the pins.
#[derive(Debug, Clone)]
pub struct Objects {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    tmp: PathBuf,
    uploads: PathBuf,
    disk: Disk,
    pins: Pins,
    part: AtomicU64,
}

/// An object that is safely on disk, pinned until this value is dropped: drop it after the row that names it committed.
#[derive(Debug)]
pub struct Stored {
    /// Its name.
    pub id: ObjectId,
    /// Its size.
    pub bytes: u64,
    _pin: Pin,
}

impl Objects {
    /// Opens `<data>/objects`, making its folders, and empties `<data>/tmp`. The caller holds the data folder's lock.
    pub(crate) fn open(data: &Path, disk: Disk) -> Result<Self, StoreError> {
        let (root, tmp, uploads) = (data.join("objects"), data.join("tmp"), data.join("uploads"));
        make_folder(&root)?;
        make_folder(&tmp)?;
        make_folder(&uploads)?;
        for shelf in 0..=u8::MAX {
            make_folder(&root.join(format!("{shelf:02x}")))?;
        }
        disk.sync_folder(&root)?;
        disk.sync_folder(data)?;
        let part = AtomicU64::new(0);
        let objects = Self { shared: Arc::new(Shared { root, tmp, uploads, disk, pins: Pins::default(), part }) };
        let swept = objects.empty_tmp()?;
        if swept > 0 {
            tracing::info!(files = swept, "removed unfinished files of an earlier run");
        }
        Ok(objects)
    }

    /// Where an object's file stands. It never changes once it is there.
    pub fn path(&self, id: &ObjectId) -> PathBuf {
        let name = id.to_string();
        self.shared.root.join(&name[..2]).join(&name[2..])
    }

    /// Opens an object for reading, with its size in bytes.
    pub fn read(&self, id: &ObjectId) -> Result<(File, u64), StoreError> {
        let path = self.path(id);
        let open = || {
            let file = File::open(&path)?;
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        };
        open().map_err(|e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => StoreError::Missing(*id),
            _ => StoreError::io("open", &path, e),
        })
    }

    /// Starts an object whose bytes come bit by bit.
    pub fn writer(&self) -> Result<Writer, StoreError> {
        Writer::start(self.clone())
    }

    /// Starts a run of many small objects that are made durable together.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }

    /// Refuses with [`StoreError::DiskFull`] when `bytes` more, and the reserve, would not fit.
    pub fn expect_room(&self, bytes: u64) -> Result<(), StoreError> {
        self.shared.disk.expect_room(&self.shared.tmp, bytes)
    }

    /// Bytes free for new objects, before the reserve.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        self.shared.disk.free_bytes(&self.shared.tmp)
    }

    /// The names on one shelf (the first byte of the hash), for the sweep.
    pub(crate) fn shelf(&self, shelf: u8) -> Result<BTreeSet<ObjectId>, StoreError> {
        let folder = self.shared.root.join(format!("{shelf:02x}"));
        let list = || {
            let mut found = BTreeSet::new();
            for entry in fs::read_dir(&folder)? {
                let name = entry?.file_name();
                if let Some(id) = name.to_str().and_then(|rest| format!("{shelf:02x}{rest}").parse().ok()) {
                    found.insert(id);
                }
            }
            Ok(found)
        };
        list().map_err(|e| StoreError::io("list", &folder, e))
    }

    /// Of `ids`, those that nobody is about to name; until the answer is dropped nobody will.
    pub(crate) fn doom(&self, ids: Vec<ObjectId>) -> Doomed {
        self.shared.pins.doom(ids)
    }

    /// Removes files; the caller holds them doomed and knows that no row names them.
    pub(crate) fn remove(&self, ids: &[ObjectId]) -> Result<(), StoreError> {
        ids.iter().try_for_each(|id| self.shared.disk.remove(&self.path(id)))
    }

    fn next_part(&self) -> PathBuf {
        let n = self.shared.part.fetch_add(1, Ordering::Relaxed);
        self.shared.tmp.join(format!("{n}.part"))
    }

    fn empty_tmp(&self) -> Result<usize, StoreError> {
        let tmp = &self.shared.tmp;
        let entries = fs::read_dir(tmp).map_err(|e| StoreError::io("list", tmp, e))?;
        let mut swept = 0;
        for entry in entries {
            let path = entry.map_err(|e| StoreError::io("list", tmp, e))?.path();
            self.shared.disk.remove(&path)?;
            swept += 1;
        }
        Ok(swept)
    }
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(|e| StoreError::io("create", path, e))
}
