//! The role `cache`: values that may be lost at any moment, in this process or in a Redis that several share.
//!
//! ```text
//! look(key, tags) -> Hit(value) | Miss(slot);   fill(slot, value)   delete(key)   clear(tag)   clear_all()   stats()
//! ```
//!
//! An entry is of use as long as each of its tags is of the same generation as when it was looked for. To clear a tag is to give it
//! another generation; nothing is searched. A value that was read before a tag was cleared and is filled in afterwards carries the
//! old generation, and is of use to nobody.
//!
//! A Redis that does not answer is a miss, never an error (`remote.rs`, `breaker.rs`). Decision 0170. Only the gate asks whether it answers,
//! before it decides a rule (`gate/shared.rs`, decision 0254).

mod breaker;
mod local;
mod remote;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

pub use remote::{NotRedis, RedisUrl};
pub(crate) use remote::{Remote, Taken};

use crate::limits::{CACHE_KEY_BYTES_MAX, CACHE_TAGS_AN_ENTRY_MAX, CACHE_TTL_MAX, CACHE_VALUE_BYTES_MAX};
use local::Local;

/// What a look finds.
#[derive(Debug)]
pub(crate) enum Looked {
    Hit(Bytes),
    /// Where a value can be put.
    Miss(Slot),
}

/// A place for one value, as its tags were when it was looked for.
#[derive(Debug)]
pub(crate) struct Slot {
    key: String,
    /// Generations of the tags; `None`: nobody knows them, so that nothing can be kept.
    seen: Option<String>,
}

/// How the cache does. Counted since the start of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stats {
    /// `memory`, `redis`.
    pub(crate) engine: &'static str,
    /// Whether Redis is asked at the moment; always in memory.
    pub(crate) reachable: bool,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    /// Questions that Redis did not answer, those that were not put to it included.
    pub(crate) unanswered: u64,
    /// Of this process's memory.
    pub(crate) entries: Option<u64>,
    pub(crate) bytes: Option<u64>,
}

/// A cache.
#[derive(Debug)]
pub(crate) struct Cache {
    engine: Engine,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug)]
enum Engine {
    Local(Local),
    Remote(Remote),
}

impl Cache {
    /// In this process, of so many bytes; or in the Redis at `url`, which is connected to when it is first asked.
    pub(crate) fn open(url: Option<&RedisUrl>, bytes_max: u64) -> Self {
        let engine = match url {
            Some(url) => Engine::Remote(Remote::open(url)),
            None => Engine::Local(Local::new(bytes_max)),
        };
        Self { engine, hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// Whether other processes see what is put here.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self.engine, Engine::Remote(_))
    }

    /// Whether what other processes see is there: a Redis answers, or there is none that is shared.
    pub(crate) async fn answers(&self) -> bool {
        match &self.engine {
            Engine::Local(_) => true,
            Engine::Remote(remote) => remote.answers().await,
        }
    }

    /// The Redis that it stands on.
    pub(crate) fn remote(&self) -> Option<&Remote> {
        match &self.engine {
            Engine::Remote(remote) => Some(remote),
            Engine::Local(_) => None,
        }
    }

    /// Looks for a value. `tags` are those that it is cleared by, the same ones each time.
    pub(crate) async fn look(&self, key: &str, tags: &[&str]) -> Looked {
        if key.len() > CACHE_KEY_BYTES_MAX || tags.len() > CACHE_TAGS_AN_ENTRY_MAX {
            return Looked::Miss(Slot { key: String::new(), seen: None });
        }
        let (seen, value) = match &self.engine {
            Engine::Local(local) => {
                let (seen, value) = local.look(key, tags).await;
                (Some(seen), value)
            }
            Engine::Remote(remote) => remote.look(key, tags).await.map_or((None, None), |(s, v)| (Some(s), v)),
        };
        let counter = if value.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        match value {
            Some(value) => Looked::Hit(value),
            None => Looked::Miss(Slot { key: key.to_owned(), seen }),
        }
    }

    /// Puts a value where it was missed, for `ttl` at most. One that is too large is not kept.
    pub(crate) async fn fill(&self, slot: Slot, value: Bytes, ttl: Duration) {
        let Slot { key, seen: Some(seen) } = slot else { return };
        if value.len() > CACHE_VALUE_BYTES_MAX || ttl.is_zero() {
            return;
        }
        let ttl = ttl.min(CACHE_TTL_MAX);
        match &self.engine {
            Engine::Local(local) => local.fill(key, seen, value, ttl).await,
            Engine::Remote(remote) => remote.fill(&key, &seen, &value, ttl).await,
        }
    }

    /// Forgets one value.
    pub(crate) async fn delete(&self, key: &str) {
        match &self.engine {
            Engine::Local(local) => local.delete(key).await,
            Engine::Remote(remote) => remote.delete(key).await,
        }
    }

    /// Forgets all that carries a tag.
    pub(crate) async fn clear(&self, tag: &str) {
        match &self.engine {
            Engine::Local(local) => local.clear(tag),
            Engine::Remote(remote) => remote.clear(tag).await,
        }
    }

    /// Forgets everything.
    pub(crate) async fn clear_all(&self) {
        self.clear(EVERYTHING).await;
    }

    /// How it does.
    pub(crate) async fn stats(&self) -> Stats {
        let (engine, reachable, unanswered, size) = match &self.engine {
            Engine::Local(local) => ("memory", true, 0, Some(local.size().await)),
            Engine::Remote(remote) => ("redis", remote.is_asked(), remote.unanswered(), None),
        };
        Stats {
            engine,
            reachable,
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            unanswered,
            entries: size.map(|(entries, _)| entries),
            bytes: size.map(|(_, bytes)| bytes),
        }
    }
}

/// The tag of every entry.
const EVERYTHING: &str = "*";
