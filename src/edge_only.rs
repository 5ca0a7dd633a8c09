//! `streamgate edge`: the cache in front of any HTTP origin.

use crate::{cli, config, serve, stack, stop};
use anyhow::{Context, Result};

pub fn run(options: cli::ConfigFile) -> Result<()> {
    let config = config::load(options.config.as_deref())?;
    let runtime = serve::runtime()?;
    let stopped = stop::watch(&runtime)?;
    let keys = config
        .gate_keys
        .iter()
        .map(|key| key.parse::<wire::token::VerificationKey>())
        .collect::<Result<Vec<_>, _>>()?;
    let keys = wire::token::KeySet::new(keys).context("gate.keys")?;
    let upstream = config.upstream.clone();
    if config.gate_keys.is_empty() {
        tracing::warn!("[gate] keys is empty: every gated title is refused");
    }
    let edge = stack::start_edge(&config, upstream.clone(), keys)?;
    let feed = stack::follow(&config, &upstream, &edge)?;
    let origins: Vec<String> = config.upstream.origins.iter().map(ToString::to_string).collect();
    tracing::info!(listen = %edge.http_addr(), upstream = origins.join(" "), "edge is up");
    let _ = stopped.recv();
    tracing::info!("draining");
    drop(feed);
    edge.drain(config.drain);
    Ok(())
}
