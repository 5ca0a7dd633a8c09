//! `POST /api/v1/upload?name=clip.mp4[&title=..][&visibility=open|gated][&description=..][&language=..][&tags=a,b]
//! [&categories=a,b]`: the bytes of one file as the body.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use durable::catalogue::Visibility;
use serde::Deserialize;
use serde_json::json;

use super::content::{self, VisibilityWord};
use super::json;
use super::meta::Wanted;
use super::problem::{Problem, Refusal};
use crate::access::Caller;
use crate::flow;
use crate::house::House;
use crate::limits::{FILE_NAME_BYTES_MAX, TITLE_CHARS_MAX};

/// What the query says of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: Option<String>,
    title: Option<String>,
    visibility: Option<VisibilityWord>,
    description: Option<String>,
    language: Option<String>,
    /// Separated by commas.
    tags: Option<String>,
    /// Separated by commas.
    categories: Option<String>,
}

pub(super) async fn upload(
    caller: Caller,
    State(house): State<Arc<House>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let answer = take(&house, caller, &uri, &headers, body).await;
    house.counters.upload(answer.is_ok());
    answer
}

async fn take(
    house: &Arc<House>,
    caller: Caller,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let asked: Asked = json::query(uri)?;
    let description = describe(asked, caller.owner)?;
    raw_body(headers)?;
    let received = flow::receive::receive(house, headers, body).await?;
    let stored = flow::store::store(received).await?;
    let id = flow::enqueue::enqueue(house, description, stored).await?;
    let value = json!({
        "id": id.as_str(),
        "state": "queued",
        "status_url": format!("/api/v1/transcode/status/{id}"),
        "playback": content::playback_urls(&id),
    });
    let mut response = json::answer(StatusCode::CREATED, &value);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/content/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn describe(asked: Asked, owner: String) -> Result<flow::enqueue::Description, Problem> {
    let file_name = asked.name.unwrap_or_default();
    if file_name.len() > FILE_NAME_BYTES_MAX || file_name.contains(char::is_control) {
        let rule = format!("A file name has at most {FILE_NAME_BYTES_MAX} bytes and no control characters.");
        return Err(Refusal::BadQuery.because(rule));
    }
    let title = match asked.title {
        Some(title) => content::checked_title(title).map_err(|rule| Refusal::BadQuery.because(rule))?,
        // The name without its folder and ending, if anything is left of it.
        None => {
            let base = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
            let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
            if stem.is_empty() { "untitled".to_owned() } else { stem.chars().take(TITLE_CHARS_MAX).collect() }
        }
    };
    let list = |text: Option<String>| text.map(|text| Some(text.split(',').map(str::to_owned).collect::<Vec<_>>()));
    let said = Wanted {
        description: asked.description.map(Some),
        language: asked.language.map(Some),
        tags: list(asked.tags),
        categories: list(asked.categories),
        ..Wanted::default()
    };
    let meta = said.meta().map_err(|rule| Refusal::BadQuery.because(rule))?;
    let visibility = asked.visibility.map_or(Visibility::Open, Into::into);
    Ok(flow::enqueue::Description { title, file_name, owner, visibility, meta })
}

/// Forms would wrap the file in boundaries, which then look like a broken video.
fn raw_body(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let form = kind.starts_with(b"multipart/");
    if form {
        let sentence = "Send the file itself as the body (curl -T file), not a form; any other Content-Type will do.";
        return Err(Refusal::NotRaw.because(sentence));
    }
    Ok(())
}
