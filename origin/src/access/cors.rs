//! Pages of other origins (Fetch standard, "CORS protocol"): those that the operator lists may ask with scripts and read the answers.
//! The API knows who asks by a header that scripts set, never by a cookie, so no answer allows credentials.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::house::House;

const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS");
/// What requests may carry beside what any page may send.
const TAKEN: HeaderValue = HeaderValue::from_static(
    "Authorization,Content-Type,If-Match,If-None-Match,Idempotency-Key,Last-Event-ID,Range,Repr-Digest,StreamGate-Stream,X-Request-ID,Tus-Resumable,\
     Upload-Checksum,Upload-Complete,Upload-Concat,Upload-Defer-Length,Upload-Draft-Interop-Version,Upload-Length,Upload-Metadata,Upload-Offset",
);
/// What scripts may read of an answer beside what they always may.
const SHOWN: HeaderValue = HeaderValue::from_static(
    "Allow,Content-Range,ETag,Idempotency-Replayed,Location,RateLimit,RateLimit-Policy,Retry-After,StreamGate-Asset,Tus-Checksum-Algorithm,\
     Tus-Extension,Tus-Max-Size,Tus-Resumable,Tus-Version,Upload-Complete,Upload-Expires,Upload-Length,Upload-Limit,Upload-Metadata,\
     Upload-Offset,WWW-Authenticate,X-Request-ID",
);
/// How long browsers keep the answer to a preflight; Chromium keeps none longer than two hours.
const KEPT_SECONDS: HeaderValue = HeaderValue::from_static("7200");

/// Stands before everything else.
pub(crate) async fn cors(State(house): State<Arc<House>>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).filter(|origin| is_listed(&house.config.cors_origins, origin));
    let Some(origin) = origin.cloned() else {
        let mut answer = next.run(request).await;
        if !house.config.cors_origins.is_empty() {
            vary(answer.headers_mut());
        }
        return answer;
    };
    let is_preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut answer = if is_preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = answer.headers_mut();
    vary(headers);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if is_preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, TAKEN);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, KEPT_SECONDS);
    } else {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
    answer
}

/// What is kept of an answer is of use to whoever comes from the same origin alone.
fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// An origin is written by browsers in one way (RFC 6454 section 6.2), and so compared as bytes; `*` lists all.
fn is_listed(listed: &[String], origin: &HeaderValue) -> bool {
    listed.iter().any(|listed| listed == "*" || listed.as_bytes() == origin.as_bytes())
}

/// Whether a text is an origin as browsers write it: scheme and authority in lower case, and no path.
pub fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return text == "*" };
    let is_authority = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'[' | b']');
    let default = if scheme == "https" { ":443" } else { ":80" };
    ["http", "https"].contains(&scheme)
        && !authority.is_empty()
        && authority.bytes().all(is_authority)
        && !authority.ends_with(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_listed_by_its_whole_spelling() {
        let listed = ["https://app.example".to_owned(), "http://localhost:5173".into()];
        let is = |text: &'static str| is_listed(&listed, &HeaderValue::from_static(text));
        assert!(is("https://app.example") && is("http://localhost:5173"));
        for other in ["http://app.example", "https://app.example.evil", "https://app.example:8443", "null", ""] {
            assert!(!is(other), "{other}");
        }
        assert!(is_listed(&["*".into()], &HeaderValue::from_static("https://anyone.example")));
        for good in ["*", "https://app.example", "http://[::1]:8080", "http://a:443"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "app.example",
            "https://",
            "https://App.example",
            "https://a/",
            "https://a:443",
            "ftp://a",
            "https://*.a",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
