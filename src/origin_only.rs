//! `streamgate origin`: uploads, encoding, catalogue and gate, for edges elsewhere.

use crate::{cli, config, serve, signals, stack};
use anyhow::Result;

pub fn run(options: cli::ConfigFile) -> Result<()> {
    let config = config::load(options.config.as_deref())?;
    let runtime = serve::runtime()?;
    let stopped = signals::stop(&runtime)?;
    let origin = stack::start_origin(&config, &runtime)?;
    tracing::info!(listen = %origin.addr(), data = %config.data.display(), "origin is up");
    stopped.recv();
    tracing::info!("draining");
    runtime.block_on(origin.shutdown());
    Ok(())
}
