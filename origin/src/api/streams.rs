//! `POST /api/v1/streams`: what an edge sees playing by tokens that bound how many may at once; the answer says which of them have a
//! place (decision 0200).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use durable::UnixMs;
use durable::catalogue::{Held, Playing};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::json;
use super::problem::{Problem, Refusal};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{STREAM_LEASE_MS, STREAM_WORD_BYTES_MAX, STREAMS_A_REPORT_MAX};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StreamsReport)]
pub(super) struct Report {
    streams: Vec<One>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StreamPlaying)]
struct One {
    /// Whose.
    subject: String,
    /// What is counted together.
    class: String,
    /// As many may play at once.
    max: u32,
    /// Its own name.
    stream: String,
    /// Milliseconds since it was asked for.
    ago_ms: u32,
}

/// In the order of the report.
pub(super) async fn report(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let report: Report = json::read(&headers, body).await?;
    if report.streams.len() > STREAMS_A_REPORT_MAX {
        return Err(Refusal::BadBody.because(format!("A report has at most {STREAMS_A_REPORT_MAX} streams.")));
    }
    let is_word = |word: &str| (1..=STREAM_WORD_BYTES_MAX).contains(&word.len());
    if !report.streams.iter().all(|one| [&one.subject, &one.class, &one.stream].iter().all(|word| is_word(word))) {
        return Err(Refusal::BadBody.because(format!("A name has 1 to {STREAM_WORD_BYTES_MAX} bytes.")));
    }
    let now = now_ms();
    let playing: Vec<Playing> = report.streams.into_iter().map(|one| playing(one, now)).collect();
    let held = house.store.catalogue.hold_streams(&playing, now).await?;
    let streams: Vec<Value> = held.iter().map(shown).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "streams": streams })))
}

fn playing(one: One, now: UnixMs) -> Playing {
    let until_ms = now + STREAM_LEASE_MS - i64::from(one.ago_ms).min(STREAM_LEASE_MS);
    Playing { subject: one.subject, class: one.class, max: i64::from(one.max), stream: one.stream, until_ms }
}

fn shown(held: &Held) -> Value {
    json!({ "plays": held.plays, "is_full": held.is_full })
}
