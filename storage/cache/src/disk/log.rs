//! What is written where. One writer appends records through one buffer; an entry counts once its bytes are on the disk.
//!
//! ```text
//! space -> begin -> push* -> end        a record, through the buffer
//!            take -> (write) -> written  whenever the buffer is full, or has waited long enough
//! seal: take .. written, footer -> (write, sync) -> advance
//! ```

use std::collections::VecDeque;

use super::buffer::Buffer;
use super::footer::{self, Entry, footer_bytes};
use super::index::{self, Held, Index};
use super::layout::{Address, BLOCK_BYTES, Geometry, UNIT_BYTES, round_down, round_up};
use super::record::{Kind, New, encode, piece_sum, record_bytes};
use crate::key::Key;

/// Whether there is room for a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Space {
    /// It can begin.
    Here,
    /// The region must be sealed first.
    Seal,
    /// It fits into no region.
    TooLarge,
}

/// Where a record can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The record's address.
    pub address: Address,
    /// Where to read in the file, block-aligned.
    pub file_at: u64,
    /// Bytes before the record in what is read there.
    pub skip: u64,
    /// Bytes to read for the whole record, in blocks.
    pub bytes: u64,
}

/// A filled buffer and where it goes.
pub struct Write {
    /// Where in the file, block-aligned.
    pub file_at: u64,
    /// What to write, whole blocks.
    pub buffer: Buffer,
    upto: Address,
}

struct Open {
    key: Key,
    kind: Kind,
    address: Address,
    forgotten: bool,
}

struct Pending {
    entry: Entry,
    forgotten: bool,
}

/// The log of one file, and the index over it.
pub struct Log {
    geometry: Geometry,
    salt: u64,
    index: Index,
    /// Entries of each slot's region.
    live: Box<[u32]>,
    entries: u64,
    /// The oldest region that counts, and the one that is being written.
    tail: u64,
    active: u64,
    /// Next free byte of the active region, and how many of its bytes have been taken for writing.
    at: u64,
    taken: u64,
    /// Away while it is being written.
    buffer: Option<Buffer>,
    open: Option<Open>,
    /// Records of the active region.
    contents: Vec<Entry>,
    /// Records that are not on the disk yet.
    pending: VecDeque<Pending>,
    tombstones: VecDeque<Key>,
}

impl Log {
    /// An empty log that writes through `buffer`.
    #[must_use]
    pub fn new(geometry: Geometry, salt: u64, buffer: Buffer) -> Log {
        Log {
            geometry,
            salt,
            index: Index::new(geometry.file_bytes()),
            live: vec![0; geometry.regions as usize].into(),
            entries: 0,
            tail: 0,
            active: 0,
            at: 0,
            taken: 0,
            buffer: Some(buffer),
            open: None,
            contents: Vec::new(),
            pending: VecDeque::new(),
            tombstones: VecDeque::new(),
        }
    }

    /// How its file is cut.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// Seed of its sums.
    #[must_use]
    pub fn salt(&self) -> u64 {
        self.salt
    }

    /// Objects on the disk.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Bytes of regions in use.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        (self.active - self.tail) * self.geometry.region_bytes + self.at
    }

    /// Memory of the index.
    #[must_use]
    pub fn index_bytes(&self) -> u64 {
        self.index.bytes()
    }

    /// Where the record of `key` is, if one is on the disk. Counts as a use.
    pub fn find(&mut self, key: Key) -> Option<Place> {
        let place = self.peek(key)?;
        self.index.mark(key);
        Some(place)
    }

    /// Where the record of `key` is, without counting a use.
    #[must_use]
    pub fn peek(&self, key: Key) -> Option<Place> {
        let held = self.index.get(key)?;
        let address = self.valid(held)?;
        let skip = address.0 % BLOCK_BYTES;
        Some(Place { address, file_at: self.geometry.file_at(address) - skip, skip, bytes: held.blocks * BLOCK_BYTES })
    }

    /// Whether `key` is still held at `address`.
    #[must_use]
    pub fn is_current(&self, key: Key, address: Address) -> bool {
        self.peek(key).is_some_and(|place| place.address == address)
    }

    /// Whether what a footer lists is still held and was looked for since it was written.
    #[must_use]
    pub fn is_hot(&self, entry: &Entry) -> bool {
        self.index.get(entry.key).is_some_and(|held| held.used && self.valid(held) == Some(entry.address))
    }

    /// The region that is overwritten next, once the active one is sealed.
    #[must_use]
    pub fn next_gone(&self) -> Option<u64> {
        (self.active + 1).checked_sub(self.geometry.regions).filter(|seq| *seq >= self.tail)
    }

    /// `key` must not be found again, here or after a restart. True: a tombstone waits to be written.
    pub fn forget(&mut self, key: Key) -> bool {
        let mut there = false;
        if let Some(held) = self.index.remove(key)
            && let Some(address) = self.valid(held)
        {
            self.uncount(address);
            there = true;
        }
        for pending in self.pending.iter_mut().filter(|p| p.entry.key == key && p.entry.kind == Kind::Object) {
            there |= !pending.forgotten;
            pending.forgotten = true;
        }
        if let Some(open) = self.open.as_mut().filter(|open| open.key == key) {
            there |= !open.forgotten;
            open.forgotten = true;
        }
        if there {
            self.tombstones.push_back(key);
        }
        there
    }

    /// The next removal to be written.
    pub fn next_tombstone(&mut self) -> Option<Key> {
        self.tombstones.pop_front()
    }

    /// Whether removals wait to be written.
    #[must_use]
    pub fn has_tombstones(&self) -> bool {
        !self.tombstones.is_empty()
    }

    /// Whether a record of `bytes` can begin now.
    #[must_use]
    pub fn space(&self, bytes: u64) -> Space {
        if bytes > self.geometry.record_bytes_max() {
            return Space::TooLarge;
        }
        let footer = footer_bytes(self.contents.len() as u64 + 1);
        let ends = round_up(self.at + bytes, BLOCK_BYTES);
        if ends + footer <= self.geometry.region_bytes { Space::Here } else { Space::Seal }
    }

    /// Begins a record after [`Space::Here`] and returns its address.
    pub fn begin(&mut self, key: Key, kind: Kind) -> Address {
        debug_assert!(self.open.is_none(), "one record at a time");
        let address = self.geometry.address(self.active, self.at);
        self.open = Some(Open { key, kind, address, forgotten: false });
        address
    }

    /// Gives up a record that was begun and has no bytes yet.
    pub fn abandon(&mut self) {
        self.open = None;
    }

    /// Appends bytes of the open record; returns how many the buffer took. Less than all: [`Log::take`] it first.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = self.buffer.as_mut().map_or(0, |buffer| buffer.push(bytes));
        self.at += count as u64;
        count
    }

    /// Ends the open record.
    pub fn end(&mut self) {
        let Some(open) = self.open.take() else { return };
        if let Some(buffer) = &mut self.buffer {
            buffer.pad(UNIT_BYTES);
        }
        self.at = round_up(self.at, UNIT_BYTES);
        let bytes = self.geometry.address(self.active, self.at).0 - open.address.0;
        let entry = Entry { key: open.key, kind: open.kind, address: open.address, bytes };
        self.contents.push(entry);
        self.pending.push_back(Pending { entry, forgotten: open.forgotten });
    }

    /// The buffer, to be written: whole blocks of the open record, or everything, padded. `None`: there is nothing to write, or it is away.
    pub fn take(&mut self) -> Option<Write> {
        let mut buffer = self.buffer.take()?;
        if buffer.bytes().is_empty() {
            self.buffer = Some(buffer);
            return None;
        }
        debug_assert!(
            self.open.is_none() || buffer.bytes().len() == buffer.capacity(),
            "an open record leaves by whole buffers"
        );
        buffer.pad(BLOCK_BYTES);
        let file_at = self.geometry.region_at(self.active) + self.taken;
        self.taken += buffer.bytes().len() as u64;
        if self.open.is_none() {
            self.at = self.taken;
        }
        Some(Write { file_at, buffer, upto: self.geometry.address(self.active, self.taken) })
    }

    /// What was taken is on the disk: its entries count from now on. Returns how many objects that were.
    pub fn written(&mut self, write: Write) -> u64 {
        let mut buffer = write.buffer;
        buffer.clear();
        self.buffer = Some(buffer);
        let mut objects = 0;
        while let Some(pending) = self.pending.front()
            && pending.entry.address.0 + pending.entry.bytes <= write.upto.0
        {
            let (entry, forgotten) = (pending.entry, pending.forgotten);
            self.pending.pop_front();
            if entry.kind == Kind::Object && !forgotten {
                self.insert(&entry);
                objects += 1;
            }
        }
        objects
    }

    /// Bytes in the buffer that are not on their way to the disk.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.bytes().len())
    }

    /// The footer of the active region and where it goes. To be written after everything before it, and synced before [`Log::advance`].
    #[must_use]
    pub fn footer(&self) -> (u64, Vec<u8>) {
        let bytes = footer::encode(self.active, &self.contents, self.salt);
        let at = self.geometry.region_at(self.active) + self.geometry.region_bytes - bytes.len() as u64;
        (at, bytes)
    }

    /// The active region is sealed: the next one begins where the oldest was.
    pub fn advance(&mut self) {
        debug_assert!(
            self.pending.is_empty() && self.buffered() == 0,
            "all of a region is written before it is sealed"
        );
        self.active += 1;
        self.at = 0;
        self.taken = 0;
        self.contents.clear();
        let slot = self.geometry.slot(self.active) as usize;
        self.entries -= u64::from(std::mem::take(&mut self.live[slot]));
        self.tail = self.tail.max((self.active + 1).saturating_sub(self.geometry.regions));
    }

    /// The slot of the active region.
    #[must_use]
    pub fn active_slot(&self) -> u64 {
        self.geometry.slot(self.active)
    }

    /// A record found on the disk, in the order they were written.
    pub(super) fn restore(&mut self, entry: &Entry) {
        match entry.kind {
            Kind::Object => self.insert(entry),
            Kind::Tombstone => {
                if let Some(held) = self.index.remove(entry.key)
                    && let Some(address) = self.valid(held)
                {
                    self.uncount(address);
                }
            }
        }
    }

    /// Goes on in region `active`, whose records are `contents`; `oldest` is the first region that counts.
    pub(super) fn resume(&mut self, oldest: u64, active: u64, contents: Vec<Entry>) {
        let end = contents.last().map_or(0, |last| self.geometry.inside(last.address) + last.bytes);
        self.tail = oldest;
        self.active = active;
        self.at = round_up(end, BLOCK_BYTES);
        self.taken = self.at;
        self.contents = contents;
    }

    /// Encodes and appends a record that is small enough to be copied at once. For tombstones, tests, and tools.
    pub fn append(&mut self, new: &New<'_>, body: &[u8], mut flush: impl FnMut(&mut Log)) {
        let address = self.begin(new.key, new.kind);
        let front = encode(new, address, self.salt);
        for mut bytes in [front.as_slice(), body] {
            while !bytes.is_empty() {
                let count = self.push(bytes);
                bytes = &bytes[count..];
                if !bytes.is_empty() {
                    flush(self);
                }
            }
        }
        self.end();
    }

    /// The sums of `body` as they must be when its record begins at the next free place.
    #[must_use]
    pub fn sums(&self, body: &[u8]) -> Vec<u64> {
        let address = self.geometry.address(self.active, self.at);
        let pieces = body.chunks(super::layout::PIECE_BYTES as usize);
        (0u64..).zip(pieces).map(|(number, piece)| piece_sum(piece, self.salt, address, number)).collect()
    }

    /// Bytes of a record.
    #[must_use]
    pub fn record_bytes(name: usize, head: usize, body_bytes: u64) -> u64 {
        record_bytes(name, head, body_bytes)
    }

    fn insert(&mut self, entry: &Entry) {
        let (head, tail, geometry) = (entry.address, self.tail, self.geometry);
        let is_gone = |held: Held| geometry.seq(held.address(head)) < tail;
        let before = self.index.insert(entry.key, entry.address, entry.bytes, is_gone);
        if let Some(address) = before.and_then(|held| self.valid(held)) {
            self.uncount(address);
        }
        self.live[self.geometry.slot(self.geometry.seq(entry.address)) as usize] += 1;
        self.entries += 1;
    }

    fn uncount(&mut self, address: Address) {
        let live = &mut self.live[self.geometry.slot(self.geometry.seq(address)) as usize];
        debug_assert!(*live > 0, "a region holds what is held in it");
        *live = live.saturating_sub(1);
        self.entries = self.entries.saturating_sub(1);
    }

    /// The address of what is held, unless its region has been overwritten.
    fn valid(&self, held: Held) -> Option<Address> {
        let end = self.geometry.address(self.active, self.geometry.region_bytes - 1);
        let address = held.address(end);
        (self.geometry.seq(address) >= self.tail).then_some(address)
    }
}

/// Bytes to read for a piece that lies at `from..to` of a record whose body begins at `file_at`, block-aligned: where, how much, and
/// how many of the bytes before it.
#[must_use]
pub fn aligned(file_at: u64, bytes: u64) -> (u64, u64, u64) {
    let at = round_down(file_at, BLOCK_BYTES);
    let skip = file_at - at;
    (at, round_up(skip + bytes, BLOCK_BYTES), skip)
}

/// Blocks that a record touches, for those who look from outside.
#[must_use]
pub fn blocks(address: Address, bytes: u64) -> u64 {
    index::blocks(address, bytes)
}
