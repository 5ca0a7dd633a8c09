//! `/api/v1/streaming/{id}`: where an asset plays. Its bytes stand below `/v/`, where edges keep them; an address here leads there.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use durable::catalogue::Visibility;
use serde_json::{Value, json};
use wire::url::PlaybackPath;

use super::problem::{Problem, Refusal};
use super::{asset_id, content, json, unknown_asset};
use crate::house::House;

/// `GET /api/v1/streaming/{id}`.
pub(super) async fn about(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let asset = house.store.catalogue.asset(&id).await?.ok_or_else(|| unknown_asset(id.as_str()))?;
    let tracks: Vec<Value> = house.store.catalogue.tracks(&id).await?.iter().map(content::track).collect();
    let value = json!({
        "id": id.as_str(),
        "state": content::state_word(asset.state),
        "playable": asset.playable,
        "gated": asset.visibility == Visibility::Gated,
        "encryption": if asset.key.is_some() { "cbcs" } else { "none" },
        "duration_ms": asset.duration_us.map(|us| us / 1000),
        "playback": content::playback_urls(&id),
        "tracks": tracks,
        "pictures": content::pictures(&asset),
    });
    Ok(json::answer(StatusCode::OK, &value))
}

/// `GET /api/v1/streaming/{id}/master.m3u8` and so on: leads to the playback path (RFC 9110 section 15.4.8).
pub(super) async fn lead(Path((id, path)): Path<(String, String)>, uri: Uri) -> Result<Response, Problem> {
    let target = format!("/v/{id}/{path}");
    if PlaybackPath::parse(&target).is_err() {
        return Err(Refusal::UnknownPath.because("Playback addresses look like /v/<asset>/master.m3u8."));
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = HeaderValue::from_str(&format!("{target}{query}"));
    let target = target.map_err(|_| Refusal::UnknownPath.because("The address has signs that it cannot have."))?;
    Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, target)]).into_response())
}
