//! Uploads whose parts went to the S3 by addresses that were signed for them: put together there, fetched, looked at and hashed like
//! any other upload, and only then an object.

use std::sync::Arc;

use durable::catalogue::Upload;
use durable::{AssetId, StoreError};

use super::complete::make;
use super::sniff::no_video;
use super::{blocking, find};
use crate::api::problem::{Problem, Refusal};
use crate::house::House;
use crate::limits::SNIFF_BYTES;

/// Makes the asset; `tags` are what the S3 answered to each part. `may` says whether it is the caller's. Whoever calls twice gets
/// the same asset.
pub(crate) async fn complete_presigned(
    house: &Arc<House>,
    id: &str,
    tags: Vec<String>,
    may: impl FnOnce(&Upload) -> bool + Send + 'static,
) -> Result<AssetId, Problem> {
    let (house, id) = (house.clone(), id.to_owned());
    // On a task of its own: a client that leaves must not leave it half done.
    let task = tokio::spawn(async move {
        let claim = house.claims.take(&id)?;
        let upload = find(&house, &id).await?;
        if !may(&upload) {
            return Err(Refusal::NotYours.because("Someone else began this upload."));
        }
        let done = enter(&house, &upload, tags).await;
        drop(claim);
        done
    });
    task.await.map_err(|e| Problem::internal(&e))?
}

async fn enter(house: &Arc<House>, upload: &Upload, tags: Vec<String>) -> Result<AssetId, Problem> {
    if let Some(asset) = &upload.asset {
        return Ok(asset.clone());
    }
    let (Some(multipart), Some(length)) = (&upload.multipart, upload.length) else {
        return Err(Refusal::BadUpload.because("This upload was not begun with presigned-init."));
    };
    let objects = &house.store.objects;
    let joined = objects.join_parts(&upload.id, multipart, tags).await.map_err(|error| match error {
        StoreError::Server(_) => Refusal::BadParts.because("The parts are not those that were sent."),
        error => error.into(),
    })?;
    if joined != length {
        end(house, upload, multipart).await?;
        let told = format!("{joined} bytes were sent and {length} announced. Begin anew.");
        return Err(Refusal::BadLength.because(told));
    }
    objects.expect_room(length)?;
    let (from, name) = (objects.clone(), upload.id.clone());
    let stored = blocking(move || {
        let look = |first: &[u8]| no_video(&first[..first.len().min(SNIFF_BYTES)]).is_none();
        from.gather(&name, look)?.map(durable::Writer::finish).transpose()
    });
    let Some(object) = stored.await? else {
        end(house, upload, multipart).await?;
        return Err(Refusal::NoVideo.because("This looks like something else. Send the video itself."));
    };
    let asset = make(house, upload, object).await?;
    house.claims.forget(&upload.id);
    if let Err(error) = objects.drop_parts(&upload.id, multipart).await {
        tracing::warn!(%error, upload = upload.id, "the bytes of an upload stay beside the object that was made of them");
    }
    Ok(asset)
}

async fn end(house: &Arc<House>, upload: &Upload, multipart: &str) -> Result<(), Problem> {
    house.store.objects.drop_parts(&upload.id, multipart).await?;
    house.store.catalogue.delete_upload(&upload.id).await?;
    house.claims.forget(&upload.id);
    Ok(())
}
