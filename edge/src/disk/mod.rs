//! The disk tier of one shard: what is asked for twice is written, what is not in memory is looked for here before the origin is asked.
//!
//! ```text
//! hit, or the end of a fill -> offer -> [queue] -> write -> log        one writer task a volume
//! miss in memory -> holds? -> promote -> memory, piece by verified piece -> whoever waited asks again
//! replaced, changed, invalidated -> forget -> tombstone
//! any error -> off: one log line, `disk_up`, and the origin is asked instead
//! ```
//!
//! - [`volume`]: one shard's log on one disk, and whether it is in use. [`cache::disk`] decides, this module moves the bytes.
//! - [`open`]: from a folder to a log, on a thread and then through the ring. [`seed`]: keys that outlive the process.
//! - [`write`]: admission's far end. [`promote`]: from the disk into memory. [`resume`]: the rest from the origin when the disk fails midway.

pub(crate) mod open;
pub(crate) mod promote;
mod resume;
pub(crate) mod seed;
mod volume;
mod write;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cache::Key;

use crate::http::freshness::Freshness;
use crate::limits::{DISK_LIFETIME_MS_MIN, DISK_VALIDATED_BYTES_MIN};
use crate::rt;
use crate::shard::Shard;
use crate::stored::Object;

use volume::Volume;

/// Every disk of one shard.
#[derive(Default)]
pub(crate) struct Disk {
    volumes: Box<[Rc<Volume>]>,
}

impl Disk {
    /// What the configuration says, not yet opened.
    pub(crate) fn new(config: &crate::config::Config, shards: usize, now_ms: u64) -> Disk {
        Disk { volumes: config.disks.iter().map(|disk| Rc::new(Volume::new(disk, shards, now_ms))).collect() }
    }

    /// The volume that `key` belongs to: by bits that neither the owner nor the index uses.
    fn of(&self, key: Key) -> Option<&Rc<Volume>> {
        let middle = (key.0 >> 64) as u32;
        let at = (u64::from(middle) * self.volumes.len() as u64) >> 32;
        self.volumes.get(at as usize)
    }

    /// Whether a record is there for `key`.
    pub(crate) fn holds(&self, key: Key) -> bool {
        self.of(key).is_some_and(|volume| volume.holds(key))
    }

    /// What is under `key` here must never be given to anyone again, after a restart neither. True: something was there.
    pub(crate) fn forget(&self, key: Key) -> bool {
        self.of(key).is_some_and(|volume| volume.forget(key))
    }

    /// A request that memory could not answer. True: it is not the first of late.
    pub(crate) fn asked_again(&self, key: Key) -> bool {
        self.of(key).is_some_and(|volume| volume.asked_again(key))
    }

    /// An object that was asked for again: written when it is worth it and the budget allows.
    pub(crate) fn offer(&self, shard: &Shard, object: &Arc<Object>, now_ms: u64) {
        if object.is_below() {
            return;
        }
        if let Some(volume) = self.of(object.key)
            && is_worth_it(object)
        {
            volume.offer(shard, object, now_ms);
        }
    }

    /// Opens every disk. Returns when each can be used, is off, is held by another process, or `limit` has passed.
    pub(crate) async fn open(&self, shard: &Rc<Shard>, limit: Duration) {
        for volume in &self.volumes {
            let (shard, volume) = (shard.clone(), volume.clone());
            rt::spawn(async move { volume.live(shard).await });
        }
        let _ = rt::timeout(limit, async {
            for volume in &self.volumes {
                volume.settled().await;
            }
        })
        .await;
    }

    /// Whether everything accepted has been written.
    pub(crate) fn is_idle(&self) -> bool {
        self.volumes.iter().all(|volume| volume.is_idle())
    }

    /// The shard ends: what is buffered is written now.
    pub(crate) fn drain(&self) {
        self.volumes.iter().for_each(|volume| volume.drain());
    }

    /// Copies its numbers to where they are read.
    pub(crate) fn gauges(&self, shard: &Shard) {
        let of = |number: fn(&Volume) -> u64| self.volumes.iter().map(|volume| number(volume)).sum();
        shard.counters.disk_up.set(of(Volume::up));
        shard.counters.disk_entries.set(of(Volume::entries));
        shard.counters.disk_used.set(of(Volume::used_bytes));
        shard.counters.disk_waiting.set(of(Volume::waiting));
        shard.counters.disk_index.set(of(Volume::index_bytes));
    }
}

/// Whether an object is likely to be of use after a while: whole, an answer rather than an error, and either fresh for long enough or
/// large and cheaply confirmed.
fn is_worth_it(object: &Object) -> bool {
    let meta = &object.meta;
    let Some(Freshness { received_ms, fresh_until_ms, .. }) = meta.freshness else { return false };
    let validators = meta.validators();
    let is_confirmable = validators.etag.is_some() || validators.last_modified.is_some();
    let lasts = fresh_until_ms.saturating_sub(received_ms) >= DISK_LIFETIME_MS_MIN;
    let large = object.length().is_some_and(|bytes| bytes >= DISK_VALIDATED_BYTES_MIN);
    object.chunks().is_some()
        && !object.is_dead()
        && (200..400).contains(&meta.status)
        && (lasts || (is_confirmable && large))
}
