//! What is done every few seconds while everything else runs: counts are written, and uploads that were whole when a crash came
//! are completed. What is due by the clock is in `work/chores.rs`.

use std::sync::Arc;
use std::time::Instant;

use durable::StoreError;

use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{UPKEEP_EVERY, UPLOADS_SWEEP};
use crate::roles::Role;
use crate::upload;

/// Goes on until it is dropped. First what a crash left without a row is removed.
pub(crate) async fn upkeep(house: Arc<House>) {
    // Of what all processes of an installation share, one sweeps.
    if house.config.roles.has(Role::Worker) {
        match house.store.sweep().await {
            Ok(0) => {}
            Ok(objects) => tracing::info!(objects, "removed objects that no row names"),
            Err(error) => tracing::warn!(%error, "the sweep of the objects was cut short"),
        }
    }
    let mut swept = None;
    loop {
        // An upload whose time was over may have been ended by a worker elsewhere, which has not its file.
        if swept.is_none_or(|at: Instant| at.elapsed() > UPLOADS_SWEEP) {
            if let Err(error) = upload::sweep(&house).await {
                tracing::warn!(%error, "the sweep of the uploads was cut short");
            }
            swept = Some(Instant::now());
        }
        if let Err(error) = round(&house).await {
            tracing::warn!(%error, "a round of upkeep was cut short");
        }
        tokio::time::sleep(UPKEEP_EVERY).await;
    }
}

async fn round(house: &Arc<House>) -> Result<(), StoreError> {
    let (catalogue, now) = (&house.store.catalogue, now_ms());
    house.counts.flush(catalogue, now).await?;
    if house.config.roles.has(Role::Upload) {
        upload::settle_all(house).await?;
    }
    if house.config.roles.has(Role::Worker) {
        catalogue.sweep_grants(now).await?;
        catalogue.sweep_streams(now).await?;
    }
    if house.keys.signin.is_due(now)
        && let Err(error) = house.keys.signin.rotate(false, now)
    {
        tracing::warn!(%error, "the next key of access tokens cannot be made");
    }
    Ok(())
}
