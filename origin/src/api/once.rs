//! Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a POST that is sent again with its key gets the first
//! answer again, for a day. What is compared is method, address and body.
//!
//! Not for what answers with a secret (API keys, playback tokens): those are nowhere at rest. Not for uploads either, which
//! have resumption for the same purpose.

use std::future::Future;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use durable::catalogue::{Earlier, KeptAnswer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::problem::{Problem, Refusal};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{API_BODY_BYTES_MAX, IDEMPOTENCY_KEPT_MS, IDEMPOTENCY_KEY_BYTES_MAX};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Runs `go`, or gives the answer of the same request before.
pub(crate) async fn once<F: Future<Output = Response> + Send + 'static>(
    house: &Arc<House>,
    caller: &Caller,
    request: Request,
    go: impl FnOnce(Request) -> F + Send + 'static,
) -> Response {
    let Some(key) = request.headers().get(KEY).cloned() else { return go(request).await };
    let (house, caller) = (house.clone(), caller.clone());
    // On a task of its own: a client that leaves must not leave its key without an answer.
    let kept = tokio::spawn(async move { kept(&house, &caller, &key, request, go).await }).await;
    match kept.unwrap_or_else(|e| Err(Problem::internal(&e))) {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    }
}

async fn kept<F: Future<Output = Response>>(
    house: &Arc<House>,
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    go: impl FnOnce(Request) -> F,
) -> Result<Response, Problem> {
    let fits = |key: &&str| !key.is_empty() && key.len() <= IDEMPOTENCY_KEY_BYTES_MAX;
    let bad = || Refusal::BadKey.because(format!("It has 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible signs."));
    let key = key.to_str().ok().filter(fits).ok_or_else(bad)?;
    let (parts, body) = request.into_parts();
    let cut = || Refusal::BadBody.because(format!("The body was cut or is above {API_BODY_BYTES_MAX} bytes."));
    let body = axum::body::to_bytes(body, API_BODY_BYTES_MAX).await.map_err(|_| cut())?;
    let mut hash = Sha256::new();
    for part in [parts.method.as_str().as_bytes(), parts.uri.to_string().as_bytes(), &body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let (catalogue, now) = (&house.store.catalogue, now_ms());
    let known = catalogue.begin_once(&caller.key, key, &hash.finalize().into(), now - IDEMPOTENCY_KEPT_MS, now).await?;
    match known {
        Earlier::New => {}
        Earlier::Answered(answer) => return Ok(again(answer)),
        Earlier::Running => return Err(Refusal::KeyRunning.because("The first one is not answered yet. Ask again.")),
        Earlier::Another => return Err(Refusal::KeyReused.because("Each request has an Idempotency-Key of its own.")),
        Earlier::Full => return Err(Refusal::TooManyAnswers.because("Keys are kept for a day; send fewer.")),
    }
    let answer = go(Request::from_parts(parts, Body::from(body))).await;
    if answer.status().is_server_error() {
        catalogue.forget_once(&caller.key, key).await?;
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    // Answers of these routes are small values that were made in memory.
    let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|e| Problem::internal(&e))?;
    let keep = KeptAnswer { status: parts.status.as_u16(), headers: written(&parts.headers), body: body.to_vec() };
    catalogue.answer_once(&caller.key, key, &keep).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn written(headers: &HeaderMap) -> String {
    let kept = [header::CONTENT_TYPE, header::LOCATION, header::ETAG, header::CACHE_CONTROL];
    let pairs = kept.iter().filter_map(|name| Some((name.to_string(), headers.get(name)?.to_str().ok()?.into())));
    Value::Object(pairs.collect::<Map<String, Value>>()).to_string()
}

fn again(answer: KeptAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    let kept: Map<String, Value> = serde_json::from_str(&answer.headers).unwrap_or_default();
    for (name, value) in &kept {
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (HeaderName::from_bytes(name.as_bytes()), value) {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
