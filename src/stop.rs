//! Waiting for the signal that ends the program.

use anyhow::{Context, Result};
use std::sync::mpsc;
use tokio::signal::unix::{SignalKind, signal};

/// Receives once when SIGTERM or SIGINT came; a second signal ends the process at once.
pub fn watch(runtime: &tokio::runtime::Runtime) -> Result<mpsc::Receiver<()>> {
    let _context = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let (tell, told) = mpsc::channel();
    runtime.spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if tell.send(()).is_err() {
                std::process::exit(130);
            }
        }
    });
    Ok(told)
}
