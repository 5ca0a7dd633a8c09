//! The file's first block: whose it is. Whatever does not match it is not read.

use xxhash_rust::xxh3::xxh3_64;

use super::bytes::{put, u32_at, u64_at};
use super::layout::{BLOCK_BYTES, Geometry};

const MAGIC: u64 = u64::from_le_bytes(*b"SGDISK\r\n");
/// Of the whole format: records and footers as well.
const VERSION: u32 = 1;
const SUM_AT: usize = 64;

/// What a file belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Seed of the keys in it.
    pub seed: u64,
    /// Seed of its sums, new for every life of the file.
    pub salt: u64,
    /// The shard it is of, and how many there are: another number spreads the keys in another way.
    pub shard: u32,
    /// See `shard`.
    pub shards: u32,
    /// How it is cut.
    pub geometry: Geometry,
    /// Version of the heads stored in it, which only the edge can read.
    pub heads: u32,
}

impl Header {
    /// The block.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut block = vec![0; BLOCK_BYTES as usize];
        put(&mut block, 0, &MAGIC.to_le_bytes());
        put(&mut block, 8, &VERSION.to_le_bytes());
        put(&mut block, 12, &self.heads.to_le_bytes());
        put(&mut block, 16, &self.seed.to_le_bytes());
        put(&mut block, 24, &self.salt.to_le_bytes());
        put(&mut block, 32, &self.shard.to_le_bytes());
        put(&mut block, 36, &self.shards.to_le_bytes());
        put(&mut block, 40, &self.geometry.region_bytes.to_le_bytes());
        put(&mut block, 48, &self.geometry.regions.to_le_bytes());
        let sum = xxh3_64(&block[..SUM_AT]);
        put(&mut block, SUM_AT, &sum.to_le_bytes());
        block
    }

    /// What a block says; `None` when it is no header of this version.
    #[must_use]
    pub fn parse(block: &[u8]) -> Option<Header> {
        if block.len() < BLOCK_BYTES as usize {
            return None;
        }
        let named = u64_at(block, 0) == MAGIC && u32_at(block, 8) == VERSION;
        if !named || xxh3_64(&block[..SUM_AT]) != u64_at(block, SUM_AT) {
            return None;
        }
        Some(Header {
            seed: u64_at(block, 16),
            salt: u64_at(block, 24),
            shard: u32_at(block, 32),
            shards: u32_at(block, 36),
            geometry: Geometry { region_bytes: u64_at(block, 40), regions: u64_at(block, 48) },
            heads: u32_at(block, 12),
        })
    }

    /// Whether a file of `found` may be used by who expects `self`: all but the salt must agree.
    #[must_use]
    pub fn accepts(&self, found: &Header) -> bool {
        Header { salt: found.salt, ..*self } == *found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_and_any_change_of_it_is_seen() {
        let geometry = Geometry::of(1 << 30).expect("large enough");
        let header = Header { seed: 7, salt: 9, shard: 1, shards: 4, geometry, heads: 3 };
        let block = header.encode();
        assert_eq!(Header::parse(&block), Some(header));
        for at in 0..SUM_AT + 8 {
            let mut damaged = block.clone();
            damaged[at] ^= 1;
            assert_eq!(Header::parse(&damaged), None, "byte {at}");
        }
        assert!(Header { salt: 0, ..header }.accepts(&header));
        assert!(!Header { shards: 5, ..header }.accepts(&header));
        assert_eq!(Header::parse(&block[..100]), None);
    }
}
