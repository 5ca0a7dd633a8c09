//! Which shards have someone asleep on a thing that changes.
//!
//! A waiter sets its shard's bit *before* it looks at the thing again; whoever changes the thing takes all bits *after* the change.
//! Both are sequentially consistent read-modify-writes, so a change is either seen by the second look or rings the bell.

use std::sync::atomic::{AtomicU64, Ordering};

/// One bit a shard; shards are numbered below [`Bell::SHARDS_MAX`].
#[derive(Default, Debug)]
pub struct Bell(AtomicU64);

impl Bell {
    /// Width of the mask.
    pub const SHARDS_MAX: usize = 64;

    /// Someone of `shard` is about to sleep; look once more after this.
    pub fn listen(&self, shard: usize) {
        debug_assert!(shard < Self::SHARDS_MAX);
        self.0.fetch_or(1 << shard, Ordering::SeqCst);
        std::sync::atomic::fence(Ordering::SeqCst);
    }

    /// Takes every listener: bit n is shard n. Call after the change.
    #[must_use]
    pub fn take(&self) -> u64 {
        // The fence orders the change (a release store) before this look.
        std::sync::atomic::fence(Ordering::SeqCst);
        if self.0.load(Ordering::SeqCst) == 0 {
            return 0;
        }
        self.0.swap(0, Ordering::SeqCst)
    }
}
