//! `/api/v1/upload/tus`: tus 1.0 with creation, creation-with-upload, creation-defer-length, termination, expiration, checksum
//! and concatenation. <https://tus.io/protocols/resumable-upload>

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use durable::catalogue::Upload;

use super::problem::{Problem, Refusal};
use crate::access::Caller;
use crate::house::House;
use crate::limits::{METADATA_BYTES_MAX, PARTS_MAX};
use crate::upload::{self, ALGORITHMS, About, Beginning, Checksum, Piece};

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation";
const PATH: &str = "/api/v1/upload/tus/";
const BYTES: &[u8] = b"application/offset+octet-stream";

/// `OPTIONS`: what this server speaks; needs no key.
pub(super) async fn options(State(house): State<Arc<House>>) -> Response {
    let max = house.config.upload_bytes_max;
    answer(
        StatusCode::NO_CONTENT,
        &[
            ("tus-version", VERSION.into()),
            ("tus-extension", EXTENSIONS.into()),
            ("tus-max-size", max.to_string()),
            ("tus-checksum-algorithm", ALGORITHMS.into()),
        ],
    )
}

/// `POST`: begins an upload, with its first bytes or without, or puts one together of parts.
pub(super) async fn create(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    signed(begin(&house, caller, &headers, body).await)
}

/// `HEAD`: how far it is. Whoever still writes to it is ended: a client that asks has lost its connection.
pub(super) async fn head(State(house): State<Arc<House>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    signed(tell(&house, &id, &headers).await)
}

/// `PATCH`: the next bytes.
pub(super) async fn patch(
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    signed(go_on(&house, &id, &headers, body).await)
}

/// `DELETE`: ends it; an asset that it became stays.
pub(super) async fn delete(State(house): State<Arc<House>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let end = async {
        spoken(&headers)?;
        let found = upload::find(&house, &id).await?;
        upload::end(&house, &found).await?;
        Ok(answer(StatusCode::NO_CONTENT, &[]))
    };
    signed(end.await)
}

async fn begin(house: &Arc<House>, caller: Caller, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    spoken(headers)?;
    let metadata = text(headers, "upload-metadata")?.unwrap_or_default();
    let beginning =
        Beginning { owner: caller.owner, about: about(metadata)?, metadata: metadata.into(), ..Beginning::default() };
    let concat = text(headers, "upload-concat")?;
    if let Some(parts) = concat.and_then(|value| value.strip_prefix("final;")) {
        let joined = concat.map(str::to_owned);
        let found = upload::join(house, Beginning { joined, ..beginning }, names(parts)?).await?;
        let asset = upload::complete(house, &found.id).await?;
        return Ok(created(&found, found.length.unwrap_or(0), asset.as_ref()));
    }
    let length = number(headers, "upload-length")?;
    let is_deferred = text(headers, "upload-defer-length")?.is_some_and(|value| value == "1");
    if length.is_none() != is_deferred {
        return Err(Refusal::BadUpload.because("Send Upload-Length, or Upload-Defer-Length: 1."));
    }
    let part = concat == Some("partial");
    let found = upload::begin(house, Beginning { length, part, ..beginning }).await?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != BYTES) {
        return Ok(created(&found, 0, None));
    }
    let checksum = checksum(headers)?;
    match upload::append(house, &found, Piece { offset: 0, body, checksum }).await {
        Ok(offset) => {
            let asset = upload::complete(house, &found.id).await?;
            Ok(created(&found, offset, asset.as_ref()))
        }
        // Nobody has its address yet.
        Err(problem) => {
            upload::end(house, &found).await?;
            Err(problem)
        }
    }
}

async fn tell(house: &Arc<House>, id: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    spoken(headers)?;
    let found = upload::find(house, id).await?;
    let offset = upload::settled_offset(house, &found).await?;
    let asset = if found.length == Some(offset) { upload::complete(house, id).await? } else { None };
    let mut headers = vec![("upload-offset", offset.to_string()), expires(&found)];
    headers.push(match found.length {
        Some(length) => ("upload-length", length.to_string()),
        None => ("upload-defer-length", "1".into()),
    });
    if !found.metadata.is_empty() {
        headers.push(("upload-metadata", found.metadata.clone()));
    }
    if let Some(concat) = found.part.then(|| "partial".to_owned()).or(found.joined) {
        headers.push(("upload-concat", concat));
    }
    headers.extend(asset.map(|asset| ("streamgate-asset", asset.to_string())));
    Ok(answer(StatusCode::OK, &headers))
}

async fn go_on(house: &Arc<House>, id: &str, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    spoken(headers)?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != BYTES) {
        return Err(Refusal::NotRaw.because("Send the bytes as application/offset+octet-stream."));
    }
    let offset = number(headers, "upload-offset")?;
    let offset = offset.ok_or_else(|| Refusal::BadUpload.because("Upload-Offset says where the bytes belong."))?;
    let checksum = checksum(headers)?;
    let mut found = upload::find(house, id).await?;
    if found.joined.is_some() {
        return Err(Refusal::UploadComplete.because("It was put together of parts; nothing can be added."));
    }
    if let Some(length) = number(headers, "upload-length")? {
        found = upload::tell_length(house, found, length).await?;
    }
    let offset = upload::append(house, &found, Piece { offset, body, checksum }).await?;
    let asset = if found.length == Some(offset) { upload::complete(house, id).await? } else { None };
    let found = upload::find(house, id).await?;
    let mut headers = vec![("upload-offset", offset.to_string()), expires(&found)];
    headers.extend(asset.map(|asset| ("streamgate-asset", asset.to_string())));
    Ok(answer(StatusCode::NO_CONTENT, &headers))
}

fn created(found: &Upload, offset: u64, asset: Option<&durable::AssetId>) -> Response {
    let mut headers = vec![("location", format!("{PATH}{}", found.id)), expires(found)];
    headers.push(("upload-offset", offset.to_string()));
    headers.extend(asset.map(|asset| ("streamgate-asset", asset.to_string())));
    answer(StatusCode::CREATED, &headers)
}

/// When it is removed unless it goes on (RFC 9110 section 5.6.7).
fn expires(found: &Upload) -> (&'static str, String) {
    ("upload-expires", crate::clock::http_date(found.expires_ms))
}

/// Names and values: `filename d29ybGQ=,is_confidential`.
fn about(metadata: &str) -> Result<About, Problem> {
    let bad = || Refusal::BadUpload.because("Upload-Metadata is a list of names with values in base64.");
    if metadata.len() > METADATA_BYTES_MAX {
        return Err(Refusal::BadUpload.because(format!("Upload-Metadata has at most {METADATA_BYTES_MAX} bytes.")));
    }
    let mut about = About::default();
    for pair in metadata.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
        let value = String::from_utf8(STANDARD.decode(value.trim()).map_err(|_| bad())?).map_err(|_| bad())?;
        about.set(name, value);
    }
    Ok(about)
}

/// The names in the addresses of parts, absolute or not.
fn names(parts: &str) -> Result<Vec<String>, Problem> {
    let name = |url: &str| url.rsplit_once(PATH).map(|(_, name)| name.to_owned());
    let names: Option<Vec<String>> = parts.split_whitespace().take(PARTS_MAX + 1).map(name).collect();
    names.filter(|names| (1..=PARTS_MAX).contains(&names.len())).ok_or_else(|| {
        Refusal::BadParts.because(format!("Upload-Concat names 1 to {PARTS_MAX} addresses of parts of this server."))
    })
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Problem> {
    let Some(value) = text(headers, "upload-checksum")? else { return Ok(None) };
    let bad = || Refusal::BadUpload.because(format!("Upload-Checksum is one of {ALGORITHMS}, a blank, and base64."));
    Checksum::read(value).map(Some).ok_or_else(bad)
}

/// Both sides must speak the same version (section "Tus-Resumable").
fn spoken(headers: &HeaderMap) -> Result<(), Problem> {
    if headers.get("tus-resumable").is_some_and(|version| version == VERSION) {
        return Ok(());
    }
    Err(Refusal::TusVersion.because(format!("Send Tus-Resumable: {VERSION}.")))
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let bad = |_| Refusal::BadUpload.because(format!("The header {name} is not plain text."));
    headers.get(name).map(HeaderValue::to_str).transpose().map_err(bad)
}

pub(super) fn number(headers: &HeaderMap, name: &str) -> Result<Option<u64>, Problem> {
    let bad = |_| Refusal::BadUpload.because(format!("The header {name} is not a number of bytes."));
    text(headers, name)?.map(str::parse).transpose().map_err(bad)
}

fn signed(answered: Result<Response, Problem>) -> Response {
    let mut response = answered.unwrap_or_else(|problem| {
        let is_version = problem.refusal == Refusal::TusVersion;
        let mut response = problem.into_response();
        if is_version {
            response.headers_mut().insert("tus-version", HeaderValue::from_static(VERSION));
        }
        response
    });
    response.headers_mut().insert("tus-resumable", HeaderValue::from_static(VERSION));
    response
}

fn answer(status: StatusCode, headers: &[(&'static str, String)]) -> Response {
    let mut response = status.into_response();
    let into = response.headers_mut();
    into.insert("tus-resumable", HeaderValue::from_static(VERSION));
    into.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            into.insert(HeaderName::from_static(name), value);
        }
    }
    response
}
