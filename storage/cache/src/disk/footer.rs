//! The end of a sealed region: what records it holds, so that a start reads a few kilobytes of it instead of all.
//!
//! ```text
//! | entry | entry | ... | pad | trailer |        the trailer is the region's last block; the entries end before it, block-aligned
//! ```

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::bytes::{put, u32_at, u64_at, u128_at};
use super::layout::{Address, BLOCK_BYTES, Geometry, round_up};
use super::record::Kind;
use crate::key::Key;

const MAGIC: u64 = u64::from_le_bytes(*b"SGfoot1\n");
const ENTRY_BYTES: u64 = 32;
const SUM_AT: usize = 48;

/// One record of a region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The record's key.
    pub key: Key,
    /// What it says of it.
    pub kind: Kind,
    /// Where it begins.
    pub address: Address,
    /// Its bytes, a multiple of 64.
    pub bytes: u64,
}

/// What a trailer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trailer {
    /// The region it seals.
    pub seq: u64,
    /// Number of entries.
    pub count: u64,
    sum: u64,
}

/// Bytes of a footer of `count` entries, trailer included.
#[must_use]
pub fn footer_bytes(count: u64) -> u64 {
    round_up(count * ENTRY_BYTES, BLOCK_BYTES) + BLOCK_BYTES
}

/// The footer of region `seq`: the last bytes of it.
#[must_use]
pub fn encode(seq: u64, entries: &[Entry], salt: u64) -> Vec<u8> {
    let len = footer_bytes(entries.len() as u64) as usize;
    let mut out = vec![0; len];
    for (entry, at) in entries.iter().zip((0..).step_by(ENTRY_BYTES as usize)) {
        put(&mut out, at, &entry.key.0.to_le_bytes());
        put(&mut out, at + 16, &entry.address.0.to_le_bytes());
        put(&mut out, at + 24, &(entry.bytes as u32).to_le_bytes());
        out[at + 28] = entry.kind.code();
    }
    let (list, trailer) = out.split_at_mut(len - BLOCK_BYTES as usize);
    put(trailer, 0, &MAGIC.to_le_bytes());
    put(trailer, 8, &seq.to_le_bytes());
    put(trailer, 16, &(entries.len() as u64).to_le_bytes());
    put(trailer, 24, &xxh3_64_with_seed(list, salt ^ seq).to_le_bytes());
    let sum = xxh3_64_with_seed(&trailer[..SUM_AT], salt);
    put(trailer, SUM_AT, &sum.to_le_bytes());
    out
}

impl Trailer {
    /// What a region's last block says; `None` when it is no trailer of this life of the file.
    #[must_use]
    pub fn parse(block: &[u8], geometry: Geometry, salt: u64) -> Option<Trailer> {
        let sum = xxh3_64_with_seed(block.get(..SUM_AT)?, salt);
        if u64_at(block, 0) != MAGIC || sum != u64_at(block, SUM_AT) {
            return None;
        }
        let count = u64_at(block, 16);
        let fits = count <= geometry.region_bytes / ENTRY_BYTES && footer_bytes(count) <= geometry.region_bytes;
        fits.then_some(Trailer { seq: u64_at(block, 8), count, sum: u64_at(block, 24) })
    }

    /// Bytes of the list of entries: they end where the trailer's block begins.
    #[must_use]
    pub fn list_bytes(&self) -> u64 {
        footer_bytes(self.count) - BLOCK_BYTES
    }

    /// The entries in `list`, oldest first; `None` when it is not the list this trailer was written for.
    #[must_use]
    pub fn entries<'a>(
        &self,
        list: &'a [u8],
        geometry: Geometry,
        salt: u64,
    ) -> Option<impl Iterator<Item = Entry> + use<'a>> {
        if list.len() as u64 != self.list_bytes() || xxh3_64_with_seed(list, salt ^ self.seq) != self.sum {
            return None;
        }
        let (from, to) = (geometry.address(self.seq, 0), geometry.address(self.seq + 1, 0));
        let entries = list.chunks_exact(ENTRY_BYTES as usize).take(self.count as usize);
        Some(entries.filter_map(move |entry| {
            let (address, bytes) = (Address(u64_at(entry, 16)), u64::from(u32_at(entry, 24)));
            let inside = from <= address && address.0 + bytes <= to.0;
            let kind = Kind::of(entry[28]).filter(|_| inside)?;
            Some(Entry { key: Key(u128_at(entry, 0)), kind, address, bytes })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn geometry() -> Geometry {
        Geometry::of(8 << 20).expect("large enough")
    }

    #[test]
    fn a_footer_comes_back_and_any_change_of_it_is_seen() {
        let geometry = geometry();
        let entries: Vec<Entry> = (0..300u64)
            .map(|i| Entry {
                key: Key((u128::from(i) << 64) | 7),
                kind: if i % 5 == 0 { Kind::Tombstone } else { Kind::Object },
                address: geometry.address(3, i * 128),
                bytes: 128,
            })
            .collect();
        let bytes = encode(3, &entries, 5);
        assert_eq!(bytes.len() as u64, footer_bytes(300));
        let (list, trailer) = bytes.split_at(bytes.len() - 4096);
        let parsed = Trailer::parse(trailer, geometry, 5).expect("a trailer");
        assert_eq!((parsed.seq, parsed.count), (3, 300));
        assert_eq!(parsed.entries(list, geometry, 5).expect("the list").collect::<Vec<_>>(), entries);
        assert_eq!(Trailer::parse(trailer, geometry, 6), None, "another life");
        for at in (0..list.len()).step_by(97) {
            let mut damaged = list.to_vec();
            damaged[at] ^= 4;
            assert!(parsed.entries(&damaged, geometry, 5).is_none());
        }
        for at in 0..SUM_AT {
            let mut damaged = trailer.to_vec();
            damaged[at] ^= 4;
            assert_eq!(Trailer::parse(&damaged, geometry, 5), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_trailer_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in any::<u64>(), valid in any::<bool>()) {
            let mut bytes = bytes;
            if valid && bytes.len() >= 56 {
                put(&mut bytes, 0, &MAGIC.to_le_bytes());
                put(&mut bytes, 16, &count.to_le_bytes());
                let sum = xxh3_64_with_seed(&bytes[..SUM_AT], 1);
                put(&mut bytes, SUM_AT, &sum.to_le_bytes());
            }
            if let Some(trailer) = Trailer::parse(&bytes, geometry(), 1) {
                prop_assert!(trailer.list_bytes() < geometry().region_bytes);
            }
        }
    }
}
