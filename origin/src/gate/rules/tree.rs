//! The rule as a value; `docs/formats/rules.md` draws it as JSON.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

use super::delegates::REGISTRY;
use super::password::Password;
use super::playback::Playback;
use super::words::{Amount, Member, Wallet};
use crate::gate::chains::solana::Key;

/// What is stored for an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) rule: Node,
    /// A token that is given by this rule is valid this long.
    #[serde(default = "token_seconds")]
    pub(crate) token_seconds: u64,
    /// When a chain cannot be read, who was let in this long ago is let in again. 0: nobody is.
    #[serde(default)]
    pub(crate) grace_seconds: u64,
    /// Where and how its tokens play.
    #[serde(default, skip_serializing_if = "Playback::is_silent")]
    pub(crate) playback: Playback,
}

fn token_seconds() -> u64 {
    900
}

/// A tree of conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Erc721(Erc721),
    Erc1155(Erc1155),
    Erc20(Erc20),
    Unlock(Unlock),
    /// A token of the SPL Token program.
    Spl(Mint),
    /// A token of Token-2022.
    Token2022(Mint),
    /// Tokens that a collection of Metaplex has confirmed.
    Metaplex(Collection),
    /// Assets of a collection of Metaplex Core.
    Core(Collection),
    /// One of these wallets.
    Allow(Vec<Member>),
    /// None of these wallets.
    Deny(Vec<Member>),
    Valid(Window),
    /// A secret is shown.
    Password(Password),
}

/// Where a contract is, and how people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Erc721 {
    /// A chain of the configuration, by its name.
    pub(crate) chain: String,
    pub(crate) contract: Wallet,
    /// So many tokens, whichever; not together with `token_ids`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min_balance: Option<Amount>,
    /// One of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) token_ids: Vec<Amount>,
    /// What a wallet holds counts that has named the viewer's in the registry of delegate.xyz.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) delegated: bool,
    /// For whoever is told what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Where it can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// See [`Erc721`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Erc1155 {
    pub(crate) chain: String,
    pub(crate) contract: Wallet,
    pub(crate) id: Amount,
    pub(crate) min_balance: Amount,
    /// What a wallet holds counts that has named the viewer's in the registry of delegate.xyz.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) delegated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// See [`Erc721`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Erc20 {
    pub(crate) chain: String,
    pub(crate) contract: Wallet,
    /// In the smallest unit of the token.
    pub(crate) min_units: Amount,
    /// What a wallet holds counts that has named the viewer's in the registry of delegate.xyz.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) delegated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// A lock of the Unlock protocol; a key that has not run out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unlock {
    pub(crate) chain: String,
    pub(crate) contract: Wallet,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// A token of Solana, and how people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mint {
    /// A cluster of the configuration, by its name.
    pub(crate) chain: String,
    pub(crate) mint: Key,
    /// In the smallest unit of the token, all accounts of a wallet together.
    pub(crate) min_units: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// A collection of Solana, and how people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Collection {
    /// A cluster of the configuration, by its name.
    pub(crate) chain: String,
    /// Of Token Metadata: the mint of the collection's own token; of Core: the account of the collection.
    pub(crate) collection: Key,
    /// So many, whichever.
    pub(crate) min_balance: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<String>,
}

/// From the first, until before the second; milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) from_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until_ms: Option<i64>,
}

impl Node {
    /// The leaves, in the order in which they are written.
    pub(crate) fn leaves(&self) -> Vec<&Self> {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().flat_map(Self::leaves).collect(),
            Self::Not(node) => node.leaves(),
            leaf => vec![leaf],
        }
    }

    /// The conditions that a secret opens.
    pub(crate) fn passwords(&self) -> Vec<&Password> {
        let leaves = self.leaves().into_iter();
        leaves.filter_map(|leaf| if let Self::Password(password) = leaf { Some(password) } else { None }).collect()
    }

    /// The same, to be changed.
    pub(super) fn passwords_mut(&mut self) -> Vec<&mut Password> {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter_mut().flat_map(Self::passwords_mut).collect(),
            Self::Not(node) => node.passwords_mut(),
            Self::Password(password) => vec![password],
            _ => Vec::new(),
        }
    }

    /// Contracts of a chain that the tree names, and the registry where what is delegated counts.
    pub(crate) fn contracts_on(&self, chain: &str) -> Vec<Address> {
        let of_chain =
            |leaf: &&Self| leaf.contract().filter(|(name, _)| *name == chain).map(|(_, contract)| contract.0);
        let mut contracts: Vec<Address> = self.leaves().iter().filter_map(of_chain).collect();
        if !contracts.is_empty() && self.is_delegated() {
            contracts.push(REGISTRY);
        }
        contracts
    }

    /// Leaves that read this cluster.
    pub(crate) fn on_cluster(&self, cluster: &str) -> Vec<&Self> {
        self.leaves().into_iter().filter(|leaf| leaf.cluster() == Some(cluster)).collect()
    }

    /// The cluster of a leaf that reads one.
    pub(crate) fn cluster(&self) -> Option<&str> {
        match self {
            Self::Spl(leaf) | Self::Token2022(leaf) => Some(&leaf.chain),
            Self::Metaplex(leaf) | Self::Core(leaf) => Some(&leaf.chain),
            _ => None,
        }
    }

    /// Whether a condition counts what is delegated.
    pub(crate) fn is_delegated(&self) -> bool {
        self.leaves().into_iter().any(|leaf| match leaf {
            Self::Erc721(leaf) => leaf.delegated,
            Self::Erc1155(leaf) => leaf.delegated,
            Self::Erc20(leaf) => leaf.delegated,
            _ => false,
        })
    }

    /// The next time after `now` at which a condition on the time turns over.
    pub(crate) fn next_time(&self, now: i64) -> Option<i64> {
        let times = |leaf: &Self| match leaf {
            Self::Valid(window) => [window.from_ms, window.until_ms],
            _ => [None, None],
        };
        self.leaves().into_iter().flat_map(times).flatten().filter(|time| *time > now).min()
    }

    /// Chain and contract of a leaf that reads one.
    pub(crate) fn contract(&self) -> Option<(&str, Wallet)> {
        match self {
            Self::Erc721(leaf) => Some((&leaf.chain, leaf.contract)),
            Self::Erc1155(leaf) => Some((&leaf.chain, leaf.contract)),
            Self::Erc20(leaf) => Some((&leaf.chain, leaf.contract)),
            Self::Unlock(leaf) => Some((&leaf.chain, leaf.contract)),
            _ => None,
        }
    }
}
