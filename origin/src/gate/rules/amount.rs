//! What a wallet of Solana has of what a leaf asks for: by all its accounts, or by those alone where it is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alloy_primitives::U256;
use futures_util::future::try_join_all;

use super::decide::{Doubt, Truth};
use super::tree::Node;
use crate::gate::chains::ChainError;
use crate::gate::chains::solana::{
    Account, Cluster, Key, Of, Slot, TOKEN, TOKEN_2022, associated, core, holding, metadata,
};
use crate::limits::NFTS_A_WALLET_MAX;

/// What is asked about a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Units { program: Key, mint: Key },
    Confirmed { collection: Key },
    Assets { collection: Key },
}

/// What a wallet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    Of(u64),
    /// Something else could not be read, or was not looked at.
    AtLeast(u64),
    TooMany,
}

/// What a wallet has, and where that stands.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) amount: Amount,
    /// While these accounts are as they are, so is the amount; it may grow by others.
    pub(super) rests_on: Arc<[Key]>,
}

impl Amount {
    pub(super) fn is_enough(self, least: U256) -> bool {
        matches!(self, Self::Of(held) | Self::AtLeast(held) if U256::from(held) >= least)
    }
}

impl Question {
    /// What a leaf asks about a wallet, and how much of it.
    pub(super) fn of(leaf: &Node) -> Option<(Self, U256)> {
        Some(match leaf {
            Node::Spl(leaf) => (Self::Units { program: TOKEN, mint: leaf.mint }, leaf.min_units.0),
            Node::Token2022(leaf) => (Self::Units { program: TOKEN_2022, mint: leaf.mint }, leaf.min_units.0),
            Node::Metaplex(leaf) => (Self::Confirmed { collection: leaf.collection }, leaf.min_balance.0),
            Node::Core(leaf) => (Self::Assets { collection: leaf.collection }, leaf.min_balance.0),
            _ => return None,
        })
    }

    /// Where a wallet has it that nothing is known of.
    pub(super) fn expected(&self, wallet: &Key) -> Option<Arc<[Key]>> {
        match self {
            Self::Units { program, mint } => associated(wallet, mint, program).map(|usual| Arc::from([usual])),
            Self::Confirmed { .. } | Self::Assets { .. } => None,
        }
    }

    /// What these accounts say that a wallet has; the others were not looked at. What is not read as its kind counts for nothing.
    pub(super) fn counted(&self, wallet: &Key, accounts: &BTreeMap<Key, Account>) -> u64 {
        let tokens = || accounts.values().filter_map(holding).filter(|held| held.owner == *wallet && held.units > 0);
        let count = |found: usize| u64::try_from(found).unwrap_or(0);
        match self {
            Self::Units { program, mint } => {
                let of = |account: &&Account| account.owner == *program;
                let all = accounts.values().filter(of).filter_map(holding);
                let mut units = all.filter(|held| held.owner == *wallet && held.mint == *mint).map(|held| held.units);
                // No mint makes more than fits.
                units.try_fold(0, u64::checked_add).unwrap_or(0)
            }
            Self::Assets { collection } => {
                count(accounts.values().filter(|account| core::is_asset(account, wallet, collection)).count())
            }
            Self::Confirmed { collection } => {
                let mints: BTreeSet<Key> = tokens().map(|held| held.mint).collect();
                let is_of = |mint: &&Key| {
                    let account = metadata::address(mint).and_then(|at| accounts.get(&at));
                    is_confirmed(&metadata::read(account, mint), collection)
                };
                count(mints.iter().filter(is_of).count())
            }
        }
    }
}

fn is_confirmed(found: &metadata::Found, collection: &Key) -> bool {
    matches!(found, metadata::Found::Metadata(found) if found.collection == Some(*collection) && !found.is_coin)
}

/// Whether one of them is enough; one that cannot be told is doubt, unless another is.
pub(super) fn any(amounts: impl Iterator<Item = Amount>, least: U256) -> Truth {
    amounts.fold(Truth::No, |sum, amount| match (sum, amount) {
        (Truth::Yes, _) => Truth::Yes,
        (_, amount) if amount.is_enough(least) => Truth::Yes,
        (sum, Amount::Of(_)) => sum,
        (_, Amount::AtLeast(_)) => Truth::Doubt(Doubt::Garbled),
        (_, Amount::TooMany) => Truth::Doubt(Doubt::TooMany),
    })
}

/// By all accounts of a wallet.
pub(super) async fn all(cluster: &Arc<Cluster>, at: &Slot, wallet: Key, of: Question) -> Result<Held, ChainError> {
    match of {
        Question::Units { program, mint } => {
            let all = cluster.holdings(&wallet, Of::Mint { mint, program }, at).await?;
            let units: u128 = all.iter().map(|(_, holding)| u128::from(holding.units)).sum();
            // No mint makes more than fits: accounts that say so are not believed.
            let amount = u64::try_from(units).map_or(Amount::AtLeast(0), Amount::Of);
            // Where it is expected it may appear, too.
            let usual = associated(&wallet, &mint, &program);
            let rests_on: BTreeSet<Key> = all.into_iter().map(|(key, _)| key).chain(usual).collect();
            Ok(Held { amount, rests_on: rests_on.into_iter().collect() })
        }
        Question::Assets { collection } => {
            let assets = cluster.assets(&wallet, &collection, at).await?;
            let amount = Amount::Of(u64::try_from(assets.len()).unwrap_or(0));
            Ok(Held { amount, rests_on: assets.into() })
        }
        Question::Confirmed { collection } => confirmed(cluster, at, wallet, collection).await,
    }
}

/// Tokens of a wallet that the collection has confirmed, each mint once.
async fn confirmed(cluster: &Arc<Cluster>, at: &Slot, wallet: Key, collection: Key) -> Result<Held, ChainError> {
    let programs = [TOKEN, TOKEN_2022].map(|program| cluster.holdings(&wallet, Of::Program(program), at));
    let mut tokens: Vec<(Key, Key)> = Vec::new();
    for some in try_join_all(programs).await? {
        tokens.extend(some.into_iter().filter(|(_, held)| held.units > 0).map(|(place, held)| (held.mint, place)));
    }
    let mints: BTreeSet<Key> = tokens.iter().map(|(mint, _)| *mint).collect();
    if mints.len() > NFTS_A_WALLET_MAX {
        return Ok(Held { amount: Amount::TooMany, rests_on: Arc::default() });
    }
    let places: Vec<(Key, Key)> = mints.iter().filter_map(|mint| Some((*mint, metadata::address(mint)?))).collect();
    let addresses: Vec<Key> = places.iter().map(|(_, address)| *address).collect();
    let accounts = cluster.accounts_with_others(&addresses, at).await?;
    let (mut count, mut is_garbled, mut rests_on) = (0, false, Vec::new());
    for ((mint, address), account) in places.iter().zip(&accounts) {
        let found = metadata::read(account.as_ref(), mint);
        is_garbled |= found == metadata::Found::Garbled;
        if is_confirmed(&found, &collection) {
            count += 1;
            rests_on.push(*address);
            rests_on.extend(tokens.iter().filter(|(of, _)| of == mint).map(|(_, place)| *place));
        }
    }
    // Metadata that cannot be read may be of the collection.
    Ok(Held { amount: if is_garbled { Amount::AtLeast(count) } else { Amount::Of(count) }, rests_on: rests_on.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wallet_has_enough_or_nobody_is_let_in() {
        for (amounts, expected) in [
            (&[Amount::Of(5)][..], Truth::Yes),
            (&[Amount::Of(4), Amount::Of(4)], Truth::No),
            (&[Amount::AtLeast(5)], Truth::Yes),
            (&[Amount::AtLeast(4), Amount::Of(0)], Truth::Doubt(Doubt::Garbled)),
            (&[Amount::TooMany, Amount::Of(4)], Truth::Doubt(Doubt::TooMany)),
            (&[Amount::TooMany, Amount::Of(5)], Truth::Yes),
            (&[], Truth::No),
        ] {
            assert_eq!(any(amounts.iter().copied(), U256::from(5)), expected, "{amounts:?}");
        }
        assert_eq!(any([Amount::Of(u64::MAX)].into_iter(), U256::from(u64::MAX) + U256::ONE), Truth::No);
    }

    const WALLET: Key = Key([2; 32]);
    const MINT: Key = Key([1; 32]);

    fn token(program: Key, mint: Key, owner: Key, units: u64) -> Account {
        let mut data = [mint.0, owner.0].concat();
        data.extend(units.to_le_bytes());
        data.resize(165, 0);
        data[108] = 1;
        Account { owner: program, data }
    }

    fn at<const N: usize>(accounts: [Account; N]) -> BTreeMap<Key, Account> {
        (0u8..).map(|n| Key([n; 32])).zip(accounts).collect()
    }

    #[test]
    fn accounts_at_known_places_count_for_their_wallet_and_their_mint_alone() {
        let asked = Question::Units { program: TOKEN, mint: MINT };
        let check = |accounts, expected| assert_eq!(asked.counted(&WALLET, &accounts), expected);
        check(at([token(TOKEN, MINT, WALLET, 5), token(TOKEN, MINT, WALLET, 2)]), 7);
        check(at([token(TOKEN_2022, MINT, WALLET, 5)]), 0);
        check(at([token(TOKEN, Key([3; 32]), WALLET, 5)]), 0);
        check(at([token(TOKEN, MINT, Key([3; 32]), 5)]), 0);
        check(at([token(TOKEN, MINT, WALLET, u64::MAX), token(TOKEN, MINT, WALLET, 1)]), 0);
        check(at([Account { owner: TOKEN, data: Vec::new() }]), 0);
        check(BTreeMap::new(), 0);
    }

    #[test]
    fn a_token_counts_for_a_collection_while_it_is_held_and_its_metadata_say_so() {
        let metadata = |mint: Key, is_verified: u8| {
            let mut data = vec![4];
            data.extend([[5; 32], mint.0].concat());
            data.extend([0; 12]);
            data.extend([0, 0, 0, 1, 1, 0, 0, 1, is_verified]);
            data.extend([7; 32]);
            (metadata::address(&mint).unwrap(), Account { owner: crate::gate::chains::solana::METADATA, data })
        };
        let asked = Question::Confirmed { collection: Key([7; 32]) };
        let check = |held: Account, (place, account): (Key, Account), expected| {
            let accounts = BTreeMap::from([(Key([9; 32]), held.clone()), (Key([8; 32]), held), (place, account)]);
            assert_eq!(asked.counted(&WALLET, &accounts), expected);
        };
        check(token(TOKEN, MINT, WALLET, 1), metadata(MINT, 1), 1);
        check(token(TOKEN, MINT, WALLET, 1), metadata(MINT, 0), 0);
        check(token(TOKEN, MINT, WALLET, 0), metadata(MINT, 1), 0);
        check(token(TOKEN, MINT, Key([3; 32]), 1), metadata(MINT, 1), 0);
        check(token(TOKEN, MINT, WALLET, 1), metadata(Key([3; 32]), 1), 0);
        check(token(TOKEN, MINT, WALLET, 1), (Key([6; 32]), metadata(MINT, 1).1), 0);
    }
}
