//! The origin watches itself: `GET /healthz` for whoever restarts it, `GET /metrics` for Prometheus.

mod counters;
mod logs;
mod plays;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) use counters::Counters;
pub use logs::Logs;
pub(crate) use plays::Plays;

use crate::house::House;

/// 200 when the catalogue answers, else 503.
pub(crate) async fn health(State(house): State<Arc<House>>) -> Response {
    let (status, body) = match house.store.catalogue.ping().await {
        Ok(()) => (StatusCode::OK, r#"{"status":"ok"}"#),
        Err(error) => {
            tracing::error!(%error, "the catalogue does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"catalogue does not answer"}"#)
        }
    };
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
