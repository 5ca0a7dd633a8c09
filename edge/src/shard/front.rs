//! Leases: objects of other shards that this shard may serve without asking again. Bounded; one that is not used is given back, and
//! an object's `dead` flag ends its lease at the next look.

use std::collections::HashMap;
use std::sync::Arc;

use cache::Key;
use cache::key::KeyHash;

use crate::limits::{LEASE_SWEEPS, LEASES_MAX};
use crate::stored::Object;

struct Lease {
    object: Arc<Object>,
    unused_sweeps: u32,
    /// Since the disk was last told.
    is_used: bool,
}

/// The leases of one shard.
#[derive(Default)]
pub(crate) struct Front {
    leases: HashMap<Key, Lease, KeyHash>,
}

impl Front {
    /// The object leased under `key`, if it is still alive. Counts a use.
    pub(crate) fn get(&mut self, key: Key) -> Option<&Arc<Object>> {
        if self.leases.get(&key)?.object.is_dead() {
            self.leases.remove(&key);
            return None;
        }
        let lease = self.leases.get_mut(&key)?;
        lease.unused_sweeps = 0;
        lease.is_used = true;
        lease.object.used();
        Some(&lease.object)
    }

    /// Takes a lease on a whole object.
    pub(crate) fn lease(&mut self, object: &Arc<Object>) {
        if self.leases.len() < LEASES_MAX || self.leases.contains_key(&object.key) {
            self.leases.insert(object.key, Lease { object: object.clone(), unused_sweeps: 0, is_used: false });
        }
    }

    /// Gives back what is dead or was not used for a while.
    pub(crate) fn sweep(&mut self) {
        self.leases.retain(|_, lease| {
            lease.unused_sweeps += 1;
            !lease.object.is_dead() && lease.unused_sweeps <= LEASE_SWEEPS
        });
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
