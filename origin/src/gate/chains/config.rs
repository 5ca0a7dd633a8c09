//! What an operator says of a chain.

use std::str::FromStr;
use std::time::Duration;

use super::endpoint::Identity;
use super::error::ChainSetupError;
use super::known;
use crate::limits::{CHAIN_NAME_BYTES_MAX, ENDPOINTS_A_CHAIN_MAX};

/// Which block counts as settled. What a rule asks for must hold in that block and in the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// The chain's own tag `safe`.
    Safe,
    /// The chain's own tag `finalized`.
    Finalized,
    /// So many blocks behind the last one; 0 is the last one.
    Depth(u64),
}

impl FromStr for Finality {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "safe" => Ok(Self::Safe),
            "finalized" => Ok(Self::Finalized),
            depth => depth.parse().map(Self::Depth).map_err(|_| ()),
        }
    }
}

impl std::fmt::Display for Finality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Safe => f.write_str("safe"),
            Self::Finalized => f.write_str("finalized"),
            Self::Depth(blocks) => write!(f, "{blocks}"),
        }
    }
}

/// What kind of chain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Contracts, as Ethereum has them.
    Evm,
    /// Accounts, as Solana has them. The cluster by the first 32 letters of its first block's hash (CAIP-2), an endpoint that says another
    /// one is not used; `None`: whichever, for a cluster of one's own.
    Solana(Option<&'static str>),
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainConfig {
    /// As rules name it.
    pub name: String,
    /// What kind it is.
    pub network: Network,
    /// EIP-155; an endpoint that says another number is not used. 0: a cluster of Solana, which has none.
    pub id: u64,
    /// Where JSON-RPC is spoken, `http://` or `https://`.
    pub rpc: Vec<String>,
    /// Where new blocks are told, `ws://` or `wss://`; `None`: they are looked for.
    pub ws: Option<String>,
    /// Which block counts as settled.
    pub finality: Finality,
    /// So many endpoints must give the same answer.
    pub quorum: usize,
    /// An endpoint whose last block is older stands still, and is not believed; `None`: blocks come when they like.
    pub head_age_max: Option<Duration>,
    /// What one question may take, all endpoints together.
    pub time_limit: Duration,
}

impl ChainConfig {
    /// A chain that is built in, reached at `rpc`; `None` when there is none of this name.
    pub fn known(name: &str, rpc: Vec<String>) -> Option<Self> {
        if let Some(cluster) = known::cluster(name) {
            return Some(Self {
                network: Network::Solana(cluster.genesis),
                head_age_max: (cluster.head_age_max_s > 0).then(|| Duration::from_secs(cluster.head_age_max_s)),
                ..Self::other(name, 0, rpc)
            });
        }
        let known = known::find(name)?;
        Some(Self {
            head_age_max: (known.head_age_max_s > 0).then(|| Duration::from_secs(known.head_age_max_s)),
            finality: known.finality,
            ..Self::other(name, known.id, rpc)
        })
    }

    /// Any other chain, with the strictest settings.
    pub fn other(name: &str, id: u64, rpc: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            network: Network::Evm,
            id,
            rpc,
            ws: None,
            finality: Finality::Finalized,
            quorum: 1,
            head_age_max: None,
            time_limit: Duration::from_secs(2),
        }
    }

    /// What an endpoint has to say of itself.
    pub(super) fn identity(&self) -> Identity {
        match self.network {
            Network::Evm => Identity::ChainId(self.id),
            Network::Solana(genesis) => Identity::Genesis(genesis),
        }
    }

    /// # Errors
    /// The first thing that cannot be.
    pub fn check(&self) -> Result<(), ChainSetupError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.name.is_empty() || self.name.len() > CHAIN_NAME_BYTES_MAX || !self.name.bytes().all(plain) {
            return Err(ChainSetupError::Name(self.name.clone()));
        }
        let is_numbered = match self.network {
            Network::Evm => self.id != 0 && known::find(&self.name).is_none_or(|known| known.id == self.id),
            Network::Solana(_) => self.id == 0,
        };
        if !is_numbered {
            return Err(ChainSetupError::Id(self.name.clone()));
        }
        if self.network != Network::Evm && self.finality != Finality::Finalized {
            return Err(ChainSetupError::Finality(self.name.clone()));
        }
        if self.network != Network::Evm && self.ws.is_some() {
            return Err(ChainSetupError::Untold(self.name.clone()));
        }
        if self.rpc.is_empty() || self.rpc.len() > ENDPOINTS_A_CHAIN_MAX {
            return Err(ChainSetupError::Endpoints(self.name.clone()));
        }
        if self.quorum == 0 || self.quorum > self.rpc.len() {
            return Err(ChainSetupError::Quorum(self.name.clone()));
        }
        self.ws.iter().try_for_each(|url| super::subscribe::address(url).map(|_| ()))?;
        self.rpc.iter().try_for_each(|url| super::endpoint::address(url).map(|_| ()))
    }
}
