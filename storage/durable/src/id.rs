//! The two kinds of name: an asset's (random) and an object's (the hash of its bytes).

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::StoreError;

/// An asset's name in URLs: 1 to 64 of `[a-z0-9-]`; the ones made here are 16 of `[a-z2-7]` (80 random bits).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetId(String);

/// Not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid identifier")]
pub struct BadId;

impl AssetId {
    /// Makes a name of random bytes.
    pub fn from_random(bytes: [u8; 10]) -> Self {
        Self(random_name(bytes))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AssetId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        let fits = (1..=64).contains(&s.len());
        let plain = s.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits && plain { Ok(Self(s.to_owned())) } else { Err(BadId) }
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name like that of [`random_name`], by chance.
pub(crate) fn by_chance() -> Result<String, StoreError> {
    let mut chance = [0; 10];
    getrandom::fill(&mut chance).map_err(|e| StoreError::Server(format!("the system has no chance to give: {e}")))?;
    Ok(random_name(chance))
}

/// Sixteen letters of `[a-z2-7]` out of random bytes: a name that nobody guesses.
pub fn random_name(bytes: [u8; 10]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut name = String::with_capacity(16);
    let (mut bits, mut count) = (0u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            name.push(char::from(ALPHABET[(bits >> count) as usize & 31]));
        }
    }
    name
}

/// An object's name: the SHA-256 of its bytes, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId([u8; 32]);

impl ObjectId {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The name when the hash has been computed along the way.
    pub fn from_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for ObjectId {
    type Err = BadId;
    fn from_str(s: &str) -> Result<Self, BadId> {
        let digits = s.as_bytes();
        if digits.len() != 64 {
            return Err(BadId);
        }
        let nibble = |d: u8| match d {
            b'0'..=b'9' => Ok(d - b'0'),
            b'a'..=b'f' => Ok(d - b'a' + 10),
            _ => Err(BadId),
        };
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asset_names_are_sixteen_url_safe_letters_and_read_back() {
        for bytes in [[0; 10], [0xff; 10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]] {
            let id = AssetId::from_random(bytes);
            assert_eq!(id.as_str().len(), 16);
            assert_eq!(id.as_str().parse(), Ok(id.clone()));
        }
        assert_ne!(AssetId::from_random([0; 10]), AssetId::from_random([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
    }

    #[test]
    fn names_outside_the_grammar_are_refused() {
        for bad in ["", "A", "a/b", "..", "ä", &"a".repeat(65)] {
            assert_eq!(bad.parse::<AssetId>(), Err(BadId), "{bad}");
        }
        for bad in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"ä".repeat(32)] {
            assert_eq!(bad.parse::<ObjectId>(), Err(BadId), "{bad}");
        }
    }

    #[test]
    fn an_object_is_named_by_its_sha256() {
        // FIPS 180-2, appendix B.1
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(ObjectId::of(b"abc").to_string(), abc);
        assert_eq!(abc.parse(), Ok(ObjectId::of(b"abc")));
    }
}
