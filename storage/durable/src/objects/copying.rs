//! Copies of all objects of one place in another: from files to an S3 and back, and into a backup. What is there already is not
//! copied again, so a copy that was cut off goes on; what is copied is compared with its name on the way. What another copy beside has is
//! linked. Nothing is locked: objects never change, and one that is removed meanwhile is told.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::stream::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use super::remote::Remote;
use super::{S3Place, make_folder};
use crate::limits::{HASH_PIECE_BYTES, S3_AT_ONCE};
use crate::store::blocking;
use crate::{Disk, ObjectId, StoreError, id::by_chance};

/// A place of objects that is only copied from and to.
#[derive(Debug, Clone)]
pub struct Shelves {
    place: Place,
    /// Another place of files, to which what comes here is linked.
    beside: Option<PathBuf>,
    /// Whatever is between two places, or has no name yet.
    scratch: PathBuf,
}

#[derive(Debug, Clone)]
enum Place {
    Files(PathBuf),
    Remote(Arc<Remote>),
}

/// What became of a copy so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Shelves that are done, of 256.
    pub shelves: u32,
    /// Objects that were copied, and their bytes.
    pub objects: u64,
    /// See `objects`.
    pub bytes: u64,
    /// Objects that were there already, or linked.
    pub there: u64,
}

impl Shelves {
    /// The files `<folder>/ab/cdef...`; `scratch` is a folder of the same file system, made if it is missing.
    pub fn files(folder: &Path, scratch: &Path) -> Result<Self, StoreError> {
        make_folder(folder)?;
        make_folder(scratch)?;
        Ok(Self { place: Place::Files(folder.to_path_buf()), beside: None, scratch: scratch.to_path_buf() })
    }

    /// An S3.
    pub async fn s3(place: &S3Place, scratch: &Path) -> Result<Self, StoreError> {
        make_folder(scratch)?;
        let place = Place::Remote(Arc::new(Remote::open(place).await?));
        Ok(Self { place, beside: None, scratch: scratch.to_path_buf() })
    }

    /// With what `folder`, another place of files, has: that is not copied here, but linked, where the file system has links.
    pub(crate) fn beside(self, folder: &Path) -> Self {
        Self { beside: Some(folder.to_path_buf()), ..self }
    }

    /// Copies whatever `to` lacks, and tells after each object how far it is.
    pub async fn copy_to(&self, to: &Self, mut tell: impl FnMut(&Copied)) -> Result<Copied, StoreError> {
        let mut copied = Copied::default();
        for shelf in 0..=u8::MAX {
            let (mine, theirs) = (self.shelf(shelf).await?, to.shelf(shelf).await?);
            let missing = mine
                .iter()
                .filter(|(id, bytes)| theirs.get(id) != Some(bytes))
                .map(|(id, bytes)| (*id, *bytes))
                .collect();
            let missing = to.link(shelf, missing).await?;
            copied.there += (mine.len() - missing.len()) as u64;
            let copies = missing.into_iter().map(|(id, bytes)| async move { self.copy(to, id).await.map(|()| bytes) });
            let mut copies = futures_util::stream::iter(copies).buffer_unordered(S3_AT_ONCE);
            while let Some(bytes) = copies.try_next().await? {
                copied.objects += 1;
                copied.bytes += bytes;
                tell(&copied);
            }
            copied.shelves += 1;
            tell(&copied);
        }
        Ok(copied)
    }

    /// Reads all objects and compares them with their names. Answers how many there are, and those that are others.
    pub async fn verify(&self, mut tell: impl FnMut(&Copied)) -> Result<(Copied, Vec<ObjectId>), StoreError> {
        let (mut seen, mut wrong) = (Copied::default(), Vec::new());
        for shelf in 0..=u8::MAX {
            let looks = self.shelf(shelf).await?.into_iter().map(|(id, bytes)| async move {
                match self.local(id).await {
                    Ok(_) => Ok((id, bytes, true)),
                    Err(StoreError::Damaged(_)) => Ok((id, bytes, false)),
                    Err(error) => Err(error),
                }
            });
            let mut looks = futures_util::stream::iter(looks).buffer_unordered(S3_AT_ONCE);
            while let Some((id, bytes, is_right)) = looks.try_next().await? {
                seen.objects += 1;
                seen.bytes += bytes;
                if !is_right {
                    wrong.push(id);
                }
                tell(&seen);
            }
            seen.shelves += 1;
            tell(&seen);
        }
        Ok((seen, wrong))
    }

    /// Whether an object is there.
    pub async fn has(&self, id: ObjectId) -> Result<bool, StoreError> {
        match &self.place {
            Place::Files(folder) => Ok(file(folder, &id).exists()),
            Place::Remote(remote) => Ok(remote.head(id).await?.is_some()),
        }
    }

    /// Links those that the place beside has. Answers the others.
    async fn link(&self, shelf: u8, mut wanted: Vec<(ObjectId, u64)>) -> Result<Vec<(ObjectId, u64)>, StoreError> {
        let (Place::Files(folder), Some(beside)) = (&self.place, &self.beside) else { return Ok(wanted) };
        let (folder, beside) = (folder.clone(), beside.clone());
        blocking(move || {
            let count = wanted.len();
            wanted.retain(|(id, bytes)| {
                let there = file(&beside, id);
                let is_whole = fs::metadata(&there).is_ok_and(|meta| meta.len() == *bytes);
                !is_whole || fs::hard_link(there, file(&folder, id)).is_err()
            });
            if wanted.len() < count {
                Disk::default().sync_folder(&folder.join(format!("{shelf:02x}")))?;
            }
            Ok(wanted)
        })
        .await
    }

    async fn copy(&self, to: &Self, id: ObjectId) -> Result<(), StoreError> {
        let local = self.local(id).await?;
        match &to.place {
            Place::Remote(remote) => {
                let bytes = fs::metadata(&local.path).map_err(|e| StoreError::io("measure", &local.path, e))?.len();
                remote.put_file(id, &local.path, bytes).await
            }
            Place::Files(folder) => {
                let (from, to, part) = (local.path.clone(), file(folder, &id), to.unused(id)?);
                blocking(move || place_file(&from, &part, &to)).await
            }
        }
    }

    /// The object as a file whose bytes were compared with its name.
    async fn local(&self, id: ObjectId) -> Result<Local, StoreError> {
        match &self.place {
            Place::Remote(remote) => {
                let local = Local { path: self.unused(id)?, is_copy: true };
                remote.fetch(id, &local.path).await?;
                Ok(local)
            }
            Place::Files(folder) => {
                let path = file(folder, &id);
                let looked = path.clone();
                blocking(move || compare(&looked, id)).await?;
                Ok(Local { path, is_copy: false })
            }
        }
    }

    /// A name that nobody else writes under: threads may still go on with a copy that nobody waits for any more.
    fn unused(&self, id: ObjectId) -> Result<PathBuf, StoreError> {
        Ok(self.scratch.join(format!("{id}.{}.part", by_chance()?)))
    }

    async fn shelf(&self, shelf: u8) -> Result<BTreeMap<ObjectId, u64>, StoreError> {
        match &self.place {
            Place::Remote(remote) => {
                Ok(remote.shelf(shelf).await?.into_iter().map(|(id, bytes, _)| (id, bytes)).collect())
            }
            Place::Files(folder) => {
                let folder = folder.join(format!("{shelf:02x}"));
                blocking(move || {
                    make_folder(&folder)?;
                    list(&folder, shelf).map_err(|e| StoreError::io("list", &folder, e))
                })
                .await
            }
        }
    }
}

/// An object as a file, which is removed if it is but a copy: also when nobody waits for it any more.
#[derive(Debug)]
struct Local {
    path: PathBuf,
    is_copy: bool,
}

impl Drop for Local {
    fn drop(&mut self) {
        if self.is_copy {
            let _ = fs::remove_file(&self.path); // not there when the S3 was away; and the next start empties the folder
        }
    }
}

fn file(folder: &Path, id: &ObjectId) -> PathBuf {
    let name = id.to_string();
    folder.join(&name[..2]).join(&name[2..])
}

fn list(folder: &Path, shelf: u8) -> io::Result<BTreeMap<ObjectId, u64>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(id) = entry.file_name().to_str().and_then(|rest| format!("{shelf:02x}{rest}").parse().ok()) {
            found.insert(id, entry.metadata()?.len());
        }
    }
    Ok(found)
}

fn compare(path: &Path, id: ObjectId) -> Result<(), StoreError> {
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => StoreError::Missing(id),
        _ => StoreError::io("read", path, e),
    };
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; HASH_PIECE_BYTES]);
    loop {
        match file.read(&mut piece).map_err(failed)? {
            0 => break,
            n => hash.update(&piece[..n]),
        }
    }
    if ObjectId::from_hash(hash.finalize().into()) == id {
        Ok(())
    } else {
        Err(StoreError::Damaged(format!("the object {id} has other bytes than its name says")))
    }
}

/// On the disk, whole, when it returns.
fn place_file(from: &Path, part: &Path, to: &Path) -> Result<(), StoreError> {
    let disk = Disk::default();
    let copied = fs::copy(from, part).map_err(|e| StoreError::io("copy", from, e));
    let placed = copied.and_then(|_| {
        let file = File::open(part).map_err(|e| StoreError::io("open", part, e))?;
        disk.sync(&file, part)?;
        disk.rename(part, to)
    });
    if placed.is_err() {
        disk.remove(part)?;
    }
    placed?;
    to.parent().map_or(Ok(()), |folder| disk.sync_folder(folder))
}
