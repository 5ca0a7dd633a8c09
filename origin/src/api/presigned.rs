//! `POST /api/v1/upload/presigned-init` and `/complete-presigned`: large files go to the S3 in parts, by addresses that are signed for
//! the client, and past this server. What is said of the asset is in the query, as of a plain upload.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use durable::catalogue::Role;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{json, upload};
use crate::access::Caller;
use crate::house::House;
use crate::limits::{PRESIGNED_PARTS_MAX, UPLOAD_KEPT_MS};
use crate::upload::{About, Beginning, begin_presigned, complete_presigned};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PresignedWanted {
    /// Bytes of the whole file.
    length: u64,
}

/// Answers `{ "id", "part_bytes", "expires_seconds", "parts": [{ "number", "url" }] }`: PUT `part_bytes` bytes to each address, the rest to
/// the last, and keep the `ETag` of each answer.
pub(super) async fn begin(
    caller: Caller,
    State(house): State<Arc<House>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let about: About = json::query(&uri)?;
    let wanted: PresignedWanted = json::read(&headers, body).await?;
    if !house.store.objects.is_remote() {
        return Err(Refusal::NoS3.because("Media objects are files here. Upload with tus, or as a whole."));
    }
    let beginning = Beginning { owner: caller.owner, length: Some(wanted.length), about, ..Beginning::default() };
    let (upload, presigned) = begin_presigned(&house, beginning).await?;
    let parts = presigned.urls.iter().zip(1..).map(|(url, number): (_, u32)| json!({ "number": number, "url": url }));
    let value = json!({
        "id": upload.id,
        "part_bytes": presigned.part_bytes,
        "expires_seconds": UPLOAD_KEPT_MS / 1000,
        "parts": parts.collect::<Vec<_>>(),
    });
    Ok(json::answer(StatusCode::CREATED, &value))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PresignedSent {
    id: String,
    /// In their order.
    parts: Vec<PartSent>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PartSent {
    number: u32,
    etag: String,
}

/// Answers as a plain upload does, once the whole was fetched, looked at and hashed.
pub(super) async fn complete(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sent: PresignedSent = json::read(&headers, body).await?;
    let in_order = sent.parts.iter().zip(1..).all(|(part, number)| part.number == number);
    if sent.parts.is_empty() || sent.parts.len() > PRESIGNED_PARTS_MAX || !in_order {
        return Err(Refusal::BadParts.because("Name all parts, from number 1 on, each with the ETag of its answer."));
    }
    let tags = sent.parts.into_iter().map(|part| part.etag.trim_matches('"').to_owned()).collect();
    let may = move |upload: &durable::catalogue::Upload| upload.owner == caller.owner || caller.role >= Role::Operator;
    let asset = complete_presigned(&house, &sent.id, tags, may).await;
    house.counters.upload(asset.is_ok());
    Ok(upload::taken(&asset?, StatusCode::CREATED))
}
