//! Promised: NATS is told the same events as the feed, in their order, each once, over ends of either; and nothing waits for it.

use std::time::{Duration, Instant};

use async_nats::jetstream;
use futures_util::StreamExt;
use serde_json::Value;

use crate::support::nats::Nats;
use crate::support::{Site, clip};

const PATIENCE: Duration = Duration::from_secs(60);

/// `seq`, `kind` and `asset` of all that the feed tells.
async fn fed(site: &Site) -> Vec<Value> {
    let edge = site.origin.edge_key().to_owned();
    let page = site.get("/api/v1/events?after=0", &[("streamgate-edge-key", &edge)]).await.json();
    page["events"].as_array().unwrap().iter().map(plain).collect()
}

fn plain(event: &Value) -> Value {
    serde_json::json!([event["seq"], event["kind"], event["asset"]])
}

/// The same of all that the stream has, with the subjects held against the kinds.
async fn told(nats: &Nats) -> Vec<Value> {
    let context = jetstream::new(async_nats::connect(nats.address()).await.unwrap());
    let Ok(stream) = context.get_stream("STREAMGATE_EVENTS").await else { return Vec::new() };
    let state = stream.get_info().await.unwrap().state;
    let mut all = Vec::new();
    if state.messages == 0 {
        return all;
    }
    for sequence in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let event: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(message.subject.as_str(), format!("streamgate.events.{}", event["kind"].as_str().unwrap()));
        all.push(plain(&event));
    }
    all
}

/// Until the stream has what the feed has, which is at least so much.
async fn until_told(site: &Site, nats: &Nats, at_least: usize) -> usize {
    let begun = Instant::now();
    loop {
        let (fed, told) = (fed(site).await, told(nats).await);
        assert!(told.len() <= fed.len() && fed[..told.len()] == told[..], "{told:?}, not {fed:?}");
        if told.len() == fed.len() && fed.len() >= at_least {
            return fed.len();
        }
        assert!(begun.elapsed() < PATIENCE, "{} of {} are told", told.len(), fed.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_is_the_feed_over_ends_of_either() {
    let mut nats = Nats::planned();
    let site = Site::start(|config| config.nats = Some(nats.address().parse().unwrap())).await;
    let standing = async |site: &Site| {
        let ready = site.get("/readyz", &[]).await;
        (ready.status, ready.json()["parts"]["nats"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(standing(&site).await, (200, "away".into()));
    // It is not there: the work goes on.
    let begun = Instant::now();
    site.ready("").await;
    assert!(begun.elapsed() < PATIENCE);
    nats.run();
    let mut known = until_told(&site, &nats, 3).await;
    site.ready("").await;
    known = until_told(&site, &nats, known + 3).await;
    assert_eq!(standing(&site).await, (200, "ok".into()));
    nats.stop();
    site.ready("").await;
    assert_eq!(standing(&site).await, (200, "away".into()));
    nats.run();
    known = until_told(&site, &nats, known + 3).await;
    let site = site.restart().await;
    site.ready("").await;
    until_told(&site, &nats, known + 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_job_rings_everywhere() {
    let nats = Nats::start();
    let client = async_nats::connect(nats.address()).await.unwrap();
    let mut rings = client.subscribe("streamgate.jobs.*").await.unwrap();
    client.flush().await.unwrap();
    let site = Site::start(|config| config.nats = Some(nats.address().parse().unwrap())).await;
    // Whoever hears events is connected.
    until_told(&site, &nats, 0).await;
    let clip = clip(2, 160, 90);
    let begun = Instant::now();
    loop {
        site.upload("", &clip).await;
        let heard = tokio::time::timeout(Duration::from_secs(1), rings.next()).await;
        if let Ok(Some(ring)) = heard {
            assert_eq!(ring.subject.as_str(), "streamgate.jobs.ingest");
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "nobody rings");
    }
}
