//! What a chain of any kind has: what is said of it, and its endpoints.

use std::sync::Arc;

use super::config::ChainConfig;
use super::endpoint::Endpoint;
use super::error::ChainSetupError;
use crate::web::Web;

/// A chain as it is reached.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) config: ChainConfig,
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
}

impl Line {
    /// Asks nothing yet.
    pub(super) fn open(config: &ChainConfig, web: &Web) -> Result<Self, ChainSetupError> {
        config.check()?;
        let endpoint =
            |url: &String| Endpoint::new(url, config.identity(), config.time_limit, web.clone()).map(Arc::new);
        let endpoints = config.rpc.iter().map(endpoint).collect::<Result<_, _>>()?;
        Ok(Self { config: config.clone(), endpoints })
    }
}
