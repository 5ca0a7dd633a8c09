//! `streamgate origin`: uploads, encoding, catalogue and gate, for edges elsewhere; or some of its roles. `streamgate worker`: those that
//! take jobs off the queue.

use crate::config::Config;
use crate::{cli, config, serve, signals, stack};
use anyhow::Result;

pub fn run(options: cli::Origin) -> Result<()> {
    let mut config = config::load(options.file.config.as_deref())?;
    config.roles = options.roles.unwrap_or(config.roles);
    serve(config)
}

pub fn work(options: cli::ConfigFile) -> Result<()> {
    let config = config::load(options.config.as_deref())?;
    serve(Config { roles: origin::Roles::OF_JOBS, ..config })
}

fn serve(mut config: Config) -> Result<()> {
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
