//! Chains as the gate reads them: several endpoints each, none of them trusted further than its answers can be checked.
//!
//! ```text
//!   config.rs    what an operator says of a chain, and the names that are built in (known.rs)
//!   rpc.rs       one JSON-RPC request and its answer: bytes and values, no socket
//!   endpoint.rs  one endpoint: the socket, whether it is on the right chain, how well it does
//!   line.rs      what a chain of any kind has: its endpoints
//!   ask.rs       one question to a chain: failover, a hedged second question, a quorum, a time limit
//!   last.rs      what was read last, for all who wait for it
//!   block.rs     which block is read: the last one, and the one that counts as final
//!   gather.rs    waiting for others who ask the same, while they come
//!   batch.rs     calls that wait for each other go together (Multicall3)
//!   call.rs      eth_call and eth_getCode
//!   logs.rs      eth_getLogs: whose tokens moved
//!   subscribe.rs eth_subscribe: a bell at each new block, where an endpoint has a WebSocket
//!   abi.rs       words of 32 bytes, read strictly
//!   solana/      clusters of Solana, which have accounts instead of contracts
//! ```
//!
//! What goes wrong here is an error, and an error opens nothing.

pub(crate) mod abi;
mod ask;
mod batch;
mod block;
mod call;
mod config;
mod endpoint;
mod error;
#[cfg(any(fuzzing, test))]
mod fuzz;
mod gather;
mod known;
mod last;
mod line;
mod logs;
mod rpc;
pub(crate) mod solana;
mod subscribe;
#[cfg(test)]
mod tests;

use std::ops::Deref;
use std::sync::Arc;

pub(crate) use block::Block;
pub(crate) use call::{Call, Returned};
pub use config::{ChainConfig, Finality, Network};
pub(crate) use endpoint::Endpoint;
pub use error::ChainSetupError;
pub(crate) use error::{ChainError, RpcError};
#[cfg(any(fuzzing, test))]
pub(crate) use fuzz::{fuzz_abi, fuzz_rpc, fuzz_solana};
use last::Last;
use line::Line;
pub(crate) use logs::Moved;
use solana::Cluster;

use crate::web::{Reach, Web, public_roots};

/// Every chain that is configured.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    chains: Vec<Arc<Chain>>,
    clusters: Vec<Arc<Cluster>>,
}

/// One chain of contracts, and how it is reached.
#[derive(Debug)]
pub(crate) struct Chain {
    line: Line,
    heads: tokio::sync::Mutex<Last<block::Seen>>,
    batches: batch::Batches,
    bell: subscribe::Bell,
    web: Web,
}

impl Deref for Chain {
    type Target = Line;

    fn deref(&self) -> &Line {
        &self.line
    }
}

impl Chains {
    /// Asks nothing yet; an endpoint is looked at when it is first needed.
    pub(crate) fn open(configs: &[ChainConfig]) -> Result<Self, ChainSetupError> {
        // The operator named the endpoints: they may be anywhere.
        let web = Web::new(Reach::Anywhere, public_roots());
        let mut all = Self::default();
        for (n, config) in configs.iter().enumerate() {
            let line = Line::open(config, &web)?;
            let is_same = |known: &ChainConfig| known.name == config.name || (known.id == config.id && config.id != 0);
            if configs[..n].iter().any(is_same) {
                return Err(ChainSetupError::Twice(config.name.clone()));
            }
            match config.network {
                Network::Evm => all.chains.push(Arc::new(Chain {
                    line,
                    heads: Default::default(),
                    batches: Default::default(),
                    bell: Default::default(),
                    web: web.clone(),
                })),
                Network::Solana(_) => all.clusters.push(Arc::new(Cluster::new(line))),
            }
        }
        Ok(all)
    }

    /// A chain of contracts by the name of the configuration.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Chain>> {
        self.chains.iter().find(|chain| chain.config.name == name)
    }

    /// By its number (EIP-155).
    pub(crate) fn numbered(&self, id: u64) -> Option<&Arc<Chain>> {
        self.chains.iter().find(|chain| chain.config.id == id)
    }

    /// A cluster of Solana by the name of the configuration.
    pub(crate) fn cluster(&self, name: &str) -> Option<&Arc<Cluster>> {
        self.clusters.iter().find(|cluster| cluster.config().name == name)
    }

    /// Chains of contracts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Chain>> {
        self.chains.iter()
    }

    /// Clusters of Solana.
    pub(crate) fn clusters(&self) -> impl Iterator<Item = &Arc<Cluster>> {
        self.clusters.iter()
    }
}
