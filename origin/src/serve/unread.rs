//! A request that is answered before its body was taken: the connection cannot be used again (RFC 9112 section 9.3), and the answer says
//! so, or a client would send its next request into a connection that closes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, header};
use axum::response::Response;
use hyper::body::{Frame, Incoming, SizeHint};

/// Whether a body was taken to its end; `None`: there is none.
#[derive(Debug, Clone)]
pub(super) struct Taken(Option<Arc<AtomicBool>>);

/// A body that marks its end.
struct Watched {
    body: Incoming,
    is_taken: Arc<AtomicBool>,
}

/// The request, and what will tell whether its body was taken.
pub(super) fn watched(request: Request<Incoming>) -> (Request<Body>, Taken) {
    if hyper::body::Body::is_end_stream(request.body()) {
        return (request.map(|_| Body::empty()), Taken(None));
    }
    let is_taken = Arc::<AtomicBool>::default();
    let taken = Taken(Some(is_taken.clone()));
    (request.map(|body| Body::new(Watched { body, is_taken })), taken)
}

impl Taken {
    /// Says in an answer of HTTP/1 that it is the last one when bytes are left that nobody took.
    pub(super) fn told(&self, answer: &mut Response) {
        if self.0.as_ref().is_some_and(|taken| !taken.load(Ordering::Acquire)) {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.is_taken.store(true, Ordering::Release);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
