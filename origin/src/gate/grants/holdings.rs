//! holdings: a cluster of Solana is followed slot by slot while somebody has a token by what it says. Solana has no logs to ask for; so it is
//! remembered which accounts an answer rested on, those are looked at again a hundred at a time, and whoever has a token by one that
//! has changed is decided about again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use durable::catalogue::Grant;
use durable::{StoreError, UnixMs};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::decide::decide_all;
use crate::clock::now_ms;
use crate::gate::chains::ChainError;
use crate::gate::chains::solana::{Account, Cluster, Key, Slot};
use crate::gate::rules::{Holder, Node, Rule};
use crate::house::House;
use crate::limits::{
    ACCOUNT_QUESTIONS_AT_ONCE, ACCOUNTS_A_QUESTION_MAX, ACCOUNTS_A_ROUND_MAX, CHAIN_LOOK, GRANT_LOOK_FIRST_MS,
    GRANTS_A_ROUND,
};

/// Why a round was cut short.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Chain(#[from] Arc<ChainError>),
}

/// An asset that somebody may watch by what this cluster says.
struct Watched {
    asset: String,
    rule: Rule,
    /// Conditions that read the cluster, each under the words in which it is written.
    leaves: Vec<(Arc<str>, Node)>,
}

/// A wallet, and a condition on it.
type Claim = (Key, Arc<str>);

/// How far a cluster was followed.
#[derive(Default)]
struct Followed {
    /// The slot that was looked at last.
    last: Option<u64>,
    /// Of this asset after this grant, when the last round ended in the middle.
    place: Option<(String, String)>,
    rests_on: HashMap<Claim, Arc<[Key]>>,
    /// What accounts were.
    seen: HashMap<Key, [u8; 32]>,
    /// What this walk over all grants has met; the rest is forgotten after it.
    met: HashSet<Claim>,
}

/// Goes on until it is dropped.
pub(super) async fn follow(house: &House, cluster: &Arc<Cluster>) {
    let mut followed = Followed::default();
    let mut is_cut = false;
    loop {
        let done = followed.round(house, cluster).await;
        if let Err(cut) = &done
            && !is_cut
        {
            tracing::warn!(chain = cluster.config().name, error = %cut, "the cluster is not followed: tokens that were given away are not taken back");
        }
        is_cut = done.is_err();
        tokio::time::sleep(CHAIN_LOOK).await;
    }
}

impl Followed {
    async fn round(&mut self, house: &House, cluster: &Arc<Cluster>) -> Result<(), Cut> {
        let now = now_ms();
        if !house.store.catalogue.has_grants(now).await? {
            *self = Self::default();
            return Ok(());
        }
        let watched = watched(house, cluster, now).await?;
        if watched.is_empty() {
            *self = Self::default();
            return Ok(());
        }
        let at = cluster.slots(now).await.map_err(Arc::new)?.last;
        if self.last == Some(at.number) && self.place.is_none() {
            return Ok(());
        }
        let mut left = ACCOUNTS_A_ROUND_MAX;
        let (from, mut after) = self.place.clone().unwrap_or_default();
        for one in watched.iter().filter(|one| one.asset >= from) {
            if one.asset != from {
                after = String::new();
            }
            loop {
                let page = house.store.catalogue.grants_by_rule(&one.asset, &after, now, GRANTS_A_ROUND).await?;
                let Some(end) = page.last() else { break };
                let looked = self.look(house, cluster, one, &page, &at).await?;
                after.clone_from(&end.cti);
                left = left.saturating_sub(looked);
                self.place = Some((one.asset.clone(), after.clone()));
                if left == 0 {
                    return Ok(());
                }
            }
        }
        self.forget();
        self.last = Some(at.number);
        Ok(())
    }

    /// After a walk over all grants: what it has not met is of nobody any more.
    fn forget(&mut self) {
        self.place = None;
        let met = std::mem::take(&mut self.met);
        self.rests_on.retain(|claim, _| met.contains(claim));
        let live: HashSet<Key> = self.rests_on.values().flat_map(|keys| keys.iter().copied()).collect();
        self.seen.retain(|key, _| live.contains(key));
    }

    /// Looks at what these grants rest on, and decides anew about those whom it concerns. How many accounts that were.
    async fn look(
        &mut self,
        house: &House,
        cluster: &Arc<Cluster>,
        watched: &Watched,
        grants: &[Grant],
        at: &Slot,
    ) -> Result<usize, Cut> {
        let now = now_ms();
        let claims: Vec<Vec<Claim>> = grants.iter().map(|grant| claims(watched, grant)).collect();
        self.learn(house, cluster, watched, &claims, (at, now)).await;
        let keys: BTreeSet<Key> = claims
            .iter()
            .flatten()
            .filter_map(|claim| self.rests_on.get(claim))
            .flat_map(|keys| keys.iter().copied())
            .collect();
        let keys: Vec<Key> = keys.into_iter().collect();
        let (mut new, mut changed) = (HashSet::new(), HashSet::new());
        for (key, is) in digests(cluster, &keys, at).await? {
            match self.seen.get(&key) {
                Some(was) if *was == is => {}
                Some(_) => {
                    // What is kept of this slot may be from before the change: after the next slot it is decided about once more.
                    self.seen.remove(&key);
                    changed.insert(key);
                }
                None => {
                    self.seen.insert(key, is);
                    new.insert(key);
                }
            }
        }
        let touches = |claim: &Claim, keys: &HashSet<Key>| {
            self.rests_on.get(claim).is_some_and(|on| on.iter().any(|key| keys.contains(key)))
        };
        let concerns = |(grant, claims): (&Grant, &Vec<Claim>)| {
            // One that was just given is decided about by the clock.
            let is_old = now - grant.made_ms >= GRANT_LOOK_FIRST_MS / 2;
            claims.iter().any(|claim| touches(claim, &changed) || (is_old && touches(claim, &new)))
        };
        let concerned: Vec<&Grant> =
            grants.iter().zip(&claims).filter(|pair| concerns(*pair)).map(|(grant, _)| grant).collect();
        decide_all(house, |_| Some(&watched.rule), &concerned, now).await?;
        self.rests_on.retain(|_, on| !on.iter().any(|key| changed.contains(key)));
        self.met.extend(claims.into_iter().flatten());
        Ok(keys.len())
    }

    /// Finds out what claims rest on that were not met before. One that cannot be read now is met again in the next round.
    async fn learn(
        &mut self,
        house: &House,
        cluster: &Arc<Cluster>,
        watched: &Watched,
        claims: &[Vec<Claim>],
        at: (&Slot, UnixMs),
    ) {
        let unknown: HashSet<&Claim> =
            claims.iter().flatten().filter(|claim| !self.rests_on.contains_key(*claim)).collect();
        let ask = |claim: &Claim| {
            let (wallet, words) = claim.clone();
            async move {
                let (_, leaf) = watched.leaves.iter().find(|(known, _)| *known == words)?;
                let told = house.door.accounts().rests_on(leaf, wallet, cluster, at).await;
                told.ok().map(|on| ((wallet, words), on))
            }
        };
        let asked: Vec<_> = unknown.into_iter().map(ask).collect();
        let told: Vec<_> = stream::iter(asked).buffer_unordered(ACCOUNT_QUESTIONS_AT_ONCE).collect().await;
        self.rests_on.extend(told.into_iter().flatten());
    }
}

async fn watched(house: &House, cluster: &Cluster, now: i64) -> Result<Vec<Watched>, StoreError> {
    let rows = house.store.catalogue.watched_rules(now).await?;
    let named = rows.into_iter().filter_map(|(asset, rule)| {
        // A rule that cannot be read takes its grants back by the clock.
        let rule: Rule = serde_json::from_str(&rule).ok()?;
        let worded = |leaf: &Node| Some((Arc::from(serde_json::to_string(leaf).ok()?), leaf.clone()));
        let leaves: Vec<_> = rule.rule.on_cluster(&cluster.config().name).into_iter().filter_map(worded).collect();
        (!leaves.is_empty()).then_some(Watched { asset, rule, leaves })
    });
    let mut named: Vec<Watched> = named.collect();
    named.sort_by(|a, b| a.asset.cmp(&b.asset));
    Ok(named)
}

fn claims(watched: &Watched, grant: &Grant) -> Vec<Claim> {
    let wallets: Vec<Holder> = serde_json::from_str(&grant.wallets).unwrap_or_default();
    let keys = wallets.iter().filter_map(Holder::solana);
    keys.flat_map(|key| watched.leaves.iter().map(move |(words, _)| (key, words.clone()))).collect()
}

/// What each account is, in short.
async fn digests(cluster: &Cluster, keys: &[Key], at: &Slot) -> Result<Vec<(Key, [u8; 32])>, Arc<ChainError>> {
    let questions = keys.chunks(ACCOUNTS_A_QUESTION_MAX).map(|some| async move {
        let accounts = cluster.accounts(some, at).await.map_err(Arc::new)?;
        Ok::<_, Arc<ChainError>>(some.iter().copied().zip(accounts.iter().map(digest)).collect::<Vec<_>>())
    });
    let asked: Vec<_> = questions.collect();
    let told: Vec<Vec<_>> = stream::iter(asked).buffer_unordered(ACCOUNT_QUESTIONS_AT_ONCE).try_collect().await?;
    Ok(told.into_iter().flatten().collect())
}

fn digest(account: &Option<Account>) -> [u8; 32] {
    match account {
        None => [0; 32],
        Some(account) => Sha256::new().chain_update(account.owner.0).chain_update(&account.data).finalize().into(),
    }
}
