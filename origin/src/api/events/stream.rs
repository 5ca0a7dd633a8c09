//! The events as Server-Sent Events (HTML, section 9.2): `id` is the number, so that a client which lost its connection goes on
//! by `Last-Event-ID`. After a gap one event `gap` says that something was missed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use durable::StoreError;
use durable::catalogue::Event;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep};

use crate::api::problem::{Problem, Refusal};
use crate::house::House;
use crate::limits::{EVENTS_A_PAGE, STREAM_BEAT, STREAM_LOOK};

struct Follower {
    house: Arc<House>,
    after: i64,
    told: Instant,
    _permit: OwnedSemaphorePermit,
}

/// Streams what happens after `after`, or from now on.
pub(super) async fn follow(house: Arc<House>, after: Option<i64>) -> Result<Response, Problem> {
    let full = |_| Refusal::TooManyStreams.because("As many follow the events as may. Try again in a moment.");
    let permit = house.streams.clone().try_acquire_owned().map_err(full)?;
    let (oldest, last) = house.store.catalogue.event_bounds().await?;
    let after = after.unwrap_or(last);
    let is_gap = after > last || after + 1 < oldest;
    let first = if is_gap { format!("event: gap\nid: {last}\ndata: {{}}\n\n") } else { ": hello\n\n".into() };
    let after = if is_gap { last } else { after };
    let follower = Follower { house, after, told: Instant::now(), _permit: permit };
    let rest = futures_util::stream::unfold(follower, |mut follower| async {
        let next = follower.next().await.transpose()?;
        Some((next, follower))
    });
    let first = futures_util::stream::once(async move { Ok::<_, StoreError>(Bytes::from(first)) });
    let body = Body::from_stream(futures_util::StreamExt::chain(first, rest));
    let mut response = (StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would keep events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

impl Follower {
    /// The next piece of the stream; `None` when the process ends.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while !self.house.ending.load(Ordering::Relaxed) {
            let events = self.house.store.catalogue.events_after(self.after, EVENTS_A_PAGE).await?;
            if let Some(last) = events.last() {
                (self.after, self.told) = (last.seq, Instant::now());
                return Ok(Some(events.iter().map(written).collect::<String>().into()));
            }
            if self.told.elapsed() >= STREAM_BEAT {
                self.told = Instant::now();
                return Ok(Some(Bytes::from_static(b": beat\n\n")));
            }
            sleep(STREAM_LOOK).await;
        }
        Ok(None)
    }
}

fn written(event: &Event) -> String {
    let data = serde_json::json!({ "asset": event.asset, "at_ms": event.at_ms });
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.kind)
}
