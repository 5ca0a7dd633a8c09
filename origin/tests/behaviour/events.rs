//! Promised: an edge learns in order what has happened since it last asked, at once, and is told when it has missed something.

use std::time::{Duration, Instant};

use crate::support::Site;
use serde_json::Value;

async fn ask(site: &Site, query: &str) -> Value {
    let key = site.origin.edge_key().to_owned();
    let answer = site.get(&format!("/api/v1/events{query}"), &[("streamgate-edge-key", &key)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn changes_come_in_order_and_only_once() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let last = ask(&site, "").await["last"].as_i64().unwrap();
    assert!(last > 0);
    let quiet = ask(&site, &format!("?after={last}")).await;
    assert_eq!((quiet["last"].as_i64(), quiet["events"].as_array().unwrap().len()), (Some(last), 0));
    let changed = site.api("POST", &format!("/api/v1/content/{id}"), b"{\"visibility\":\"gated\"}").await;
    assert_eq!(changed.status, 200);
    site.api("DELETE", &format!("/api/v1/content/{id}"), b"").await;
    let begun = Instant::now();
    let page = ask(&site, &format!("?after={last}")).await;
    assert!(begun.elapsed() < Duration::from_millis(400), "what is there is told at once");
    let kinds: Vec<_> = page["events"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["asset.updated", "asset.deleted"]);
    assert_eq!((page["gap"].as_bool(), page["last"].as_i64()), (Some(false), Some(last + 2)));
    let ahead = ask(&site, &format!("?after={}", last + 99)).await;
    assert_eq!(ahead["gap"].as_bool(), Some(true), "a catalogue that knows less than the edge was replaced");
}

/// Public keys are told; of a shared secret nobody hears by it.
#[tokio::test]
async fn who_reads_events_cannot_sign() {
    let file = |config: &mut origin::Config, text: &str| {
        std::fs::create_dir_all(config.data.join("keys")).unwrap();
        std::fs::write(config.data.join("keys/token.key"), text).unwrap();
    };
    let secret = format!("hs256-secret:shared:{}", "A".repeat(43));
    let (one, other) =
        (format!("ed25519-private:one:{}", "A".repeat(43)), format!("es256-private:other:{}E", "A".repeat(42)));
    let site = Site::start(|config| file(config, &format!("{secret}\n{one}\n{other}\n"))).await;
    for query in ["", "?after=0"] {
        let page = ask(&site, query).await;
        let told: Vec<&str> = page["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        assert!(
            matches!(told[..], [one, other] if one.starts_with("ed25519:one:") && other.starts_with("es256:other:")),
            "{told:?}"
        );
        assert!(!page.to_string().contains(&"A".repeat(43)), "{page}");
    }
}

#[tokio::test]
async fn events_are_for_edges() {
    let site = Site::start(|_| {}).await;
    assert_eq!(site.get("/api/v1/events", &[]).await.status, 401);
    assert_eq!(site.get("/api/v1/events", &[("streamgate-edge-key", "x")]).await.status, 403);
}
