//! The listener and its connections: bounded in number, with a time limit for heads, drained at the end. Each answer gets
//! its request id here.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::house::House;
use crate::limits::{CONNECTIONS_MAX, HEAD_TIMEOUT};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Accepts until `stop` turns true, then answers what has been asked. The caller bounds how long.
pub(crate) async fn serve(listener: TcpListener, router: Router, house: Arc<House>, mut stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let permit = permits.clone().acquire_owned().await.expect("nobody closes the semaphore");
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
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
            connection(stream, router, house, stop).await;
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, router: Router, house: Arc<House>, mut stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(router);
    let service = service_fn(|request: Request<Incoming>| {
        let (answer, house) = (routes.call(request), house.clone());
        async move {
            let Ok(answer) = answer.await;
            Ok::<_, Infallible>(signed(answer, &house))
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
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
