//! While a job runs: its lease is moved on, its progress stored, and a hang noticed.

use std::convert::Infallible;

use durable::StoreError;

use super::cancel::Why;
use super::run::Run;
use crate::clock::now_ms;
use crate::limits::{HEARTBEAT, LEASE_MS, STALL};

/// Beats until it is dropped.
pub(super) async fn beat(run: &Run) -> Infallible {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let now = now_ms();
        let progress = run.progress.snapshot();
        if progress.moved.elapsed() > STALL {
            tracing::error!(asset = %run.lease.asset, stage = ?progress.stage, "the job made no step for too long");
            run.cancel.because(Why::Stalled);
        }
        let catalogue = &run.house.store.catalogue;
        match catalogue.heartbeat(&run.lease, now + LEASE_MS, progress.stage, progress.overall, now).await {
            Ok(()) => {}
            Err(StoreError::Fenced) => run.cancel.because(Why::Fenced),
            // The lease lives on until it runs out; then whoever takes it over fences this run.
            Err(error) => tracing::warn!(asset = %run.lease.asset, %error, "a heartbeat was lost"),
        }
    }
}
