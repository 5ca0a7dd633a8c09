//! In this process: moka, bounded by bytes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use moka::Expiry;
use moka::future::Cache;

use super::EVERYTHING;
use crate::limits::CACHE_TAGS_MAX;

/// What an entry costs beside its key and value.
const ENTRY_BYTES: usize = 160;

#[derive(Debug)]
pub(super) struct Local {
    entries: Cache<String, Entry>,
    tags: Mutex<Tags>,
}

#[derive(Debug, Clone)]
struct Entry {
    seen: String,
    value: Bytes,
    ttl: Duration,
}

/// Generations. One that nobody knows is a new one, so that a table which was let go of makes nothing of use again.
#[derive(Debug, Default)]
struct Tags {
    last: u64,
    of: HashMap<String, u64>,
}

struct ByEntry;

impl Expiry<String, Entry> for ByEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &String, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl Local {
    pub(super) fn new(bytes_max: u64) -> Self {
        let weigh = |key: &String, entry: &Entry| {
            u32::try_from(key.len() + entry.seen.len() + entry.value.len() + ENTRY_BYTES).unwrap_or(u32::MAX)
        };
        let entries = Cache::builder().max_capacity(bytes_max).weigher(weigh).expire_after(ByEntry).build();
        Self { entries, tags: Mutex::default() }
    }

    /// The generations of the tags, and the value when it is of the same.
    pub(super) async fn look(&self, key: &str, tags: &[&str]) -> (String, Option<Bytes>) {
        let seen = self.generations(tags);
        let entry = self.entries.get(key).await.filter(|entry| entry.seen == seen);
        (seen, entry.map(|entry| entry.value))
    }

    pub(super) async fn fill(&self, key: String, seen: String, value: Bytes, ttl: Duration) {
        self.entries.insert(key, Entry { seen, value, ttl }).await;
    }

    pub(super) async fn delete(&self, key: &str) {
        self.entries.invalidate(key).await;
    }

    pub(super) fn clear(&self, tag: &str) {
        // Whoever looks next gives it another generation.
        self.tags.lock().unwrap_or_else(PoisonError::into_inner).of.remove(tag);
    }

    /// Entries and bytes.
    pub(super) async fn size(&self) -> (u64, u64) {
        self.entries.run_pending_tasks().await;
        (self.entries.entry_count(), self.entries.weighted_size())
    }

    fn generations(&self, tags: &[&str]) -> String {
        let mut known = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        if known.of.len() + tags.len() + 1 > CACHE_TAGS_MAX {
            known.of.clear();
        }
        let mut seen = String::new();
        for tag in [EVERYTHING].iter().chain(tags) {
            let next = known.last + 1;
            let generation = *known.of.entry((*tag).to_owned()).or_insert(next);
            known.last = known.last.max(generation);
            seen.push_str(&generation.to_string());
            seen.push(',');
        }
        seen
    }
}
