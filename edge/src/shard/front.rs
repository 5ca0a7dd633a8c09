//! Leases: objects of other shards that this shard may serve without asking again. Bounded in number and in bytes, as what is held cannot
//! make room in its owner's memory; one that is not used is given back, and an object's `dead` flag ends its lease at the next look.

use std::collections::HashMap;
use std::sync::Arc;

use cache::Key;
use cache::key::KeyHash;

use crate::limits::{LEASE_SWEEPS, LEASED_PART, LEASES_MAX};
use crate::stored::Object;

struct Lease {
    object: Arc<Object>,
    bytes: u64,
    unused_sweeps: u32,
    /// Since the disk was last told.
    is_used: bool,
}

/// The leases of one shard.
pub(crate) struct Front {
    leases: HashMap<Key, Lease, KeyHash>,
    bytes: u64,
    bytes_max: u64,
    /// There was no room, and will be none before the next sweep.
    is_full: bool,
}

impl Front {
    /// Of one of `shards`, each of which may keep `budget` bytes.
    pub(crate) fn new(budget: u64, shards: usize) -> Front {
        let others = (shards as u64).saturating_sub(1).max(1);
        Front { leases: HashMap::default(), bytes: 0, bytes_max: budget / LEASED_PART / others, is_full: false }
    }

    /// The object leased under `key`, if it is still alive. Counts a use.
    pub(crate) fn get(&mut self, key: Key) -> Option<&Arc<Object>> {
        if self.leases.get(&key)?.object.is_dead() {
            self.end(key);
            return None;
        }
        let lease = self.leases.get_mut(&key)?;
        lease.unused_sweeps = 0;
        lease.is_used = true;
        lease.object.used();
        Some(&lease.object)
    }

    /// Takes a lease on an object that is kept, if there is room for it: what was not used since the last sweep makes some.
    pub(crate) fn lease(&mut self, object: &Arc<Object>) {
        let bytes = object.arrived();
        self.end(object.key);
        if self.lacks(bytes) && !self.is_full {
            self.retain(|lease| lease.unused_sweeps == 0);
            self.is_full = self.lacks(bytes);
        }
        if !self.lacks(bytes) {
            self.bytes += bytes;
            let lease = Lease { object: object.clone(), bytes, unused_sweeps: 0, is_used: false };
            self.leases.insert(object.key, lease);
        }
    }

    fn lacks(&self, bytes: u64) -> bool {
        self.leases.len() >= LEASES_MAX || self.bytes + bytes > self.bytes_max
    }

    fn end(&mut self, key: Key) {
        if let Some(lease) = self.leases.remove(&key) {
            self.bytes -= lease.bytes;
        }
    }

    fn retain(&mut self, keeps: impl Fn(&Lease) -> bool) {
        let bytes = &mut self.bytes;
        self.leases.retain(|_, lease| {
            let stays = keeps(lease);
            *bytes -= if stays { 0 } else { lease.bytes };
            stays
        });
    }

    /// Gives back what is dead or was not used for a while.
    pub(crate) fn sweep(&mut self) {
        self.is_full = false;
        self.leases.values_mut().for_each(|lease| lease.unused_sweeps += 1);
        self.retain(|lease| !lease.object.is_dead() && lease.unused_sweeps <= LEASE_SWEEPS);
    }

    /// What was used since the last call and is not on disk: its owner does not know that it was asked for again.
    pub(crate) fn wanted(&mut self) -> Vec<Arc<Object>> {
        let mut wanted = Vec::new();
        for lease in self.leases.values_mut() {
            if std::mem::take(&mut lease.is_used) && !lease.object.is_below() {
                wanted.push(lease.object.clone());
            }
        }
        wanted
    }

    pub(crate) fn len(&self) -> usize {
        self.leases.len()
    }
}
