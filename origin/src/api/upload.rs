//! Whole uploads: `POST /api/v1/upload?name=clip.mp4` (or `/api/v1/content`) with the bytes of one file as the body, or with a form
//! (multipart/form-data) whose file comes last, and `PUT /api/v1/upload/{name}`. What is said of the asset is in the query, or
//! in the form's fields: name, title, visibility (open, gated), description, language, tags and categories (by
//! commas), encryption (none, cbcs).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use durable::{AssetId, ObjectId};
use serde_json::json;

use super::problem::{Problem, Refusal};
use super::{content, json};
use crate::access::Caller;
use crate::flow;
use crate::house::House;
use crate::limits::{FORM_FIELD_BYTES_MAX, FORM_FIELDS_MAX};
use crate::upload::{About, Bound};

pub(super) async fn upload(
    caller: Caller,
    State(house): State<Arc<House>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let answer = async {
        let about: About = json::query(&uri)?;
        let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        if kind.starts_with(b"multipart/") {
            form(&house, caller, about, &headers, body).await
        } else {
            take(&house, caller, about, &headers, body).await
        }
    };
    let answer = answer.await;
    house.counters.upload(answer.is_ok());
    answer
}

/// `PUT /api/v1/upload/{name}`, as `curl -T movie.mp4 .../upload/` sends it. Each makes an asset of its own.
pub(super) async fn put(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let answer = async {
        let about: About = json::query(&uri)?;
        take(&house, caller, About { name: Some(name), ..about }, &headers, body).await
    };
    let answer = answer.await;
    house.counters.upload(answer.is_ok());
    answer
}

async fn take(
    house: &Arc<House>,
    caller: Caller,
    about: About,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bound = Bound::of(house, &caller.owner).await?;
    let description = about.describe(caller.owner).map_err(|rule| Refusal::BadQuery.because(rule))?;
    let digest = digest(headers)?;
    let received = flow::receive::receive(house, headers, body, bound).await?;
    let stored = flow::store::store(received).await?;
    if digest.is_some_and(|digest| digest != stored.id()) {
        let id = stored.id();
        drop(stored);
        house.store.release(vec![id]).await?;
        return Err(Refusal::DigestMismatch.because("The bytes are not those of Repr-Digest. Send them again."));
    }
    let id = flow::enqueue::enqueue(house, description, stored).await?;
    Ok(taken(&id, StatusCode::CREATED))
}

/// A form: fields, then the file.
async fn form(
    house: &Arc<House>,
    caller: Caller,
    mut about: About,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bad = |e: multer::Error| Refusal::BadBody.because(format!("The form cannot be read: {e}."));
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(bad)?;
    let mut form = multer::Multipart::new(body.into_data_stream(), boundary);
    for _ in 0..FORM_FIELDS_MAX {
        let Some(mut field) = form.next_field().await.map_err(bad)? else { break };
        if let Some(name) = field.file_name() {
            about.name.get_or_insert_with(|| name.to_owned());
            // The length and digest of the request are the form's, not the file's.
            return take(house, caller, about, &HeaderMap::new(), Body::from_stream(field)).await;
        }
        let mut value = Vec::new();
        while let Some(bytes) = field.chunk().await.map_err(bad)? {
            if value.len() + bytes.len() > FORM_FIELD_BYTES_MAX {
                let rule = format!("A field of the form has at most {FORM_FIELD_BYTES_MAX} bytes.");
                return Err(Refusal::BadBody.because(rule));
            }
            value.extend_from_slice(&bytes);
        }
        let name = field.name().unwrap_or_default().to_owned();
        let value = String::from_utf8(value).map_err(|_| Refusal::BadBody.because("A field is not UTF-8."))?;
        about.set(&name, value);
    }
    Err(Refusal::EmptyUpload.because("The form has no file; a file's part has a filename."))
}

/// SHA-256 in `Repr-Digest` (RFC 9530 section 3), when the client sends one.
fn digest(headers: &HeaderMap) -> Result<Option<ObjectId>, Problem> {
    let Some(value) = headers.get("repr-digest") else { return Ok(None) };
    let bad = || Refusal::BadUpload.because("Repr-Digest reads sha-256=:<base64>:.");
    let text = value.to_str().map_err(|_| bad())?;
    let Some(value) = text.split(',').find_map(|item| item.trim().strip_prefix("sha-256=:")) else { return Ok(None) };
    let hash = value.strip_suffix(':').and_then(|value| STANDARD.decode(value).ok()?.try_into().ok());
    hash.map(ObjectId::from_hash).map(Some).ok_or_else(bad)
}

/// The answer that names the asset.
pub(super) fn taken(id: &AssetId, status: StatusCode) -> Response {
    let value = json!({
        "id": id.as_str(),
        "state": "queued",
        "status_url": format!("/api/v1/transcode/status/{id}"),
        "playback": content::playback_urls(id),
    });
    let mut response = json::answer(status, &value);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/content/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
