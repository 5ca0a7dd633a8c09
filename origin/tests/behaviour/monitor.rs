//! Promised: events can be followed as a stream and gone on with; operators see how the place is, and can have edges drop what they
//! keep.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Site, http};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Follows until the text has all of these.
async fn until(stream: &mut TcpStream, words: &[&str]) -> String {
    let mut text = String::new();
    let mut piece = vec![0; 4096];
    while !words.iter().all(|word| text.contains(word)) {
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut piece)).await.expect(&text).unwrap();
        assert!(read > 0, "the stream ended: {text}");
        text += std::str::from_utf8(&piece[..read]).unwrap();
    }
    text
}

async fn follow(site: &Site, last: &str) -> TcpStream {
    let key = format!("Bearer {}", site.origin.api_key());
    let mut headers = vec![("authorization", key.as_str()), ("accept", "text/event-stream")];
    if !last.is_empty() {
        headers.push(("last-event-id", last));
    }
    http::send_head(site.origin.addr(), "GET", "/api/v1/events", &headers).await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_streamed_and_gone_on_with_by_their_number() {
    let site = Site::start(|_| {}).await;
    let mut live = follow(&site, "").await;
    until(&mut live, &["text/event-stream", ": hello"]).await;
    let id = site.upload("", b"no video").await;
    site.settled(&id).await;
    let text = until(&mut live, &["event: asset.created", "event: asset.failed", &id]).await;
    let number = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(live);
    let mut again = follow(&site, &number).await;
    let rest = until(&mut again, &["event: asset.failed"]).await;
    assert!(!rest.contains("asset.created"), "{rest}");
    let mut ahead = follow(&site, "99999").await;
    until(&mut ahead, &["event: gap"]).await;
    // A stream does not hold up the end.
    let begun = std::time::Instant::now();
    let _site = site.restart().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_how_the_place_is() {
    let site = Site::start(|_| {}).await;
    let health = site.api("GET", "/api/v1/monitor/health", b"").await.json();
    assert_eq!((&health["status"], &health["catalogue"]), (&"ok".into(), &"ok".into()));
    assert!(health["objects"]["free_bytes"].as_u64() > Some(0));
    let metrics = site.api("GET", "/api/v1/monitor/metrics", b"").await.text();
    assert!(metrics.contains("streamgate_origin_http_answers_total"));
    let codes = async || {
        let alerts = site.api("GET", "/api/v1/monitor/alerts", b"").await.json();
        let items = alerts["items"].as_array().unwrap().clone();
        items.iter().map(|alert| alert["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(!codes().await.contains(&"dead_jobs".to_owned()));
    let id = site.upload("", b"no video").await;
    site.settled(&id).await;
    assert!(codes().await.contains(&"dead_jobs".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_is_an_event_for_edges() {
    let site = Site::start(|_| {}).await;
    let id = site.upload("", b"no video").await;
    site.settled(&id).await;
    let edge = site.origin.edge_key().to_owned();
    let last = site.get("/api/v1/events", &[("streamgate-edge-key", &edge)]).await.json()["last"].as_i64().unwrap();
    let body = json!({ "asset": id }).to_string();
    assert_eq!(site.api("POST", "/api/v1/cache/purge", body.as_bytes()).await.status, 202);
    let page = site.get(&format!("/api/v1/events?after={last}"), &[("streamgate-edge-key", &edge)]).await.json();
    let events = page["events"].as_array().unwrap();
    assert_eq!((events.len(), &events[0]["kind"], &events[0]["asset"]), (1, &"cache.purge".into(), &json!(id)));
    assert_eq!(events[0]["tag"], format!("asset-{id}"), "as edges understand it");
    let nobody = site.api("POST", "/api/v1/cache/purge", br#"{"asset":"nobody"}"#).await;
    assert_eq!(nobody.problem(), (404, "unknown_asset".into()));
}

/// What Prometheus itself says of the metrics; nothing, when all is well.
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_has_nothing_against_the_metrics() {
    let site = Site::start(|_| {}).await;
    let id = site.upload("", b"no video").await;
    site.settled(&id).await;
    let text = site.api("GET", "/metrics", b"").await.text();
    let mut command = Command::new("promtool");
    let piped = command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = piped.spawn().expect("promtool is there (make setup-test)");
    tool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = tool.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].concat();
    assert!(said.status.success() && words.is_empty(), "{}", String::from_utf8_lossy(&words));
}
