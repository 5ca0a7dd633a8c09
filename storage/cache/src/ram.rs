//! The RAM tier of one shard: index, byte accounting, eviction, pins.
//!
//! What is charged: the capacity of every chunk, what the edge says its head costs, and [`ENTRY_OVERHEAD`]. An entry that someone outside
//! holds (a send in flight, another shard's lease, its own fill) is pinned and never evicted. One that is *removed* while held goes to
//! the limbo: dead, out of the index, and still charged until the last holder lets go. So `used` never exceeds the budget, and
//! memory follows `used`. Beside an arena, what its large pages cost beyond their bound counts as well, until it is given back.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::arena::Arena;
use crate::chunk::Chunk;
use crate::key::{Key, KeyHash};
use crate::object::Object;
use crate::policy::{Entries, Entry, Policy};

/// Index bucket, slot, links, ghost, the object and its chunk headers: bytes charged for an entry beside its body and head.
pub const ENTRY_OVERHEAD: u64 = 512;

/// There is no room and everything that could leave is pinned, or the entry is larger than the tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

/// Proof of an entry being filled. Stale once the entry is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    slot: u32,
    generation: u32,
}

/// What a look-up finds.
pub struct Found<'a, M> {
    /// The entry's object.
    pub object: &'a Arc<Object<M>>,
    /// The head of its run while it fills.
    pub first: Option<&'a Arc<Chunk>>,
}

struct Slot<M> {
    object: Arc<Object<M>>,
    bytes: u64,
    /// The head of the run while it fills.
    first: Option<Arc<Chunk>>,
    filling: bool,
}

struct Slots<M> {
    slots: Vec<Option<Slot<M>>>,
    generations: Vec<u32>,
    free: Vec<u32>,
}

/// Objects in memory, up to a budget of bytes.
pub struct Ram<M> {
    index: HashMap<Key, u32, KeyHash>,
    slots: Slots<M>,
    policy: Policy,
    used: u64,
    budget: u64,
    limbo: Vec<(Weak<Object<M>>, u64)>,
    arena: Option<Arc<Arena>>,
    aside: u64,
    evicted: u64,
    refused: u64,
}

impl<M> Ram<M> {
    /// An empty tier of `budget` bytes.
    #[must_use]
    pub fn new(budget: u64, policy: Policy) -> Ram<M> {
        Ram {
            index: HashMap::default(),
            slots: Slots { slots: Vec::new(), generations: Vec::new(), free: Vec::new() },
            policy,
            used: 0,
            budget,
            limbo: Vec::new(),
            arena: None,
            aside: 0,
            evicted: 0,
            refused: 0,
        }
    }

    /// The same tier, whose large bodies lie in `arena`.
    #[must_use]
    pub fn beside(mut self, arena: Option<Arc<Arena>>) -> Ram<M> {
        self.arena = arena;
        self
    }

    /// From now on `bytes` are taken by bodies that somebody else holds whatever becomes of their entries: the tier has that much less.
    pub fn set_aside(&mut self, bytes: u64) {
        self.aside = bytes;
    }

    /// The entry under `key`, and the head of its run while it fills. Counts a use.
    pub fn get(&mut self, key: Key) -> Option<Found<'_, M>> {
        let slot = *self.index.get(&key)?;
        if matches!(self.policy, Policy::Lru(_)) {
            self.policy.touched(self.slots.entry(slot));
        }
        let held = self.slots.get(slot);
        held.object.used();
        Some(Found { object: &held.object, first: held.first.as_ref() })
    }

    /// The entry under `key` without counting a use.
    #[must_use]
    pub fn peek(&self, key: Key) -> Option<&Arc<Object<M>>> {
        self.index.get(&key).map(|slot| &self.slots.get(*slot).object)
    }

    /// Enters an object that is about to be filled, in place of what was under its key. `first` is the head of its run, `bytes`
    /// what the head and the first chunk cost.
    pub fn begin(&mut self, object: Arc<Object<M>>, first: Option<Arc<Chunk>>, bytes: u64) -> Result<Ticket, Full> {
        self.remove(object.key);
        let bytes = bytes + ENTRY_OVERHEAD;
        self.make_room(bytes)?;
        Ok(self.insert(object, first, bytes, true))
    }

    /// Enters an object that is whole (a revalidated head over an old body), in place of what was under its key.
    pub fn put(&mut self, object: Arc<Object<M>>, bytes: u64) -> Result<(), Full> {
        self.remove(object.key);
        let bytes = bytes + ENTRY_OVERHEAD;
        self.make_room(bytes)?;
        self.insert(object, None, bytes, false);
        Ok(())
    }

    /// Charges `bytes` more to an entry being filled. An error means it must go on without being kept.
    pub fn grow(&mut self, ticket: Ticket, bytes: u64) -> Result<(), Full> {
        if !self.is_current(ticket) {
            return Err(Full);
        }
        self.make_room(bytes)?;
        self.recharge(ticket.slot, |old| old + bytes);
        Ok(())
    }

    /// The entry is whole. `saved` bytes of its charge are given back (a last chunk that was shrunk).
    pub fn finish(&mut self, ticket: Ticket, saved: u64) {
        if !self.is_current(ticket) {
            return;
        }
        self.recharge(ticket.slot, |old| old - saved);
        let slot = self.slots.get_mut(ticket.slot);
        slot.first = None;
        slot.filling = false;
    }

    /// Whether the entry of `ticket` is still in the tier.
    #[must_use]
    pub fn is_current(&self, ticket: Ticket) -> bool {
        self.slots.generations.get(ticket.slot as usize) == Some(&ticket.generation)
            && self.slots.slots[ticket.slot as usize].is_some()
    }

    /// Gives an entry up that was being filled.
    pub fn abandon(&mut self, ticket: Ticket) {
        if self.is_current(ticket) {
            let key = self.slots.get(ticket.slot).object.key;
            self.remove(key);
        }
    }

    /// Takes an entry out and ends its leases. Returns whether there was one.
    pub fn remove(&mut self, key: Key) -> bool {
        let Some(slot) = self.index.get(&key).copied() else { return false };
        self.policy.remove(self.slots.entry(slot));
        self.drop_slot(slot);
        true
    }

    /// Bytes charged, the limbo included.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Bytes this tier may charge.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Entries evicted so far.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// How often there was no room.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Looks at up to `count` slots from `from` on: the bytes of those that somebody holds, and where to go on. 0: that was the last, and
    /// the limbo is among them.
    #[must_use]
    pub fn held(&self, from: usize, count: usize) -> (u64, usize) {
        let slots = self.slots.slots.iter().skip(from).take(count).flatten();
        let held = slots.filter(|slot| slot.filling || Arc::strong_count(&slot.object) > 1);
        let bytes: u64 = held.map(|slot| slot.bytes).sum();
        if from + count < self.slots.slots.len() {
            return (bytes, from + count);
        }
        (bytes + self.limbo.iter().map(|(_, bytes)| bytes).sum::<u64>(), 0)
    }

    /// Gives back what the limbo no longer holds.
    pub fn reap(&mut self) {
        let mut freed = 0;
        self.limbo.retain(|(object, bytes)| {
            let held = object.strong_count() > 0;
            if !held {
                freed += bytes;
            }
            held
        });
        self.used -= freed;
    }

    fn make_room(&mut self, bytes: u64) -> Result<(), Full> {
        if bytes > self.budget {
            self.refused += 1;
            return Err(Full);
        }
        if self.used + bytes > self.budget && !self.limbo.is_empty() {
            self.reap();
        }
        while self.used + self.beyond() + bytes > self.budget {
            let Some(slot) = self.policy.evict(&self.slots, self.budget) else {
                self.refused += 1;
                return Err(Full);
            };
            self.evicted += 1;
            self.drop_slot(slot);
        }
        Ok(())
    }

    /// What is taken beside the entries: what the arena costs beyond what it may, and what others hold.
    fn beyond(&self) -> u64 {
        self.aside + self.arena.as_ref().map_or(0, |arena| arena.beyond())
    }

    fn insert(&mut self, object: Arc<Object<M>>, first: Option<Arc<Chunk>>, bytes: u64, filling: bool) -> Ticket {
        let key = object.key;
        let slot = self.slots.take_free();
        self.slots.slots[slot as usize] = Some(Slot { object, bytes, first, filling });
        self.index.insert(key, slot);
        self.policy.insert(self.slots.entry(slot));
        self.used += bytes;
        Ticket { slot, generation: self.slots.generations[slot as usize] }
    }

    fn recharge(&mut self, slot: u32, new: impl FnOnce(u64) -> u64) {
        let entry = self.slots.entry(slot);
        let bytes = new(entry.bytes);
        self.policy.resize(entry, bytes);
        self.slots.get_mut(slot).bytes = bytes;
        self.used = self.used - entry.bytes + bytes;
    }

    /// Out of index and slots (the policy has let go of it already).
    fn drop_slot(&mut self, slot: u32) {
        let Some(held) = self.slots.slots[slot as usize].take() else { return };
        self.slots.generations[slot as usize] = self.slots.generations[slot as usize].wrapping_add(1);
        self.slots.free.push(slot);
        self.index.remove(&held.object.key);
        held.object.kill();
        let weak = Arc::downgrade(&held.object);
        let bytes = held.bytes;
        drop(held);
        if weak.strong_count() == 0 {
            self.used -= bytes;
        } else {
            self.limbo.push((weak, bytes));
        }
    }
}

impl<M> Slots<M> {
    fn take_free(&mut self) -> u32 {
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        self.slots.push(None);
        self.generations.push(0);
        u32::try_from(self.slots.len() - 1).expect("the overhead of 2^32 entries exceeds any budget")
    }

    fn get(&self, slot: u32) -> &Slot<M> {
        self.slots[slot as usize].as_ref().expect("the index names live slots only")
    }

    fn get_mut(&mut self, slot: u32) -> &mut Slot<M> {
        self.slots[slot as usize].as_mut().expect("the index names live slots only")
    }
}

impl<M> Entries for Slots<M> {
    fn is_pinned(&self, slot: u32) -> bool {
        let held = self.get(slot);
        held.filling || Arc::strong_count(&held.object) > 1
    }

    fn spare_once(&self, slot: u32) -> bool {
        self.get(slot).object.spare_once()
    }

    fn entry(&self, slot: u32) -> Entry {
        let held = self.get(slot);
        Entry { slot, print: held.object.key.fingerprint(), bytes: held.bytes }
    }
}
