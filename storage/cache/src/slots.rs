//! Which slots of an arena are taken, and which pairs of them lie in large pages.
//!
//! A large page covers two slots. A stock of empty ones is kept ready, so that a body is written into one from its first byte; a pair
//! that was written without one is gathered later when it is full.
//!
//! A large page is given back to the system as a whole: the kernel writes zeros over a part of it, and over what of that part is on its
//! way to a client. So a slot given back whose neighbour is taken is *spent*: it is nobody's until the neighbour is given back too. A
//! large page costs memory where its slots hold less than it: that *slack*, the stock and the spent included, ends the making of large
//! pages at its bound; beyond it the tier is charged for it ([`Slots::beyond`]).

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
    /// It may lie in one page with its neighbour.
    joined: bool,
    /// It was given back, and its memory was not.
    spent: bool,
}

impl Slot {
    /// Memory it costs beyond what it holds.
    fn slack(self) -> u64 {
        match self {
            Slot { backed: false, spent, filled, .. } => u64::from(filled) * u64::from(spent),
            Slot { taken: false, .. } => u64::from(SLOT_BYTES),
            Slot { settled: false, .. } => 0,
            Slot { filled, .. } => u64::from(SLOT_BYTES - filled),
        }
    }
}

/// Memory to be given back to the system; [`Slots::emptied`] must follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freed {
    /// Of one slot.
    Slot(u32),
    /// Of both slots of a pair.
    Pair(u32),
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
    /// As a slot begins.
    empty: Slot,
}

impl Slots {
    /// `pairs` pairs of slots, and `slack_max` bytes that large pages may cost beyond what they hold. `unasked`: the system makes large pages
    /// by itself.
    pub(crate) fn new(pairs: u32, slack_max: u64, unasked: bool) -> Slots {
        let empty = Slot { joined: unasked, ..Slot::default() };
        Slots {
            slots: vec![empty; pairs as usize * 2],
            stock: Vec::new(),
            singles: Vec::new(),
            pairs: Vec::new(),
            unused: 0,
            candidates: Vec::new(),
            working: None,
            resting: 0,
            slack: 0,
            slack_max,
            empty,
        }
    }

    /// Bytes of the slack above its bound.
    pub(crate) fn beyond(&self) -> u64 {
        self.slack.saturating_sub(self.slack_max)
    }

    pub(crate) fn take(&mut self) -> Option<u32> {
        let slot = self.pop(Listed::Stock).or_else(|| self.pop(Listed::Single)).or_else(|| {
            let pair = self.free_pair()?;
            self.list(pair * 2 + 1, Listed::Single);
            Some(pair * 2)
        })?;
        self.change(slot, |s| {
            *s = Slot { taken: true, backed: s.backed, joined: s.joined, ..Slot::default() };
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

    /// A slot is given back. `None`: its memory stays, until its neighbour is given back or the work on the pair is done.
    pub(crate) fn give_back(&mut self, slot: u32) -> Option<Freed> {
        if let Some((Work::Gather(pair), given)) = &mut self.working
            && *pair == slot / 2
        {
            given[(slot % 2) as usize] = true;
            return None;
        }
        self.freed(slot)
    }

    fn freed(&mut self, slot: u32) -> Option<Freed> {
        if !self.slots[slot as usize].joined {
            return Some(Freed::Slot(slot));
        }
        self.change(slot, |s| (s.taken, s.spent) = (false, true));
        let neighbour = &mut self.slots[(slot ^ 1) as usize];
        if neighbour.taken {
            return None;
        }
        neighbour.listed = Listed::Nowhere;
        Some(Freed::Pair(slot / 2))
    }

    /// What was freed has been emptied. Without `emptied` it stays out of use.
    pub(crate) fn emptied(&mut self, freed: Freed, emptied: bool) {
        let empty = self.empty;
        match freed {
            _ if !emptied => {}
            Freed::Pair(pair) => {
                self.change(pair * 2, |s| *s = empty);
                self.change(pair * 2 + 1, |s| *s = empty);
                self.free(pair);
            }
            Freed::Slot(slot) => {
                self.change(slot, |s| *s = empty);
                let neighbour = slot ^ 1;
                if self.slots[neighbour as usize].listed == Listed::Single {
                    self.free(slot / 2);
                } else {
                    self.list(slot, Listed::Single);
                }
            }
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

    /// The pair under work lies in a large page, or could not be put there. Returns what is to be emptied.
    pub(crate) fn done(&mut self, done: bool) -> Option<Freed> {
        match self.working.take()? {
            (Work::Prepare(pair), _) if done => {
                for slot in [pair * 2 + 1, pair * 2] {
                    self.change(slot, |s| (s.backed, s.joined) = (true, true));
                    self.list(slot, Listed::Stock);
                }
                None
            }
            (Work::Prepare(pair), _) => {
                self.resting = REST_ROUNDS;
                Some(Freed::Pair(pair))
            }
            (Work::Gather(pair), given) => {
                let mut freed = None;
                for slot in [pair * 2, pair * 2 + 1] {
                    // What could not be put there may be there all the same.
                    self.change(slot, |s| (s.backed, s.joined) = (done, true));
                }
                for (slot, given) in [pair * 2, pair * 2 + 1].into_iter().zip(given) {
                    if given {
                        freed = self.freed(slot);
                    }
                }
                freed
            }
        }
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
        let mut slots = Slots::new(4, u64::from(FULL) * 3, false);
        assert_eq!(slots.work(), Some(Work::Prepare(0)));
        assert_eq!(slots.done(true), None);
        assert_eq!(slots.work(), None, "the slack is used up");
        assert_eq!((slots.take(), slots.take(), slots.take()), (Some(0), Some(1), Some(2)));
        slots.settle(0, FULL);
        slots.settle(1, FULL / 2);
        assert_eq!(slots.slack, u64::from(FULL) / 2);
        assert_eq!(slots.work(), Some(Work::Prepare(2)));
        assert_eq!(slots.done(false), Some(Freed::Pair(2)));
        slots.emptied(Freed::Pair(2), true);
        slots.round();
        assert_eq!(slots.work(), None, "the system had none: it is left alone for a while");
    }

    #[test]
    fn full_pairs_are_gathered_and_what_is_given_back_meanwhile_is_spent_afterwards() {
        let mut slots = Slots::new(1, u64::from(FULL), false);
        assert_eq!((slots.take(), slots.take(), slots.take()), (Some(0), Some(1), None));
        slots.settle(0, FULL);
        assert_eq!(slots.work(), None, "its neighbour is still being written");
        slots.settle(1, FULL);
        assert_eq!(slots.work(), Some(Work::Gather(0)));
        assert_eq!(slots.give_back(1), None);
        assert_eq!(slots.done(true), None);
        assert_eq!(slots.take(), None, "it is in one page with its neighbour, which is taken");
        assert_eq!(slots.slack, u64::from(FULL));
        assert_eq!(slots.give_back(0), Some(Freed::Pair(0)));
        slots.emptied(Freed::Pair(0), true);
        assert_eq!(slots.slack, 0);
        assert_eq!((slots.take(), slots.take(), slots.take()), (Some(0), Some(1), None));
    }

    #[test]
    fn a_pair_that_could_not_be_gathered_may_be_in_a_large_page_all_the_same() {
        let mut slots = Slots::new(1, u64::from(FULL), false);
        assert_eq!((slots.take(), slots.take()), (Some(0), Some(1)));
        slots.settle(0, FULL);
        slots.settle(1, FULL);
        assert_eq!(slots.work(), Some(Work::Gather(0)));
        assert_eq!(slots.done(false), None);
        assert_eq!(slots.give_back(0), None);
        assert_eq!(slots.slack, u64::from(FULL));
        assert_eq!(slots.give_back(1), Some(Freed::Pair(0)));
    }

    #[test]
    fn what_is_spent_beyond_the_bound_is_told() {
        let mut slots = Slots::new(8, u64::from(FULL) * 4, false);
        while slots.work().is_some() {
            assert_eq!(slots.done(true), None);
        }
        let mut held = Vec::new();
        for _ in 0..4 {
            let slot = slots.take().expect("stock");
            slots.settle(slot, FULL);
            held.push(slot);
        }
        assert_eq!((slots.slack, slots.beyond()), (0, 0));
        // The neighbours of the others that were full before.
        while slots.work().is_some() {
            assert_eq!(slots.done(true), None);
        }
        while held.len() < 8 {
            let slot = slots.take().expect("stock");
            slots.settle(slot, FULL);
            held.push(slot);
        }
        while slots.work().is_some() {
            assert_eq!(slots.done(true), None);
        }
        for slot in held.iter().filter(|slot| *slot % 2 == 0) {
            assert_eq!(slots.give_back(*slot), None);
        }
        assert_eq!(slots.beyond(), u64::from(FULL) * 4, "four spent beside a stock of four, which is the bound");
    }

    proptest! {
        #[test]
        fn no_slot_is_given_twice_and_none_is_emptied_under_its_neighbour(
            ops in prop::collection::vec((0u8..5, any::<u32>()), 1..300),
            unasked in any::<bool>(),
        ) {
            let slack_max = u64::from(FULL) * 6;
            let mut slots = Slots::new(8, slack_max, unasked);
            let mut held: Vec<u32> = Vec::new();
            let mut joined = [unasked; 8];
            for (op, n) in ops {
                let mut freed = None;
                match op {
                    0 | 1 => {
                        if let Some(slot) = slots.take() {
                            prop_assert!(!held.contains(&slot));
                            held.push(slot);
                        } else {
                            let spent = slots.slots.iter().filter(|s| s.spent).count();
                            prop_assert_eq!(held.len() + spent, 16);
                        }
                    }
                    2 if !held.is_empty() => slots.settle(held[n as usize % held.len()], n % (FULL + 1)),
                    3 if !held.is_empty() => {
                        let slot = held.swap_remove(n as usize % held.len());
                        freed = slots.give_back(slot);
                    }
                    _ => {
                        slots.round();
                        if let Some(Work::Prepare(pair) | Work::Gather(pair)) = slots.work() {
                            joined[pair as usize] = true;
                            // Sometimes one of the pair is given back meanwhile.
                            if let Some(at) = held.iter().position(|slot| slot / 2 == pair).filter(|_| n % 3 == 0) {
                                prop_assert_eq!(slots.give_back(held.swap_remove(at)), None);
                            }
                            freed = slots.done(n % 4 != 0);
                        }
                    }
                }
                match freed {
                    None => {}
                    Some(Freed::Slot(slot)) => prop_assert!(!joined[slot as usize / 2], "half of a large page"),
                    Some(Freed::Pair(pair)) => {
                        prop_assert!(held.iter().all(|slot| slot / 2 != pair), "emptied under its neighbour");
                        joined[pair as usize] = unasked;
                    }
                }
                if let Some(freed) = freed {
                    slots.emptied(freed, true);
                }
                let real: u64 = slots.slots.iter().map(|s| s.slack()).sum();
                prop_assert_eq!(slots.slack, real);
            }
            for slot in held {
                if let Some(freed) = slots.give_back(slot) {
                    slots.emptied(freed, true);
                }
            }
            prop_assert!(slots.slots.iter().all(|s| !s.spent && !s.taken), "nothing stays spent for ever");
        }
    }
}
