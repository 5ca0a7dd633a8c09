//! The request of REST that a call is: made, sent through the router with the caller's key and address, its answer read back.

use std::fmt::Write;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Status};
use tower_service::Service;

use super::refusal;
use crate::access::Peer;

/// The router behind all services.
#[derive(Debug, Clone)]
pub(super) struct Twin {
    router: Router,
}

/// Who calls, as it is handed on.
#[derive(Debug, Clone, Default)]
pub(super) struct From {
    authorization: Option<HeaderValue>,
    idempotency: Option<HeaderValue>,
    agent: Option<HeaderValue>,
    peer: Option<Peer>,
}

impl From {
    /// Of a call's metadata and connection.
    pub(super) fn of(metadata: &MetadataMap, extensions: &Extensions) -> Self {
        let header = |name: &str| metadata.get(name).and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
        Self {
            authorization: header("authorization"),
            idempotency: header("idempotency-key"),
            agent: header("user-agent"),
            peer: extensions.get::<Peer>().copied(),
        }
    }
}

/// What is asked.
pub(super) struct Ask {
    method: Method,
    path: String,
    version: Option<i64>,
    body: Body,
    is_json: bool,
}

impl Ask {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self { method, path, version: None, body: Body::empty(), is_json: false }
    }

    /// With a JSON body.
    pub(super) fn json(self, value: &Value) -> Self {
        Self { body: Body::from(value.to_string()), is_json: true, ..self }
    }

    /// With bytes.
    pub(super) fn bytes(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// Only when it is of this version; 0: whatever it is.
    pub(super) fn version(self, version: i64) -> Self {
        Self { version: (version != 0).then_some(version), ..self }
    }
}

impl Twin {
    pub(super) fn new(router: Router) -> Self {
        Self { router }
    }

    /// Asks, and reads the answer as a message.
    pub(super) async fn ask<T: DeserializeOwned>(&self, from: &From, ask: Ask) -> Result<T, Status> {
        let mut request = Request::builder().method(ask.method).uri(ask.path);
        if ask.is_json {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &from.authorization {
            request = request.header(header::AUTHORIZATION, key);
        }
        if let Some(key) = &from.idempotency {
            request = request.header("idempotency-key", key);
        }
        if let Some(agent) = &from.agent {
            request = request.header(header::USER_AGENT, agent);
        }
        if let Some(version) = ask.version {
            request = request.header(header::IF_MATCH, format!("\"v{version}\""));
        }
        if let Some(peer) = from.peer {
            request = request.extension(peer);
        }
        let request =
            request.body(ask.body).map_err(|_| Status::invalid_argument("a name has signs that it cannot have"))?;
        let Ok(answer) = self.router.clone().call(request).await;
        let status = answer.status();
        // Answers of these routes are values that were made in memory.
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
        let bytes = bytes.map_err(|error| Status::internal(error.to_string()))?;
        if !status.is_success() {
            return Err(refusal::status(status, &bytes));
        }
        let mut value = if bytes.is_empty() { Value::Object(Default::default()) } else { read(&bytes)? };
        without_nulls(&mut value);
        read_as(value)
    }
}

/// A value as a message.
pub(super) fn read_as<T: DeserializeOwned>(value: Value) -> Result<T, Status> {
    serde_json::from_value(value).map_err(|error| {
        tracing::error!(%error, "an answer of REST does not fit its message");
        Status::internal("The answer does not fit its message; the server's log says more.")
    })
}

fn read(bytes: &[u8]) -> Result<Value, Status> {
    serde_json::from_slice(bytes).map_err(|error| Status::internal(error.to_string()))
}

/// A message has no null: what is not known is not there.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// `text` as one segment of a path or one value of a query (RFC 3986 section 2.3).
pub(super) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => written.push(char::from(byte)),
            // A dot, too: a segment of dots alone is taken away by whoever normalises.
            _ => write!(written, "%{byte:02X}").expect("a string takes it"),
        }
    }
    written
}

/// A path with those of `pairs` as its query that are not empty.
pub(super) fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let query: Vec<_> = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        assert_eq!(escaped("a/../b?c=1&d#e%"), "a%2F%2E%2E%2Fb%3Fc%3D1%26d%23e%25");
        assert_eq!(with_query("/x", &[("a", ""), ("b", "1 2"), ("c", "é")]), "/x?b=1%202&c=%C3%A9");
        assert_eq!(with_query("/x", &[("a", "")]), "/x");
    }
}
