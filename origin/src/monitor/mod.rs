//! The origin watches itself: `GET /healthz` for whoever restarts it, `GET /readyz` for whoever sends it requests, `GET /metrics`
//! for Prometheus.

mod counters;
mod logs;
mod plays;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(crate) use counters::Counters;
use durable::StoreError;
pub use logs::Logs;
pub(crate) use plays::Plays;
use serde_json::json;

use crate::house::House;

/// Which data folder the process has that answers: gateways send uploads under way where their bytes are.
pub(crate) const INSTANCE: HeaderName = HeaderName::from_static("streamgate-instance");

/// 200 when this process works, else 503: restart it. A server that is away for a while is no reason to, it comes back by itself.
pub(crate) async fn health(State(house): State<Arc<House>>) -> Response {
    let mut answer = alive(&house).await;
    if let Ok(name) = HeaderValue::from_str(house.store.instance()) {
        answer.headers_mut().insert(INSTANCE, name);
    }
    answer
}

async fn alive(house: &House) -> Response {
    match house.store.catalogue.ping().await {
        Ok(()) => told(StatusCode::OK, r#"{"status":"ok"}"#.into()),
        Err(error) if error.is_away() => told(StatusCode::OK, r#"{"status":"ok, without its catalogue"}"#.into()),
        Err(error) => {
            tracing::error!(%error, "the catalogue does not answer");
            told(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"catalogue does not answer"}"#.into())
        }
    }
}

/// 200 when everything that all requests need answers, else 503; each part is named, with `ok` or `away`. A role that is away takes its own
/// requests along and no others, a Redis those that decide a rule, a NATS none at all: they are named and the rest stays in use.
pub(crate) async fn ready(State(house): State<Arc<House>>) -> Response {
    let redis = async {
        match house.cache.remote() {
            Some(remote) => Some(remote.is_there().await),
            None => None,
        }
    };
    let (catalogue, objects, redis) = tokio::join!(house.store.catalogue.ping(), house.store.objects.ping(), redis);
    let nats = house.config.nats.is_some().then(|| house.nats_is_there.load(Ordering::Relaxed));
    let is_ready = catalogue.is_ok() && objects.is_ok();
    let word = |part: Result<(), StoreError>| match part {
        Ok(()) => "ok",
        Err(error) => {
            tracing::warn!(%error, "not ready");
            "away"
        }
    };
    let mut parts = json!({ "catalogue": word(catalogue), "objects": word(objects) });
    let mut is_whole = true;
    let helpers = [("redis", redis), ("nats", nats)].into_iter().filter_map(|(part, is_there)| Some((part, is_there?)));
    for (part, is_there) in helpers.chain(house.elsewhere.standing(&house.config)) {
        parts[part] = if is_there { "ok" } else { "away" }.into();
        is_whole &= is_there;
    }
    let status = match (is_ready, is_whole) {
        (true, true) => "ready",
        (true, false) => "ready in part",
        (false, _) => "not ready",
    };
    let body = json!({ "status": status, "parts": parts });
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
