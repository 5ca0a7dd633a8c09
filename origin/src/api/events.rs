//! `GET /api/v1/events?after=SEQ`: what has happened since, oldest first, for edges. Waits a moment for something to happen.
//! With `Accept: text/event-stream` a stream for people's programs (`stream.rs`). `docs/formats/events.md`.

mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::json;
use super::problem::Problem;
use crate::house::House;
use crate::limits::{EVENTS_A_PAGE, EVENTS_LOOK, EVENTS_WAIT};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Number of the last event that is known; without it the answer says which the last one is.
    after: Option<i64>,
}

pub(super) async fn events(State(house): State<Arc<House>>, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let asked: Asked = json::query(&uri)?;
    let wanted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if wanted.split(',').any(|kind| kind.trim().starts_with("text/event-stream")) {
        let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
        return stream::follow(house, last.or(asked.after)).await;
    }
    let catalogue = &house.store.catalogue;
    let until = Instant::now() + EVENTS_WAIT;
    loop {
        let (oldest, last) = catalogue.event_bounds().await?;
        let Some(after) = asked.after else {
            return Ok(page(&[], last, false));
        };
        // Events that were let go of, or a catalogue that knows fewer than the edge: nobody can say what happened.
        let is_gap = after > last || after + 1 < oldest;
        let events = if is_gap { Vec::new() } else { catalogue.events_after(after, EVENTS_A_PAGE).await? };
        if is_gap || !events.is_empty() || Instant::now() >= until {
            let last = events.last().map_or(if is_gap { last } else { after }, |event| event.seq);
            return Ok(page(&events, last, is_gap));
        }
        sleep(EVENTS_LOOK).await;
    }
}

fn page(events: &[durable::catalogue::Event], last: i64, is_gap: bool) -> Response {
    let events: Vec<_> =
        events.iter().map(|e| json!({ "seq": e.seq, "kind": e.kind, "asset": e.asset, "at_ms": e.at_ms })).collect();
    json::answer(StatusCode::OK, &json!({ "events": events, "last": last, "gap": is_gap }))
}
