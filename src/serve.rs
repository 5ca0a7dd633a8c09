//! `streamgate serve`: origin and edge in one process.

use crate::signals::{self, Signal};
use crate::{cli, config, reload, stack};
use anyhow::{Context, Result};

pub fn run(options: cli::ConfigFile) -> Result<()> {
    let mut config = config::load(options.config.as_deref())?;
    let runtime = runtime()?;
    let signals = signals::all(&runtime)?;
    let stack = stack::start(&config, &runtime)?;
    if config.edge_handover.is_some() {
        tracing::warn!(
            "edge.handover is of no use to `serve`: the origin beside it cannot change hands; run `streamgate edge` apart"
        );
    }
    tracing::info!(
        edge = %stack.edge.http_addr(),
        origin = %stack.origin.addr(),
        data = %config.data.display(),
        "serving; uploads need the key in DATA/keys/api.key"
    );
    while signals.recv() == Signal::Reload {
        if let Some(new) = reload::again(options.config.as_deref(), &config, |new| stack.reload(new)) {
            config = new;
        }
    }
    tracing::info!("draining");
    stack.stop(&runtime, config.drain);
    Ok(())
}

/// The runtime of the origin and of what watches signals; the edge's shards have threads and rings of their own.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start threads")
}
