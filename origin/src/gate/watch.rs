//! watch: may whoever holds these wallets watch this asset now? The stored rule decides, and only yes opens.

use durable::{AssetId, StoreError, UnixMs};
use moka::future::Cache;
use serde_json::Value;

use super::Minted;
use super::chains::Chains;
use super::grants::{Given, give};
use super::rules::{Doubt, Holder, Node, Reads, Rule, Truth, missing, truth};
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
    /// A chain could not be read, and the rest of the rule does not decide alone.
    #[error("a chain that the asset's rule names cannot be read now")]
    NotRead(Vec<Value>),
    /// The catalogue does not answer.
    #[error("the catalogue does not answer: {0}")]
    Store(#[from] StoreError),
    /// No token was made.
    #[error(transparent)]
    Mint(#[from] MintError),
}

/// Who asks to watch.
#[derive(Debug, Clone, Default)]
pub(crate) struct Viewer {
    /// Each has proved itself.
    pub(crate) wallets: Vec<Holder>,
    /// The account, or as whom a key acts; none: the token names nobody.
    pub(crate) account: Option<String>,
    pub(crate) session: Option<String>,
}

/// What is remembered of earlier decisions.
#[derive(Debug)]
pub(crate) struct Door {
    reads: Reads,
    /// When these wallets were last let in by this version of an asset's rule, its chains having been read.
    let_in: Cache<(AssetId, i64, Vec<Holder>), UnixMs>,
}

impl Door {
    /// What is known of each condition of a tree, for these wallets.
    pub(crate) async fn leaves(&self, node: &Node, holders: &[Holder], chains: &Chains, now: UnixMs) -> Vec<Truth> {
        self.reads.leaves(node, holders, chains, now).await
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
pub(crate) async fn watch(house: &House, asset: &AssetId, viewer: Viewer, now: UnixMs) -> Result<Minted, NotLetIn> {
    let Viewer { mut wallets, account, session } = viewer;
    wallets.sort_unstable();
    wallets.dedup();
    if house.store.catalogue.asset(asset).await?.is_none() {
        return Err(NotLetIn::Unknown);
    }
    let stored = house.store.catalogue.rule(asset).await?.filter(|stored| !stored.rule.is_empty());
    let stored = stored.ok_or(NotLetIn::NoRule)?;
    let rule: Rule = serde_json::from_str(&stored.rule).map_err(|_| NotLetIn::Unreadable)?;
    let leaves = house.door.leaves(&rule.rule, &wallets, &house.chains, now).await;
    let key = (asset.clone(), stored.version, wallets.clone());
    match truth(&rule.rule, &mut leaves.iter().copied()) {
        Truth::Yes => house.door.let_in.insert(key, now).await,
        Truth::Doubt(Doubt::Unread) => {
            let grace_ms = i64::try_from(rule.grace_seconds).unwrap_or(0) * 1000;
            let let_in = house.door.let_in.get(&key).await;
            if let_in.is_none_or(|then| now - then >= grace_ms) {
                return Err(NotLetIn::NotRead(missing(&rule.rule, &leaves)));
            }
        }
        Truth::No | Truth::Doubt(Doubt::NoWallet | Doubt::NotSettled | Doubt::Garbled) => {
            // Whoever was seen without it has no grace when the chain falls silent afterwards.
            house.door.let_in.invalidate(&key).await;
            return Err(NotLetIn::NotMet(missing(&rule.rule, &leaves)));
        }
    }
    let given = Given {
        asset,
        account: account.as_deref().unwrap_or_default(),
        is_named: account.is_some(),
        session: session.as_deref(),
        wallets: &wallets,
        rule: stored.version,
        seconds: rule.token_seconds,
    };
    give(house, &given, now).await
}
