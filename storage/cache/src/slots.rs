//! Which slots of an arena are taken, and which pairs of them lie in large pages.
//!
//! A large page covers two slots. A stock of empty ones is kept ready, so that a body is written into one from its first byte; a pair
//! that was written without one is gathered later when it is full. A large page costs memory where its slots hold less than it: that
//! *slack*, the stock included, is bounded.

use crate::arena::SLOT_BYTES;

/// Where a slot that is not taken is to be found.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Listed {
    #[default]
    Nowhere,
    /// Its sibling is taken, or is in stock.
    Single,
    /// Its sibling is free as well.
    Pair,
    /// In a large page, ready.
    Stock,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    taken: bool,
    listed: Listed,
    /// What it holds is all it will hold.
    settled: bool,
    filled: u32,
    /// All of its memory is there, filled or not.
    backed: bool,
}

impl Slot {
    /// Memory it costs beyond what it holds.
    fn slack(self) -> u64 {
        match self {
            Slot { backed: false, .. } => 0,
            Slot { taken: false, .. } => u64::from(SLOT_BYTES),
            Slot { settled: false, .. } => 0,
            Slot { filled, .. } => u64::from(SLOT_BYTES - filled),
        }
    }
}

/// What is to be put into a large page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// A pair that is free: for the stock.
    Prepare(u32),
    /// A pair that is full.
    Gather(u32),
}

/// Rounds without preparing after the system had no large page: looking for one again at once would only burn its time.
const REST_ROUNDS: u32 = 200;

/// The book of an arena.
pub(crate) struct Slots {
    slots: Vec<Slot>,
    stock: Vec<u32>,
    singles: Vec<u32>,
    pairs: Vec<u32>,
    /// Pairs from here on were never used.
    unused: u32,
    /// Pairs that may have become worth a large page.
    candidates: Vec<u32>,
    /// The pair under work, and which of its slots were given back meanwhile.
    working: Option<(Work, [bool; 2])>,
    resting: u32,
    slack: u64,
    slack_max: u64,
}

impl Slots {
    /// `pairs` pairs of slots, and `slack_max` bytes that large pages may cost beyond what they hold.
    pub(crate) fn new(pairs: u32, slack_max: u64) -> Slots {
        Slots {
            slots: vec![Slot::default(); pairs as usize * 2],
            stock: Vec::new(),
            singles: Vec::new(),
            pairs: Vec::new(),
            unused: 0,
            candidates: Vec::new(),
            working: None,
            resting: 0,
            slack: 0,
            slack_max,
        }
    }

    pub(crate) fn take(&mut self) -> Option<u32> {
        let slot = self.pop(Listed::Stock).or_else(|| self.pop(Listed::Single)).or_else(|| {
            let pair = self.free_pair()?;
            self.list(pair * 2 + 1, Listed::Single);
            Some(pair * 2)
        })?;
        self.change(slot, |s| {
            *s = Slot { taken: true, backed: s.backed, ..Slot::default() };
        });
        Some(slot)
    }

    /// A slot will not be written any more.
    pub(crate) fn settle(&mut self, slot: u32, filled: u32) {
        self.change(slot, |s| (s.settled, s.filled) = (true, filled));
        if !self.slots[slot as usize].backed {
            self.candidates.push(slot / 2);
        }
    }

    /// A slot is given back. False: its pair is under work, which will see to it.
    pub(crate) fn give_back(&mut self, slot: u32) -> bool {
        if let Some((Work::Gather(pair), given)) = &mut self.working
            && *pair == slot / 2
        {
            given[(slot % 2) as usize] = true;
            return false;
        }
        true
    }

    /// A slot given back has been emptied. Without `emptied` it stays out of use.
    pub(crate) fn emptied(&mut self, slot: u32, emptied: bool) {
        if !emptied {
            return;
        }
        self.change(slot, |s| *s = Slot::default());
        let sibling = slot ^ 1;
        if self.slots[sibling as usize].listed == Listed::Single && !self.slots[sibling as usize].backed {
            self.slots[sibling as usize].listed = Listed::Pair;
            self.slots[slot as usize].listed = Listed::Pair;
            self.pairs.push(slot / 2);
        } else {
            self.list(slot, Listed::Single);
        }
    }

    /// Begins a round of work.
    pub(crate) fn round(&mut self) {
        self.resting = self.resting.saturating_sub(1);
    }

    /// The next pair to put into a large page; [`Slots::done`] must follow.
    pub(crate) fn work(&mut self) -> Option<Work> {
        let work = self.gather().or_else(|| self.prepare())?;
        self.working = Some((work, [false; 2]));
        Some(work)
    }

    /// The pair under work lies in a large page, or could not be put there. Returns the slots given back meanwhile.
    pub(crate) fn done(&mut self, done: bool) -> impl Iterator<Item = u32> + use<> {
        let mut returned = [None; 2];
        let pair = match self.working.take() {
            None => return returned.into_iter().flatten(),
            Some((Work::Prepare(pair), _)) => {
                let (slot, listed) = (pair * 2, if done { Listed::Stock } else { Listed::Pair });
                for slot in [slot, slot + 1] {
                    self.slots[slot as usize].listed = Listed::Nowhere;
                    self.change(slot, |s| s.backed = done);
                }
                if done {
                    self.list(slot + 1, listed);
                    self.list(slot, listed);
                } else {
                    self.resting = REST_ROUNDS;
                    self.free(pair);
                }
                return returned.into_iter().flatten();
            }
            Some((Work::Gather(pair), given)) => {
                for (i, given) in given.into_iter().enumerate() {
                    returned[i] = given.then_some(pair * 2 + i as u32);
                }
                pair
            }
        };
        if done {
            for slot in [pair * 2, pair * 2 + 1] {
                self.change(slot, |s| s.backed = true);
            }
        }
        returned.into_iter().flatten()
    }

    /// A pair that was written and is worth a large page.
    fn gather(&mut self) -> Option<Work> {
        while let Some(pair) = self.candidates.pop() {
            let both = &self.slots[pair as usize * 2..pair as usize * 2 + 2];
            let full = both.iter().all(|s| s.taken && s.settled && !s.backed);
            let added: u64 = both.iter().map(|s| u64::from(SLOT_BYTES - s.filled)).sum();
            if full && self.slack + added <= self.slack_max {
                return Some(Work::Gather(pair));
            }
        }
        None
    }

    /// A pair for the stock, while the slack allows.
    fn prepare(&mut self) -> Option<Work> {
        if self.resting > 0 || self.slack + 2 * u64::from(SLOT_BYTES) > self.slack_max {
            return None;
        }
        self.free_pair().map(Work::Prepare)
    }

    /// Takes a pair out of the lists.
    fn free_pair(&mut self) -> Option<u32> {
        while let Some(pair) = self.pairs.pop() {
            let both = &mut self.slots[pair as usize * 2..pair as usize * 2 + 2];
            if both.iter().all(|s| s.listed == Listed::Pair) {
                both.iter_mut().for_each(|s| s.listed = Listed::Nowhere);
                return Some(pair);
            }
        }
        let pair = self.unused;
        ((pair as usize) < self.slots.len() / 2).then(|| {
            self.unused += 1;
            pair
        })
    }

    fn free(&mut self, pair: u32) {
        for slot in [pair * 2, pair * 2 + 1] {
            self.slots[slot as usize].listed = Listed::Pair;
        }
        self.pairs.push(pair);
    }

    fn list(&mut self, slot: u32, listed: Listed) {
        self.slots[slot as usize].listed = listed;
        match listed {
            Listed::Stock => self.stock.push(slot),
            _ => self.singles.push(slot),
        }
    }

    /// The last slot of a list that still belongs there.
    fn pop(&mut self, listed: Listed) -> Option<u32> {
        loop {
            let slot = if listed == Listed::Stock { self.stock.pop()? } else { self.singles.pop()? };
            let entry = &mut self.slots[slot as usize];
            if entry.listed == listed && !entry.taken {
                entry.listed = Listed::Nowhere;
                return Some(slot);
            }
        }
    }

    fn change(&mut self, slot: u32, change: impl FnOnce(&mut Slot)) {
        let slot = &mut self.slots[slot as usize];
        self.slack -= slot.slack();
        change(slot);
        self.slack += slot.slack();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FULL: u32 = SLOT_BYTES;

    #[test]
    fn a_stock_is_prepared_within_the_slack_and_used_first() {
        let mut slots = Slots::new(4, u64::from(FULL) * 3);
        assert_eq!(slots.work(), Some(Work::Prepare(0)));
        assert_eq!(slots.done(true).count(), 0);
        assert_eq!(slots.work(), None, "the slack is used up");
        assert_eq!((slots.take(), slots.take(), slots.take()), (Some(0), Some(1), Some(2)));
        slots.settle(0, FULL);
        slots.settle(1, FULL / 2);
        assert_eq!(slots.slack, u64::from(FULL) / 2);
        assert_eq!(slots.work(), Some(Work::Prepare(2)));
        let _ = slots.done(false);
        slots.round();
        assert_eq!(slots.work(), None, "the system had none: it is left alone for a while");
    }

    #[test]
    fn full_pairs_are_gathered_and_what_is_given_back_meanwhile_is_emptied_afterwards() {
        let mut slots = Slots::new(1, u64::from(FULL));
        assert_eq!((slots.take(), slots.take(), slots.take()), (Some(0), Some(1), None));
        slots.settle(0, FULL);
        assert_eq!(slots.work(), None, "its sibling is still being written");
        slots.settle(1, FULL);
        assert_eq!(slots.work(), Some(Work::Gather(0)));
        assert!(!slots.give_back(1));
        assert_eq!(slots.done(true).collect::<Vec<_>>(), [1]);
        slots.emptied(1, true);
        assert!(slots.give_back(0));
        slots.emptied(0, true);
        assert_eq!(slots.slack, 0);
        assert_eq!((slots.take(), slots.take(), slots.take()), (Some(0), Some(1), None));
    }

    proptest! {
        #[test]
        fn no_slot_is_given_twice_and_the_slack_stays_bounded(ops in prop::collection::vec((0u8..5, any::<u32>()), 1..300)) {
            let slack_max = u64::from(FULL) * 6;
            let mut slots = Slots::new(8, slack_max);
            let mut held: Vec<u32> = Vec::new();
            for (op, n) in ops {
                match op {
                    0 | 1 => {
                        if let Some(slot) = slots.take() {
                            prop_assert!(!held.contains(&slot));
                            held.push(slot);
                        } else {
                            prop_assert_eq!(held.len(), 16);
                        }
                    }
                    2 if !held.is_empty() => slots.settle(held[n as usize % held.len()], n % (FULL + 1)),
                    3 if !held.is_empty() => {
                        let slot = held.swap_remove(n as usize % held.len());
                        prop_assert!(slots.give_back(slot));
                        slots.emptied(slot, true);
                    }
                    _ => {
                        slots.round();
                        if slots.work().is_some() {
                            prop_assert_eq!(slots.done(n % 4 != 0).count(), 0);
                        }
                    }
                }
                // What is taken from the stock and half filled is slack as well: as much again as the bound, at most.
                prop_assert!(slots.slack <= slack_max + held.len() as u64 * u64::from(FULL));
                let real: u64 = slots.slots.iter().map(|s| s.slack()).sum();
                prop_assert_eq!(slots.slack, real);
            }
        }
    }
}
