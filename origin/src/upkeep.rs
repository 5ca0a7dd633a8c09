//! What is done now and then while everything else runs: counts are written, and what is kept for a time ends with it.

use std::sync::Arc;

use durable::StoreError;
use durable::catalogue::Actor;

use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{BIN_A_ROUND, BIN_KEPT_MS, IDEMPOTENCY_KEPT_MS, UPKEEP_EVERY};
use crate::upload;

/// Goes on until it is dropped. First what a crash left without a row is removed.
pub(crate) async fn upkeep(house: Arc<House>) {
    match house.store.sweep().await {
        Ok(0) => {}
        Ok(objects) => tracing::info!(objects, "removed objects that no row names"),
        Err(error) => tracing::warn!(%error, "the sweep of the objects was cut short"),
    }
    if let Err(error) = upload::sweep(&house).await {
        tracing::warn!(%error, "the sweep of the uploads was cut short");
    }
    loop {
        if let Err(error) = round(&house).await {
            tracing::warn!(%error, "a round of upkeep was cut short");
        }
        tokio::time::sleep(UPKEEP_EVERY).await;
    }
}

async fn round(house: &Arc<House>) -> Result<(), StoreError> {
    let (catalogue, now) = (&house.store.catalogue, now_ms());
    house.counts.flush(catalogue, now).await?;
    catalogue.sweep_idempotency(now - IDEMPOTENCY_KEPT_MS).await?;
    upload::settle_all(house).await?;
    let actor = Actor { owner: "streamgate".into(), key: "upkeep".into() };
    for id in catalogue.bin_expired(now - BIN_KEPT_MS, BIN_A_ROUND).await? {
        house.store.delete_asset(&id, &actor, now).await?;
        tracing::info!(asset = %id, "removed an asset whose time in the bin was over");
    }
    Ok(())
}
