//! The HTTP surface: which address leads where. Nothing is decided here; who may is `access/table.rs`, and a route that
//! it does not name is not answered.

mod accounts;
mod answers;
mod audit;
mod auth;
mod categories;
mod chores;
mod content;
mod events;
mod grants;
mod json;
mod keys;
mod logs;
mod meta;
mod monitor;
mod nft;
mod once;
mod openapi;
mod page;
mod presigned;
pub(crate) mod problem;
mod purge;
mod resumable;
mod rules;
mod search;
mod stats;
mod status;
mod streaming;
mod streams;
mod token;
mod tus;
mod upload;
mod watch;
mod web3;
mod webhooks;
mod words;
mod work;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, head, patch, post, put};

use crate::house::House;
use crate::{access, playback};
pub(crate) use content::{checked_title, no_category};
pub(crate) use meta::Wanted as MetaWords;
pub(crate) use once::once;
use problem::{Problem, Refusal};

/// All addresses of the origin.
pub(crate) fn router(house: Arc<House>) -> Router {
    Router::new()
        .route("/api/v1/keys", get(keys::list).post(keys::create))
        .route("/api/v1/keys/{id}", get(keys::one).delete(keys::revoke))
        .route("/api/v1/upload", post(upload::upload))
        .route("/api/v1/upload/presigned-init", post(presigned::begin))
        .route("/api/v1/upload/complete-presigned", post(presigned::complete))
        .route("/api/v1/upload/{name}", put(upload::put))
        .route("/api/v1/upload/tus", post(tus::create).options(tus::options))
        .route("/api/v1/upload/tus/{id}", head(tus::head).patch(tus::patch).delete(tus::delete).options(tus::options))
        .route("/api/v1/upload/resumable", post(resumable::create).options(resumable::options))
        .route("/api/v1/upload/resumable/{id}", head(resumable::head).patch(resumable::patch).delete(resumable::delete))
        .route("/api/v1/content", get(content::list).post(upload::upload))
        .route(
            "/api/v1/content/{id}",
            get(content::one).patch(content::update).post(content::update).delete(content::delete),
        )
        .route("/api/v1/content/{id}/restore", post(content::restore))
        .route("/api/v1/content/{id}/stats", get(stats::of_one))
        .route("/api/v1/search", get(search::search))
        .route("/api/v1/categories", get(categories::list).post(categories::create))
        .route("/api/v1/categories/{id}", patch(categories::rename).delete(categories::delete))
        .route("/api/v1/streams", post(streams::report))
        .route("/api/v1/stats", post(stats::report))
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/content/{id}/gating-rules", get(rules::read).put(rules::write).delete(rules::remove))
        .route("/api/v1/content/{id}/watch", post(watch::watch))
        .route("/api/v1/content/{id}/grants", get(grants::list).delete(grants::revoke_all))
        .route("/api/v1/content/{id}/grants/{grant}", delete(grants::revoke))
        .route("/api/v1/content/{id}/token", post(token::mint))
        .route("/api/v1/transcode/status/{id}", get(status::status))
        .route("/api/v1/transcode/submit", post(work::submit))
        .route("/api/v1/transcode/cancel/{id}", post(work::cancel))
        .route("/api/v1/transcode/tasks", get(work::tasks))
        .route("/api/v1/transcode/profiles", get(work::profiles))
        .route("/api/v1/worker/jobs", get(work::jobs).post(chores::queue))
        .route("/api/v1/worker/jobs/{id}", get(work::job))
        .route("/api/v1/worker/jobs/{id}/replay", post(work::replay))
        .route("/api/v1/worker/jobs/{id}/cancel", post(work::cancel_job))
        .route("/api/v1/worker/schedule", get(work::schedules).post(work::schedule))
        .route("/api/v1/worker/schedule/{id}", delete(work::unschedule))
        .route("/api/v1/monitor/health", get(monitor::health))
        .route("/api/v1/monitor/metrics", get(crate::monitor::metrics))
        .route("/api/v1/monitor/alerts", get(monitor::alerts))
        .route("/api/v1/monitor/logs", get(logs::list))
        .route("/api/v1/streaming/{id}", get(streaming::about))
        .route("/api/v1/streaming/{id}/{*path}", get(streaming::lead))
        .route("/api/v1/cache/stats", get(monitor::cache_stats))
        .route("/api/v1/cache/purge", post(monitor::purge))
        .route("/api/v1/web3/supported-chains", get(web3::supported_chains))
        .route("/api/v1/web3/rpc-status", get(web3::rpc_status))
        .route("/api/v1/nft", get(nft::one))
        .route("/api/v1/nft/verify", post(nft::verify))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/api/v1/webhooks/{id}", get(webhooks::one).patch(webhooks::update).delete(webhooks::delete))
        .route("/api/v1/webhooks/{id}/rotate", post(webhooks::rotate))
        .route("/api/v1/webhooks/{id}/test", post(webhooks::test))
        .route("/api/v1/webhooks/{id}/replay", post(webhooks::replay_failed))
        .route("/api/v1/webhooks/{id}/deliveries", get(webhooks::deliveries))
        .route("/api/v1/webhooks/{id}/deliveries/{delivery}/replay", post(webhooks::replay))
        .route("/.well-known/jwks.json", get(auth::jwks))
        .route("/api/v1/auth/jwks", get(auth::jwks))
        .route("/api/v1/auth/challenge", post(auth::challenge))
        .route("/api/v1/auth/login", post(auth::login))
        .route("/api/v1/auth/refresh", post(auth::refresh))
        .route("/api/v1/auth/logout", post(auth::logout))
        .route("/api/v1/auth/verify", get(auth::verify))
        .route("/api/v1/auth/profile", get(auth::profile))
        .route("/api/v1/auth/sessions", get(auth::sessions))
        .route("/api/v1/auth/sessions/{id}", delete(auth::end_session))
        .route("/api/v1/auth/wallets", get(auth::wallets).post(auth::link))
        .route("/api/v1/auth/wallets/challenge", post(auth::link_challenge))
        .route("/api/v1/auth/wallets/{address}", delete(auth::unlink))
        .route("/api/v1/auth/keys/rotate", post(auth::rotate))
        .route("/api/v1/accounts", get(accounts::list))
        .route("/api/v1/accounts/{id}", get(accounts::one).patch(accounts::change))
        .route("/api/v1/openapi.json", get(openapi::document))
        .route("/docs", get(openapi::page))
        .route("/docs/docs.js", get(openapi::script))
        .route("/healthz", get(crate::monitor::health))
        .route("/readyz", get(crate::monitor::ready))
        .route("/metrics", get(crate::monitor::metrics))
        .route("/v/{id}/key", get(playback::key).post(playback::licence))
        .route("/v/{id}/{file}", get(playback::play))
        .route("/v/{id}/{track}/{file}", get(playback::play))
        .route_layer(from_fn_with_state(house.clone(), access::guard))
        .fallback(unknown_path)
        .layer(from_fn_with_state(house.clone(), access::cors))
        .with_state(house)
}

/// Asset names in the addresses of the API.
fn asset_id(text: &str) -> Result<durable::AssetId, Problem> {
    text.parse().map_err(|_| unknown_asset(text))
}

fn unknown_asset(id: &str) -> Problem {
    let shown: String = id.chars().take(64).collect();
    Refusal::UnknownAsset.because(format!("There is no asset {shown}. It may have been deleted."))
}

async fn unknown_path() -> Problem {
    Refusal::UnknownPath.because("The API stands under /api/v1/, playback under /v/<asset>/.")
}
