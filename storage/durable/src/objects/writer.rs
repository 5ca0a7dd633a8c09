//! One object whose bytes come bit by bit: hashed on the way, renamed at the end. Dropped unfinished, it leaves nothing.

use std::fs::File;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::{Objects, Stored};
use crate::limits::SYNC_EVERY_BYTES;
use crate::{ObjectId, StoreError};

/// An object in the making.
#[derive(Debug)]
pub struct Writer {
    objects: Objects,
    part: PathBuf,
    file: File,
    hash: Sha256,
    bytes: u64,
    bytes_unsynced: u64,
}

impl Writer {
    pub(super) fn start(objects: Objects) -> Result<Self, StoreError> {
        let part = objects.next_part();
        let file = objects.shared.disk.create(&part)?;
        Ok(Self { objects, part, file, hash: Sha256::new(), bytes: 0, bytes_unsynced: 0 })
    }

    /// Appends bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let disk = &self.objects.shared.disk;
        disk.write_all(&mut self.file, &self.part, bytes)?;
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.bytes_unsynced += bytes.len() as u64;
        if self.bytes_unsynced >= SYNC_EVERY_BYTES {
            disk.sync(&self.file, &self.part)?;
            self.bytes_unsynced = 0;
        }
        Ok(())
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Makes the object durable and gives it its name.
    pub fn finish(mut self) -> Result<Stored, StoreError> {
        let shared = &self.objects.shared;
        let id = ObjectId::from_hash(std::mem::take(&mut self.hash).finalize().into());
        let pin = shared.pins.pin(id);
        if self.objects.send(id, &self.part, self.bytes)? {
            // Whoever works on it next is probably this process.
            let kept = shared.fetched.enter(id, self.bytes, &self.part);
            kept.map_err(|e| StoreError::io("rename", &self.part, e))?;
            return Ok(Stored { id, bytes: self.bytes, _pin: pin });
        }
        let path = self.objects.path(&id);
        shared.disk.sync(&self.file, &self.part)?;
        // When the same bytes are stored already this replaces them by themselves.
        shared.disk.rename(&self.part, &path)?;
        if let Some(folder) = path.parent() {
            shared.disk.sync_folder(folder)?;
        }
        Ok(Stored { id, bytes: self.bytes, _pin: pin })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After `finish` the name is gone already; part names are never used twice in a process.
        if let Err(error) = self.objects.shared.disk.remove(&self.part) {
            tracing::warn!(%error, "an unfinished file stays until the next start");
        }
    }
}
