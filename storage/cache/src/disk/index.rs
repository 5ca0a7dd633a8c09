//! From a key to its record: an open-addressed table of 16 bytes a slot.
//!
//! The table is cut into many small ones by the key, each of which grows by a quarter when it is seven eighths full. So it holds between
//! 0.7 and 0.875 of its slots, 23 bytes an entry at worst, and growing never stops the shard for more than a small table's copy.
//!
//! A slot has 64 bits of the key. Two keys that share them share a slot, the later one stays, and the record itself says which it is.

use super::layout::{Address, BLOCK_BYTES, UNIT_BYTES};
use crate::key::Key;

/// Bytes of a slot.
pub const SLOT_BYTES: u64 = size_of::<Slot>() as u64;
/// A table grows when it is fuller than this part.
const LOAD_MAX: (usize, usize) = (7, 8);
/// What it grows by. What is left full afterwards: 7/8 / (5/4) = 0.7.
const GROWTH: (usize, usize) = (5, 4);
/// First slots of a small table.
const SLOTS_MIN: usize = 8;
/// Bits of an address, in units, that a slot holds: 64 TiB of log before one comes twice, and then the record's own address differs.
const PLACE_BITS: u32 = 40;
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;
const BLOCKS_BITS: u32 = 16;
const BLOCKS_MASK: u64 = (1 << BLOCKS_BITS) - 1;
const USED: u64 = 1 << (PLACE_BITS + BLOCKS_BITS);

/// A slot: 64 bits of the key; place, length and a mark in the others. All zeros: empty.
#[derive(Clone, Copy, Default)]
struct Slot {
    print: u64,
    packed: u64,
}

impl Slot {
    fn is_empty(self) -> bool {
        self.packed == 0
    }
}

/// What the index says of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Where the record lies, modulo 2^46 bytes.
    units: u64,
    /// Blocks to read for all of it.
    pub blocks: u64,
    /// It was looked for since it was written.
    pub used: bool,
}

impl Held {
    /// The latest address up to `head` that this can mean.
    #[must_use]
    pub fn address(&self, head: Address) -> Address {
        let head = head.0 / UNIT_BYTES;
        let back = head.wrapping_sub(self.units) & PLACE_MASK;
        Address(head.wrapping_sub(back).wrapping_mul(UNIT_BYTES))
    }
}

/// Blocks that a record of `bytes` at `address` touches.
#[must_use]
pub fn blocks(address: Address, bytes: u64) -> u64 {
    (address.0 % BLOCK_BYTES + bytes).div_ceil(BLOCK_BYTES)
}

/// The table of one log.
pub struct Index {
    tables: Box<[Table]>,
}

#[derive(Default)]
struct Table {
    slots: Box<[Slot]>,
    taken: usize,
}

impl Index {
    /// An empty index, cut into small tables for a file of `bytes`.
    #[must_use]
    pub fn new(bytes: u64) -> Index {
        /// One small table for this much of a file: with objects of 4 KiB a thousand entries.
        const TABLE_PART: u64 = 4 * 1024 * 1024;
        let count = (bytes / TABLE_PART).next_power_of_two().clamp(16, 1 << 16);
        Index { tables: (0..count).map(|_| Table::default()).collect() }
    }

    /// What is held under `key`, if anything.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<Held> {
        let table = &self.tables[self.table(key)];
        table.find(key.fingerprint()).map(|at| held(table.slots[at]))
    }

    /// Marks `key` as used.
    pub fn mark(&mut self, key: Key) {
        let table = self.table(key);
        let table = &mut self.tables[table];
        if let Some(at) = table.find(key.fingerprint()) {
            table.slots[at].packed |= USED;
        }
    }

    /// Enters a record of `bytes` at `address` and returns what was held before. Entries that `is_gone` may be dropped to make room.
    pub fn insert(&mut self, key: Key, address: Address, bytes: u64, is_gone: impl Fn(Held) -> bool) -> Option<Held> {
        let units = (address.0 / UNIT_BYTES) & PLACE_MASK;
        let packed = units | ((blocks(address, bytes) & BLOCKS_MASK) << PLACE_BITS);
        let slot = Slot { print: key.fingerprint(), packed };
        let table = self.table(key);
        let table = &mut self.tables[table];
        if let Some(at) = table.find(slot.print) {
            let before = std::mem::replace(&mut table.slots[at], slot);
            return Some(held(before));
        }
        if (table.taken + 1) * LOAD_MAX.1 > table.slots.len() * LOAD_MAX.0 {
            table.make_room(is_gone);
        }
        table.add(slot);
        None
    }

    /// Takes `key` out and returns what was held.
    pub fn remove(&mut self, key: Key) -> Option<Held> {
        let table = self.table(key);
        let table = &mut self.tables[table];
        let at = table.find(key.fingerprint())?;
        Some(held(table.take(at)))
    }

    /// Slots taken, those of records that are gone included.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.tables.iter().map(|table| table.taken as u64).sum()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.taken == 0)
    }

    /// Bytes of memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.slots.len() as u64 * SLOT_BYTES + size_of::<Table>() as u64).sum()
    }

    /// The small table of a key: by its fingerprint's highest bits.
    fn table(&self, key: Key) -> usize {
        let bits = self.tables.len().trailing_zeros();
        (key.fingerprint() >> (64 - bits)) as usize
    }
}

fn held(slot: Slot) -> Held {
    Held {
        units: slot.packed & PLACE_MASK,
        blocks: (slot.packed >> PLACE_BITS) & BLOCKS_MASK,
        used: slot.packed & USED != 0,
    }
}

impl Table {
    /// Where a fingerprint would like to be: by its lowest bits, spread over any number of slots.
    fn home(&self, print: u64) -> usize {
        let low = print & u64::from(u32::MAX);
        ((low * self.slots.len() as u64) >> 32) as usize
    }

    fn find(&self, print: u64) -> Option<usize> {
        if self.taken == 0 {
            return None;
        }
        let mut at = self.home(print);
        loop {
            let slot = self.slots[at];
            if slot.is_empty() {
                return None;
            }
            if slot.print == print {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    fn add(&mut self, slot: Slot) {
        let mut at = self.home(slot.print);
        while !self.slots[at].is_empty() {
            at = self.after(at);
        }
        self.slots[at] = slot;
        self.taken += 1;
    }

    /// Empties a slot and moves those behind it up, so that a search still ends at the first empty one.
    fn take(&mut self, at: usize) -> Slot {
        let taken = self.slots[at];
        let (mut hole, mut at) = (at, at);
        loop {
            at = self.after(at);
            let slot = self.slots[at];
            if slot.is_empty() {
                break;
            }
            let home = self.home(slot.print);
            // It may move to the hole unless its home lies behind the hole, cyclically.
            let stays = if hole <= at { hole < home && home <= at } else { hole < home || home <= at };
            if !stays {
                self.slots[hole] = slot;
                hole = at;
            }
        }
        self.slots[hole] = Slot::default();
        self.taken -= 1;
        taken
    }

    /// Drops what is gone; grows when that does not help.
    fn make_room(&mut self, is_gone: impl Fn(Held) -> bool) {
        let old = std::mem::take(&mut self.slots);
        let left: Vec<Slot> = old.iter().copied().filter(|slot| !slot.is_empty() && !is_gone(held(*slot))).collect();
        let wanted = (left.len() + 1) * LOAD_MAX.1 / LOAD_MAX.0;
        // Room for a quarter more than is left, and no more: the table shrinks when much is gone.
        self.slots = vec![Slot::default(); (wanted * GROWTH.0 / GROWTH.1).max(SLOTS_MIN)].into();
        self.taken = 0;
        for slot in left {
            self.add(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn key(i: u64) -> Key {
        Key(u128::from(xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes())))
    }

    #[test]
    fn an_entry_costs_at_most_24_bytes() {
        // By arithmetic: right after growing a table is at its emptiest.
        let emptiest = LOAD_MAX.0 as f64 / LOAD_MAX.1 as f64 * GROWTH.1 as f64 / GROWTH.0 as f64;
        assert!(SLOT_BYTES as f64 / emptiest < 23.0);
        // And counted, while it grows.
        let mut index = Index::new(4 << 30);
        for i in 0..1_000_000u64 {
            index.insert(key(i), Address(i * 64), 64, |_| false);
            if i.is_power_of_two() && i > 500_000 || i == 999_999 {
                let each = index.bytes() as f64 / (i + 1) as f64;
                assert!(each <= 24.0, "{each} bytes an entry at {i}");
            }
        }
        assert_eq!(index.len(), 1_000_000);
    }

    #[test]
    fn places_are_found_again_however_far_the_log_has_run() {
        let lap = 1u64 << 46;
        for at in [0, 64, lap - 64, lap, 5 * lap + 640] {
            let mut index = Index::new(1 << 20);
            index.insert(key(1), Address(at), 10_000, |_| false);
            let held = index.get(key(1)).expect("held");
            assert_eq!(held.address(Address(at + (1 << 40))), Address(at));
            assert_eq!(held.blocks, blocks(Address(at), 10_000));
        }
    }

    #[test]
    fn what_is_gone_makes_room_before_the_table_grows() {
        let mut index = Index::new(1 << 20);
        for i in 0..100_000u64 {
            let address = Address(i * 64);
            index.insert(key(i), address, 64, |held| held.address(address).0 + 64_000 < address.0);
        }
        assert!(index.len() < 3_000, "{}", index.len());
        assert!(index.bytes() < 100_000);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map(ops in prop::collection::vec((0u8..3, 0u64..200), 1..2000)) {
            let mut index = Index::new(1);
            let mut map = HashMap::new();
            for (i, (op, k)) in (1u64..).zip(ops) {
                // Few homes, so that runs are long and wrap around.
                let key = Key(u128::from((k << 30) | ((k % 3) << 60)));
                match op {
                    0 | 1 => {
                        let before = index.insert(key, Address(i * 64), 64, |_| false).map(|h| h.address(Address(i * 64)));
                        prop_assert_eq!(before, map.insert(k, Address(i * 64)));
                    }
                    _ => {
                        let before = index.remove(key).map(|h| h.address(Address(i * 64)));
                        prop_assert_eq!(before, map.remove(&k));
                    }
                }
                prop_assert_eq!(index.len(), map.len() as u64);
                for (k, at) in &map {
                    let key = Key(u128::from((k << 30) | ((k % 3) << 60)));
                    prop_assert_eq!(index.get(key).map(|h| h.address(Address(i * 64))), Some(*at));
                }
            }
        }
    }
}
