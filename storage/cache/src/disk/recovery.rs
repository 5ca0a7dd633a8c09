//! From a file's bytes back to a log. Sealed regions are known by their footers alone; the one that was being written is walked record
//! by record, each verified whole, as is one whose footer is damaged.
//!
//! ```text
//! 1. trailer(slot, block)*          the last block of every region, in any order
//! 2. plan()                         regions by age; the one after the newest sealed one was being written
//! 3. for each: footer(list) or walk(region), then restore(entries)   oldest first: a later record wins
//! 4. finish()
//! ```

use super::footer::{Entry, Trailer};
use super::header::Header;
use super::layout::{BLOCK_BYTES, Geometry, UNIT_BYTES, round_down, round_up};
use super::log::Log;
use super::record::{Bad, Front};
use super::{Buffer, record};

/// A region to be read.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// Which.
    pub seq: u64,
    /// Where it begins in the file.
    pub file_at: u64,
    /// What its last block said; `None`: it must be walked.
    pub trailer: Option<Trailer>,
}

/// A log being found again.
pub struct Recovery {
    geometry: Geometry,
    salt: u64,
    trailers: Vec<Option<Trailer>>,
    log: Log,
    active: u64,
    active_entries: Vec<Entry>,
}

impl Recovery {
    /// Of the file with this header.
    #[must_use]
    pub fn new(header: &Header, buffer: Buffer) -> Recovery {
        let (geometry, salt) = (header.geometry, header.salt);
        Recovery {
            geometry,
            salt,
            trailers: vec![None; geometry.regions as usize],
            log: Log::new(geometry, salt, buffer),
            active: 0,
            active_entries: Vec::new(),
        }
    }

    /// Where the last block of the region in `slot` is.
    #[must_use]
    pub fn trailer_at(&self, slot: u64) -> u64 {
        self.geometry.region_at(slot) + self.geometry.region_bytes - BLOCK_BYTES
    }

    /// The last block of the region in `slot`.
    pub fn trailer(&mut self, slot: u64, block: &[u8]) {
        let trailer = Trailer::parse(block, self.geometry, self.salt).filter(|t| self.geometry.slot(t.seq) == slot);
        if let Some(held) = usize::try_from(slot).ok().and_then(|slot| self.trailers.get_mut(slot)) {
            *held = trailer;
        }
    }

    /// Region `seq` by its last block; `None`: that block seals another one, or none.
    #[must_use]
    pub fn sealed(seq: u64, block: &[u8], geometry: Geometry, salt: u64) -> Option<Region> {
        let trailer = Trailer::parse(block, geometry, salt).filter(|trailer| trailer.seq == seq)?;
        Some(Region { seq, file_at: geometry.region_at(seq), trailer: Some(trailer) })
    }

    /// The regions to read, oldest first; the last one was being written.
    pub fn plan(&mut self) -> Vec<Region> {
        let newest = self.trailers.iter().flatten().map(|t| t.seq).max();
        // A sequence near the end of the numbers is no sequence: nobody writes 2^40 regions.
        self.active = newest.filter(|seq| *seq < 1 << 40).map_or(0, |seq| seq + 1);
        let oldest = (self.active + 1).saturating_sub(self.geometry.regions);
        self.log.resume(oldest, self.active, Vec::new());
        let region = |seq: u64| {
            let trailer =
                self.trailers[self.geometry.slot(seq) as usize].filter(|t| t.seq == seq && seq != self.active);
            Region { seq, file_at: self.geometry.region_at(seq), trailer }
        };
        (oldest..=self.active).map(region).collect()
    }

    /// The entries that a region's footer lists; `None`: it is damaged, walk the region.
    #[must_use]
    pub fn footer(&self, region: &Region, list: &[u8]) -> Option<Vec<Entry>> {
        Some(region.trailer?.entries(list, self.geometry, self.salt)?.collect())
    }

    /// What walks `region`.
    #[must_use]
    pub fn walk(&self, region: &Region) -> Walk {
        let (geometry, salt, seq) = (self.geometry, self.salt, region.seq);
        Walk { geometry, salt, seq, at: 0, carry: Vec::new(), after_torn: None, entries: Vec::new() }
    }

    /// Enters what was found in `region`, or some of it. Regions oldest first.
    pub fn restore(&mut self, region: &Region, entries: &[Entry]) {
        for entry in entries {
            self.log.restore(entry);
        }
        if region.seq == self.active {
            self.active_entries.extend_from_slice(entries);
        }
    }

    /// The log as it was.
    #[must_use]
    pub fn finish(mut self) -> Log {
        let oldest = (self.active + 1).saturating_sub(self.geometry.regions);
        self.log.resume(oldest, self.active, std::mem::take(&mut self.active_entries));
        self.log
    }
}

impl Region {
    /// Where the list of its footer is in the file, and how long it is.
    #[must_use]
    pub fn list(&self, geometry: Geometry) -> Option<(u64, u64)> {
        let bytes = self.trailer?.list_bytes();
        Some((self.file_at + geometry.region_bytes - BLOCK_BYTES - bytes, bytes))
    }
}

/// Finds the whole records of a region as its bytes come, from its beginning, block by block.
pub struct Walk {
    geometry: Geometry,
    salt: u64,
    seq: u64,
    /// Where `carry` begins in the region.
    at: u64,
    /// At most one record that has not come to its end.
    carry: Vec<u8>,
    /// Where a record whose body is damaged ends by its front: another one may begin there, off the blocks.
    after_torn: Option<u64>,
    entries: Vec<Entry>,
}

enum Found {
    /// A record, whole.
    Whole(Entry),
    /// A record of so many bytes whose body is damaged. If its writer was killed, the next one has gone on inside of it.
    Torn(u64),
    /// It may be one: more bytes will tell.
    More,
    Nothing,
}

impl Walk {
    /// The next bytes, a multiple of the block.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.carry.extend_from_slice(bytes);
        self.step(false);
    }

    /// Every whole record, in order.
    #[must_use]
    pub fn finish(mut self) -> Vec<Entry> {
        self.step(true);
        self.entries
    }

    fn step(&mut self, ended: bool) {
        let mut from = 0;
        while from < self.carry.len() {
            match self.record(from) {
                Found::Whole(entry) => {
                    from += entry.bytes as usize;
                    self.entries.push(entry);
                }
                Found::More if !ended => break,
                Found::Torn(bytes) => {
                    self.after_torn = Some(self.at + from as u64 + bytes);
                    from = self.next(from);
                }
                Found::More | Found::Nothing => from = self.next(from),
            }
        }
        let from = from.min(self.carry.len());
        self.carry.drain(..from);
        self.at += from as u64;
    }

    fn record(&self, from: usize) -> Found {
        let (bytes, inside) = (&self.carry[from..], self.at + from as u64);
        let left = self.geometry.region_bytes.saturating_sub(inside).min(self.geometry.record_bytes_max());
        let address = self.geometry.address(self.seq, inside);
        let front = match Front::parse(bytes, address, self.salt, left) {
            Ok(front) => front,
            Err(Bad::Short) => return Found::More,
            Err(Bad::Foreign | Bad::Damaged) => return Found::Nothing,
        };
        let record_bytes = front.record_bytes();
        if (bytes.len() as u64) < record_bytes {
            return Found::More;
        }
        let body = &bytes[front.bytes() as usize..(front.bytes() + front.body_bytes) as usize];
        if !front.sums().agree_with_all(body) {
            return Found::Torn(record_bytes);
        }
        Found::Whole(Entry { key: front.key, kind: front.kind, address, bytes: record_bytes })
    }

    /// Where to look after nothing was found: at the next block, or where a damaged record ends before it.
    fn next(&self, from: usize) -> usize {
        let inside = self.at + from as u64;
        let block = round_down(inside, BLOCK_BYTES) + BLOCK_BYTES;
        let next = self.after_torn.filter(|end| inside < *end && *end < block).unwrap_or(block);
        (next - self.at) as usize
    }
}

/// Bytes of the smallest record, for those who count what a region can hold.
pub const RECORD_BYTES_MIN: u64 = round_up(record::HEADER_BYTES, UNIT_BYTES);
