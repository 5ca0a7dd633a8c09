//! watch: may whoever holds these wallets watch this asset now? The stored rule decides, and only yes opens.

use std::net::IpAddr;
use std::sync::Arc;

use durable::{AssetId, StoreError, UnixMs};
use moka::future::Cache;
use serde_json::Value;

use super::Minted;
use super::grants::{Given, NotGiven, give};
use super::guess::Secret;
use super::rules::{
    Accounts, Doubt, Holder, Node, Plain, Playback, Reads, Rule, Shown, Sources, Truth, missing, truth,
};
use super::shared::shared;
use super::token::MintError;
use crate::house::House;
use crate::limits::{LETS_KEPT_MAX, RULE_GRACE_SECONDS_MAX};

/// Why nobody is let in. Each is told to whoever asks.
#[derive(Debug, thiserror::Error)]
pub enum NotLetIn {
    /// No such asset.
    #[error("there is no such asset")]
    Unknown,
    /// It is gated, and nobody has said for whom.
    #[error("the asset is gated and has no rule")]
    NoRule,
    /// The stored rule cannot be read; it was written by another version of this program, or damaged.
    #[error("the asset's rule cannot be read")]
    Unreadable,
    /// What would have to be otherwise.
    #[error("the asset's rule is not met")]
    NotMet(Vec<Value>),
    /// Nothing is missing but a secret, and none was shown.
    #[error("the asset's rule asks for a password")]
    SecretNeeded(Vec<Value>),
    /// Nothing is missing but a secret, and another one was shown.
    #[error("the password is not the one of the asset's rule")]
    SecretWrong(Vec<Value>),
    /// Secrets were tried too often from where this one comes; in so many seconds one may be tried.
    #[error("passwords are tried too often")]
    TooOften(u64),
    /// A chain could not be read, and the rest of the rule does not decide alone.
    #[error("a chain that the asset's rule names cannot be read now")]
    NotRead(Vec<Value>),
    /// The Redis that gateways share does not answer.
    #[error("the shared cache does not answer")]
    Unshared,
    /// The catalogue does not answer.
    #[error("the catalogue does not answer: {0}")]
    Store(#[from] StoreError),
    /// No token was made.
    #[error(transparent)]
    Mint(#[from] MintError),
}

impl From<NotGiven> for NotLetIn {
    fn from(why: NotGiven) -> Self {
        match why {
            NotGiven::Mint(error) => Self::Mint(error),
            NotGiven::Store(error) => Self::Store(error),
        }
    }
}

/// Who asks to watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Viewer {
    /// Each has proved itself.
    pub(crate) wallets: Vec<Holder>,
    /// The account, or as whom a key acts; none: the token names nobody.
    pub(crate) account: Option<String>,
    pub(crate) session: Option<String>,
    /// What is shown to a rule that asks for a password.
    pub(crate) secret: Option<Plain>,
    /// The client's address.
    pub(crate) from: Option<IpAddr>,
    /// The stream that goes on with another token.
    pub(crate) stream: Option<[u8; 16]>,
}

/// What is remembered of earlier decisions.
#[derive(Debug)]
pub(crate) struct Door {
    reads: Reads,
    /// When these wallets were last let in by this version of an asset's rule, its chains having been read.
    let_in: Cache<(AssetId, i64, Vec<Holder>, Vec<String>), UnixMs>,
}

impl Door {
    /// What accounts of Solana said.
    pub(crate) fn accounts(&self) -> &Accounts {
        self.reads.accounts()
    }

    /// What is known of each condition of a tree, for these wallets.
    pub(crate) async fn leaves(&self, node: &Node, shown: Shown<'_>, from: Sources<'_>, now: UnixMs) -> Vec<Truth> {
        self.reads.leaves(node, shown, from, now).await
    }
}

impl Default for Door {
    fn default() -> Self {
        let kept = std::time::Duration::from_secs(RULE_GRACE_SECONDS_MAX);
        Self {
            reads: Reads::default(),
            let_in: Cache::builder().max_capacity(LETS_KEPT_MAX).time_to_live(kept).build(),
        }
    }
}

/// A playback token for one asset, if this viewer may watch it at `now`.
pub(crate) async fn watch(house: &House, asset: &AssetId, mut viewer: Viewer, now: UnixMs) -> Result<Minted, NotLetIn> {
    shared(house).await?;
    viewer.wallets.sort_unstable();
    viewer.wallets.dedup();
    if house.store.catalogue.asset(asset).await?.is_none() {
        return Err(NotLetIn::Unknown);
    }
    let stored = house.store.catalogue.rule(asset).await?.filter(|stored| !stored.rule.is_empty());
    let stored = stored.ok_or(NotLetIn::NoRule)?;
    let rule: Rule = serde_json::from_str(&stored.rule).map_err(|_| NotLetIn::Unreadable)?;
    let rule = Arc::new(rule);
    let shown = Shown { wallets: &viewer.wallets, ..Shown::default() };
    let mut leaves = house.door.leaves(&rule.rule, shown, house.sources(), now).await;
    let secret = Secret::of(house, (asset, &rule), &leaves, &viewer, now).await?;
    secret.count(&rule.rule, &mut leaves);
    let key = (asset.clone(), stored.version, viewer.wallets.clone(), secret.right().to_vec());
    match truth(&rule.rule, &mut leaves.iter().copied()) {
        Truth::Yes => house.door.let_in.insert(key, now).await,
        Truth::Doubt(Doubt::Unread) => {
            let grace_ms = i64::try_from(rule.grace_seconds).unwrap_or(0) * 1000;
            let let_in = house.door.let_in.get(&key).await;
            if let_in.is_none_or(|then| now - then >= grace_ms) {
                return Err(NotLetIn::NotRead(missing(&rule.rule, &leaves)));
            }
        }
        Truth::No | Truth::Doubt(Doubt::NoWallet | Doubt::NotSettled | Doubt::Garbled | Doubt::TooMany) => {
            // Whoever was seen without it has no grace when the chain falls silent afterwards.
            house.door.let_in.invalidate(&key).await;
            let missing = missing(&rule.rule, &leaves);
            return Err(match secret {
                Secret::Needed => NotLetIn::SecretNeeded(missing),
                Secret::Wrong => NotLetIn::SecretWrong(missing),
                Secret::NotAsked | Secret::Right(_) => NotLetIn::NotMet(missing),
            });
        }
    }
    let given = Given {
        asset,
        account: viewer.account.as_deref().unwrap_or_default(),
        is_named: viewer.account.is_some(),
        session: viewer.session.as_deref(),
        wallets: &viewer.wallets,
        passwords: secret.right(),
        rule: stored.version,
        seconds: rule.token_seconds,
        playback: &rule.playback,
        stream: viewer.stream,
    };
    Ok(give(house, &given, now).await?)
}

/// Where and how tokens of an asset play, by its rule. Without a rule nothing is said.
pub(crate) async fn playback_of(house: &House, asset: &AssetId) -> Result<Playback, NotLetIn> {
    let stored = house.store.catalogue.rule(asset).await?.filter(|stored| !stored.rule.is_empty());
    let Some(stored) = stored else { return Ok(Playback::default()) };
    let rule: Rule = serde_json::from_str(&stored.rule).map_err(|_| NotLetIn::Unreadable)?;
    Ok(rule.playback)
}
