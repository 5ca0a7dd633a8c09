//! One leaf of Solana for the wallets of one viewer. What accounts said is kept for a while under the slot, and asked once for all who wait
//! for it; the accounts that it rests on are named, so that they can be looked at again.

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy_primitives::U256;
use durable::UnixMs;
use futures_util::future::try_join_all;
use moka::future::Cache;

use super::decide::{Doubt, Truth};
use super::tree::Node;
use crate::gate::chains::ChainError;
use crate::gate::chains::solana::{CORE, Cluster, Commitment, Key, Of, Slot, TOKEN, TOKEN_2022, associated, metadata};
use crate::limits::{NFTS_A_WALLET_MAX, READS_KEPT, READS_KEPT_MAX};

/// What is asked about a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    Units { program: Key, mint: Key },
    Confirmed { collection: Key },
    Assets { collection: Key },
}

/// What a wallet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Amount {
    Of(u64),
    /// Something else could not be read.
    AtLeast(u64),
    TooMany,
}

/// What a wallet has, and where that stands.
#[derive(Debug, Clone)]
struct Held {
    amount: Amount,
    /// While these accounts are as they are, so is the amount; it may grow by others.
    rests_on: Arc<[Key]>,
}

type Asked = (Arc<str>, Commitment, u64, Key, Question);

/// What accounts said.
#[derive(Debug)]
pub(crate) struct Accounts(Cache<Asked, Held>);

impl Default for Accounts {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(READS_KEPT_MAX).time_to_live(READS_KEPT).build())
    }
}

impl Accounts {
    /// Whether one of the wallets holds what the leaf asks for, in what is final and in what is confirmed.
    pub(super) async fn held(
        &self,
        leaf: &Node,
        wallets: &[Key],
        cluster: &Cluster,
        now: UnixMs,
    ) -> Result<Truth, Arc<ChainError>> {
        let Some((question, least)) = question(leaf) else { return Ok(Truth::No) };
        if wallets.is_empty() {
            return Ok(Truth::Doubt(Doubt::NoWallet));
        }
        let slots = cluster.slots(now).await.map_err(Arc::new)?;
        let at = |slot: Slot| async move {
            let each = wallets.iter().map(|wallet| self.of(cluster, &slot, *wallet, question));
            Ok::<_, Arc<ChainError>>(any(try_join_all(each).await?.into_iter().map(|held| held.amount), least))
        };
        Ok(match futures_util::future::try_join(at(slots.settled), at(slots.last)).await? {
            (one, other) if one == other => one,
            (doubt @ Truth::Doubt(_), _) | (_, doubt @ Truth::Doubt(_)) => doubt,
            _ => Truth::Doubt(Doubt::NotSettled),
        })
    }

    /// The accounts that it rests on whether a wallet meets a leaf: when one of them changes, that is to be decided again.
    pub(crate) async fn rests_on(
        &self,
        leaf: &Node,
        wallet: Key,
        cluster: &Cluster,
        at: &Slot,
    ) -> Result<Arc<[Key]>, Arc<ChainError>> {
        let Some((question, _)) = question(leaf) else { return Ok(Arc::default()) };
        Ok(self.of(cluster, at, wallet, question).await?.rests_on)
    }

    /// How much of a token, or of a Core collection, a wallet has; `None`: that cannot be told.
    pub(super) async fn amount(
        &self,
        (what, program): (Key, Key),
        wallet: Key,
        cluster: &Cluster,
        at: &Slot,
    ) -> Result<Option<u64>, Arc<ChainError>> {
        let question = match program {
            CORE => Question::Assets { collection: what },
            program => Question::Units { program, mint: what },
        };
        Ok(match self.of(cluster, at, wallet, question).await?.amount {
            Amount::Of(amount) => Some(amount),
            Amount::AtLeast(_) | Amount::TooMany => None,
        })
    }

    async fn of(&self, cluster: &Cluster, at: &Slot, wallet: Key, question: Question) -> Result<Held, Arc<ChainError>> {
        let name = Arc::from(cluster.config().name.as_str());
        let key = (name, at.commitment, at.number, wallet, question);
        self.0.try_get_with(key, read(cluster, at, wallet, question)).await
    }
}

/// What a leaf asks about a wallet, and how much of it.
fn question(leaf: &Node) -> Option<(Question, U256)> {
    Some(match leaf {
        Node::Spl(leaf) => (Question::Units { program: TOKEN, mint: leaf.mint }, leaf.min_units.0),
        Node::Token2022(leaf) => (Question::Units { program: TOKEN_2022, mint: leaf.mint }, leaf.min_units.0),
        Node::Metaplex(leaf) => (Question::Confirmed { collection: leaf.collection }, leaf.min_balance.0),
        Node::Core(leaf) => (Question::Assets { collection: leaf.collection }, leaf.min_balance.0),
        _ => return None,
    })
}

/// Whether one of them is enough; one that cannot be told is doubt, unless another is.
fn any(amounts: impl Iterator<Item = Amount>, least: U256) -> Truth {
    amounts.fold(Truth::No, |sum, amount| match (sum, amount) {
        (Truth::Yes, _) => Truth::Yes,
        (_, Amount::Of(held) | Amount::AtLeast(held)) if U256::from(held) >= least => Truth::Yes,
        (sum, Amount::Of(_)) => sum,
        (_, Amount::AtLeast(_)) => Truth::Doubt(Doubt::Garbled),
        (_, Amount::TooMany) => Truth::Doubt(Doubt::TooMany),
    })
}

async fn read(cluster: &Cluster, at: &Slot, wallet: Key, question: Question) -> Result<Held, ChainError> {
    match question {
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
async fn confirmed(cluster: &Cluster, at: &Slot, wallet: Key, collection: Key) -> Result<Held, ChainError> {
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
    let accounts = cluster.accounts(&addresses, at).await?;
    let (mut count, mut is_garbled, mut rests_on) = (0, false, Vec::new());
    for ((mint, address), account) in places.iter().zip(&accounts) {
        match metadata::read(account.as_ref(), mint) {
            metadata::Found::Metadata(found) if found.collection == Some(collection) && !found.is_coin => {
                count += 1;
                rests_on.push(*address);
                rests_on.extend(tokens.iter().filter(|(of, _)| of == mint).map(|(_, place)| *place));
            }
            metadata::Found::Metadata(_) | metadata::Found::Nothing => {}
            metadata::Found::Garbled => is_garbled = true,
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
}
