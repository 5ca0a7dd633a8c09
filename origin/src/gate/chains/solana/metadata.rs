//! Metadata of Metaplex' Token Metadata program: which collection a token is of, and whether that collection has said so.
//! (`mpl-token-metadata`, `Metadata`: Borsh, older accounts are filled up with zeros)

use super::account::Account;
use super::key::Key;
use super::layout::Rest;
use super::{METADATA, SYSTEM};

/// `MetadataV1`.
const KIND: u8 = 4;
/// Bytes of name, symbol and address, as the program bounds them.
const NAME: usize = 32;
const SYMBOL: usize = 10;
const URI: usize = 200;
const CREATORS_MAX: u32 = 5;
/// `TokenStandard::Fungible`: a coin, of which a millionth says nothing.
const COIN: u8 = 2;

/// What the metadata of a mint say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// The collection, if it has confirmed that the token is of it.
    pub(crate) collection: Option<Key>,
    pub(crate) is_coin: bool,
}

/// Where the metadata of a mint are.
pub(crate) fn address(mint: &Key) -> Option<Key> {
    Key::derived(&[b"metadata", &METADATA.0, &mint.0], &METADATA)
}

/// What an account at the address of a mint's metadata is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The mint has none: somebody may have sent coins to the address.
    Nothing,
    Metadata(Metadata),
    Garbled,
}

/// Reads the metadata of `mint`.
pub(crate) fn read(account: Option<&Account>, mint: &Key) -> Found {
    match account {
        None => Found::Nothing,
        Some(account) if account.owner == SYSTEM && account.data.is_empty() => Found::Nothing,
        Some(account) if account.owner == METADATA => {
            fields(&account.data, mint).map_or(Found::Garbled, Found::Metadata)
        }
        Some(_) => Found::Garbled,
    }
}

fn fields(data: &[u8], mint: &Key) -> Option<Metadata> {
    let mut rest = Rest(data);
    if rest.byte()? != KIND {
        return None;
    }
    rest.key()?;
    if rest.key()? != *mint {
        return None;
    }
    rest.text(NAME)?;
    rest.text(SYMBOL)?;
    rest.text(URI)?;
    rest.u16()?;
    if rest.is_some()? {
        let creators = rest.u32().filter(|&creators| creators <= CREATORS_MAX)?;
        for _ in 0..creators {
            rest.key()?;
            rest.truth()?;
            rest.byte()?;
        }
    }
    // Sold before, may be changed.
    rest.truth()?;
    rest.truth()?;
    if rest.is_some()? {
        rest.byte()?;
    }
    let standard = if rest.is_some()? { Some(rest.byte()?) } else { None };
    let collection = if rest.is_some()? {
        let is_verified = rest.truth()?;
        let collection = rest.key()?;
        is_verified.then_some(collection)
    } else {
        None
    };
    Some(Metadata { collection, is_coin: standard == Some(COIN) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(standard: u8, is_verified: u8) -> Vec<u8> {
        let mut data = vec![KIND];
        data.extend([[5; 32], [1; 32]].concat());
        for text in ["Seal #1", "SEAL", "https://seals.example/1"] {
            data.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            data.extend(text.as_bytes());
        }
        data.extend([0xf4, 1, 1, 1, 0, 0, 0]);
        data.extend([[6; 32].as_slice(), &[1, 100]].concat());
        data.extend([1, 1, 1, 255, 1, standard, 1, is_verified]);
        data.extend([7; 32]);
        data.resize(679, 0);
        data
    }

    #[test]
    fn a_collection_counts_that_has_confirmed_it() {
        let read = |owner, data| read(Some(&Account { owner, data }), &Key([1; 32]));
        let found = |collection: Option<u8>, is_coin| {
            Found::Metadata(Metadata { collection: collection.map(|n| Key([n; 32])), is_coin })
        };
        assert_eq!(read(METADATA, bytes(0, 1)), found(Some(7), false));
        assert_eq!(read(METADATA, bytes(0, 0)), found(None, false), "anybody may name any collection");
        assert_eq!(read(METADATA, bytes(COIN, 1)), found(Some(7), true));
        assert_eq!(read(SYSTEM, Vec::new()), Found::Nothing);
        assert_eq!(super::read(None, &Key([1; 32])), Found::Nothing);
        assert_eq!(read(Key([9; 32]), bytes(0, 1)), Found::Garbled, "of another program");
        assert_eq!(
            super::read(Some(&Account { owner: METADATA, data: bytes(0, 1) }), &Key([2; 32])),
            Found::Garbled,
            "of another mint"
        );
        assert_eq!(read(METADATA, bytes(0, 2)), Found::Garbled);
        assert_eq!(read(METADATA, bytes(0, 1)[..150].to_vec()), Found::Garbled, "cut");
        assert_eq!(read(METADATA, vec![0; 1 << 20]), Found::Garbled);
        let mut long = bytes(0, 1);
        long[65..69].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(METADATA, long), Found::Garbled, "a name of 4 GiB");
    }
}
