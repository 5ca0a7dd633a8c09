//! What the operator says to a running program by signals.

use anyhow::{Context, Result};
use std::sync::mpsc::{self, Receiver, Sender};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM or SIGINT: end in good order. A second one ends the process at once.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
    /// No signal, but told in the same way: another process has taken the edge's listeners over.
    HandedOver,
}

/// Where they come out.
pub struct Signals {
    told: Receiver<Signal>,
    tell: Sender<Signal>,
}

impl Signals {
    /// Waits for the next one.
    pub fn recv(&self) -> Signal {
        // There is always a sender: our own.
        self.told.recv().unwrap_or(Signal::Stop)
    }

    /// Whether one has come.
    pub fn has_come(&self) -> bool {
        self.told.try_recv().is_ok()
    }

    /// What an edge tells of its handover comes out here too.
    pub fn with_handover(&self, handed_over: Option<Receiver<()>>) -> Result<()> {
        let (Some(handed_over), tell) = (handed_over, self.tell.clone()) else { return Ok(()) };
        let thread = std::thread::Builder::new().name("handed-over".to_owned());
        thread
            .spawn(move || handed_over.recv().map(|()| tell.send(Signal::HandedOver)))
            .context("cannot start a thread")?;
        Ok(())
    }
}

/// Receives once when SIGTERM or SIGINT came; a second signal ends the process at once.
pub fn stop(runtime: &tokio::runtime::Runtime) -> Result<Signals> {
    watch(runtime, false)
}

/// Receives every signal that a server acts upon, until [`Signal::Stop`].
pub fn all(runtime: &tokio::runtime::Runtime) -> Result<Signals> {
    watch(runtime, true)
}

fn watch(runtime: &tokio::runtime::Runtime, reloads: bool) -> Result<Signals> {
    let _context = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut hangup = match reloads {
        true => Some(signal(SignalKind::hangup()).context("cannot listen for SIGHUP")?),
        false => None,
    };
    let (tell, told) = mpsc::channel();
    let signals = Signals { told, tell: tell.clone() };
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
    Ok(signals)
}

async fn next(stream: Option<&mut Stream>) {
    match stream {
        Some(stream) => drop(stream.recv().await),
        None => std::future::pending().await,
    }
}
