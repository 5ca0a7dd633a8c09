//! One leaf of Solana for the wallets of one viewer. What accounts said is kept for a while under the slot, and asked once for all who wait
//! for it; the accounts that it rests on are named, so that they can be looked at again.
//!
//! First those accounts are read where it was before, or is expected: many wallets' with one question (`getMultipleAccounts`). Only where those
//! are not enough is a wallet asked about by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use alloy_primitives::U256;
use durable::UnixMs;
use futures_util::future::{try_join, try_join_all};
use moka::future::Cache;

use super::amount::{self, Amount, Held, Question, any};
use super::decide::{Doubt, Truth};
use super::tree::Node;
use crate::gate::chains::ChainError;
use crate::gate::chains::solana::{CORE, Cluster, Commitment, Key, Slot};
use crate::limits::{ACCOUNTS_A_QUESTION_MAX, DENIALS_KEPT_MS, PLACES_KEPT, READS_KEPT, READS_KEPT_MAX};

type Asked = (Arc<str>, Commitment, u64, Key, Question);
type Error = Arc<ChainError>;

/// What is asked about a wallet, how much of it is enough, and when.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    question: Question,
    least: U256,
    now: UnixMs,
}

/// What accounts said.
#[derive(Debug)]
pub(crate) struct Accounts {
    /// All that a wallet has, and when that was read.
    all: Cache<Asked, (Held, UnixMs)>,
    /// What it has at the places that were known.
    placed: Cache<Asked, Held>,
    /// Where that is.
    places: Cache<(Arc<str>, Key, Question), Arc<[Key]>>,
}

impl Default for Accounts {
    fn default() -> Self {
        let all = Cache::builder().max_capacity(READS_KEPT_MAX).time_to_live(READS_KEPT).build();
        let placed = Cache::builder().max_capacity(READS_KEPT_MAX).time_to_live(READS_KEPT).build();
        let places = Cache::builder().max_capacity(READS_KEPT_MAX).time_to_live(PLACES_KEPT).build();
        Self { all, placed, places }
    }
}

impl Accounts {
    /// Whether one of the wallets holds what the leaf asks for, in what is final and in what is confirmed.
    pub(super) async fn held(
        &self,
        leaf: &Node,
        wallets: &[Key],
        cluster: &Arc<Cluster>,
        now: UnixMs,
    ) -> Result<Truth, Error> {
        let Some((question, least)) = Question::of(leaf) else { return Ok(Truth::No) };
        if wallets.is_empty() {
            return Ok(Truth::Doubt(Doubt::NoWallet));
        }
        let slots = cluster.slots(now).await.map_err(Arc::new)?;
        let wanted = Wanted { question, least, now };
        let each = wallets.iter().map(|wallet| self.in_both(cluster, (&slots.settled, &slots.last), *wallet, wanted));
        let (settled, last): (Vec<_>, Vec<_>) = try_join_all(each).await?.into_iter().unzip();
        Ok(match (any(settled.into_iter(), least), any(last.into_iter(), least)) {
            (one, other) if one == other => one,
            (doubt @ Truth::Doubt(_), _) | (_, doubt @ Truth::Doubt(_)) => doubt,
            _ => Truth::Doubt(Doubt::NotSettled),
        })
    }

    async fn in_both(
        &self,
        cluster: &Arc<Cluster>,
        (settled, last): (&Slot, &Slot),
        wallet: Key,
        wanted: Wanted,
    ) -> Result<(Amount, Amount), Error> {
        if self.places(cluster, wallet, wanted.question).await.is_some() {
            let both = try_join(self.of(cluster, settled, wallet, wanted), self.of(cluster, last, wallet, wanted));
            return both.await.map(|(settled, last)| (settled.amount, last.amount));
        }
        // Where it stands in the one state says where to look in the other.
        let last = self.of(cluster, last, wallet, wanted).await?;
        Ok((self.of(cluster, settled, wallet, wanted).await?.amount, last.amount))
    }

    /// The accounts that it rests on whether a wallet meets a leaf: when one of them changes, that is to be decided again.
    pub(crate) async fn rests_on(
        &self,
        leaf: &Node,
        wallet: Key,
        cluster: &Arc<Cluster>,
        (at, now): (&Slot, UnixMs),
    ) -> Result<Arc<[Key]>, Error> {
        let Some((question, least)) = Question::of(leaf) else { return Ok(Arc::default()) };
        Ok(self.of(cluster, at, wallet, Wanted { question, least, now }).await?.rests_on)
    }

    /// How much of a token, or of a Core collection, a wallet has; `None`: that cannot be told.
    pub(super) async fn amount(
        &self,
        (what, program): (Key, Key),
        wallet: Key,
        cluster: &Arc<Cluster>,
        (at, now): (&Slot, UnixMs),
    ) -> Result<Option<u64>, Error> {
        let question = match program {
            CORE => Question::Assets { collection: what },
            program => Question::Units { program, mint: what },
        };
        let all = Wanted { question, least: U256::MAX, now };
        Ok(match self.all_of(cluster, at, wallet, all).await?.amount {
            Amount::Of(amount) => Some(amount),
            Amount::AtLeast(_) | Amount::TooMany => None,
        })
    }

    /// What a wallet has; as soon as it is enough, not all of it.
    async fn of(&self, cluster: &Arc<Cluster>, at: &Slot, wallet: Key, wanted: Wanted) -> Result<Held, Error> {
        let Wanted { question, least, .. } = wanted;
        if let Some(places) = self.places(cluster, wallet, question).await {
            let read = placed(cluster, at, wallet, question, places);
            let held = self.placed.try_get_with(asked(cluster, at, wallet, question), read).await?;
            if held.amount.is_enough(least) {
                return Ok(held);
            }
        }
        self.all_of(cluster, at, wallet, wanted).await
    }

    async fn all_of(&self, cluster: &Arc<Cluster>, at: &Slot, wallet: Key, wanted: Wanted) -> Result<Held, Error> {
        let Wanted { question, least, now } = wanted;
        let key = asked(cluster, at, wallet, question);
        if let Some((held, read_ms)) = self.all.get(&key).await {
            if held.amount.is_enough(least) || now.saturating_sub(read_ms) < DENIALS_KEPT_MS {
                return Ok(held);
            }
            self.all.invalidate(&key).await;
        }
        let read = async {
            let held = amount::all(cluster, at, wallet, question).await?;
            let key = (name(cluster), wallet, question);
            if (1..=ACCOUNTS_A_QUESTION_MAX).contains(&held.rests_on.len()) {
                self.places.insert(key, held.rests_on.clone()).await;
            } else {
                self.places.invalidate(&key).await;
            }
            Ok((held, now))
        };
        Ok(self.all.try_get_with(key, read).await?.0)
    }

    /// Where a wallet had it before, or is expected to.
    async fn places(&self, cluster: &Cluster, wallet: Key, question: Question) -> Option<Arc<[Key]>> {
        let known = self.places.get(&(name(cluster), wallet, question)).await;
        known.or_else(|| question.expected(&wallet))
    }
}

fn name(cluster: &Cluster) -> Arc<str> {
    Arc::from(cluster.config().name.as_str())
}

fn asked(cluster: &Cluster, at: &Slot, wallet: Key, question: Question) -> Asked {
    (name(cluster), at.commitment, at.number, wallet, question)
}

/// By these accounts, read together with what others ask for.
async fn placed(
    cluster: &Arc<Cluster>,
    at: &Slot,
    wallet: Key,
    question: Question,
    places: Arc<[Key]>,
) -> Result<Held, ChainError> {
    let found = cluster.accounts_with_others(&places, at).await?;
    let accounts: BTreeMap<Key, _> =
        places.iter().zip(found).filter_map(|(key, account)| Some((*key, account?))).collect();
    Ok(Held { amount: Amount::AtLeast(question.counted(&wallet, &accounts)), rests_on: places })
}
