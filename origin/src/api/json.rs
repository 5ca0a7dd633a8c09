//! JSON in and out, bounded, with refusals instead of rejections.

use axum::body::Body;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::problem::{Problem, Refusal};
use crate::limits::API_BODY_BYTES_MAX;

/// Reads a JSON body; an absent one reads as `{}`.
pub(crate) async fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if kind.is_some_and(|kind| !kind.starts_with(b"application/json")) {
        return Err(Refusal::NotRaw.because("Send the body as application/json."));
    }
    let bytes = axum::body::to_bytes(body, API_BODY_BYTES_MAX)
        .await
        .map_err(|_| Refusal::BadBody.because(format!("The body was cut or is above {API_BODY_BYTES_MAX} bytes.")))?;
    let bytes = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
    serde_json::from_slice(bytes).map_err(|e| Refusal::BadBody.because(format!("The JSON body is not valid: {e}.")))
}

/// Reads the query string.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let Query(query) = Query::try_from_uri(uri).map_err(|e| {
        use std::error::Error;
        let reason = e.source().map_or_else(|| e.to_string(), ToString::to_string);
        Refusal::BadQuery.because(format!("The query string is not valid: {reason}."))
    })?;
    Ok(query)
}

/// A JSON answer that nobody keeps.
pub(crate) fn answer(status: StatusCode, value: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, value.to_string()).into_response()
}
