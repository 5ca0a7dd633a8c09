//! The job `backup`: one at a time, beside everything else, into a folder of which the youngest are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use durable::catalogue::{Chore, JobKind};
use durable::{Copied, Places, StoreError, UnixMs};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use super::chores::settle;
use super::run::owner;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{CHORES_LOOK, HEARTBEAT, LEASE_LOOK, LEASE_MS};

/// What a place of objects has (docs/formats/objects.md).
const SHELVES: f64 = 256.0;

/// Makes those that are queued, until `stop` turns true.
pub(crate) async fn keep(house: Arc<House>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let now = now_ms();
        match house.store.catalogue.lease_chore(&[JobKind::Backup], &owner(), now + LEASE_MS, now).await {
            Ok(Some(chore)) => tokio::select! {
                () = through(&house, &chore) => continue,
                // It goes on where it was when it is taken again.
                _ = stop.changed() => return,
            },
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "backups cannot be looked for"),
        }
        tokio::select! {
            () = tokio::time::sleep(CHORES_LOOK) => {}
            () = house.bells.of(JobKind::Backup).notified() => {}
            _ = stop.changed() => {}
        }
    }
}

/// Runs a leased backup to its end, whichever it is.
async fn through(house: &House, chore: &Chore) {
    let shelves = AtomicU32::new(0);
    let made = tokio::select! {
        made = make(house, &shelves) => made,
        () = beat(house, chore, &shelves) => return tracing::info!(job = chore.id, "the backup is no longer ours"),
    };
    if let Err(error) = settle(house, chore, made.err().map(|error| error.to_string())).await {
        tracing::warn!(%error, "the end of a backup could not be written");
    }
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
enum NotMade {
    #[error("work.backup_folder names no folder for it")]
    NoFolder,
    #[error("the backup is not whole: {0}")]
    Store(#[from] StoreError),
}

async fn make(house: &House, shelves: &AtomicU32) -> Result<(), NotMade> {
    let config = &house.config;
    let wanted = config.backups.as_ref().ok_or(NotMade::NoFolder)?;
    let places = Places { catalogue: config.catalogue.clone(), objects: config.objects.clone() };
    let name = name(now_ms());
    let to = (wanted.folder.as_path(), name.as_str());
    // Objects are gone through twice; the first time is nearly all of the work.
    let tell = |copied: &Copied| _ = shelves.fetch_max(copied.shelves, Ordering::Relaxed);
    let done = durable::rotate(&config.data, &places, to, wanted.kept, tell).await?;
    let (rows, objects, removed) = (done.made.rows, done.made.objects, done.removed);
    let (new, there) = (objects.objects, objects.there);
    tracing::info!(folder = %done.folder.display(), rows, new, there, removed, "a backup is made");
    Ok(())
}

/// Keeps the lease until it is lost: cancelled, or taken over while this process was paused.
async fn beat(house: &House, chore: &Chore, shelves: &AtomicU32) {
    let catalogue = &house.store.catalogue;
    let mut told = Instant::now();
    loop {
        tokio::time::sleep(LEASE_LOOK).await;
        let held = if told.elapsed() >= HEARTBEAT {
            told = Instant::now();
            let (now, progress) = (now_ms(), f64::from(shelves.load(Ordering::Relaxed)) / SHELVES);
            catalogue.beat_chore(chore, now + LEASE_MS, progress, now).await
        } else {
            catalogue.holds_chore(chore).await
        };
        match held {
            Ok(()) => {}
            Err(StoreError::Fenced) => return,
            // The lease lives on until it runs out.
            Err(error) => tracing::warn!(%error, "a heartbeat of a backup was lost"),
        }
    }
}

/// `20261123T025000.123Z` (UTC): later ones come last.
fn name(now: UnixMs) -> String {
    let at = Timestamp::from_millisecond(now).unwrap_or_default().to_zoned(TimeZone::UTC);
    format!("{}.{:03}Z", at.strftime("%Y%m%dT%H%M%S"), now.rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_backup_is_named_for_its_moment() {
        assert_eq!(super::name(1_795_402_200_007), "20261123T025000.007Z");
    }
}
