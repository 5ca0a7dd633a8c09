//! HTTP/2 towards clients (RFC 9113): by ALPN over TLS, by prior knowledge in the clear.
//!
//! The `h2` library speaks it over [`rt::duplex`]; each stream is a task, whose request is written as a head of HTTP/1.1 and goes the way
//! that every request goes (`flow/`), on a [`Conn`] whose wire is a [`channel::Channel`]. See decision 0074.
//!
//! - [`watch`]: the client's frames as they come, and which are too many.
//! - [`head`]: requests and answers between the two forms. [`channel`]: a stream's two directions.
//! - [`session`]: what the streams of one connection share: their number, and its deadlines.

pub(crate) mod channel;
pub(crate) mod head;
mod session;
pub(crate) mod watch;

use std::future::pending;
use std::rc::Rc;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use http::header::CONTENT_LENGTH;
use http::{Method, Request};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::flow::accept::{self, Conn, Gone, taken};
use crate::limits::{
    HTTP2_HEADER_LIST_BYTES_MAX, HTTP2_LOCAL_RESETS_MAX, HTTP2_PENDING_RESETS_MAX, HTTP2_SEND_BYTES, HTTP2_STREAMS_MAX,
    HTTP2_WINDOW_BYTES,
};
use crate::refusal::Refusal;
use crate::rt::{self, duplex};
use crate::shard::Shard;
use crate::shard::wire::Wire;
use channel::Channel;
use session::Session;
use watch::{Watch, Wrong};

/// Serves a connection that speaks HTTP/2, to its end in good order. What has come behind a PROXY header, or was looked at, is in `input`.
pub(crate) async fn serve(shard: &Rc<Shard>, conn: &mut Conn) -> Result<(), Gone> {
    let Some(stream) = conn.line.stream.socket() else { return Err(Gone) };
    shard.counters.http2_connections.add(1);
    let early = conn.input.split_off(conn.at);
    (conn.input, conn.at) = (Vec::new(), 0);
    let session = Rc::new(Session::new(conn, &shard.config().limits));
    let (ours, pipes) = duplex(early);
    let mut watch = Watch::new(rt::now());
    let seen = |bytes: &[u8]| {
        if session.has_failed() {
            return;
        }
        if let Err(wrong) = watch.take(bytes, rt::now()) {
            if wrong == Wrong::Flood {
                shard.counters.refused(Refusal::Flood);
            }
            session.fail(wrong);
        }
        session.coming_since(watch.since_ms());
    };
    let sent = {
        let carried =
            async { tokio::join!(carry(shard, &session, ours), pipes.pump_out(stream, |len| session.sending(len))).1 };
        let received = async {
            pipes.pump_in(stream, seen).await;
            pending::<()>().await;
        };
        tokio::select! {
            sent = carried => sent,
            () = received => Ok(()),
        }
    };
    conn.line.not_due();
    taken(shard, conn, sent)
}

/// Takes streams until the connection has ended.
async fn carry(shard: &Rc<Shard>, session: &Rc<Session>, ours: impl AsyncRead + AsyncWrite + Unpin) {
    let mut library = match server().handshake::<_, Bytes>(ours).await {
        Ok(library) => library,
        Err(error) => return tracing::debug!(peer = %session.peer, %error, "no HTTP/2"),
    };
    loop {
        let next = tokio::select! {
            biased;
            wrong = session.failed() => {
                library.abrupt_shutdown(match wrong {
                    Wrong::Flood => Reason::ENHANCE_YOUR_CALM,
                    Wrong::Size => Reason::FRAME_SIZE_ERROR,
                    Wrong::Window => Reason::FLOW_CONTROL_ERROR,
                });
                continue;
            }
            () = session.leave() => {
                library.graceful_shutdown();
                continue;
            }
            next = library.accept() => next,
        };
        match next {
            Some(Ok((request, respond))) => {
                session.begin();
                rt::spawn(stream(shard.clone(), session.clone(), request, respond));
                // Whoever opens a hundred streams at once lets others have their turn in between.
                rt::pause().await;
            }
            Some(Err(error)) => {
                shard.counters.http2_errors.add(1);
                return tracing::debug!(peer = %session.peer, %error, "an HTTP/2 connection ends");
            }
            None => return,
        }
    }
}

/// The library, with our bounds.
pub(crate) fn server() -> server::Builder {
    let mut builder = server::Builder::new();
    builder
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HTTP2_HEADER_LIST_BYTES_MAX)
        .initial_window_size(HTTP2_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_WINDOW_BYTES)
        .max_send_buffer_size(HTTP2_SEND_BYTES)
        .max_local_error_reset_streams(Some(HTTP2_LOCAL_RESETS_MAX))
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX);
    builder
}

/// Answers the request of one stream.
async fn stream(shard: Rc<Shard>, session: Rc<Session>, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
    let (parts, body) = request.into_parts();
    let has_body = !body.is_end_stream();
    let chunked = has_body && !parts.headers.contains_key(CONTENT_LENGTH);
    let head = head::of_request(&parts, has_body);
    let channel = Rc::new(Channel::new(session.line(), respond, body, parts.method == Method::HEAD, chunked));
    drop(parts);
    let mut conn = session.conn(shard.list(Wire::Channel(channel.clone())));
    shard.counters.requests.add(1);
    shard.counters.http2_requests.add(1);
    let answered = tokio::select! {
        biased;
        // First: what was taken back, or reset for its errors, with the frame behind it is not begun.
        () = channel.unwanted() => {
            shard.counters.http2_cancelled.add(1);
            Err(Gone)
        }
        answered = accept::stream(&shard, &mut conn, head) => answered,
    };
    match answered {
        Ok(()) => channel.finish(),
        Err(Gone) => channel.break_off(),
    }
    drop(conn);
    session.end();
}
