//! Names of entries that left the small queue unused: one that comes back soon goes straight to the main queue.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;

/// Remembered however few entries are alive, so that a small cache of large bodies still learns.
const REMEMBERED_MIN: usize = 1024;

/// A bounded first-in first-out set of fingerprints.
pub(crate) struct Ghost {
    order: VecDeque<u64>,
    present: HashMap<u64, u32, FixedState>,
}

impl Default for Ghost {
    fn default() -> Ghost {
        Ghost { order: VecDeque::new(), present: HashMap::with_hasher(FixedState::default()) }
    }
}

impl Ghost {
    /// Remembers `print`; `alive` is the number of entries in the cache, which is how many are remembered.
    pub(crate) fn remember(&mut self, print: u64, alive: usize) {
        self.order.push_back(print);
        *self.present.entry(print).or_insert(0) += 1;
        while self.order.len() > alive.max(REMEMBERED_MIN) {
            let Some(old) = self.order.pop_front() else { break };
            self.forget_one(old);
        }
    }

    /// Whether `print` is remembered; forgets it.
    pub(crate) fn recall(&mut self, print: u64) -> bool {
        self.present.remove(&print).is_some()
    }

    fn forget_one(&mut self, print: u64) {
        if let Some(count) = self.present.get_mut(&print) {
            *count -= 1;
            if *count == 0 {
                self.present.remove(&print);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_forgets_the_oldest_first_and_never_grows_past_its_bound() {
        let mut ghost = Ghost::default();
        for i in 0..3000u64 {
            ghost.remember(i, 10);
        }
        assert_eq!(ghost.order.len(), REMEMBERED_MIN);
        assert!(ghost.present.len() <= REMEMBERED_MIN);
        assert!(!ghost.recall(0));
        assert!(ghost.recall(2999));
        assert!(!ghost.recall(2999));
    }
}
