//! `GET /api/v1/events?after=SEQ`: what has happened since, oldest first, for edges. Waits a moment for something to happen.
//! With `Accept: text/event-stream` a stream for people's programs (`stream.rs`). `docs/formats/events.md`.

mod stream;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use durable::catalogue::{Event, TakenWhole};
use durable::{StoreError, UnixMs};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::json;
use super::problem::Problem;
use crate::clock::now_ms;
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
            return Ok(page(&house, &[], last, false, Some(&now_taken(&house).await?)));
        };
        // Events that were let go of, or a catalogue that knows fewer than the edge: nobody can say what happened.
        let is_gap = after > last || after + 1 < oldest;
        let events = if is_gap { Vec::new() } else { catalogue.events_after(after, EVENTS_A_PAGE).await? };
        if is_gap || !events.is_empty() || Instant::now() >= until {
            let last = events.last().map_or(if is_gap { last } else { after }, |event| event.seq);
            let taken = if is_gap { Some(now_taken(&house).await?) } else { None };
            return Ok(page(&house, &events, last, is_gap, taken.as_ref()));
        }
        sleep(EVENTS_LOOK).await;
    }
}

/// Everything that is taken back at the moment.
struct Taken {
    tokens: Vec<(String, UnixMs)>,
    wholes: Vec<TakenWhole>,
}

async fn now_taken(house: &House) -> Result<Taken, StoreError> {
    let (catalogue, now) = (&house.store.catalogue, now_ms());
    Ok(Taken { tokens: catalogue.revoked_grants(now).await?, wholes: catalogue.taken_back(now).await? })
}

/// `taken`: for an edge that does not know what came before.
fn page(house: &House, events: &[Event], last: i64, is_gap: bool, taken: Option<&Taken>) -> Response {
    let events: Vec<_> = events.iter().map(shown).collect();
    // A shared secret is the operator's to hand over: whoever reads events could sign with it.
    let keys = house.keys.verification_keys();
    let keys: Vec<_> = keys.keys().iter().filter(|key| !key.is_secret()).map(ToString::to_string).collect();
    let mut value = json!({ "events": events, "last": last, "gap": is_gap, "keys": keys });
    if let Some(Taken { tokens, wholes }) = taken {
        let one = |(cti, expires_ms): &(String, UnixMs)| json!({ "cti": cti, "until_s": expires_ms / 1000 + 1 });
        value["revoked"] = tokens.iter().map(one).collect();
        let whole = |one: &TakenWhole| json!({ (one.kind.as_str()): one.name, "made_by_s": one.made_ms / 1000, "until_s": one.until_ms / 1000 });
        value["revoked_wholes"] = wholes.iter().map(whole).collect();
    }
    json::answer(StatusCode::OK, &value)
}

/// What an event says of itself, and what its body says.
fn shown(event: &Event) -> Value {
    let mut value: Value = serde_json::from_str(&event.body).ok().filter(Value::is_object).unwrap_or_else(|| json!({}));
    value["seq"] = event.seq.into();
    value["kind"] = event.kind.as_str().into();
    value["asset"] = event.asset.as_str().into();
    value["at_ms"] = event.at_ms.into();
    value
}
