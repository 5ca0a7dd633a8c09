//! A worker: takes the next job of its kind, runs it; without one it takes chunks of what others run, and else sleeps until the bell rings or
//! the next one is due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use durable::catalogue::{JobKind, Lease};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::run::{Run, owner};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{HELP_REST, HELPED_JOBS_MAX, IDLE_LOOK, INGEST_WORKERS, LEASE_MS};
use crate::roles::Role;

/// Starts the workers of the roles that run here. They end when `stop` turns true, after their present job.
pub(crate) fn spawn(house: &Arc<House>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    if house.config.roles.has(Role::Transcoder) {
        let kinds =
            [(JobKind::Ingest, INGEST_WORKERS), (JobKind::Fallback, 1), (JobKind::Ladder, 1), (JobKind::Pictures, 1)];
        for (kind, count) in kinds {
            for _ in 0..count {
                workers.spawn(work(house.clone(), kind, stop.clone()));
            }
        }
    }
    if house.config.roles.has(Role::Worker) {
        workers.spawn(super::keep(house.clone(), stop.clone()));
        workers.spawn(super::backups::keep(house.clone(), stop.clone()));
        workers.spawn(crate::hooks::deliver(house.clone(), stop.clone()));
    }
    workers
}

async fn work(house: Arc<House>, kind: JobKind, mut stop: watch::Receiver<bool>) {
    let mut helps_from = Instant::now();
    while !*stop.borrow() {
        match lease(&house, kind).await {
            Some(lease) => {
                // More may wait: a sleeping colleague looks, too.
                house.bells.of(kind).notify_one();
                Run::through(house.clone(), lease).await;
            }
            None => {
                if Instant::now() >= helps_from {
                    match help(&house, kind).await {
                        Ok(true) => continue,
                        Ok(false) => {}
                        Err(()) => helps_from = Instant::now() + HELP_REST,
                    }
                }
                let pause = pause(&house, kind).await;
                tokio::select! {
                    () = house.bells.of(kind).notified() => {}
                    () = tokio::time::sleep(pause) => {}
                    _ = stop.changed() => {}
                }
            }
        }
    }
}

async fn lease(house: &House, kind: JobKind) -> Option<Lease> {
    let now = now_ms();
    match house.store.catalogue.lease(kind, &owner(), now + LEASE_MS, now).await {
        Ok(lease) => lease,
        Err(error) => {
            tracing::error!(%error, "the job table cannot be read");
            None
        }
    }
}

/// Takes chunks of jobs that other processes run. Answers whether there were any.
async fn help(house: &Arc<House>, kind: JobKind) -> Result<bool, ()> {
    if !house.store.is_shared() || !matches!(kind, JobKind::Fallback | JobKind::Ladder) {
        return Ok(false);
    }
    // Where the table cannot be read, taking the next job has said so.
    for lease in house.store.catalogue.running(kind, HELPED_JOBS_MAX).await.unwrap_or_default() {
        let asset = lease.asset.clone();
        match Run::help(house.clone(), lease).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(failure) => {
                tracing::warn!(%asset, code = failure.code(), %failure, "chunks of another's job are left to it");
                return Err(());
            }
        }
    }
    Ok(false)
}

/// Until the next job is due, but not for ever, and never not at all: the table may be failing.
async fn pause(house: &House, kind: JobKind) -> Duration {
    let due = house.store.catalogue.next_due(kind).await.ok().flatten();
    let wait = due.map_or(i64::MAX, |due| due.saturating_sub(now_ms()));
    Duration::from_millis(u64::try_from(wait).unwrap_or(0)).clamp(Duration::from_millis(50), IDLE_LOOK)
}
