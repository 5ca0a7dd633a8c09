//! A worker: takes the next job of its kind, runs it, and sleeps until the bell rings or the next one is due.

use std::sync::Arc;
use std::time::Duration;

use durable::catalogue::{JobKind, Lease};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::run::Run;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{IDLE_LOOK, INGEST_WORKERS, LEASE_MS};
use crate::roles::Role;

/// Starts the workers of the roles that run here. They end when `stop` turns true, after their present job.
pub(crate) fn spawn(house: &Arc<House>, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    if house.config.roles.has(Role::Transcoder) {
        for (kind, count) in [(JobKind::Ingest, INGEST_WORKERS), (JobKind::Fallback, 1), (JobKind::Ladder, 1)] {
            for _ in 0..count {
                workers.spawn(work(house.clone(), kind, stop.clone()));
            }
        }
    }
    if house.config.roles.has(Role::Worker) {
        workers.spawn(super::keep(house.clone(), stop.clone()));
        workers.spawn(crate::hooks::deliver(house.clone(), stop.clone()));
    }
    workers
}

async fn work(house: Arc<House>, kind: JobKind, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match lease(&house, kind).await {
            Some(lease) => {
                // More may wait: a sleeping colleague looks, too.
                house.bells.of(kind).notify_one();
                Run::through(house.clone(), lease).await;
            }
            None => {
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
    let owner = std::process::id().to_string();
    match house.store.catalogue.lease(kind, &owner, now + LEASE_MS, now).await {
        Ok(lease) => lease,
        Err(error) => {
            tracing::error!(%error, "the job table cannot be read");
            None
        }
    }
}

/// Until the next job is due, but not for ever, and never not at all: the table may be failing.
async fn pause(house: &House, kind: JobKind) -> Duration {
    let due = house.store.catalogue.next_due(kind).await.ok().flatten();
    let wait = due.map_or(i64::MAX, |due| due.saturating_sub(now_ms()));
    Duration::from_millis(u64::try_from(wait).unwrap_or(0)).clamp(Duration::from_millis(50), IDLE_LOOK)
}
