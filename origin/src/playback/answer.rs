//! From an opened body to an HTTP answer: 304, 206, 416 or 200.

use std::fs::File;
use std::io::SeekFrom;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use durable::{ObjectId, Objects, StoreError};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::conditional;
use super::range::{Ranged, range};
use crate::api::problem::{Problem, Refusal};
use crate::limits::READ_PIECE_BYTES;

/// What an address leads to.
pub(super) struct Body {
    /// Hash of the bytes: the strong entity tag (RFC 9110 section 8.8.3).
    pub(super) etag: ObjectId,
    pub(super) content_type: &'static str,
    pub(super) cache_control: &'static str,
    pub(super) length: u64,
    pub(super) stream: Bytestream,
}

pub(super) enum Bytestream {
    Memory(Bytes),
    File(File),
    /// Read where it is.
    Remote(Objects, ObjectId),
}

/// Answers a GET; for a HEAD the server leaves the body away.
pub(super) async fn answer(body: Body, asked: &HeaderMap) -> Response {
    // Half of the hash is plenty to tell two versions apart, and shorter in every cache's index.
    let etag = format!("\"{}\"", &body.etag.to_string()[..32]);
    if conditional::not_modified(asked, &etag) {
        return with_head(StatusCode::NOT_MODIFIED.into_response(), &body, &etag);
    }
    let ranged = if conditional::range_applies(asked, &etag) { range(asked, body.length) } else { Ranged::Whole };
    let (status, first, length) = match ranged {
        Ranged::Whole => (StatusCode::OK, 0, body.length),
        Ranged::Part { first, length } => (StatusCode::PARTIAL_CONTENT, first, length),
        Ranged::Outside => {
            let detail = format!("The object has {} bytes.", body.length);
            let mut response = Refusal::BadRange.because(detail).into_response();
            insert(&mut response, header::CONTENT_RANGE, &format!("bytes */{}", body.length));
            return response;
        }
    };
    let total = body.length;
    let (etag_body, content_type, cache_control) = (body.etag, body.content_type, body.cache_control);
    let stream = match part(body.stream, first, length).await {
        Ok(stream) => stream,
        Err(error) => return Problem::from(error).into_response(),
    };
    let mut response = (status, stream).into_response();
    insert(&mut response, header::CONTENT_LENGTH, &length.to_string());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first + length - 1;
        insert(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{total}"));
    }
    let head =
        Body { etag: etag_body, content_type, cache_control, length: total, stream: Bytestream::Memory(Bytes::new()) };
    with_head(response, &head, &etag)
}

async fn part(stream: Bytestream, first: u64, length: u64) -> Result<axum::body::Body, StoreError> {
    match stream {
        Bytestream::Memory(bytes) => {
            let (from, to) = (first as usize, (first + length) as usize);
            Ok(axum::body::Body::from(bytes.slice(from..to)))
        }
        Bytestream::File(file) => {
            let mut file = tokio::fs::File::from_std(file);
            file.set_max_buf_size(READ_PIECE_BYTES);
            if first > 0 {
                let sought = file.seek(SeekFrom::Start(first)).await;
                sought.map_err(|e| StoreError::Damaged(format!("an object cannot be sought in: {e}")))?;
            }
            let stream = ReaderStream::with_capacity(file.take(length), READ_PIECE_BYTES);
            Ok(axum::body::Body::from_stream(stream))
        }
        Bytestream::Remote(objects, id) => {
            Ok(axum::body::Body::from_stream(objects.stream(id, first..first + length).await?))
        }
    }
}

fn with_head(mut response: Response, body: &Body, etag: &str) -> Response {
    insert(&mut response, header::ETAG, etag);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(body.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(body.cache_control));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

fn insert(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
