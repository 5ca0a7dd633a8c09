//! Objects: bytes named by their SHA-256, written once; in files, or in an S3 ([`S3Place`]). What is not `async` blocks; call it
//! from a thread that may.
//!
//! In files, a write goes `tmp/<n>.part` -> sync the file -> rename to `objects/ab/cdef...` -> sync the folder. Only then may a
//! row name it. Drawn in `docs/formats/objects.md`. In an S3, what comes bit by bit is gathered in the same files first, since its
//! name is known with its last byte alone (decision 0150).

mod batch;
mod copying;
mod fetched;
mod partial;
mod pins;
mod presigned;
mod remote;
mod writer;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use batch::Batch;
pub use copying::{Copied, Shelves};
use fetched::Fetched;
pub use fetched::Local;
pub use partial::{Partial, RunningHash};
pub(crate) use pins::Doomed;
use pins::{Pin, Pins};
pub use presigned::Presigned;
use remote::Patience;
pub(crate) use remote::Remote;
pub use remote::{Bytestream, NotS3, S3Place};
pub use writer::Writer;

use futures_util::{StreamExt, TryStreamExt};

use crate::limits::{S3_AT_ONCE, S3_READ_WHOLE_BYTES_MAX};
use crate::{Disk, ObjectId, StoreError, UnixMs};

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
    remote: Option<Arc<Remote>>,
    fetched: Arc<Fetched>,
}

/// An object that was opened for reading.
pub enum Opened {
    /// A file that stands here.
    File(File),
    /// A small one, whole.
    Memory(bytes::Bytes),
    /// Elsewhere: [`Objects::stream`] begins to read it.
    Remote,
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
    pub(crate) fn open(data: &Path, disk: Disk, remote: Option<Arc<Remote>>) -> Result<Self, StoreError> {
        let (root, tmp, uploads) = (data.join("objects"), data.join("tmp"), data.join("uploads"));
        let fetched = data.join("fetched");
        make_folder(&tmp)?;
        make_folder(&uploads)?;
        match &remote {
            Some(_) => make_folder(&fetched)?,
            None => {
                make_folder(&root)?;
                for shelf in 0..=u8::MAX {
                    make_folder(&root.join(format!("{shelf:02x}")))?;
                }
                disk.sync_folder(&root)?;
            }
        }
        disk.sync_folder(data)?;
        let (part, pins, fetched) = (AtomicU64::new(0), Pins::default(), Arc::new(Fetched::new(fetched)));
        let shared = Shared { root, tmp, uploads, disk, pins, part, remote, fetched };
        let objects = Self { shared: Arc::new(shared) };
        let mut swept = objects.empty(&objects.shared.tmp)?;
        if objects.shared.remote.is_some() {
            swept += objects.empty(&objects.shared.fetched.folder)?;
        }
        if swept > 0 {
            tracing::info!(files = swept, "removed unfinished files of an earlier run");
        }
        Ok(objects)
    }

    /// Looks whether an S3 can be used.
    pub(crate) async fn reach(place: &S3Place) -> Result<Arc<Remote>, StoreError> {
        Remote::open(place).await.map(Arc::new)
    }

    /// Whether they are elsewhere.
    pub fn is_remote(&self) -> bool {
        self.shared.remote.is_some()
    }

    /// Where an object's file stands, when they are files. It never changes once it is there.
    pub fn path(&self, id: &ObjectId) -> PathBuf {
        let name = id.to_string();
        self.shared.root.join(&name[..2]).join(&name[2..])
    }

    /// An object as a file to seek in. One that is elsewhere is copied here first; several who want the same at once may each do so.
    pub fn local(&self, id: ObjectId) -> Result<Local, StoreError> {
        let shared = &self.shared;
        if shared.remote.is_none() {
            return Ok(Local::of_file(self.path(&id)));
        }
        loop {
            if let Some(local) = shared.fetched.held(id) {
                return Ok(local);
            }
            let part = self.next_part();
            let to = part.clone();
            let fetched = self.elsewhere(move |remote| async move { remote.fetch(id, &to).await });
            let entered = fetched.and_then(|bytes| {
                shared.fetched.enter(id, bytes, &part).map_err(|e| StoreError::io("rename", &part, e))
            });
            if let Err(error) = entered {
                shared.disk.remove(&part)?;
                return Err(error);
            }
        }
    }

    /// An object and its size: an open file, its bytes, or word that it has to be streamed.
    pub async fn opened(&self, id: ObjectId) -> Result<(Opened, u64), StoreError> {
        let Some(remote) = &self.shared.remote else {
            let objects = self.clone();
            let read = tokio::task::spawn_blocking(move || objects.read(&id)).await;
            let (file, bytes) = read.map_err(|_| StoreError::Missing(id))??;
            return Ok((Opened::File(file), bytes));
        };
        let (bytes, stream) = remote.get(id, None).await?;
        if bytes > S3_READ_WHOLE_BYTES_MAX {
            return Ok((Opened::Remote, bytes));
        }
        let whole = remote::collect(stream, bytes).await?;
        Ok((Opened::Memory(whole), bytes))
    }

    /// Begins to read a range of an object that is elsewhere.
    pub async fn stream(&self, id: ObjectId, range: Range<u64>) -> Result<Bytestream, StoreError> {
        let remote = self.shared.remote.as_ref().ok_or(StoreError::Missing(id))?;
        Ok(remote.get(id, Some(range)).await?.1)
    }

    /// Opens an object for reading, with its size in bytes, when they are files.
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
        match self.shared.disk.expect_room(&self.shared.tmp, bytes) {
            Err(StoreError::DiskFull) if self.is_remote() => {
                self.shared.fetched.forget_all();
                self.shared.disk.expect_room(&self.shared.tmp, bytes)
            }
            known => known,
        }
    }

    /// Bytes free for new objects, before the reserve.
    pub fn free_bytes(&self) -> Result<u64, StoreError> {
        self.shared.disk.free_bytes(&self.shared.tmp)
    }

    /// Answers when objects can be read and written.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.free_bytes()?;
        match &self.shared.remote {
            Some(remote) => remote.ping().await,
            None => Ok(()),
        }
    }

    /// The names on one shelf (the first byte of the hash), for the sweep.
    pub(crate) fn shelf(&self, shelf: u8) -> Result<BTreeSet<ObjectId>, StoreError> {
        if self.is_remote() {
            let listed = self.elsewhere(move |remote| async move { remote.shelf(shelf).await })?;
            return Ok(listed.into_iter().map(|(id, ..)| id).collect());
        }
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

    /// Removes objects; the caller holds them doomed and knows that no row names them. Answers how many. `before`: other processes
    /// may write here, so what was written later than that stays, since one of them may be about to name it.
    pub(crate) fn remove(&self, ids: &[ObjectId], before: Option<UnixMs>) -> Result<usize, StoreError> {
        if !self.is_remote() {
            ids.iter().try_for_each(|id| self.shared.disk.remove(&self.path(id)))?;
            return Ok(ids.len());
        }
        ids.iter().for_each(|id| self.shared.fetched.forget(id));
        let ids = ids.to_vec();
        self.elsewhere(move |remote| async move {
            let removed = ids.into_iter().map(|id| {
                let remote = remote.clone();
                async move {
                    let written = match before {
                        Some(_) => remote.head(id).await?.map(|(_, written)| written),
                        None => None,
                    };
                    if before.is_some_and(|before| written.is_none_or(|written| written >= before)) {
                        return Ok(0);
                    }
                    remote.remove(id).await.map(|()| 1)
                }
            });
            let removed = futures_util::stream::iter(removed).buffer_unordered(S3_AT_ONCE);
            removed.try_fold(0, |sum, n: usize| std::future::ready(Ok::<_, StoreError>(sum + n))).await
        })
    }

    /// Asks the S3 from a thread that may wait.
    fn elsewhere<T: Send + 'static, F>(&self, ask: impl FnOnce(Arc<Remote>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        let remote = self.shared.remote.clone().expect("asked only of objects that are elsewhere");
        remote.wait(ask(remote.clone()))
    }

    /// Puts a file's bytes where objects are. `Ok(false)`: they are files; it has to be renamed.
    fn send(&self, id: ObjectId, path: &Path, bytes: u64) -> Result<bool, StoreError> {
        if !self.is_remote() {
            return Ok(false);
        }
        let path = path.to_path_buf();
        self.elsewhere(move |remote| async move { remote.put_file(id, &path, bytes).await })?;
        Ok(true)
    }

    fn next_part(&self) -> PathBuf {
        let n = self.shared.part.fetch_add(1, Ordering::Relaxed);
        self.shared.tmp.join(format!("{n}.part"))
    }

    fn empty(&self, tmp: &Path) -> Result<usize, StoreError> {
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
