//! S3-FIFO weighed by bytes (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023).
//!
//! New entries enter the small queue; one that was used there moves to the main queue when its turn comes, one that was not leaves and
//! is remembered by the ghost queue. In the main queue an entry is spared once for each use counted, up to three. The small queue's share
//! tunes itself by what comes back just after it left either queue (decision 0083).

use crate::ghost::Ghost;
use crate::list::{Links, Queue};
use crate::policy::{Entries, Entry, rotate};

/// The small queue's share of the bytes, in thousandths: where it begins, and between what it tunes itself. A quarter did best by byte
/// miss on mixes of segments and playlists (DESIGN section 3); the paper's tenth is for caches of small objects counted by number.
const SMALL_SHARE: u64 = 250;
const SMALL_SHARE_MIN: u64 = 100;
const SMALL_SHARE_MAX: u64 = 400;
/// Most passes over the queues in one search: an entry is spared at most three times and moved once.
const PASSES_MAX: usize = 5;

pub(crate) struct S3Fifo {
    links: Links,
    small: Queue,
    main: Queue,
    /// Whether a slot is in the main queue.
    in_main: Vec<bool>,
    /// What left the small queue unused, and what left the main queue.
    ghost: Ghost,
    ghost_main: Ghost,
    /// Share of the small queue, in steps of which [`SHARE_STEPS`] are a thousandth.
    share: u64,
}

/// Came back within so small a part of the entries: a slightly larger queue would have kept it.
const NEAR_PART: usize = 10;
/// Steps of the share in a thousandth: each that comes back moves it by one, so that it takes hundreds to move it far.
const SHARE_STEPS: u64 = 4;

impl Default for S3Fifo {
    fn default() -> S3Fifo {
        S3Fifo {
            links: Links::default(),
            small: Queue::default(),
            main: Queue::default(),
            in_main: Vec::new(),
            ghost: Ghost::default(),
            ghost_main: Ghost::default(),
            share: SMALL_SHARE * SHARE_STEPS,
        }
    }
}

impl S3Fifo {
    pub(crate) fn insert(&mut self, entry: Entry) {
        let (left_small, left_main) = (self.ghost.recall(entry.print), self.ghost_main.recall(entry.print));
        self.tune(left_small, left_main);
        let known = left_small.is_some();
        self.mark(entry.slot, known);
        let queue = if known { &mut self.main } else { &mut self.small };
        queue.push(&mut self.links, entry.slot, entry.bytes);
    }

    pub(crate) fn queue_of(&mut self, slot: u32) -> &mut Queue {
        if self.in_main[slot as usize] { &mut self.main } else { &mut self.small }
    }

    pub(crate) fn remove(&mut self, entry: Entry) {
        let queue = if self.in_main[entry.slot as usize] { &mut self.main } else { &mut self.small };
        queue.remove(&mut self.links, entry.slot, entry.bytes);
    }

    pub(crate) fn evict(&mut self, entries: &impl Entries, budget: u64) -> Option<u32> {
        let steps = (self.small.len() + self.main.len()) * PASSES_MAX;
        for _ in 0..steps {
            let small_is_over = self.small.bytes() * 1000 * SHARE_STEPS >= budget * self.share;
            let from_small = self.small.tail().filter(|_| small_is_over || self.main.len() == 0);
            let found = match (from_small, self.main.tail().or(self.small.tail())) {
                (Some(slot), _) => self.leave_small(slot, entries),
                (None, Some(slot)) if self.in_main[slot as usize] => self.leave_main(slot, entries),
                (None, Some(slot)) => self.leave_small(slot, entries),
                (None, None) => return None,
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn leave_small(&mut self, slot: u32, entries: &impl Entries) -> Option<u32> {
        let entry = entries.entry(slot);
        if entries.is_pinned(slot) || entries.spare_once(slot) {
            self.small.remove(&mut self.links, slot, entry.bytes);
            self.mark(slot, true);
            self.main.push(&mut self.links, slot, entry.bytes);
            return None;
        }
        self.small.remove(&mut self.links, slot, entry.bytes);
        self.ghost.remember(entry.print, self.small.len() + self.main.len());
        Some(slot)
    }

    fn leave_main(&mut self, slot: u32, entries: &impl Entries) -> Option<u32> {
        let entry = entries.entry(slot);
        if entries.is_pinned(slot) || entries.spare_once(slot) {
            rotate(&mut self.main, &mut self.links, entry);
            return None;
        }
        self.main.remove(&mut self.links, slot, entry.bytes);
        self.ghost_main.remember(entry.print, self.small.len() + self.main.len());
        Some(slot)
    }

    /// What comes back just after it left a queue would have stayed in a slightly larger one: the queue whose edge sees more of that
    /// grows at the cost of the other.
    fn tune(&mut self, left_small: Option<u64>, left_main: Option<u64>) {
        let near = ((self.small.len() + self.main.len()) / NEAR_PART) as u64;
        if left_small.is_some_and(|since| since < near) {
            self.share = (self.share + 1).min(SMALL_SHARE_MAX * SHARE_STEPS);
        }
        if left_main.is_some_and(|since| since < near) {
            self.share = self.share.saturating_sub(1).max(SMALL_SHARE_MIN * SHARE_STEPS);
        }
    }

    fn mark(&mut self, slot: u32, in_main: bool) {
        let at = slot as usize;
        if self.in_main.len() <= at {
            self.in_main.resize(at + 1, false);
        }
        self.in_main[at] = in_main;
    }
}
