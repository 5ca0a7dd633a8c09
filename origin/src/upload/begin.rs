//! begin: the row and the empty file of an upload.

use std::sync::Arc;
use std::time::Duration;

use durable::Presigned;
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
    check(house, &beginning)?;
    let upload = enter(house, beginning, fresh_name()?, None).await?;
    let (objects, id) = (house.store.objects.clone(), upload.id.clone());
    let made = blocking(move || objects.create_partial(&id)).await;
    if let Err(problem) = made {
        house.store.catalogue.delete_upload(&upload.id).await?;
        return Err(problem);
    }
    Ok(upload)
}

/// Enters an upload whose parts the client sends to the S3 itself. Its length is known.
pub(crate) async fn begin_presigned(house: &Arc<House>, beginning: Beginning) -> Result<(Upload, Presigned), Problem> {
    check(house, &beginning)?;
    let (name, bytes) = (fresh_name()?, beginning.length.unwrap_or(0));
    let objects = &house.store.objects;
    let valid = Duration::from_millis(UPLOAD_KEPT_MS.unsigned_abs());
    let presigned = objects.presign(&name, bytes, valid).await?;
    match enter(house, beginning, name.clone(), Some(presigned.multipart.clone())).await {
        Ok(upload) => Ok((upload, presigned)),
        Err(problem) => {
            objects.drop_parts(&name, &presigned.multipart).await?;
            Err(problem)
        }
    }
}

/// What can be refused before anything is made.
fn check(house: &House, beginning: &Beginning) -> Result<(), Problem> {
    let Beginning { owner, length, part, about, .. } = beginning;
    about.clone().describe(owner.clone()).map_err(|rule| Refusal::BadQuery.because(rule))?;
    let max = house.config.upload_bytes_max;
    if length.is_some_and(|length| length > max) {
        return Err(Bound::announced(max).refuse());
    }
    if *length == Some(0) && !part {
        return Err(Refusal::EmptyUpload.because("A video has at least one byte."));
    }
    Ok(house.store.objects.expect_room(length.unwrap_or(0))?)
}

fn fresh_name() -> Result<String, Problem> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|e| Problem::internal(&e))?;
    Ok(durable::random_name(random))
}

async fn enter(house: &House, beginning: Beginning, id: String, multipart: Option<String>) -> Result<Upload, Problem> {
    let Beginning { owner, length, part, joined, about, metadata } = beginning;
    let now = now_ms();
    let upload = Upload {
        id,
        owner,
        length,
        part,
        joined,
        about: serde_json::to_string(&about).map_err(|e| Problem::internal(&e))?,
        metadata,
        multipart,
        floor: None,
        created_ms: now,
        expires_ms: now + UPLOAD_KEPT_MS,
        asset: None,
        instance: Some(house.store.instance().to_owned()),
    };
    match house.store.catalogue.create_upload(&upload, house.config.owner_bytes_max).await? {
        Entered::Done => Ok(upload),
        Entered::OverQuota => Err(over_quota()),
        Entered::TooMany => {
            Err(Refusal::TooManyUploads.because("Too many of your uploads are open. Finish or end some."))
        }
    }
}

/// Begins an upload that is made of whole parts, in their order. The parts end with it.
pub(crate) async fn join(house: &Arc<House>, mut beginning: Beginning, parts: Vec<String>) -> Result<Upload, Problem> {
    let mut found = Vec::new();
    let mut length = 0;
    for id in &parts {
        let bad = |rule: &str| Refusal::BadParts.because(rule);
        let part = find(house, id).await.map_err(|problem| match problem.refusal {
            Refusal::UploadAway => bad("The parts are with several instances of the server. Begin anew."),
            _ => problem,
        })?;
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
