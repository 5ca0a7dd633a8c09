//! The key of an encrypted asset, for edges alone and never to be kept: `GET /v/<asset>/key` answers its 16 bytes, as players of HLS ask for
//! it, `POST` the licence of Clear Key (W3C Encrypted Media Extensions section 9.1). Open or gated, the answer has the mark of what is gated:
//! an edge hands it out against a token of the asset, and for nothing else.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::AssetId;
use durable::catalogue::Visibility;
use serde::Deserialize;
use serde_json::json;
use wire::cmaf::protect::ContentKey;

use super::{Refused, admit, nobody};
use crate::api::problem::{Problem, Refusal};
use crate::house::House;
use crate::limits::LICENCE_REQUEST_BYTES_MAX;
use crate::work::Failure;

/// The request of Clear Key (section 9.1.3); what else is in it does not matter.
#[derive(Debug, Deserialize)]
struct Wanted {
    /// Names of keys, base64url.
    kids: Vec<String>,
}

/// Answers a GET.
pub(super) async fn bytes(house: &House, asset: &AssetId, headers: &HeaderMap) -> Result<Response, Refused> {
    let key = find(house, asset, headers).await?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, key.key.to_vec()).into_response())
}

/// Answers a POST.
pub(super) async fn licence(
    house: &House,
    asset: &AssetId,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let key = find(house, asset, headers).await?;
    let bad = |why: &str| Refused::gated(Refusal::BadBody.because(why));
    let bytes = axum::body::to_bytes(body, LICENCE_REQUEST_BYTES_MAX).await;
    let bytes = bytes.map_err(|_| bad("The request for a licence was cut, or is too long."))?;
    let wanted: Wanted = serde_json::from_slice(&bytes)
        .map_err(|_| bad("A request for a licence reads {\"kids\":[\"...\"],\"type\":\"temporary\"}."))?;
    let kid = URL_SAFE_NO_PAD.encode(key.id);
    if !wanted.kids.contains(&kid) {
        return Err(bad("None of these keys is the asset's."));
    }
    let one = json!({ "kty": "oct", "kid": kid, "k": URL_SAFE_NO_PAD.encode(key.key) });
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::OK, headers, json!({ "keys": [one], "type": "temporary" }).to_string()).into_response())
}

async fn find(house: &House, asset: &AssetId, headers: &HeaderMap) -> Result<ContentKey, Refused> {
    let found = house.store.catalogue.asset(asset).await?.ok_or_else(|| nobody(asset))?;
    admit(house, Visibility::Gated, headers)?;
    let sealed = found.key.ok_or_else(|| Refused::gated(Refusal::NotEncrypted.because("It plays without a key.")))?;
    house.keys.content.open(asset, &sealed).ok_or_else(|| {
        tracing::error!(%asset, "its key was sealed by another keys/content.key");
        Refused::gated(Problem::internal(&Failure::KeyLost))
    })
}
