//! `/api/v1/content`: the assets, one or many.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use durable::AssetId;
use durable::catalogue::{Asset, AssetState, Change, Cursor, Track, TrackState, Visibility};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{PAGE_ROWS, PAGE_ROWS_MAX, TITLE_CHARS_MAX};
use crate::work::Why;

/// `open` or `gated`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum VisibilityWord {
    Open,
    Gated,
}

impl From<VisibilityWord> for Visibility {
    fn from(word: VisibilityWord) -> Self {
        match word {
            VisibilityWord::Open => Self::Open,
            VisibilityWord::Gated => Self::Gated,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
    after: Option<String>,
}

/// `GET /api/v1/content[?limit=..][&after=..]`: youngest first; `next` is the next page's `after`.
pub(super) async fn list(State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let page: Page = json::query(&uri)?;
    let limit = page.limit.unwrap_or(PAGE_ROWS);
    if !(1..=PAGE_ROWS_MAX).contains(&limit) {
        return Err(Refusal::BadQuery.because(format!("limit goes from 1 to {PAGE_ROWS_MAX}.")));
    }
    let after = page.after.map(|text| cursor(&text)).transpose()?;
    let assets = house.store.catalogue.assets(after.as_ref(), limit).await?;
    let full = assets.len() == limit as usize;
    let next = assets.last().filter(|_| full).map(|last| format!("{}.{}", last.created_ms, last.id));
    let items: Vec<Value> = assets.iter().map(summary).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}

/// `GET /api/v1/content/{id}`.
pub(super) async fn one(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let asset = house.store.catalogue.asset(&id).await?.ok_or_else(|| unknown_asset(id.as_str()))?;
    let tracks = house.store.catalogue.tracks(&id).await?;
    Ok(json::answer(StatusCode::OK, &whole(&asset, &tracks)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    title: Option<String>,
    visibility: Option<VisibilityWord>,
}

/// `POST /api/v1/content/{id}` with `{ "title"?, "visibility"? }`.
pub(super) async fn update(
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let wanted: Wanted = json::read(&headers, body).await?;
    let title = wanted.title.map(checked_title).transpose().map_err(|rule| Refusal::BadBody.because(rule))?;
    let change = Change { title, visibility: wanted.visibility.map(Into::into) };
    let changed = house.store.catalogue.update_asset(&id, &change, now_ms()).await?;
    let asset = changed.ok_or_else(|| unknown_asset(id.as_str()))?;
    let tracks = house.store.catalogue.tracks(&id).await?;
    Ok(json::answer(StatusCode::OK, &whole(&asset, &tracks)))
}

/// `DELETE /api/v1/content/{id}`: the asset, its job, and all bytes that only it named.
pub(super) async fn delete(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    house.board.cancel(&id, Why::Deleted);
    if !house.store.delete_asset(&id, now_ms()).await? {
        return Err(unknown_asset(id.as_str()));
    }
    // A worker may have taken the job between the two; its lease is void now, and it stops at its next step.
    house.board.cancel(&id, Why::Deleted);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A title as people may write it.
pub(super) fn checked_title(title: String) -> Result<String, String> {
    let title = title.trim();
    let chars = title.chars().count();
    if chars == 0 || chars > TITLE_CHARS_MAX || title.contains(char::is_control) {
        return Err(format!("A title has 1 to {TITLE_CHARS_MAX} characters and no control characters."));
    }
    Ok(title.to_owned())
}

/// Where players look.
pub(super) fn playback_urls(id: &AssetId) -> Value {
    json!({ "hls": format!("/v/{id}/master.m3u8"), "dash": format!("/v/{id}/manifest.mpd") })
}

/// The word of a state.
pub(super) fn state_word(state: AssetState) -> &'static str {
    match state {
        AssetState::Queued => "queued",
        AssetState::Running => "running",
        AssetState::Ready => "ready",
        AssetState::Failed => "failed",
    }
}

/// The word of a track's state.
pub(super) fn track_word(state: TrackState) -> &'static str {
    match state {
        TrackState::Waiting => "waiting",
        TrackState::Encoding => "encoding",
        TrackState::Published => "published",
    }
}

/// `error` of an asset.
pub(super) fn error(asset: &Asset) -> Value {
    asset.failure.as_ref().map_or(Value::Null, |f| json!({ "code": f.code, "detail": f.detail }))
}

fn summary(asset: &Asset) -> Value {
    let visibility = match asset.visibility {
        Visibility::Open => "open",
        Visibility::Gated => "gated",
    };
    json!({
        "id": asset.id.as_str(),
        "title": asset.title,
        "name": asset.file_name,
        "owner": asset.owner,
        "visibility": visibility,
        "state": state_word(asset.state),
        "playable": asset.playable,
        "duration_ms": asset.duration_us.map(|us| us / 1000),
        "bytes": asset.source_bytes,
        "sha256": asset.source.to_string(),
        "created_ms": asset.created_ms,
        "updated_ms": asset.updated_ms,
        "error": error(asset),
        "playback": playback_urls(&asset.id),
    })
}

fn whole(asset: &Asset, tracks: &[Track]) -> Value {
    let mut value = summary(asset);
    value["tracks"] = tracks
        .iter()
        .map(|track| {
            json!({
                "name": track.name,
                "codec": track.codec,
                "width": track.size.map(|s| s.0),
                "height": track.size.map(|s| s.1),
                "state": track_word(track.state),
            })
        })
        .collect();
    value["source"] = asset.source_info.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    value
}

fn cursor(text: &str) -> Result<Cursor, Problem> {
    let parse = || {
        let (created_ms, id) = text.split_once('.')?;
        Some(Cursor { created_ms: created_ms.parse().ok()?, id: id.parse().ok()? })
    };
    parse().ok_or_else(|| Refusal::BadQuery.because("after is not the `next` of an earlier page."))
}
