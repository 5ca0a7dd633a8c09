//! The listener and its connections: bounded in number, with a time limit for heads, drained at the end. Each answer gets
//! its request id here.

mod unread;

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::access::Peer;
use crate::house::House;
use crate::limits::{
    CONNECTIONS_MAX, H2_HEAD_BYTES_MAX, H2_PING, H2_PONG, H2_RESETS_MAX, H2_STREAM_WINDOW, H2_STREAMS_MAX, H2_WINDOW,
    HEAD_TIMEOUT, LINGER, PREFACE_LOOK,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Accepts until `stop` turns true, then answers what has been asked. The caller bounds how long.
pub(crate) async fn serve(listener: TcpListener, router: Router, house: Arc<House>, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let permit = permits.clone().acquire_owned().await.expect("nobody closes the semaphore");
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => (stream, peer.ip()),
                Err(error) => {
                    // Out of descriptors, most likely: breathe instead of spinning.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = told(&mut stop) => break,
        };
        let (router, house, stop) = (router.clone(), house.clone(), stop.clone());
        connections.spawn(async move {
            connection(stream, peer, router, house, stop).await;
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    peer: IpAddr,
    router: Router,
    house: Arc<House>,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let begins = tokio::select! {
        biased;
        begins = tokio::time::timeout(HEAD_TIMEOUT, begins_with_http2(&stream)) => begins,
        // It has asked for nothing.
        () = told(&mut stop) => return,
    };
    let Ok(Some(is_http2)) = begins else { return };
    let routes = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let client = Peer::of(peer, request.headers(), &house.config.trusted_proxies);
        request.extensions_mut().insert(client);
        let (request, taken) = unread::watched(request);
        let (answer, house) = (routes.call(request), house.clone());
        Box::pin(async move {
            let Ok(mut answer) = answer.await;
            if !is_http2 {
                taken.told(&mut answer);
            }
            Ok::<_, Infallible>(signed(answer, &house))
        })
    });
    if is_http2 {
        return connection_http2(stream, service, stop).await;
    }
    let mut serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        served = poll_fn(|cx| serving.poll_without_shutdown(cx)) => served,
        () = told(&mut stop) => {
            std::pin::Pin::new(&mut serving).graceful_shutdown();
            poll_fn(|cx| serving.poll_without_shutdown(cx)).await
        }
    };
    match served {
        Ok(()) => linger(serving.into_parts().io.into_inner()).await,
        Err(error) => tracing::debug!(%error, "a connection ended early"),
    }
}

/// HTTP/2 by prior knowledge (RFC 9113 section 3.3), as gRPC speaks it.
async fn connection_http2<S>(stream: TcpStream, service: S, mut stop: watch::Receiver<bool>)
where
    S: HttpService<Incoming, ResBody = Body, Error = Infallible, Future: Send + 'static>,
{
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(H2_STREAMS_MAX)
        .max_header_list_size(H2_HEAD_BYTES_MAX)
        .max_pending_accept_reset_streams(H2_RESETS_MAX)
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_WINDOW)
        .keep_alive_interval(H2_PING)
        .keep_alive_timeout(H2_PONG)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    let served = tokio::select! {
        served = serving.as_mut() => served,
        () = told(&mut stop) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Whether what comes is HTTP/2's preface: no method of HTTP/1 is called PRI. `None`: nothing comes any more.
async fn begins_with_http2(stream: &TcpStream) -> Option<bool> {
    let mut first = [0; 4];
    loop {
        match stream.peek(&mut first).await {
            Ok(0) | Err(_) => return None,
            Ok(n) if first[..n] != b"PRI "[..n] => return Some(false),
            Ok(4) => return Some(true),
            // Whoever sends the preface in crumbs: the socket stays readable, so it is looked at again a little later.
            Ok(_) => tokio::time::sleep(PREFACE_LOOK).await,
        }
    }
}

/// A client that was refused may still be sending. Closing now would reset the connection, and the reset overtakes the
/// answer; so the rest is read and forgotten for a while.
async fn linger(mut stream: TcpStream) {
    let forget = async {
        let mut rest = vec![0; 64 << 10];
        let _ = stream.shutdown().await;
        while matches!(stream.read(&mut rest).await, Ok(1..)) {}
    };
    let _ = tokio::time::timeout(LINGER, forget).await;
}

/// Returns when the end was asked for, or whoever could ask is gone.
async fn told(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn signed(mut answer: Response, house: &House) -> Response {
    house.counters.answer(answer.status().as_u16());
    let mut id = [0; 8];
    // Without random numbers the id is all zeros, which says so.
    let _ = getrandom::fill(&mut id);
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    if answer.status().is_server_error() {
        tracing::warn!(request_id = id, status = answer.status().as_u16(), "answered with an error");
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}
