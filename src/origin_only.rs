//! `streamgate origin`: uploads, encoding, catalogue and gate, for edges elsewhere.

use crate::{cli, config, serve, signals, stack};
use anyhow::Result;

pub fn run(options: cli::Origin) -> Result<()> {
    let mut config = config::load(options.file.config.as_deref())?;
    config.roles = options.roles.unwrap_or(config.roles);
    if config.origin_listen == config::ORIGIN_LISTEN {
        config.origin_listen.set_port(config.roles.port());
    }
    let runtime = serve::runtime()?;
    let stopped = signals::stop(&runtime)?;
    let origin = stack::start_origin(&config, &runtime)?;
    tracing::info!(listen = %origin.addr(), roles = %config.roles, data = %config.data.display(), "origin is up");
    stopped.recv();
    tracing::info!("draining");
    runtime.block_on(origin.shutdown());
    Ok(())
}
