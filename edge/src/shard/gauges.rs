//! Numbers that are looked up, not counted: a little of each at every sweep.

use super::Shard;
use crate::limits::{HELD_LOOKED_AT, PRESSED_MS};
use crate::rt;

/// What is under way between two sweeps.
#[derive(Default)]
pub(crate) struct Gauges {
    /// The slot of memory that is looked at next, and the bytes held by those before it.
    held: (usize, u64),
    /// When requests were last counted, and how many there were.
    counted: (u64, u64),
}

impl Gauges {
    /// Brings everything up to date that the control thread reads.
    pub(crate) fn look(&mut self, shard: &Shard) {
        let now_ms = rt::now();
        let counters = &shard.counters;
        let mut ram = shard.ram.borrow_mut();
        ram.reap();
        if let Some(sent) = rt::zero_copies() {
            counters.zero_copies.set(sent.sends);
            counters.zero_copies_copied.set(sent.copied);
            counters.zero_copies_given_up.set(sent.given_up);
            counters.zero_copies_refused.set(sent.refused);
            counters.zero_copies_held.set(sent.held_bytes);
            ram.set_aside(sent.held_bytes);
        }
        counters.objects.set(ram.len() as u64);
        counters.ram_used.set(ram.used());
        counters.evicted.set(ram.evicted());
        if ram.refused() != shard.pressed.get().1 {
            shard.pressed.set((now_ms + PRESSED_MS, ram.refused()));
        }
        let (bytes, next) = ram.held(self.held.0, HELD_LOOKED_AT);
        self.held = (next, self.held.1 + bytes);
        if next == 0 {
            counters.pinned.set(std::mem::take(&mut self.held.1));
        }
        drop(ram);
        let (then_ms, then) = self.counted;
        if now_ms >= then_ms + 1000 {
            let requests = counters.requests.get();
            if then_ms > 0 {
                counters.requests_a_second.set((requests - then) * 1000 / (now_ms - then_ms));
            }
            self.counted = (now_ms, requests);
        }
        counters.waiting.set(shard.peers[shard.id].waiting() as u64);
        counters.leases.set(shard.front.borrow().len() as u64);
        shard.sources.gauges(now_ms);
        shard.disk.gauges(shard);
    }
}
