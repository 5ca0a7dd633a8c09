//! Backups one a folder, of which the youngest are kept. Each is whole and restored by itself; an object that the one before has is the same
//! file (a hard link), so that a backup costs the room and the time of what is new. Drawn in `docs/formats/backup.md`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backup::{BackedUp, CATALOGUE, backup_beside};
use crate::lock::FolderLock;
use crate::objects::Copied;
use crate::store::blocking;
use crate::{Disk, Places, StoreError};

/// What such a backup came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Where it is.
    pub folder: PathBuf,
    /// What is in it; `objects.there` are those that were linked.
    pub made: BackedUp,
    /// How many older ones were removed.
    pub removed: usize,
}

/// How the names of whole ones begin. Whatever else is in the folder is let be.
const PREFIX: &str = "streamgate-";
/// One that is not whole. The next one goes on with it.
const UNFINISHED: &str = "unfinished";
/// One that is being removed.
const REMOVED: &str = "removed";

/// Makes the backup `to/streamgate-NAME` and keeps `kept` with it, those whose names come last. `to` is not within the data folder.
///
/// # Errors
/// No earlier backup is removed before the new one is whole. [`StoreError::Locked`]: another process makes one there.
pub async fn rotate(
    data: &Path,
    places: &Places,
    (to, name): (&Path, &str),
    kept: usize,
    tell: impl FnMut(&Copied),
) -> Result<Rotated, StoreError> {
    let root = to.to_path_buf();
    let (lock, last) = blocking(move || begin(&root)).await?;
    let unfinished = to.join(UNFINISHED);
    let made = backup_beside(data, places, &unfinished, last.as_deref(), tell).await?;
    let (root, folder) = (to.to_path_buf(), to.join(format!("{PREFIX}{name}")));
    let whole = folder.clone();
    let removed = blocking(move || {
        let _lock = lock; // for as long as this goes on, even if nobody waits for it any more
        let disk = Disk::default();
        disk.rename(&unfinished, &whole)?;
        disk.sync_folder(&root)?;
        remove_old(&root, &whole, kept)
    })
    .await?;
    Ok(Rotated { folder, made, removed })
}

/// The whole backups in a folder, oldest first.
pub fn backups(to: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |e| StoreError::io("list", to, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(to).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.path().join(CATALOGUE).is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Takes the folder, and answers the last backup in it.
fn begin(to: &Path) -> Result<(FolderLock, Option<PathBuf>), StoreError> {
    fs::create_dir_all(to).map_err(|e| StoreError::io("create", to, e))?;
    let lock = FolderLock::take(to)?;
    remove(&to.join(REMOVED))?;
    // Objects of one that was cut off are whole. A key may be half written, or another one by now.
    remove(&to.join(UNFINISHED).join("keys"))?;
    Ok((lock, backups(to)?.pop()))
}

/// Removes the oldest, but not `new`, whatever the clock said when it was named. Answers how many.
fn remove_old(to: &Path, new: &Path, kept: usize) -> Result<usize, StoreError> {
    let older: Vec<_> = backups(to)?.into_iter().filter(|one| one != new).collect();
    let surplus = older.len().saturating_sub(kept.saturating_sub(1));
    for one in &older[..surplus] {
        // At once it is none any more: half of one must not be taken for one.
        let removed = to.join(REMOVED);
        Disk::default().rename(one, &removed)?;
        remove(&removed)?;
    }
    Ok(surplus)
}

/// Removes a folder; one that is not there is as good.
fn remove(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", folder, e)),
        _ => Ok(()),
    }
}
