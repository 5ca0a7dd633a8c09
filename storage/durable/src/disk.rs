//! The one seam through which files are written. A test gives it a budget of bytes and gets a full disk that behaves
//! like a real one: part of the write succeeds, the rest is `ENOSPC`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::StoreError;

/// How files are written: straight to the system, or with a budget.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    room: Option<Arc<AtomicU64>>,
    reserve_bytes: u64,
}

impl Disk {
    /// The real disk. `reserve_bytes` are kept free of uploads, so that the catalogue can still be written.
    pub fn real(reserve_bytes: u64) -> Self {
        Self { room: None, reserve_bytes }
    }

    /// A disk that is full after `bytes` more bytes.
    pub fn with_room(bytes: u64) -> Self {
        Self { room: Some(Arc::new(AtomicU64::new(bytes))), reserve_bytes: 0 }
    }

    /// Changes how much a disk made by [`Disk::with_room`] still takes.
    pub fn set_room(&self, bytes: u64) {
        if let Some(room) = &self.room {
            room.store(bytes, Ordering::Relaxed);
        }
    }

    /// Refuses when `bytes` more would not fit, as far as can be told beforehand.
    pub fn expect_room(&self, path: &Path, bytes: u64) -> Result<(), StoreError> {
        let wanted = bytes.saturating_add(self.reserve_bytes);
        if self.free_bytes(path)? < wanted { Err(StoreError::DiskFull) } else { Ok(()) }
    }

    /// What is free for this process on the file system that holds `path`.
    pub fn free_bytes(&self, path: &Path) -> Result<u64, StoreError> {
        if let Some(room) = &self.room {
            return Ok(room.load(Ordering::Relaxed));
        }
        let stat = rustix::fs::statvfs(path).map_err(|e| StoreError::io("measure", path, e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// A new file that nobody else has; it is an error when the name is taken.
    pub(crate) fn create(&self, path: &Path) -> Result<File, StoreError> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|e| StoreError::io("create", path, e))
    }

    pub(crate) fn write_all(&self, file: &mut File, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let write = |file: &mut File| {
            let Some(room) = &self.room else { return file.write_all(bytes) };
            let wanted = bytes.len() as u64;
            let had = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |r| Some(r.saturating_sub(wanted)));
            let had = had.unwrap_or_default();
            if had >= wanted {
                return file.write_all(bytes);
            }
            file.write_all(&bytes[..had as usize])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        write(file).map_err(|e| StoreError::io("write", path, e))
    }

    pub(crate) fn sync(&self, file: &File, path: &Path) -> Result<(), StoreError> {
        file.sync_data().map_err(|e| StoreError::io("sync", path, e))
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        fs::rename(from, to).map_err(|e| StoreError::io("rename", from, e))
    }

    /// Makes renames and removals inside `folder` survive a power cut.
    pub(crate) fn sync_folder(&self, folder: &Path) -> Result<(), StoreError> {
        let open = File::open(folder).map_err(|e| StoreError::io("open", folder, e))?;
        open.sync_all().map_err(|e| StoreError::io("sync", folder, e))
    }

    /// Removes a file; one that is already gone is as good.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), StoreError> {
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path, e)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_calls_a_full_disk_is_one() {
        let path = Path::new("/dev/full");
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        let full = Disk::default().write_all(&mut file, path, b"x");
        assert!(matches!(full, Err(StoreError::DiskFull)), "{full:?}");
    }
}
