//! One run of one job: the steps, watched by the heartbeat, and what becomes of the job afterwards.

use std::sync::Arc;

use durable::StoreError;
use durable::catalogue::{JobKind, Lease};

use super::cancel::{Cancel, Why};
use super::failure::Failure;
use super::heartbeat;
use super::patience::patiently;
use super::progress::Progress;
use crate::clock::now_ms;
use crate::flow;
use crate::house::House;
use crate::limits::{ATTEMPTS_MAX, RETRY_FIRST_MS, RETRY_MS_MAX};

/// How long a job waits before it is tried again: longer each time, and a chance part, so that jobs which failed together do
/// not come back together.
pub(crate) fn retry_wait(attempts: u32) -> i64 {
    let wait = RETRY_FIRST_MS.saturating_mul(4i64.saturating_pow(attempts.saturating_sub(1))).min(RETRY_MS_MAX);
    let mut chance = [0];
    // Without random numbers there is no chance part.
    let _ = getrandom::fill(&mut chance);
    wait - wait / 4 + wait / 2 * i64::from(chance[0]) / 255
}

/// What the steps of a job are given.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) house: Arc<House>,
    pub(crate) lease: Lease,
    pub(crate) cancel: Arc<Cancel>,
    pub(crate) progress: Arc<Progress>,
}

impl Run {
    /// Runs a leased job to its end, whichever it is.
    pub(super) async fn through(house: Arc<House>, lease: Lease) {
        let (cancel, progress) = house.board.enter(&lease.asset);
        let run = Self { house, lease, cancel, progress };
        let outcome = if run.lease.attempts > ATTEMPTS_MAX {
            // Taken so often and never ended nor stored anything: it takes the process down with it.
            Err(Failure::Poisoned)
        } else {
            tokio::select! {
                outcome = flow::work(&run) => outcome,
                never = heartbeat::beat(&run) => match never {},
            }
        };
        match patiently(&run.cancel, || run.settle(&outcome)).await {
            Ok(()) => {}
            // Taken over while this process was paused, or cancelled or deleted by way of another one. Nothing was written since.
            Err(StoreError::Fenced) => tracing::info!(asset = %run.lease.asset, "the job is no longer ours"),
            Err(error) => tracing::error!(asset = %run.lease.asset, %error, "the end of a job could not be written"),
        }
        run.house.board.leave(&run.lease.asset, &run.cancel);
    }

    async fn settle(&self, outcome: &Result<Option<JobKind>, Failure>) -> Result<(), StoreError> {
        let (catalogue, counters, now) = (&self.house.store.catalogue, &self.house.counters, now_ms());
        let failure = match (outcome, self.cancel.why()) {
            (Ok(next), _) => {
                catalogue.finish_job(&self.lease, *next, now).await?;
                counters.job_done();
                if let Some(kind) = next {
                    self.house.bells.of(*kind).notify_one();
                }
                return Ok(());
            }
            (Err(_), Some(Why::Shutdown)) => return catalogue.release_job(&self.lease, now).await,
            (Err(_), Some(Why::Deleted | Why::Cancelled)) => return Ok(()),
            // Whichever saw it first: the heartbeat, or what was to be written.
            (Err(_), Some(Why::Fenced)) | (Err(Failure::Store(StoreError::Fenced)), _) => {
                return Err(StoreError::Fenced);
            }
            (Err(_), Some(Why::Stalled)) => &Failure::Hung,
            (Err(failure), None) => failure,
        };
        let (code, detail) = (failure.code(), failure.to_string());
        let attempts = self.lease.attempts;
        if failure.may_pass() && attempts < ATTEMPTS_MAX {
            let wait = retry_wait(attempts);
            tracing::warn!(asset = %self.lease.asset, code, detail, wait_ms = wait, "a job is tried again");
            catalogue.retry_job(&self.lease, now + wait, code, &detail, now).await?;
            counters.job_retried();
        } else {
            tracing::warn!(asset = %self.lease.asset, code, detail, "a job failed");
            let stage = self.progress.snapshot().stage;
            catalogue.fail_job(&self.lease, stage, code, &detail, now).await?;
            counters.job_failed();
        }
        Ok(())
    }
}
