//! One run of one job: the steps, watched by the heartbeat, and what becomes of the job afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use durable::StoreError;
use durable::catalogue::{JobKind, Lease, Share};

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

/// This process, among those of its data folder.
pub(super) fn owner() -> String {
    std::process::id().to_string()
}

/// Tells runs of this process apart; without random numbers the clock does.
fn chance() -> u64 {
    let mut chance = [0; 8];
    let _ = getrandom::fill(&mut chance);
    u64::from_le_bytes(chance) ^ now_ms().unsigned_abs()
}

/// What the steps of a job are given.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) house: Arc<House>,
    /// The job. Of a run that helps: as its leader has it; this run writes nothing by it.
    pub(crate) lease: Lease,
    /// Where others may encode chunks of it as well.
    pub(crate) share: Option<Share>,
    /// A run that helps had something to do.
    pub(crate) helped: Arc<AtomicBool>,
    pub(crate) cancel: Arc<Cancel>,
    pub(crate) progress: Arc<Progress>,
}

impl Run {
    /// Runs a leased job to its end, whichever it is.
    pub(super) async fn through(house: Arc<House>, lease: Lease) {
        let (cancel, progress) = house.board.enter(&lease.asset, lease.kind);
        let catalogue = &house.store.catalogue;
        let has_chunks = matches!(lease.kind, JobKind::Fallback | JobKind::Ladder);
        let share = (has_chunks && house.store.is_shared()).then(|| catalogue.lead(&lease, &owner(), chance()));
        let run = Self { house, lease, share, helped: Arc::default(), cancel, progress };
        let outcome = if run.lease.attempts > ATTEMPTS_MAX {
            // Taken so often and never ended nor stored anything: it takes the process down with it.
            Err(Failure::Poisoned)
        } else {
            tokio::select! {
                outcome = flow::work(&run) => outcome,
                never = heartbeat::beat(&run) => match never {},
            }
        };
        if outcome.is_err() {
            run.give_back(false).await;
        }
        match patiently(&run.cancel, || run.settle(&outcome)).await {
            Ok(()) => {}
            // Taken over while this process was paused, or cancelled or deleted by way of another one. Nothing was written since.
            Err(StoreError::Fenced) => tracing::info!(asset = %run.lease.asset, "the job is no longer ours"),
            Err(error) => tracing::error!(asset = %run.lease.asset, %error, "the end of a job could not be written"),
        }
        run.house.board.leave(&run.lease.asset, run.lease.kind, &run.cancel);
    }

    /// Whether another run leads the job: of its steps this one only encodes, what the leader and others leave it.
    pub(crate) fn helps(&self) -> bool {
        self.share.as_ref().is_some_and(|share| !share.leads())
    }

    /// Takes chunks of a job that another worker leads, as long as there are any. Answers whether there were.
    pub(super) async fn help(house: Arc<House>, lease: Lease) -> Result<bool, Failure> {
        let (cancel, progress) = house.board.enter(&lease.asset, lease.kind);
        let share = Some(house.store.catalogue.help(&lease, &owner(), chance()));
        let run = Self { house, lease, share, helped: Arc::default(), cancel, progress };
        let outcome = tokio::select! {
            outcome = flow::work(&run) => outcome,
            never = heartbeat::beat(&run) => match never {},
        };
        let outcome = match (outcome, run.cancel.why()) {
            (Err(Failure::Store(StoreError::Fenced)), _) | (Err(_), Some(Why::Fenced)) => {
                run.give_back(false).await;
                tracing::info!(asset = %run.lease.asset, "the job is no longer ours");
                Ok(false)
            }
            (Err(_), Some(Why::Shutdown | Why::Deleted | Why::Cancelled)) => {
                run.give_back(false).await;
                Ok(false)
            }
            (Err(Failure::Store(error)), None) if error.is_away() => {
                run.give_back(false).await;
                Ok(false)
            }
            (Err(failure), _) => {
                run.give_back(true).await;
                Err(failure)
            }
            (Ok(_), _) => Ok(run.helped.load(Ordering::Relaxed)),
        };
        run.house.board.leave(&run.lease.asset, run.lease.kind, &run.cancel);
        outcome
    }

    /// Lets go of chunks that were begun. Where that cannot be written they are free when their time has run out.
    async fn give_back(&self, failed: bool) {
        let Some(share) = &self.share else { return };
        let catalogue = &self.house.store.catalogue;
        if let Err(error) = patiently(&self.cancel, || catalogue.give_back(share, failed)).await {
            tracing::warn!(asset = %self.lease.asset, %error, "chunks that were begun are free later");
        }
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
