//! While a job runs: its lease is moved on, its progress stored, and a hang noticed. Where other processes have the same catalogue, it is
//! asked in between whether the job is still this run's: what is cancelled there is to stop here within a second.

use std::convert::Infallible;
use std::time::Instant;

use durable::StoreError;

use super::cancel::Why;
use super::run::Run;
use crate::clock::now_ms;
use crate::limits::{HEARTBEAT, LEASE_LOOK, LEASE_MS, PAUSED, STALL};

/// Beats until it is dropped.
pub(super) async fn beat(run: &Run) -> Infallible {
    let every = if run.house.store.catalogue.is_shared() { LEASE_LOOK } else { HEARTBEAT };
    let mut told = Instant::now();
    loop {
        let slept = Instant::now();
        tokio::time::sleep(every).await;
        if slept.elapsed() > every + PAUSED {
            run.progress.resumed();
        }
        let is_time = told.elapsed() >= HEARTBEAT;
        if is_time {
            told = Instant::now();
        }
        match if is_time { tell(run).await } else { look(run).await } {
            Ok(()) => {}
            Err(StoreError::Fenced) => run.cancel.because(Why::Fenced),
            // The lease lives on until it runs out; then whoever takes it over fences this run.
            Err(error) => tracing::warn!(asset = %run.lease.asset, %error, "a heartbeat was lost"),
        }
        let progress = run.progress.snapshot();
        if run.cancel.why().is_none() && progress.moved.elapsed() > STALL {
            tracing::error!(asset = %run.lease.asset, stage = ?progress.stage, "the job made no step for too long");
            run.cancel.because(Why::Stalled);
        }
    }
}

async fn tell(run: &Run) -> Result<(), StoreError> {
    let (now, progress) = (now_ms(), run.progress.snapshot());
    let (catalogue, until) = (&run.house.store.catalogue, now + LEASE_MS);
    match &run.share {
        Some(share) if !share.leads() => {
            catalogue.keep_claims(share, until).await?;
            catalogue.goes_on(share).await
        }
        share => {
            catalogue.heartbeat(&run.lease, until, progress.stage, progress.overall, now).await?;
            match share {
                Some(share) => catalogue.keep_claims(share, until).await,
                None => Ok(()),
            }
        }
    }
}

async fn look(run: &Run) -> Result<(), StoreError> {
    let catalogue = &run.house.store.catalogue;
    match &run.share {
        Some(share) if !share.leads() => catalogue.goes_on(share).await,
        _ => catalogue.holds(&run.lease).await,
    }
}
