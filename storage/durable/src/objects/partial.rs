//! A file that grows over several requests and processes, and becomes an object when it is whole. It stands in
//! `<data>/uploads/<name>`; what counts as received is its length, which never covers bytes that a power cut may take:
//! file systems move the length on when the bytes are written, and each request ends with a sync.
//!
//! Becoming an object is a second name (link) for the file, so that a crash before the row commits loses nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::{Objects, Stored};
use crate::limits::{HASH_PIECE_BYTES, SYNC_EVERY_BYTES};
use crate::{ObjectId, StoreError};

/// SHA-256 of the first bytes of a partial file, so that a whole one is not read again.
#[derive(Debug, Clone)]
pub struct RunningHash {
    bytes: u64,
    hash: Sha256,
}

impl Default for RunningHash {
    fn default() -> Self {
        Self { bytes: 0, hash: Sha256::new() }
    }
}

/// An open partial file, written at its end.
#[derive(Debug)]
pub struct Partial {
    objects: Objects,
    path: PathBuf,
    file: File,
    bytes: u64,
    bytes_unsynced: u64,
    hash: Option<RunningHash>,
}

impl Objects {
    /// Makes an empty partial file. `name` is one of ours: `[a-z2-7]`.
    pub fn create_partial(&self, name: &str) -> Result<Partial, StoreError> {
        let path = self.partial_path(name);
        let file = self.shared.disk.create(&path)?;
        self.shared.disk.sync_folder(&self.shared.uploads)?;
        let hash = Some(RunningHash::default());
        Ok(Partial { objects: self.clone(), path, file, bytes: 0, bytes_unsynced: 0, hash })
    }

    /// Opens one; `None` when there is none. `hash` is used when it covers what is there.
    pub fn open_partial(&self, name: &str, hash: Option<RunningHash>) -> Result<Option<Partial>, StoreError> {
        let path = self.partial_path(name);
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|e| StoreError::io("open", &path, e))?,
        };
        let bytes = file.seek(SeekFrom::End(0)).map_err(|e| StoreError::io("open", &path, e))?;
        let hash = hash.or_else(|| Some(RunningHash::default())).filter(|hash| hash.bytes == bytes);
        Ok(Some(Partial { objects: self.clone(), path, file, bytes, bytes_unsynced: 0, hash }))
    }

    /// Length of one; `None` when there is none.
    pub fn partial_bytes(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let path = self.partial_path(name);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("measure", &path, e)),
        }
    }

    /// Removes one; one that is gone is as good.
    pub fn remove_partial(&self, name: &str) -> Result<(), StoreError> {
        self.shared.disk.remove(&self.partial_path(name))
    }

    /// The names of all, for the sweep.
    pub fn partials(&self) -> Result<Vec<String>, StoreError> {
        let folder = &self.shared.uploads;
        let list = || fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
        let names = list().map_err(|e| StoreError::io("list", folder, e))?;
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }

    fn partial_path(&self, name: &str) -> PathBuf {
        self.shared.uploads.join(name)
    }
}

impl Partial {
    /// Bytes that are there.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends. After an error some of the bytes may be there: they are right, and count.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let disk = &self.objects.shared.disk;
        if let Err(error) = disk.write_all(&mut self.file, &self.path, bytes) {
            self.hash = None;
            self.bytes = self.file.seek(SeekFrom::End(0)).map_err(|e| StoreError::io("measure", &self.path, e))?;
            return Err(error);
        }
        if let Some(running) = &mut self.hash {
            running.hash.update(bytes);
            running.bytes += bytes.len() as u64;
        }
        self.bytes += bytes.len() as u64;
        self.bytes_unsynced += bytes.len() as u64;
        if self.bytes_unsynced >= SYNC_EVERY_BYTES { self.sync() } else { Ok(()) }
    }

    /// What was appended survives a power cut.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.objects.shared.disk.sync(&self.file, &self.path)?;
        self.bytes_unsynced = 0;
        Ok(())
    }

    /// Takes back what was appended behind `bytes`.
    pub fn truncate(&mut self, bytes: u64) -> Result<(), StoreError> {
        let cut = |file: &mut File| file.set_len(bytes).and_then(|()| file.seek(SeekFrom::End(0)));
        self.bytes = cut(&mut self.file).map_err(|e| StoreError::io("cut", &self.path, e))?;
        self.hash = self.hash.take().filter(|hash| hash.bytes == bytes);
        self.sync()
    }

    /// Appends a whole other one.
    pub fn append_partial(&mut self, name: &str) -> Result<(), StoreError> {
        let path = self.objects.partial_path(name);
        let mut from = File::open(&path).map_err(|e| StoreError::io("open", &path, e))?;
        let mut piece = vec![0; HASH_PIECE_BYTES];
        loop {
            match from.read(&mut piece).map_err(|e| StoreError::io("read", &path, e))? {
                0 => return Ok(()),
                n => self.append(&piece[..n])?,
            }
        }
    }

    /// What is hashed so far, to go on with later.
    pub fn running_hash(&self) -> Option<RunningHash> {
        self.hash.clone()
    }

    /// Gives the bytes their name as an object, beside the one they have. Reads them again only when they were not all hashed
    /// on the way.
    pub fn finish(&mut self) -> Result<Stored, StoreError> {
        let hash = match self.hash.take() {
            Some(running) if running.bytes == self.bytes => running.hash,
            _ => self.read_hash()?,
        };
        let shared = &self.objects.shared;
        let id = ObjectId::from_hash(hash.finalize().into());
        let pin = shared.pins.pin(id);
        if self.objects.send(id, &self.path, self.bytes)? {
            return Ok(Stored { id, bytes: self.bytes, _pin: pin });
        }
        let path = self.objects.path(&id);
        shared.disk.sync(&self.file, &self.path)?;
        match fs::hard_link(&self.path, &path) {
            // The same bytes are stored already.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked.map_err(|e| StoreError::io("link", &path, e))?,
        }
        if let Some(folder) = path.parent() {
            shared.disk.sync_folder(folder)?;
        }
        Ok(Stored { id, bytes: self.bytes, _pin: pin })
    }

    fn read_hash(&mut self) -> Result<Sha256, StoreError> {
        let failed = |e| StoreError::io("read", &self.path, e);
        let mut file = File::open(&self.path).map_err(failed)?;
        let (mut hash, mut piece) = (Sha256::new(), vec![0; HASH_PIECE_BYTES]);
        loop {
            match file.read(&mut piece).map_err(failed)? {
                0 => return Ok(hash),
                n => hash.update(&piece[..n]),
            }
        }
    }
}
