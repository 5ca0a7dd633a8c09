//! `streamgate serve`: origin and edge in one process.

use crate::{cli, config, stack, stop};
use anyhow::{Context, Result};

pub fn run(options: cli::ConfigFile) -> Result<()> {
    let config = config::load(options.config.as_deref())?;
    let runtime = runtime()?;
    let stopped = stop::watch(&runtime)?;
    let stack = stack::start(&config, &runtime)?;
    tracing::info!(
        edge = %stack.edge.http_addr(),
        origin = %stack.origin.addr(),
        data = %config.data.display(),
        "serving; uploads need the key in DATA/keys/api.key"
    );
    let _ = stopped.recv();
    tracing::info!("draining");
    stack.stop(&runtime, config.drain);
    Ok(())
}

/// The runtime of the origin and of what watches signals; the edge's shards have threads and rings of their own.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}
