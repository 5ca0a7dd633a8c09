//! Chains as the gate reads them: several endpoints each, none of them trusted further than its answers can be checked.
//!
//! ```text
//!   config.rs    what an operator says of a chain, and the names that are built in (known.rs)
//!   rpc.rs       one JSON-RPC request and its answer: bytes and values, no socket
//!   endpoint.rs  one endpoint: the socket, whether it is on the right chain, how well it does
//!   ask.rs       one question to a chain: failover, a hedged second question, a quorum, a time limit
//!   block.rs     which block is read: the last one, and the one that counts as final
//!   batch.rs     calls that wait for each other go together (Multicall3)
//!   call.rs      eth_call and eth_getCode
//!   logs.rs      eth_getLogs: whose tokens moved
//!   subscribe.rs eth_subscribe: a bell at each new block, where an endpoint has a WebSocket
//!   abi.rs       words of 32 bytes, read strictly
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
mod known;
mod logs;
mod rpc;
mod subscribe;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use block::Block;
pub(crate) use call::{Call, Returned};
pub use config::{ChainConfig, Finality};
use endpoint::Endpoint;
pub use error::ChainSetupError;
pub(crate) use error::{ChainError, RpcError};
#[cfg(any(fuzzing, test))]
pub(crate) use fuzz::{fuzz_abi, fuzz_rpc};
pub(crate) use logs::Moved;

use crate::web::{Reach, Web, public_roots};

/// Every chain that is configured.
#[derive(Debug, Default)]
pub(crate) struct Chains(Vec<Arc<Chain>>);

/// One chain and how it is reached.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) config: ChainConfig,
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
    heads: tokio::sync::Mutex<Option<block::Seen>>,
    batches: batch::Batches,
    bell: subscribe::Bell,
    web: Web,
}

impl Chains {
    /// Asks nothing yet; an endpoint is looked at when it is first needed.
    pub(crate) fn open(configs: &[ChainConfig]) -> Result<Self, ChainSetupError> {
        // The operator named the endpoints: they may be anywhere.
        let web = Web::new(Reach::Anywhere, public_roots());
        let mut chains: Vec<Arc<Chain>> = Vec::with_capacity(configs.len());
        for config in configs {
            config.check()?;
            if chains.iter().any(|known| known.config.name == config.name || known.config.id == config.id) {
                return Err(ChainSetupError::Twice(config.name.clone()));
            }
            let web = &web;
            let endpoint = |url: &String| Endpoint::new(url, config.id, config.time_limit, web.clone()).map(Arc::new);
            let endpoints = config.rpc.iter().map(endpoint).collect::<Result<_, _>>()?;
            chains.push(Arc::new(Chain {
                config: config.clone(),
                endpoints,
                heads: Default::default(),
                batches: Default::default(),
                bell: Default::default(),
                web: web.clone(),
            }));
        }
        Ok(Self(chains))
    }

    /// By the name of the configuration.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Chain>> {
        self.0.iter().find(|chain| chain.config.name == name)
    }

    /// By its number (EIP-155).
    pub(crate) fn numbered(&self, id: u64) -> Option<&Arc<Chain>> {
        self.0.iter().find(|chain| chain.config.id == id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Chain>> {
        self.0.iter()
    }
}
