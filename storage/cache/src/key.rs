//! 128-bit key of an object: a seeded hash of its name.

use std::hash::{BuildHasherDefault, Hasher};

/// Hash of an object's name. Two names may share a key; whoever looks an object up compares the name it stores as well.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Key(pub u128);

/// Seed of one process, so that a client cannot prepare names that fall on one shard or bucket.
#[derive(Clone, Copy, Debug)]
pub struct KeySeed(pub u64);

impl KeySeed {
    /// Key of a name.
    #[must_use]
    pub fn key(self, name: &[u8]) -> Key {
        Key(xxhash_rust::xxh3::xxh3_128_with_seed(name, self.0))
    }
}

impl Key {
    /// The shard that owns this key, of `shards`. Uses other bits than the index does.
    #[must_use]
    pub fn owner(self, shards: usize) -> usize {
        let high = (self.0 >> 96) as u32;
        ((u64::from(high) * shards as u64) >> 32) as usize
    }

    /// A key of the same owner as this one, with the rest of `other`: what belongs together stays on one shard.
    #[must_use]
    pub fn beside(self, other: Key) -> Key {
        const OWNER_BITS: u128 = (u32::MAX as u128) << 96;
        Key((self.0 & OWNER_BITS) | (other.0 & !OWNER_BITS))
    }

    /// Short form for the ghost queue.
    pub(crate) fn fingerprint(self) -> u64 {
        self.0 as u64
    }
}

/// A key is already a hash: take its low half.
#[derive(Default, Clone, Copy)]
pub struct KeyHasher(u64);

/// For tables keyed by [`Key`].
pub type KeyHash = BuildHasherDefault<KeyHasher>;

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*b);
        }
    }
    fn write_u128(&mut self, n: u128) {
        self.0 = n as u64;
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_beside_another_has_its_owner_and_is_another_key() {
        let seed = KeySeed(7);
        for i in 0..100 {
            let (one, other) = (seed.key(format!("/{i}").as_bytes()), seed.key(format!("/{i}/gzip").as_bytes()));
            assert_eq!(one.beside(other).owner(64), one.owner(64));
            assert_ne!(one.beside(other), one);
            assert_eq!(one.beside(other).fingerprint(), other.fingerprint());
        }
    }

    #[test]
    fn owners_are_spread_and_stable() {
        let seed = KeySeed(7);
        let mut count = [0usize; 4];
        for i in 0..4000 {
            let key = seed.key(format!("/v/a/{i}.m4s").as_bytes());
            assert_eq!(key.owner(1), 0);
            count[key.owner(4)] += 1;
        }
        assert!(count.iter().all(|n| (800..1200).contains(n)), "{count:?}");
    }
}
