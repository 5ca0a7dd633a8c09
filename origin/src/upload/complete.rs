//! complete: a whole upload becomes an object, and in one commit an asset with its first job.

use std::sync::Arc;

use durable::catalogue::{JobKind, Upload};
use durable::{AssetId, StoreError, Stored};

use super::{About, blocking, find, offset};
use crate::api::no_category;
use crate::api::problem::{Problem, Refusal};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::UPLOADS_A_ROUND;

/// Makes the asset of an upload that is whole, and answers its name; `None`: it is not whole, or a part. Whoever calls twice
/// gets the same asset.
pub(crate) async fn complete(house: &Arc<House>, id: &str) -> Result<Option<AssetId>, Problem> {
    let (house, id) = (house.clone(), id.to_owned());
    let task = tokio::spawn(async move {
        let claim = house.claims.take(&id)?;
        let upload = find(&house, &id).await?;
        let done = enter(&house, &upload).await;
        drop(claim);
        done
    });
    task.await.map_err(|e| Problem::internal(&e))?
}

async fn enter(house: &Arc<House>, upload: &Upload) -> Result<Option<AssetId>, Problem> {
    if upload.part || upload.asset.is_some() {
        return Ok(upload.asset.clone());
    }
    if upload.length.is_none() || upload.length != Some(offset(house, upload).await?) {
        return Ok(None);
    }
    let (objects, id, hash) = (house.store.objects.clone(), upload.id.clone(), house.claims.hash(&upload.id));
    let stored =
        blocking(move || objects.open_partial(&id, hash)?.map(|mut partial| partial.finish()).transpose()).await?;
    let object =
        stored.ok_or_else(|| Refusal::UnknownUpload.because("The bytes of this upload are gone. Begin anew."))?;
    let asset = make(house, upload, object).await?;
    house.claims.forget(&upload.id);
    let (objects, id) = (house.store.objects.clone(), upload.id.clone());
    blocking(move || objects.remove_partial(&id)).await?;
    Ok(Some(asset))
}

/// The asset of an upload whose bytes are stored, and its first job.
pub(super) async fn make(house: &Arc<House>, upload: &Upload, object: Stored) -> Result<AssetId, Problem> {
    let about: About = serde_json::from_str(&upload.about).map_err(|e| Problem::internal(&e))?;
    let described = about.describe(upload.owner.clone()).map_err(|rule| Refusal::BadQuery.because(rule))?;
    let now = now_ms();
    let new = described.asset(house, &object, now)?;
    if let Some(word) = house.store.catalogue.finish_upload(&upload.id, &new, now).await? {
        return Err(no_category(&word));
    }
    drop(object); // named by a row now: no longer pinned
    house.counters.upload(true);
    house.bells.of(JobKind::Ingest).notify_one();
    Ok(new.id)
}

/// Uploads that were whole when a crash came are completed.
pub(crate) async fn settle_all(house: &Arc<House>) -> Result<(), StoreError> {
    let catalogue = &house.store.catalogue;
    let mut after = String::new();
    loop {
        let uploads = catalogue.open_uploads(&after, UPLOADS_A_ROUND).await?;
        let Some(last) = uploads.last() else { return Ok(()) };
        after.clone_from(&last.id);
        for upload in &uploads {
            if house.store.objects.partial_bytes(&upload.id)? != upload.length {
                continue;
            }
            if let Err(problem) = complete(house, &upload.id).await {
                tracing::debug!(upload = upload.id, why = problem.detail, "a whole upload did not become an asset");
            }
        }
    }
}

/// Uploads whose time is over end, but those that someone writes to.
pub(crate) async fn end_expired(house: &Arc<House>) -> Result<(), StoreError> {
    let catalogue = &house.store.catalogue;
    for id in catalogue.expired_uploads(now_ms(), UPLOADS_A_ROUND).await? {
        let Ok(_claim) = house.claims.take(&id) else { continue };
        let multipart = catalogue.upload(&id).await?.and_then(|upload| upload.multipart);
        if let Some(multipart) = multipart.filter(|_| house.store.objects.is_remote()) {
            house.store.objects.drop_parts(&id, &multipart).await?;
        }
        catalogue.delete_upload(&id).await?;
        house.store.objects.remove_partial(&id)?;
        house.claims.forget(&id);
        tracing::info!(upload = id, "removed an upload that did not go on");
    }
    Ok(())
}

/// At start: files that no row names.
pub(crate) async fn sweep(house: &Arc<House>) -> Result<(), StoreError> {
    for name in house.store.objects.partials()? {
        if house.store.catalogue.upload(&name).await?.is_some_and(|upload| upload.asset.is_none()) {
            continue;
        }
        // Parts that are being put together have no row any more, but someone who holds them.
        let Ok(_claim) = house.claims.take(&name) else { continue };
        house.store.objects.remove_partial(&name)?;
    }
    Ok(())
}
