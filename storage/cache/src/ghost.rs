//! Names of entries that left the small queue unused: one that comes back soon goes straight to the main queue.

use std::collections::{HashMap, VecDeque};

use foldhash::fast::FixedState;

/// Remembered however few entries are alive, so that a small cache of large bodies still learns.
const REMEMBERED_MIN: usize = 1024;

/// A bounded first-in first-out set of fingerprints, which knows how long ago each came.
pub(crate) struct Ghost {
    order: VecDeque<u64>,
    /// By fingerprint the turn in which it last came.
    present: HashMap<u64, u64, FixedState>,
    turn: u64,
}

impl Default for Ghost {
    fn default() -> Ghost {
        Ghost { order: VecDeque::new(), present: HashMap::with_hasher(FixedState::default()), turn: 0 }
    }
}

impl Ghost {
    /// Remembers `print`; `alive` is the number of entries in the cache, which is how many are remembered.
    pub(crate) fn remember(&mut self, print: u64, alive: usize) {
        self.order.push_back(print);
        self.turn += 1;
        self.present.insert(print, self.turn);
        while self.order.len() > alive.max(REMEMBERED_MIN) {
            let Some(old) = self.order.pop_front() else { break };
            let turn = self.turn - self.order.len() as u64;
            if self.present.get(&old) == Some(&turn) {
                self.present.remove(&old);
            }
        }
    }

    /// How many came after `print`, if it is remembered; forgets it.
    pub(crate) fn recall(&mut self, print: u64) -> Option<u64> {
        self.present.remove(&print).map(|turn| self.turn - turn)
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
        assert_eq!(ghost.recall(0), None);
        assert_eq!(ghost.recall(2998), Some(1));
        assert_eq!(ghost.recall(2998), None);
        ghost.remember(2999, 10);
        assert_eq!(ghost.recall(2999), Some(0), "the last time counts");
    }
}
