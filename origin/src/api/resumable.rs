//! `/api/v1/upload/resumable`: Resumable Uploads for HTTP (draft-ietf-httpbis-resumable-upload-09), without the interim 104:
//! a client that wants to resume begins with `Upload-Complete: ?0` and no bytes, or few.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use durable::catalogue::Upload;

use super::problem::{Problem, Refusal};
use super::tus::{number, text};
use super::{json, upload as whole};
use crate::access::Caller;
use crate::house::House;
use crate::limits::UPLOAD_KEPT_MS;
use crate::upload::{self, About, Beginning, Piece};

const PATH: &str = "/api/v1/upload/resumable/";
const BYTES: &[u8] = b"application/partial-upload";

/// `OPTIONS`: the limits; needs no key.
pub(super) async fn options(State(house): State<Arc<House>>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    limits(&house, &mut response);
    response
}

/// `POST`: begins an upload with the first bytes, or all of them. What the asset will be is in the query.
pub(super) async fn create(
    caller: Caller,
    State(house): State<Arc<House>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let about: About = json::query(&uri)?;
    let is_last = is_complete(&headers)?;
    let mut length = number(&headers, "upload-length")?;
    if is_last {
        length = length.or(number(&headers, "content-length")?);
    }
    let found = upload::begin(&house, Beginning { owner: caller.owner, length, about, ..Beginning::default() }).await?;
    let offset = match upload::append(&house, &found, Piece { offset: 0, body, checksum: None }).await {
        Ok(offset) => offset,
        // Nobody has its address yet.
        Err(problem) => {
            upload::end(&house, &found).await?;
            return Err(problem);
        }
    };
    let mut response = settle(&house, found, offset, is_last).await?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `HEAD`: how far it is. Whoever still writes to it is ended.
pub(super) async fn head(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = upload::find(&house, &id).await?;
    let offset = upload::settled_offset(&house, &found).await?;
    let asset = if found.length == Some(offset) { upload::complete(&house, &id).await? } else { None };
    let mut response = StatusCode::NO_CONTENT.into_response();
    place(&house, &found, offset, asset.is_some(), &mut response);
    if let Some(length) = found.length {
        response.headers_mut().insert("upload-length", length.into());
    }
    Ok(response)
}

/// `PATCH`: the next bytes.
pub(super) async fn patch(
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != BYTES) {
        return Err(Refusal::NotRaw.because("Send the bytes as application/partial-upload."));
    }
    let is_last = is_complete(&headers)?;
    let offset = number(&headers, "upload-offset")?;
    let offset = offset.ok_or_else(|| Refusal::BadUpload.because("Upload-Offset says where the bytes belong."))?;
    let mut found = upload::find(&house, &id).await?;
    if found.asset.is_some() {
        return Err(Refusal::UploadComplete.because("All of its bytes were received before."));
    }
    let end =
        if is_last { number(&headers, "content-length")?.map(|bytes| offset.saturating_add(bytes)) } else { None };
    if let Some(length) = number(&headers, "upload-length")?.or(end.filter(|_| found.length.is_none())) {
        found = upload::tell_length(&house, found, length).await?;
    }
    if end.is_some() && end != found.length {
        return Err(Refusal::BadLength.because("These bytes are said to be the last, but others are missing."));
    }
    let offset = upload::append(&house, &found, Piece { offset, body, checksum: None }).await?;
    settle(&house, found, offset, is_last).await
}

/// `DELETE`: ends it; an asset that it became stays.
pub(super) async fn delete(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let found = upload::find(&house, &id).await?;
    upload::end(&house, &found).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn settle(house: &Arc<House>, mut found: Upload, offset: u64, is_last: bool) -> Result<Response, Problem> {
    if is_last && found.length.is_none() {
        found = upload::tell_length(house, found, offset).await?;
    }
    let asset = if found.length == Some(offset) { upload::complete(house, &found.id).await? } else { None };
    let mut response = match &asset {
        Some(asset) => whole::taken(asset, StatusCode::OK),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    place(house, &found, offset, asset.is_some(), &mut response);
    Ok(response)
}

fn is_complete(headers: &HeaderMap) -> Result<bool, Problem> {
    match text(headers, "upload-complete")? {
        Some("?1") => Ok(true),
        Some("?0") => Ok(false),
        _ => Err(Refusal::BadUpload.because("Send Upload-Complete: ?1 with the last bytes, ?0 with others.")),
    }
}

fn place(house: &House, found: &Upload, offset: u64, is_complete: bool, response: &mut Response) {
    limits(house, response);
    let headers = response.headers_mut();
    headers.insert("upload-offset", offset.into());
    headers.insert("upload-complete", HeaderValue::from_static(if is_complete { "?1" } else { "?0" }));
    if let Ok(location) = HeaderValue::from_str(&format!("{PATH}{}", found.id)) {
        headers.insert(header::LOCATION, location);
    }
}

fn limits(house: &House, response: &mut Response) {
    let value = format!("max-size={}, max-age={}", house.config.upload_bytes_max, UPLOAD_KEPT_MS / 1000);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(HeaderName::from_static("upload-limit"), value);
    }
}
