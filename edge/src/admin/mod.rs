//! The control thread: metrics, health, shards. Not pinned, and nothing here is on the way of a request.

pub(crate) mod log;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::sync::oneshot;

use crate::features::Feature;
use crate::limits::TOP_WAIT;
use crate::metrics::{Counters, as_json, exposition};
use crate::purge::Purge;
use crate::purge::thread::Purger;
use crate::rt::Mailbox;
use crate::shard::mail::Mail;
use crate::shard::top::{Report, merged};
use crate::start::StartError;
use crate::upstream::View;

/// The running control thread.
pub(crate) struct Admin {
    addr: SocketAddr,
    ready: Arc<AtomicBool>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Seen {
    counters: Vec<Arc<Counters>>,
    ready: Arc<AtomicBool>,
    view: View,
    purger: Purger,
    features: Arc<[Feature]>,
    shards: Arc<[Mailbox<Mail>]>,
}

/// Serves `/metrics /healthz /readyz /shards /origins /features /top /purge` on `listener`.
pub(crate) fn start(
    listener: std::net::TcpListener,
    counters: Vec<Arc<Counters>>,
    view: View,
    purger: Purger,
    features: Vec<Feature>,
    shards: Vec<Mailbox<Mail>>,
) -> Result<Admin, StartError> {
    listener.set_nonblocking(true).map_err(StartError::Thread)?;
    let bound = listener.local_addr().map_err(StartError::Thread)?;
    let ready = Arc::new(AtomicBool::new(true));
    let seen = Seen { counters, ready: ready.clone(), view, purger, features: features.into(), shards: shards.into() };
    let (stop, stopped) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
    let thread = std::thread::Builder::new()
        .name("edge-control".to_owned())
        .spawn(move || runtime.block_on(serve(listener, seen, stopped)))
        .map_err(StartError::Thread)?;
    Ok(Admin { addr: bound, ready, stop: Some(stop), thread: Some(thread) })
}

async fn serve(listener: std::net::TcpListener, seen: Seen, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the admin listener cannot be used");
            return;
        }
    };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/shards", get(shards))
        .route("/origins", get(origins))
        .route("/features", get(features))
        .route("/top", get(top))
        .route("/purge", post(purge))
        .with_state(seen);
    let served = std::pin::pin!(async { axum::serve(listener, router).await });
    tokio::select! {
        result = served => {
            if let Err(error) = result {
                tracing::error!(%error, "the admin API ended");
            }
        }
        _ = stopped => {}
    }
}

async fn metrics(State(seen): State<Seen>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], exposition(&seen.counters) + &seen.view.exposition())
}

const PURGE_SYNTAX: &str = "Send a JSON object (Content-Type: application/json) with one of url, prefix, tag or group and its name, \
    or {\"all\": null}; \"soft\": true asks the origin first.";

/// `POST {"url": "/a"}`, `{"prefix": ..}`, `{"tag": ..}`, `{"group": ..}` or `{"all": null}`, each with `"soft": true` or not.
async fn purge(State(seen): State<Seen>, asked: Result<Json<Purge>, JsonRejection>) -> impl IntoResponse {
    let Json(asked) = match asked {
        Ok(asked) => asked,
        Err(_) => return problem(StatusCode::BAD_REQUEST, "purge-syntax", PURGE_SYNTAX),
    };
    let started = Instant::now();
    match seen.purger.purge(asked.of_this_host()).await {
        Ok(seq) => {
            let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
            let done = serde_json::json!({ "seq": seq, "milliseconds": milliseconds });
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], done.to_string())
        }
        Err(error) => problem(StatusCode::INTERNAL_SERVER_ERROR, "purge-failed", &error.to_string()),
    }
}

fn problem(
    status: StatusCode,
    code: &str,
    detail: &str,
) -> (StatusCode, [(header::HeaderName, &'static str); 1], String) {
    let title = status.canonical_reason();
    let body = serde_json::json!({
        "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail,
    });
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string())
}

async fn readyz(State(seen): State<Seen>) -> impl IntoResponse {
    if seen.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

async fn shards(State(seen): State<Seen>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], as_json(&seen.counters).to_string())
}

async fn origins(State(seen): State<Seen>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], seen.view.as_json().to_string())
}

/// `[{"name": .., "on": .., "why": .., "costs": ..}]`
async fn features(State(seen): State<Seen>) -> impl IntoResponse {
    let list = serde_json::to_string(&seen.features[..]).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], list)
}

/// `{"seconds": 71, "urls": [{"name": "/v/a/1.m4s", "requests": 640, "error": 0}, ..], "clients": [..]}` over all shards.
async fn top(State(seen): State<Seen>) -> impl IntoResponse {
    let mut all = Report::default();
    for shard in &*seen.shards {
        let (reply, told) = oneshot::channel();
        if !shard.send(Mail::Top(reply)).await {
            continue;
        }
        // A shard that hangs is left out.
        let Ok(Ok(report)) = tokio::time::timeout(TOP_WAIT, told).await else { continue };
        all.seconds = all.seconds.max(report.seconds);
        all.urls.extend(report.urls);
        all.clients.extend(report.clients);
    }
    (all.urls, all.clients) = (merged(all.urls), merged(all.clients));
    ([(header::CONTENT_TYPE, "application/json")], serde_json::to_string(&all).unwrap_or_default())
}

impl Admin {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// From now on `/readyz` says no.
    pub(crate) fn not_ready(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
