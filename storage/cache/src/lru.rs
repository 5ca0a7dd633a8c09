//! Least recently used, by bytes. Stands beside S3-FIFO for comparison.

use crate::list::{Links, Queue};
use crate::policy::{Entries, Entry, rotate};

#[derive(Default)]
pub(crate) struct Lru {
    links: Links,
    queue: Queue,
}

impl Lru {
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.queue.push(&mut self.links, entry.slot, entry.bytes);
    }

    pub(crate) fn queue(&mut self) -> &mut Queue {
        &mut self.queue
    }

    pub(crate) fn touched(&mut self, entry: Entry) {
        rotate(&mut self.queue, &mut self.links, entry);
    }

    pub(crate) fn remove(&mut self, entry: Entry) {
        self.queue.remove(&mut self.links, entry.slot, entry.bytes);
    }

    pub(crate) fn evict(&mut self, entries: &impl Entries) -> Option<u32> {
        for _ in 0..self.queue.len() {
            let slot = self.queue.tail()?;
            let entry = entries.entry(slot);
            if entries.is_pinned(slot) {
                rotate(&mut self.queue, &mut self.links, entry);
                continue;
            }
            self.remove(entry);
            return Some(slot);
        }
        None
    }
}
