//! `POST /api/v1/content/{id}/token` with `{ "ttl_seconds"?, "subject"? }`: a playback token for one asset.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::clock::now_ms;
use crate::gate;
use crate::house::House;
use crate::limits::{TOKEN_TTL_SECONDS, TOKEN_TTL_SECONDS_MAX};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenWanted)]
pub(super) struct Asked {
    ttl_seconds: Option<u64>,
}

pub(super) async fn mint(
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let asked: Asked = json::read(&headers, body).await?;
    let ttl = asked.ttl_seconds.unwrap_or(TOKEN_TTL_SECONDS);
    if !(1..=TOKEN_TTL_SECONDS_MAX).contains(&ttl) {
        return Err(Refusal::BadBody.because(format!("ttl_seconds goes from 1 to {TOKEN_TTL_SECONDS_MAX}.")));
    }
    if house.store.catalogue.asset(&id).await?.is_none() {
        return Err(unknown_asset(id.as_str()));
    }
    let minted = gate::mint(&house.keys, &id, ttl, None, now_ms()).map_err(|e| Problem::internal(&e))?;
    let token = &minted.token;
    let value = json!({
        "token": token,
        "expires": minted.expires,
        "prefix": minted.prefix,
        "playback": {
            "hls": format!("/p/{token}/v/{id}/master.m3u8"),
            "dash": format!("/p/{token}/v/{id}/manifest.mpd"),
        },
    });
    Ok(json::answer(StatusCode::CREATED, &value))
}
