//! What the operator says to a running program by signals.

use anyhow::{Context, Result};
use std::sync::mpsc::{self, Receiver};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: end in good order. A second one ends the process at once.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
}

/// Receives once when SIGTERM or SIGINT came; a second signal ends the process at once.
pub fn stop(runtime: &tokio::runtime::Runtime) -> Result<Receiver<Signal>> {
    watch(runtime, false)
}

/// Receives every signal that a server acts upon, until [`Signal::Stop`].
pub fn all(runtime: &tokio::runtime::Runtime) -> Result<Receiver<Signal>> {
    watch(runtime, true)
}

fn watch(runtime: &tokio::runtime::Runtime, reloads: bool) -> Result<Receiver<Signal>> {
    let _context = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut hangup = match reloads {
        true => Some(signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?),
        false => None,
    };
    let (tell, told) = mpsc::channel();
    runtime.spawn(async move {
        let mut is_stopping = false;
        loop {
            let came = tokio::select! {
                _ = terminate.recv() => Signal::Stop,
                _ = interrupt.recv() => Signal::Stop,
                () = next(hangup.as_mut()) => Signal::Reload,
            };
            let is_second = is_stopping && came == Signal::Stop;
            is_stopping |= came == Signal::Stop;
            if is_second || (tell.send(came).is_err() && came == Signal::Stop) {
                std::process::exit(130);
            }
        }
    });
    Ok(told)
}

async fn next(stream: Option<&mut Stream>) {
    match stream {
        Some(stream) => drop(stream.recv().await),
        None => std::future::pending().await,
    }
}
