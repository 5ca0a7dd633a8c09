//! Heads between the two forms: a stream's request as the head that every step of the way reads, and the head that a step wrote as an
//! answer's fields (RFC 9113 section 8).
//!
//! One parser judges both versions: what HTTP/1.1 refuses, HTTP/2 refuses by the same name.

use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, request};

use crate::http::fields::{ends_here, fields, push_line};
use crate::http::request::number;
use crate::refusal::Refusal;

/// The request as a head of HTTP/1.1. `has_body`: its stream has not ended with its fields.
pub(crate) fn of_request(parts: &request::Parts, has_body: bool) -> Result<Vec<u8>, Refusal> {
    if parts.method == Method::CONNECT {
        return Err(Refusal::Method);
    }
    let path = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    let mut head = Vec::with_capacity(512);
    for part in [parts.method.as_str(), " ", path, " HTTP/1.1\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
    push_line(&mut head, b"host", authority(parts)?);
    let mut cookies: Vec<u8> = Vec::new();
    for (name, value) in &parts.headers {
        let value = value.as_bytes();
        // Trimming would make it another field than the one that was sent (RFC 9113 section 8.2.1).
        if [value.first(), value.last()].iter().flatten().any(|b| matches!(b, b' ' | b'\t')) {
            return Err(Refusal::HeaderSyntax);
        }
        if name == COOKIE {
            if !cookies.is_empty() {
                cookies.extend_from_slice(b"; ");
            }
            cookies.extend_from_slice(value);
        } else if name != HOST {
            push_line(&mut head, name.as_str().as_bytes(), value);
        }
    }
    if !cookies.is_empty() {
        push_line(&mut head, b"cookie", &cookies);
    }
    if has_body && !parts.headers.contains_key(CONTENT_LENGTH) {
        push_line(&mut head, b"transfer-encoding", b"chunked");
    }
    head.extend_from_slice(b"\r\n");
    Ok(head)
}

/// Whom it is for: `:authority`, or the one `host`; both only when they agree (section 8.3.1).
fn authority(parts: &request::Parts) -> Result<&[u8], Refusal> {
    let mut hosts = parts.headers.get_all(HOST).iter().map(HeaderValue::as_bytes);
    let host = hosts.next();
    let told = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    if hosts.next().is_some() || told.is_some_and(|told| told.contains(&b'@')) {
        return Err(Refusal::Host);
    }
    match (told, host) {
        (Some(told), Some(host)) if !told.eq_ignore_ascii_case(host) => Err(Refusal::Host),
        (Some(told), _) => Ok(told),
        (None, Some(host)) if !host.is_empty() => Ok(host),
        (None, _) => Err(Refusal::Host),
    }
}

/// The head of an answer, and how long its body is said to be.
pub(crate) struct Answered {
    pub(crate) response: Response<()>,
    pub(crate) length: Option<u64>,
}

/// Takes the head of an answer off the front of what a step wrote. `None`: it is none.
pub(crate) fn of_answer(written: &[u8]) -> Option<(Answered, usize)> {
    let end = memchr::memmem::find(written, b"\r\n\r\n")? + 4;
    let head = &written[..end];
    let status: u16 = std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()?;
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let mut length = None;
    for (name, value) in fields(head) {
        // What is said of a connection means nothing here (section 8.2.2).
        if ends_here(name) {
            continue;
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            length = number(value);
        }
        response.headers_mut().append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some((Answered { response, length }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: http::request::Builder, has_body: bool, want: Result<&str, Refusal>) {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        let got = of_request(&parts, has_body).map(|head| String::from_utf8(head).expect("text"));
        assert_eq!(got.as_deref(), want.as_ref().map(|s| *s));
    }

    #[test]
    fn a_stream_is_written_as_a_head() {
        let get = || http::Request::get("https://h/a?b");
        check(get(), false, Ok("GET /a?b HTTP/1.1\r\nhost: h\r\n\r\n"));
        check(
            get().header("cookie", "a=b").header("x", "y").header("cookie", "c=d"),
            false,
            Ok("GET /a?b HTTP/1.1\r\nhost: h\r\nx: y\r\ncookie: a=b; c=d\r\n\r\n"),
        );
        check(get(), true, Ok("GET /a?b HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n"));
        check(
            get().header("content-length", "3"),
            true,
            Ok("GET /a?b HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\n"),
        );
        check(http::Request::get("/a").header("host", "h"), false, Ok("GET /a HTTP/1.1\r\nhost: h\r\n\r\n"));
    }

    #[test]
    fn what_could_be_meant_for_two_is_for_nobody() {
        let get = || http::Request::get("https://h/a");
        check(get().header("host", "H"), false, Ok("GET /a HTTP/1.1\r\nhost: h\r\n\r\n"));
        check(get().header("host", "other"), false, Err(Refusal::Host));
        check(get().header("host", "h").header("host", "h"), false, Err(Refusal::Host));
        check(http::Request::get("https://u@h/a"), false, Err(Refusal::Host));
        check(http::Request::get("/a"), false, Err(Refusal::Host));
        check(get().header("x", " y"), false, Err(Refusal::HeaderSyntax));
        check(http::Request::connect("h:1"), false, Err(Refusal::Method));
    }

    #[test]
    fn an_answer_says_nothing_of_a_connection() {
        let written = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nX: y\r\nContent-Length: 3\r\n\r\nabc";
        let (answered, len) = of_answer(written).expect("a head");
        assert_eq!(&written[len..], b"abc");
        assert_eq!(answered.length, Some(3));
        assert_eq!(format!("{:?}", answered.response.headers()), "{\"x\": \"y\", \"content-length\": \"3\"}");
        assert!(of_answer(b"HTTP/1.1 200 OK\r\n").is_none());
    }
}
