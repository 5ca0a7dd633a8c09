//! Many small objects made durable together. Writing all files first and syncing them after one another, with one sync
//! a folder at the end, costs about half of syncing file and folder each time (0.31 ms against 0.63 ms an object of
//! 300 kB on ext4), and the order still holds: the caller commits its rows after [`Batch::flush`].

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

use bytes::Bytes;

use super::pins::Pin;
use super::{Objects, Patience, Stored};
use crate::limits::{BATCH_BYTES_MAX, BATCH_FILES_MAX};
use crate::{ObjectId, StoreError};

/// A run of objects. What was flushed stays pinned until the batch is dropped.
#[derive(Debug)]
pub struct Batch {
    objects: Objects,
    open: Vec<Open>,
    open_bytes: u64,
    folders: BTreeSet<PathBuf>,
    pins: Vec<Pin>,
    /// Those that go elsewhere.
    held: Vec<(ObjectId, Bytes)>,
}

#[derive(Debug)]
struct Open {
    file: File,
    part: PathBuf,
    path: PathBuf,
}

impl Batch {
    pub(super) fn new(objects: Objects) -> Self {
        Self { objects, open: Vec::new(), open_bytes: 0, folders: BTreeSet::new(), pins: Vec::new(), held: Vec::new() }
    }

    /// Adds an object. It is durable, and may be named by a row, after the next [`Batch::flush`].
    pub fn put(&mut self, bytes: &[u8]) -> Result<ObjectId, StoreError> {
        let id = ObjectId::of(bytes);
        let shared = &self.objects.shared;
        self.pins.push(shared.pins.pin(id));
        if self.objects.is_remote() {
            // Also when it stands already: as one that was just written it is safe from the sweeps of other processes.
            self.held.push((id, Bytes::copy_from_slice(bytes)));
            self.open_bytes += bytes.len() as u64;
            if self.held.len() >= BATCH_FILES_MAX || self.open_bytes >= BATCH_BYTES_MAX {
                self.flush()?;
            }
            return Ok(id);
        }
        let path = self.objects.path(&id);
        if let Some(folder) = path.parent() {
            // Also when the file stands already: whoever renamed it may not have synced the folder yet.
            self.folders.insert(folder.to_path_buf());
        }
        if path.exists() {
            return Ok(id);
        }
        let part = self.objects.next_part();
        let mut file = shared.disk.create(&part)?;
        let written = shared.disk.write_all(&mut file, &part, bytes);
        self.open.push(Open { file, part, path });
        written?;
        self.open_bytes += bytes.len() as u64;
        if self.open.len() >= BATCH_FILES_MAX || self.open_bytes >= BATCH_BYTES_MAX {
            self.flush()?;
        }
        Ok(id)
    }

    /// Makes everything put so far durable.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        if !self.held.is_empty() {
            let held = self.held.clone(); // the bytes are shared
            self.objects.elsewhere(move |remote| async move { remote.put_all(held, Patience::Patient).await })?;
            self.held.clear();
            self.open_bytes = 0;
        }
        let disk = &self.objects.shared.disk;
        for open in &self.open {
            disk.sync(&open.file, &open.part)?;
        }
        for open in &self.open {
            disk.rename(&open.part, &open.path)?;
        }
        self.open.clear();
        self.open_bytes = 0;
        for folder in std::mem::take(&mut self.folders) {
            disk.sync_folder(&folder)?;
        }
        Ok(())
    }

    /// Ends the batch without rows: what was put, to be released. Nothing of it is pinned any more.
    pub fn into_ids(self) -> Vec<ObjectId> {
        self.pins.iter().map(Pin::id).collect()
    }
}

impl Objects {
    /// Stores one object whose bytes are in memory.
    pub fn put(&self, bytes: &[u8]) -> Result<Stored, StoreError> {
        let mut writer = self.writer()?;
        writer.write(bytes)?;
        writer.finish()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for open in &self.open {
            if let Err(error) = self.objects.shared.disk.remove(&open.part) {
                tracing::warn!(%error, "an unfinished file stays until the next start");
            }
        }
    }
}
