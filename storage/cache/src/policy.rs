//! Which entry leaves next. An enum, so that another policy can be replayed against the one in use.

use crate::list::{Links, Queue};
use crate::lru::Lru;
use crate::s3fifo::S3Fifo;

/// What a policy sees of an entry.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) slot: u32,
    pub(crate) print: u64,
    pub(crate) bytes: u64,
}

/// What the policy asks of the tier while it looks for a victim.
pub(crate) trait Entries {
    /// Someone outside the tier holds it: it must stay.
    fn is_pinned(&self, slot: u32) -> bool;
    /// Takes one use away and says whether there was one.
    fn spare_once(&self, slot: u32) -> bool;
    fn entry(&self, slot: u32) -> Entry;
}

/// The policy of a tier.
pub enum Policy {
    /// Small and main first-in first-out queues and a ghost (Yang et al., SOSP 2023), weighed by bytes.
    S3Fifo(Box<S3FifoPolicy>),
    /// Least recently used.
    Lru(Box<LruPolicy>),
}

/// State of [`Policy::S3Fifo`].
pub struct S3FifoPolicy(pub(crate) S3Fifo);
/// State of [`Policy::Lru`].
pub struct LruPolicy(pub(crate) Lru);

impl Policy {
    /// S3-FIFO whose small queue takes a quarter of the bytes.
    #[must_use]
    pub fn s3fifo() -> Policy {
        Policy::S3Fifo(Box::new(S3FifoPolicy(S3Fifo::default())))
    }

    /// Least recently used.
    #[must_use]
    pub fn lru() -> Policy {
        Policy::Lru(Box::new(LruPolicy(Lru::default())))
    }

    pub(crate) fn insert(&mut self, entry: Entry) {
        match self {
            Policy::S3Fifo(p) => p.0.insert(entry),
            Policy::Lru(p) => p.0.insert(entry),
        }
    }

    pub(crate) fn resize(&mut self, entry: Entry, bytes: u64) {
        let queue = match self {
            Policy::S3Fifo(p) => p.0.queue_of(entry.slot),
            Policy::Lru(p) => p.0.queue(),
        };
        if bytes >= entry.bytes {
            queue.grow(bytes - entry.bytes);
        } else {
            queue.shrink(entry.bytes - bytes);
        }
    }

    pub(crate) fn touched(&mut self, entry: Entry) {
        match self {
            Policy::S3Fifo(_) => {}
            Policy::Lru(p) => p.0.touched(entry),
        }
    }

    pub(crate) fn remove(&mut self, entry: Entry) {
        match self {
            Policy::S3Fifo(p) => p.0.remove(entry),
            Policy::Lru(p) => p.0.remove(entry),
        }
    }

    /// Takes the next entry to leave out of the queues. `None`: everything left is pinned.
    pub(crate) fn evict(&mut self, entries: &impl Entries, budget: u64) -> Option<u32> {
        match self {
            Policy::S3Fifo(p) => p.0.evict(entries, budget),
            Policy::Lru(p) => p.0.evict(entries),
        }
    }
}

/// Moves the tail of `queue` to its head; a step of a bounded search.
pub(crate) fn rotate(queue: &mut Queue, links: &mut Links, entry: Entry) {
    queue.remove(links, entry.slot, entry.bytes);
    queue.push(links, entry.slot, entry.bytes);
}
