//! The origin watches itself: `GET /healthz` for whoever restarts it, `GET /readyz` for whoever sends it requests, `GET /metrics`
//! for Prometheus.

mod counters;
mod logs;
mod plays;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) use counters::Counters;
use durable::StoreError;
pub use logs::Logs;
pub(crate) use plays::Plays;
use serde_json::json;

use crate::house::House;

/// 200 when this process works, else 503: restart it. A server that is away for a while is no reason to, it comes back by itself.
pub(crate) async fn health(State(house): State<Arc<House>>) -> Response {
    match house.store.catalogue.ping().await {
        Ok(()) => told(StatusCode::OK, r#"{"status":"ok"}"#.into()),
        Err(error) if error.is_away() => told(StatusCode::OK, r#"{"status":"ok, without its catalogue"}"#.into()),
        Err(error) => {
            tracing::error!(%error, "the catalogue does not answer");
            told(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"catalogue does not answer"}"#.into())
        }
    }
}

/// 200 when everything that requests need answers, else 503; each part is named, with `ok` or `away`.
pub(crate) async fn ready(State(house): State<Arc<House>>) -> Response {
    let (catalogue, objects) = tokio::join!(house.store.catalogue.ping(), house.store.objects.ping());
    let is_ready = catalogue.is_ok() && objects.is_ok();
    let word = |part: Result<(), StoreError>| match part {
        Ok(()) => "ok",
        Err(error) => {
            tracing::warn!(%error, "not ready");
            "away"
        }
    };
    let status = if is_ready { "ready" } else { "not ready" };
    let body = json!({ "status": status, "parts": { "catalogue": word(catalogue), "objects": word(objects) } });
    told(if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, body.to_string())
}

fn told(status: StatusCode, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

/// Prometheus' text format 0.0.4.
pub(crate) async fn metrics(State(house): State<Arc<House>>) -> Response {
    let depth = house.store.catalogue.queue_depth().await.ok();
    let free = house.store.objects.free_bytes().ok();
    let text = house.counters.text(depth, free);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
