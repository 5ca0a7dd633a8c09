//! The house's own jobs: schedules put them into the queue, one worker does them one after the other.

use std::sync::Arc;

use durable::catalogue::{Actor, Chore, JobKind, Schedule};
use durable::{StoreError, UnixMs};
use tokio::sync::watch;

use super::cron::{Cron, zone};
use super::retry_wait;
use super::run::owner;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{
    ATTEMPTS_MAX, BIN_A_ROUND, BIN_KEPT_MS, CHORE_LEASE_MS, CHORES_LOOK, IDEMPOTENCY_KEPT_MS, JOBS_KEPT_MS,
    SESSIONS_KEPT_MS,
};
use crate::upload;

/// What can be swept, and when it is unless someone changes it.
pub(crate) const SWEEPS: [(&str, &str); 6] = [
    ("objects", "40 4 * * *"),
    ("sessions", "*/15 * * * *"),
    ("uploads", "*/5 * * * *"),
    ("idempotency", "10 * * * *"),
    ("bin", "20 * * * *"),
    ("jobs", "30 3 * * *"),
];

/// What else a schedule can say.
pub(crate) const BACKUP: &str = "backup";
/// See [`BACKUP`].
pub(crate) const PURGE: &str = "purge";
/// When a backup is made, where there is a folder for it, unless someone changes it.
const BACKUP_CRON: &str = "50 2 * * *";

/// What this worker does; backups take their time and have another.
const KINDS: [JobKind; 2] = [JobKind::Sweep, JobKind::Purge];

/// Queues what is due and works it off, until `stop` turns true.
pub(crate) async fn keep(house: Arc<House>, mut stop: watch::Receiver<bool>) {
    if let Err(error) = seed(&house, now_ms()).await {
        tracing::error!(%error, "the schedules cannot be written");
    }
    while !*stop.borrow() {
        if let Err(error) = round(&house).await {
            tracing::warn!(%error, "the house's own jobs were cut short");
        }
        tokio::select! {
            () = tokio::time::sleep(CHORES_LOOK) => {}
            () = house.bells.of(JobKind::Sweep).notified() => {}
            _ = stop.changed() => {}
        }
    }
}

async fn seed(house: &House, now: UnixMs) -> Result<(), StoreError> {
    let backup = house.config.backups.is_some().then(|| (BACKUP.to_owned(), BACKUP, BACKUP_CRON));
    let all = SWEEPS.into_iter().map(|(what, cron)| (format!("sweep-{what}"), what, cron)).chain(backup);
    let seeds = all.filter_map(|(id, what, cron)| {
        let next_ms = Cron::parse(cron).ok()?.next(now, &zone("UTC")?)?;
        let (what, cron, zone) = (what.to_owned(), cron.to_owned(), "UTC".to_owned());
        Some(Schedule { id, what, body: String::new(), cron, zone, next_ms, last_ms: None, created_ms: now })
    });
    house.store.catalogue.seed_schedules(&seeds.collect::<Vec<_>>()).await
}

async fn round(house: &Arc<House>) -> Result<(), StoreError> {
    let catalogue = &house.store.catalogue;
    let now = now_ms();
    for due in catalogue.schedules().await?.into_iter().filter(|schedule| schedule.next_ms <= now) {
        // However late it is, it runs once; a zone or field that no longer reads is looked at again tomorrow.
        let next = Cron::parse(&due.cron).ok().zip(zone(&due.zone)).and_then(|(cron, zone)| cron.next(now, &zone));
        if catalogue.queue_scheduled(&due, next.unwrap_or(now + 86_400_000), now).await? && due.what == BACKUP {
            house.bells.of(JobKind::Backup).notify_one();
        }
    }
    while let Some(chore) = catalogue.lease_chore(&KINDS, &owner(), now_ms() + CHORE_LEASE_MS, now_ms()).await? {
        let failure = work(house, &chore).await.err().map(|error| error.to_string());
        settle(house, &chore, failure).await?;
    }
    Ok(())
}

/// Writes down what became of a job of the house.
pub(super) async fn settle(house: &House, chore: &Chore, failure: Option<String>) -> Result<(), StoreError> {
    let again = (chore.attempts < ATTEMPTS_MAX).then(|| now_ms() + retry_wait(chore.attempts));
    if let Some(detail) = &failure {
        tracing::warn!(kind = ?chore.kind, what = chore.body, detail, "a job of the house failed");
    }
    house.store.catalogue.end_chore(chore, failure.as_deref().map(|detail| (detail, again)), now_ms()).await
}

async fn work(house: &Arc<House>, chore: &Chore) -> Result<(), StoreError> {
    match chore.kind {
        JobKind::Purge => house.store.catalogue.purge_edges(&chore.body, now_ms()).await,
        _ => sweep(house, &chore.body).await,
    }
}

async fn sweep(house: &Arc<House>, what: &str) -> Result<(), StoreError> {
    let (catalogue, now) = (&house.store.catalogue, now_ms());
    match what {
        "uploads" => upload::end_expired(house).await,
        "idempotency" => catalogue.sweep_idempotency(now - IDEMPOTENCY_KEPT_MS).await.map(drop),
        "jobs" => {
            catalogue.sweep_jobs(now - JOBS_KEPT_MS).await?;
            catalogue.sweep_deliveries(now - JOBS_KEPT_MS).await.map(drop)
        }
        "sessions" => {
            catalogue.sweep_challenges(now).await?;
            catalogue.sweep_sessions(now - SESSIONS_KEPT_MS).await.map(drop)
        }
        "bin" => empty_bin(house, now).await,
        // Of a shared S3 what was too young to be removed with its asset; else what a crash left.
        "objects" => house.store.sweep().await.map(drop),
        other => Err(StoreError::Damaged(format!("a job to sweep {other:?}"))),
    }
}

async fn empty_bin(house: &House, now: UnixMs) -> Result<(), StoreError> {
    let actor = Actor { owner: "streamgate".into(), key: "schedule".into() };
    loop {
        let expired = house.store.catalogue.bin_expired(now - BIN_KEPT_MS, BIN_A_ROUND).await?;
        if expired.is_empty() {
            return Ok(());
        }
        for id in expired {
            house.store.delete_asset(&id, &actor, now).await?;
            tracing::info!(asset = %id, "removed an asset whose time in the bin was over");
        }
    }
}
