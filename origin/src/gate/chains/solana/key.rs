//! A key of Solana: the address of a wallet, a mint, an account, a program. Written in base58, in the one spelling that it has.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) [u8; 32]);

/// 32 bytes have 32 to 44 letters.
const LETTERS_MAX: usize = 44;

impl Key {
    /// A key that is known when the program is built.
    pub(super) const fn known(letters: &[u8]) -> Self {
        Self(bs58::decode(letters).into_array_const_unwrap())
    }

    /// The address that a program keeps for these seeds: the first hash, the bump counted down from 255, that is no key of anybody.
    /// `None`: there is none, which has never been seen.
    pub(crate) fn derived(seeds: &[&[u8]], program: &Self) -> Option<Self> {
        (0..=u8::MAX).rev().find_map(|bump| {
            let mut hash = Sha256::new();
            for seed in seeds {
                hash.update(seed);
            }
            hash.update([bump]);
            hash.update(program.0);
            hash.update(b"ProgramDerivedAddress");
            let bytes: [u8; 32] = hash.finalize().into();
            // On the curve there may be somebody who can sign for it.
            VerifyingKey::from_bytes(&bytes).is_err().then_some(Self(bytes))
        })
    }

    /// The 32 bytes from `at` on.
    pub(super) fn at(data: &[u8], at: usize) -> Option<Self> {
        Some(Self(data.get(at..at.checked_add(32)?)?.try_into().ok()?))
    }
}

impl FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() > LETTERS_MAX {
            return Err(());
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| ())?;
        let key = Self(bytes.try_into().map_err(|_| ())?);
        if key.to_string() == text { Ok(key) } else { Err(()) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.0).into_string())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|()| serde::de::Error::custom("an address of Solana is 32 bytes in base58"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ASSOCIATED, METADATA, TOKEN};
    use super::*;

    #[test]
    fn a_key_has_one_spelling() {
        let text = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
        assert_eq!(text.parse::<Key>(), Ok(TOKEN));
        assert_eq!(TOKEN.to_string(), text);
        for bad in
            ["", "1", &text[1..], &format!("1{text}"), &text.replace('k', "0"), &"1".repeat(33), &"1".repeat(1 << 20)]
        {
            assert!(bad.parse::<Key>().is_err(), "{bad:.50}");
        }
        assert_eq!("1".repeat(32).parse::<Key>(), Ok(Key([0; 32])));
    }

    #[test]
    fn addresses_of_programs_are_where_everybody_looks_for_them() {
        // USDC's metadata, and the associated account of its mint for the System program, as spl-token and mpl-token-metadata derive them.
        let usdc: Key = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v".parse().unwrap();
        let metadata = Key::derived(&[b"metadata", &METADATA.0, &usdc.0], &METADATA).unwrap();
        assert_eq!(metadata.to_string(), "5x38Kp4hvdomTCnCrAny4UtMUt5rQBdB6px2K1Ui45Wq");
        let associated = Key::derived(&[&[0; 32], &TOKEN.0, &usdc.0], &ASSOCIATED).unwrap();
        assert!(VerifyingKey::from_bytes(&associated.0).is_err());
    }
}
