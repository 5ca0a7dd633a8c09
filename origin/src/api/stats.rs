//! Playback statistics: `GET /api/v1/content/{id}/stats`, and `POST /api/v1/stats` for edges that report theirs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use durable::AssetId;
use durable::catalogue::{Count, CountSource, Day};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{COUNTS_A_REPORT_MAX, STATS_DAYS};

/// Totals and days, counted by this origin and by edges apart: what an edge fetched is in both.
pub(super) async fn of_one(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    if house.store.catalogue.asset(&id).await?.is_none() {
        return Err(unknown_asset(id.as_str()));
    }
    house.counts.flush(&house.store.catalogue, now_ms()).await?;
    let days = house.store.catalogue.days(&id, STATS_DAYS).await?;
    let value = json!({ "id": id.as_str(), "origin": side(&days, CountSource::Origin), "edges": side(&days, CountSource::Edge) });
    Ok(json::answer(StatusCode::OK, &value))
}

fn side(days: &[Day], source: CountSource) -> Value {
    let days: Vec<&Day> = days.iter().filter(|day| day.source == source).collect();
    let sum = |number: fn(&Day) -> i64| days.iter().map(|day| number(day)).sum::<i64>();
    let rows = days.iter().map(|day| {
        json!({ "day_ms": day.day * 86_400_000, "starts": day.starts, "requests": day.requests, "bytes": day.bytes })
    });
    json!({
        "starts": sum(|d| d.starts), "requests": sum(|d| d.requests), "bytes": sum(|d| d.bytes),
        "days": rows.collect::<Vec<Value>>(),
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybackReport)]
pub(super) struct Report {
    counts: Vec<One>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlaybackCount)]
struct One {
    asset: String,
    #[serde(default)]
    starts: u32,
    #[serde(default)]
    requests: u32,
    #[serde(default)]
    bytes: u64,
}

/// What an edge has served since it last told.
pub(super) async fn report(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Report { counts } = json::read(&headers, body).await?;
    if counts.len() > COUNTS_A_REPORT_MAX {
        return Err(Refusal::BadBody.because(format!("A report has at most {COUNTS_A_REPORT_MAX} counts.")));
    }
    let counts = counts.into_iter().map(|one| {
        let count = Count { starts: one.starts.into(), requests: one.requests.into(), bytes: one.bytes.min(1 << 50) };
        Some((one.asset.parse::<AssetId>().ok()?, count))
    });
    let counts: Vec<_> = counts.flatten().collect();
    house.store.catalogue.count(&counts, CountSource::Edge, now_ms()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
