//! begin: the row and the empty file of an upload.

use std::sync::Arc;

use durable::catalogue::{Entered, Upload};

use super::bound::over_quota;
use super::{About, Bound, blocking, find, offset};
use crate::api::problem::{Problem, Refusal};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::UPLOAD_KEPT_MS;

/// What is known when an upload begins.
#[derive(Debug, Default)]
pub(crate) struct Beginning {
    pub(crate) owner: String,
    pub(crate) length: Option<u64>,
    pub(crate) part: bool,
    /// `Upload-Concat`, when it is put together of parts.
    pub(crate) joined: Option<String>,
    pub(crate) about: About,
    /// As it came, to be given back.
    pub(crate) metadata: String,
}

/// Enters an upload and makes its file.
pub(crate) async fn begin(house: &Arc<House>, beginning: Beginning) -> Result<Upload, Problem> {
    let Beginning { owner, length, part, joined, about, metadata } = beginning;
    about.clone().describe(owner.clone()).map_err(|rule| Refusal::BadQuery.because(rule))?;
    let max = house.config.upload_bytes_max;
    if length.is_some_and(|length| length > max) {
        return Err(Bound::announced(max).refuse());
    }
    if length == Some(0) && !part {
        return Err(Refusal::EmptyUpload.because("A video has at least one byte."));
    }
    house.store.objects.expect_room(length.unwrap_or(0))?;
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|e| Problem::internal(&e))?;
    let now = now_ms();
    let upload = Upload {
        id: durable::random_name(random),
        owner,
        length,
        part,
        joined,
        about: serde_json::to_string(&about).map_err(|e| Problem::internal(&e))?,
        metadata,
        floor: None,
        created_ms: now,
        expires_ms: now + UPLOAD_KEPT_MS,
        asset: None,
    };
    match house.store.catalogue.create_upload(&upload, house.config.owner_bytes_max).await? {
        Entered::Done => {}
        Entered::OverQuota => return Err(over_quota()),
        Entered::TooMany => {
            return Err(Refusal::TooManyUploads.because("Too many of your uploads are open. Finish or end some."));
        }
    }
    let (objects, id) = (house.store.objects.clone(), upload.id.clone());
    let made = blocking(move || objects.create_partial(&id)).await;
    if let Err(problem) = made {
        house.store.catalogue.delete_upload(&upload.id).await?;
        return Err(problem);
    }
    Ok(upload)
}

/// Begins an upload that is made of whole parts, in their order. The parts end with it.
pub(crate) async fn join(house: &Arc<House>, mut beginning: Beginning, parts: Vec<String>) -> Result<Upload, Problem> {
    let mut found = Vec::new();
    let mut length = 0;
    for id in &parts {
        let part = find(house, id).await?;
        let bad = |rule: &str| Refusal::BadParts.because(rule);
        if !part.part || part.owner != beginning.owner {
            return Err(bad("Upload-Concat names something that is no part of yours."));
        }
        let claim = house.claims.take(id)?;
        if part.length != Some(offset(house, &part).await?) {
            return Err(bad("A part is not whole yet."));
        }
        length += part.length.unwrap_or(0);
        found.push((part, claim));
    }
    // What the parts take is counted once: they give their place to the whole.
    beginning.length = Some(length);
    for (part, _) in &found {
        house.store.catalogue.delete_upload(&part.id).await?;
    }
    let upload = match begin(house, beginning).await {
        Ok(upload) => upload,
        Err(problem) => {
            for (part, _) in &found {
                house.store.catalogue.create_upload(part, None).await?;
            }
            return Err(problem);
        }
    };
    let claim = house.claims.take(&upload.id)?;
    let (objects, id) = (house.store.objects.clone(), upload.id.clone());
    let hash = blocking(move || {
        let Some(mut whole) = objects.open_partial(&id, None)? else { return Ok(None) };
        for (part, _claim) in &found {
            whole.append_partial(&part.id)?;
        }
        whole.sync()?;
        for (part, _claim) in &found {
            objects.remove_partial(&part.id)?;
        }
        Ok(whole.running_hash())
    })
    .await?;
    house.claims.keep(&upload.id, hash);
    drop(claim);
    Ok(upload)
}
