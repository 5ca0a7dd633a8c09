//! Requests that the origin itself makes to others: bounded in time and bytes, no redirect followed, no proxy of the
//! environment used, and, where a stranger named the address, only to public addresses.
//!
//! A name is resolved here, every address that it has is looked at, and the connection goes to one that was looked at: a name
//! that changes between the two cannot lead inside. A connection that is kept is one that was checked when it was made.

mod connect;
mod reach;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::http::{Request, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

pub(crate) use connect::public_roots;
use connect::{ConnectError, Connector, Line};
pub(crate) use reach::Reach;

use crate::limits::{WEB_HEAD_BYTES_MAX, WEB_HEADERS_MAX, WEB_IDLE, WEB_IDLE_MAX};

/// Why there is no answer. What is shown is for whoever wrote the address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebError {
    /// It could not be connected to, or must not be.
    #[error("{0}")]
    Connect(ConnectError),
    /// The time is over.
    #[error("no whole answer within {} s", .0.as_secs())]
    Slow(Duration),
    /// The answer has more bytes than are read.
    #[error("the answer is above {0} bytes")]
    TooLarge(usize),
    /// It broke off, or is no HTTP.
    #[error("the exchange broke off: {0}")]
    Broken(String),
}

/// What one exchange may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// From the name's resolution to the last byte of the answer.
    pub(crate) within: Duration,
    /// Of the answer's body.
    pub(crate) body_bytes_max: usize,
}

/// A client. Cheap to clone; connections are kept for the next request to the same place.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    client: Client<Connector, Full<Bytes>>,
    connector: Connector,
}

impl Web {
    /// A client that connects to where `reach` lets it, over TLS when the scheme is https, with `roots` to verify by.
    pub(crate) fn new(reach: Reach, roots: rustls::RootCertStore) -> Self {
        let connector = Connector::new(reach, roots);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(WEB_IDLE)
            .pool_max_idle_per_host(WEB_IDLE_MAX)
            .http1_max_buf_size(WEB_HEAD_BYTES_MAX)
            .http1_max_headers(WEB_HEADERS_MAX)
            .build(connector.clone());
        Self { client, connector }
    }

    /// A connection of one's own to where an `http://` or `https://` address leads.
    pub(crate) async fn line(&self, to: Uri) -> Result<TokioIo<Line>, WebError> {
        self.connector.clone().connect(to).await.map(TokioIo::new).map_err(WebError::Connect)
    }

    /// Sends `request`, whose address is absolute, and reads the whole answer, whatever its status.
    pub(crate) async fn ask(&self, request: Request<Full<Bytes>>, bounds: Bounds) -> Result<Response<Bytes>, WebError> {
        let whole = async {
            let answer = self.client.request(request).await.map_err(failed)?;
            let (parts, body) = answer.into_parts();
            if body.size_hint().lower() > bounds.body_bytes_max as u64 {
                return Err(WebError::TooLarge(bounds.body_bytes_max));
            }
            let body = Limited::new(body, bounds.body_bytes_max).collect().await.map_err(|error| {
                if error.is::<http_body_util::LengthLimitError>() {
                    WebError::TooLarge(bounds.body_bytes_max)
                } else {
                    WebError::Broken(error.to_string())
                }
            })?;
            Ok(Response::from_parts(parts, body.to_bytes()))
        };
        tokio::time::timeout(bounds.within, whole).await.unwrap_or(Err(WebError::Slow(bounds.within)))
    }
}

/// Our own reason stands somewhere below the library's.
fn failed(error: hyper_util::client::legacy::Error) -> WebError {
    let mut below: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    let mut last = String::new();
    while let Some(error) = below {
        if let Some(error) = error.downcast_ref::<ConnectError>() {
            return WebError::Connect(error.clone());
        }
        last = error.to_string();
        below = error.source();
    }
    WebError::Broken(last)
}
