//! Local copies of objects that are in an S3, for programs that want a file to seek in: whole, verified by their name, kept while
//! somebody holds them and then for as long as there is room. Emptied at start.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ObjectId;
use crate::limits::FETCHED_BYTES_MAX;

/// The folder of copies.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    copies: HashMap<ObjectId, Copy>,
    uses: u64,
}

#[derive(Debug)]
struct Copy {
    bytes: u64,
    holders: usize,
    last_use: u64,
}

/// An object as a file. While it lives the file stays.
#[derive(Debug)]
pub struct Local {
    path: PathBuf,
    held: Option<(Arc<Fetched>, ObjectId)>,
}

impl Local {
    /// A file that nobody takes away.
    pub(super) fn of_file(path: PathBuf) -> Self {
        Self { path, held: None }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some((fetched, id)) = &self.held
            && let Some(copy) = fetched.lock().copies.get_mut(id)
        {
            copy.holders = copy.holders.saturating_sub(1);
        }
    }
}

impl Fetched {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, state: Mutex::default() }
    }

    /// Where the copy of an object stands, or would.
    pub(super) fn path(&self, id: &ObjectId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// The copy, when there is one.
    pub(super) fn held(self: &Arc<Self>, id: ObjectId) -> Option<Local> {
        let mut state = self.lock();
        state.uses += 1;
        let uses = state.uses;
        let copy = state.copies.get_mut(&id)?;
        (copy.holders, copy.last_use) = (copy.holders + 1, uses);
        Some(Local { path: self.path(&id), held: Some((self.clone(), id)) })
    }

    /// Takes a whole file in as the copy of an object; those that were used longest ago leave for it.
    pub(super) fn enter(&self, id: ObjectId, bytes: u64, from: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.uses += 1;
        let last_use = state.uses;
        // Under the lock, so that nobody removes by a name what another has just put there.
        fs::rename(from, self.path(&id))?;
        state.copies.entry(id).or_insert(Copy { bytes, holders: 0, last_use });
        while state.copies.values().map(|copy| copy.bytes).sum::<u64>() > FETCHED_BYTES_MAX {
            let oldest = |(_, copy): &(&ObjectId, &Copy)| copy.last_use;
            let free = state.copies.iter().filter(|(other, copy)| copy.holders == 0 && **other != id);
            let Some(oldest) = free.min_by_key(oldest).map(|(id, _)| *id) else { break };
            state.copies.remove(&oldest);
            fs::remove_file(self.path(&oldest))?;
        }
        Ok(())
    }

    /// Removes a copy that nobody holds.
    pub(super) fn forget(&self, id: &ObjectId) {
        let mut state = self.lock();
        if state.copies.get(id).is_some_and(|copy| copy.holders == 0) {
            state.copies.remove(id);
            let _ = fs::remove_file(self.path(id)); // the next start empties the folder
        }
    }

    /// Removes all that nobody holds, since the disk is full.
    pub(super) fn forget_all(&self) {
        let all: Vec<_> = self.lock().copies.keys().copied().collect();
        all.iter().for_each(|id| self.forget(id));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can panic half way, so a poisoned state is a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_that_was_used_longest_ago_leaves_and_one_that_is_held_stays() {
        let folder = tempfile::tempdir().unwrap();
        let fetched = Arc::new(Fetched::new(folder.path().into()));
        let ids = [b"a", b"b", b"c"].map(|bytes| ObjectId::of(bytes));
        let enter = |id, bytes| {
            let part = folder.path().join("part");
            fs::write(&part, b"x").unwrap();
            fetched.enter(id, bytes, &part).unwrap();
        };
        let there = || ids.map(|id| fetched.path(&id).exists());
        enter(ids[0], FETCHED_BYTES_MAX / 2);
        let held = fetched.held(ids[0]).unwrap();
        enter(ids[1], FETCHED_BYTES_MAX / 2);
        enter(ids[2], FETCHED_BYTES_MAX / 2);
        assert_eq!(there(), [true, false, true]);
        assert!(fetched.held(ids[1]).is_none());
        fetched.forget(&ids[0]);
        assert!(held.path().exists());
        drop(held);
        fetched.forget_all();
        assert_eq!(there(), [false; 3]);
    }
}
