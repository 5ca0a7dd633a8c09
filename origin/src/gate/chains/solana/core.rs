//! Assets and collections of Metaplex Core. (`mpl-core`: Borsh; what plugins add stands behind and is not read)

use super::CORE;
use super::account::Account;
use super::key::Key;
use super::layout::Rest;
use crate::limits::CORE_TEXT_BYTES_MAX;

const ASSET: u8 = 1;
const COLLECTION: u8 = 5;
/// `UpdateAuthority::Collection`.
const OF_COLLECTION: u8 = 2;

/// The first bytes of each asset that a wallet has of a collection.
pub(super) fn front(owner: &Key, collection: &Key) -> [u8; 66] {
    let mut front = [0; 66];
    front[0] = ASSET;
    front[1..33].copy_from_slice(&owner.0);
    front[33] = OF_COLLECTION;
    front[34..].copy_from_slice(&collection.0);
    front
}

/// Whether the account is an asset of the collection that this wallet has.
pub(crate) fn is_asset(account: &Account, owner: &Key, collection: &Key) -> bool {
    asset(account, &front(owner, collection)).is_some()
}

fn asset(account: &Account, front: &[u8]) -> Option<()> {
    if account.owner != CORE {
        return None;
    }
    let mut rest = Rest(&account.data);
    if rest.take(front.len())? != front {
        return None;
    }
    rest.text(CORE_TEXT_BYTES_MAX)?;
    rest.text(CORE_TEXT_BYTES_MAX)?;
    if rest.is_some()? {
        rest.u64()?;
    }
    Some(())
}

/// Whether the account is a collection.
pub(crate) fn is_collection(account: &Account) -> bool {
    collection(account).is_some()
}

fn collection(account: &Account) -> Option<()> {
    if account.owner != CORE {
        return None;
    }
    let mut rest = Rest(&account.data);
    if rest.byte()? != COLLECTION {
        return None;
    }
    rest.key()?;
    rest.text(CORE_TEXT_BYTES_MAX)?;
    rest.text(CORE_TEXT_BYTES_MAX)?;
    // How many were made, how many there are.
    rest.u32()?;
    rest.u32()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Vec<u8> {
        [&[4, 0, 0, 0][..], b"Seal", &[1, 0, 0, 0], b"u"].concat()
    }

    #[test]
    fn an_asset_is_of_this_wallet_and_this_collection() {
        let (owner, of) = (Key([1; 32]), Key([2; 32]));
        let good = [&front(&owner, &of)[..], &texts(), &[0]].concat();
        let check = |program, data: &[u8]| is_asset(&Account { owner: program, data: data.to_vec() }, &owner, &of);
        assert!(check(CORE, &good));
        assert!(check(CORE, &[&good[..good.len() - 1], &[1], &[0; 8], b"plugins"].concat()));
        assert!(!check(Key([9; 32]), &good), "of another program");
        assert!(!check(CORE, &good[..good.len() - 1]) && !check(CORE, &[]) && !check(CORE, &vec![0; 1 << 20]));
        assert!(!check(CORE, &[&front(&of, &of)[..], &texts(), &[0]].concat()), "of another wallet");
        assert!(!check(CORE, &[&front(&owner, &owner)[..], &texts(), &[0]].concat()), "of another collection");
        let mut other = good.clone();
        other[33] = 1;
        assert!(!check(CORE, &other), "an authority of the collection's name is none");
    }

    #[test]
    fn a_collection_is_one_of_core() {
        let good = [&[COLLECTION][..], &[1; 32], &texts(), &[0; 8]].concat();
        let check = |owner, data: &[u8]| is_collection(&Account { owner, data: data.to_vec() });
        assert!(check(CORE, &good));
        assert!(!check(Key([9; 32]), &good) && !check(CORE, &good[..good.len() - 1]) && !check(CORE, &good[1..]));
    }
}
