//! `/api/v1/monitor/...` and `/api/v1/cache/purge`: how the place is, for operators.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use durable::catalogue::{JobFilter, JobState};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{DISK_LOW_BYTES, PAGE_ROWS_MAX};

/// `GET /api/v1/monitor/health`: each part, and 503 when one does not do.
pub(super) async fn health(State(house): State<Arc<House>>) -> Response {
    let catalogue = house.store.catalogue.ping().await.is_ok();
    let free = house.store.objects.free_bytes().ok();
    let depth = house.store.catalogue.queue_depth().await.ok();
    let is_well = catalogue && free.is_some();
    let value = json!({
        "status": if is_well { "ok" } else { "failing" },
        "catalogue": if catalogue { "ok" } else { "does not answer" },
        "objects": { "free_bytes": free },
        "jobs": depth.map(|depth| json!({ "queued": depth.queued, "running": depth.running })),
    });
    json::answer(if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &value)
}

/// `GET /api/v1/monitor/alerts`: what someone should look at now.
pub(super) async fn alerts(State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let mut alerts = Vec::new();
    let free = house.store.objects.free_bytes()?;
    if free < DISK_LOW_BYTES {
        let detail = format!("{free} bytes are free on the disk of the data folder; uploads will be refused soon.");
        alerts.push(alert("disk_low", &detail));
    }
    let dead = JobFilter { state: Some(JobState::Failed), ..JobFilter::default() };
    let dead = house.store.catalogue.jobs(&dead, i64::MAX, PAGE_ROWS_MAX).await?.len();
    if dead > 0 {
        let many = if dead as u32 == PAGE_ROWS_MAX { "or more " } else { "" };
        let detail = format!("{dead} {many}jobs were given up; /api/v1/worker/jobs?state=failed says why.");
        alerts.push(alert("dead_jobs", &detail));
    }
    Ok(json::answer(StatusCode::OK, &json!({ "items": alerts })))
}

fn alert(code: &str, detail: &str) -> Value {
    json!({ "code": code, "detail": detail })
}

/// `GET /api/v1/cache/stats`: how the cache of this process does.
pub(super) async fn cache_stats(State(house): State<Arc<House>>) -> Response {
    let stats = house.cache.stats().await;
    let value = json!({
        "engine": stats.engine,
        "reachable": stats.reachable,
        "hits": stats.hits,
        "misses": stats.misses,
        "unanswered": stats.unanswered,
        "entries": stats.entries,
        "bytes": stats.bytes,
    });
    json::answer(StatusCode::OK, &value)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PurgeWanted {
    /// Of every edge: what it keeps of this asset.
    asset: Option<String>,
    /// Of the origin's cache: one entry.
    key: Option<String>,
    /// Of the origin's cache: all that carries it.
    tag: Option<String>,
    /// Of the origin's cache: everything.
    #[serde(default)]
    everything: bool,
}

/// `POST /api/v1/cache/purge` with `{ "asset" }`: every edge that follows the events drops what it keeps of the asset; with
/// `{ "key" }`, `{ "tag" }` or `{ "everything": true }` the cache of the origin does.
pub(super) async fn purge(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let PurgeWanted { asset, key, tag, everything } = json::read(&headers, body).await?;
    let asset = match (asset, key, tag, everything) {
        (Some(asset), None, None, false) => asset,
        (None, Some(key), None, false) => {
            house.cache.delete(&key).await;
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        (None, None, Some(tag), false) => {
            house.cache.clear(&tag).await;
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        (None, None, None, true) => {
            house.cache.clear_all().await;
            return Ok(StatusCode::ACCEPTED.into_response());
        }
        _ => return Err(Refusal::BadBody.because("Name one of asset, key and tag, or say everything.")),
    };
    let id = asset_id(&asset)?;
    if !house.store.catalogue.purge(&id, &caller.actor(), now_ms()).await? {
        return Err(unknown_asset(id.as_str()));
    }
    Ok(StatusCode::ACCEPTED.into_response())
}
