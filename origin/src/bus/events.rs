//! The outbox, told to JetStream. The stream itself says how far: its last message is the last event that was told. Each is published
//! only as the next one after that, so that several processes on one catalogue tell each event once, in order.

use async_nats::Client;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context};
use durable::catalogue::Event;
use serde_json::{Value, json};

use crate::house::House;
use crate::limits::{BUS_AGAIN, BUS_LOOK, BUS_STREAM_EVENTS, EVENTS_A_PAGE};

const STREAM: &str = "STREAMGATE_EVENTS";
const SUBJECTS: &str = "streamgate.events.>";

/// Why telling was cut short. What was not told is told later.
#[derive(Debug, thiserror::Error)]
enum Cut {
    #[error("NATS: {0}")]
    Nats(String),
    #[error("the catalogue: {0}")]
    Store(#[from] durable::StoreError),
    #[error("another process told it")]
    Another,
}

/// Tells what happens, for ever.
pub(super) async fn tell(house: &House, client: &Client) {
    let context = jetstream::new(client.clone());
    let mut is_cut = false;
    loop {
        match follow(house, &context, &mut is_cut).await {
            Cut::Another => continue,
            error if !is_cut => tracing::warn!(%error, "events are not told to NATS until it does"),
            _ => {}
        }
        is_cut = true;
        tokio::time::sleep(BUS_AGAIN).await;
    }
}

async fn follow(house: &House, context: &Context, was_cut: &mut bool) -> Cut {
    match followed(house, context, was_cut).await {
        Err(cut) => cut,
        Ok(never) => match never {},
    }
}

async fn followed(house: &House, context: &Context, was_cut: &mut bool) -> Result<std::convert::Infallible, Cut> {
    let catalogue = &house.store.catalogue;
    let (mut place, told) = standing(context).await?;
    let (oldest, last) = catalogue.event_bounds().await?;
    let mut after = match told {
        None => oldest.max(1) - 1,
        Some(told) if told <= last => told,
        Some(told) => {
            tracing::warn!(told, last, "the stream is of another catalogue: events are told from here on");
            last
        }
    };
    if std::mem::take(was_cut) {
        tracing::info!(after, "events are told to NATS again");
    }
    loop {
        let events = catalogue.events_after(after, EVENTS_A_PAGE).await?;
        let (oldest, _) = catalogue.event_bounds().await?;
        if after + 1 < oldest {
            // Let go of before they could be told.
            let gap = json!({ "seq": oldest - 1, "kind": "gap", "asset": null, "at_ms": null });
            place = publish(context, "gap", &gap, place).await?;
            after = oldest - 1;
            continue;
        }
        for event in &events {
            place = publish(context, &event.kind, &shown(event), place).await?;
            after = event.seq;
        }
        if events.is_empty() {
            tokio::time::sleep(BUS_LOOK).await;
        }
    }
}

/// The stream's last number, and the number of the last event in it.
async fn standing(context: &Context) -> Result<(u64, Option<i64>), Cut> {
    let config = Config {
        name: STREAM.into(),
        subjects: vec![SUBJECTS.into()],
        // By number, not by age: the last message says how far was told.
        max_messages: BUS_STREAM_EVENTS,
        ..Config::default()
    };
    let stream = context.get_or_create_stream(config).await.map_err(nats)?;
    let state = stream.get_info().await.map_err(nats)?.state;
    if state.messages == 0 {
        return Ok((state.last_sequence, None));
    }
    let message = stream.get_raw_message(state.last_sequence).await.map_err(nats)?;
    let value: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
    Ok((state.last_sequence, value["seq"].as_i64()))
}

/// Publishes what comes after `place`; its place.
async fn publish(context: &Context, kind: &str, value: &Value, place: u64) -> Result<u64, Cut> {
    let message = PublishMessage::build().payload(value.to_string().into()).expected_last_sequence(place);
    let sent = context.send_publish(format!("streamgate.events.{kind}"), message).await.map_err(nats)?;
    match sent.await {
        Ok(ack) => Ok(ack.sequence),
        Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Err(Cut::Another),
        Err(error) => Err(nats(error)),
    }
}

fn shown(event: &Event) -> Value {
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    json!({ "seq": event.seq, "kind": event.kind, "asset": event.asset, "at_ms": event.at_ms, "body": body })
}

fn nats(error: impl std::fmt::Display) -> Cut {
    Cut::Nats(error.to_string())
}
