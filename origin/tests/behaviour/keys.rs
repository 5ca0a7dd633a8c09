//! Promised: a key is shown once and kept as a hash, is of use until it is revoked or ends and not a request longer, and an
//! upload belongs to the owner of its key.

use std::time::{Duration, Instant};

use crate::support::Site;

async fn make(site: &Site, body: &str) -> serde_json::Value {
    let answer = site.api("POST", "/api/v1/keys", body.as_bytes()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let json = answer.json();
    assert_eq!(answer.header("location"), format!("/api/v1/keys/{}", json["id"].as_str().unwrap()));
    json
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_and_at_rest_only_its_hash_is() {
    let site = Site::start(|_| {}).await;
    let made = make(&site, r#"{"name":"back end","role":"creator","owner":"shop"}"#).await;
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let secret = &key[key.len() - 40..];
    let list = site.api("GET", "/api/v1/keys", b"").await.text();
    assert!(list.contains(id) && list.contains("back end") && !list.contains(secret), "{list}");
    assert!(!site.api("GET", &format!("/api/v1/keys/{id}"), b"").await.text().contains(secret));
    assert_eq!(site.with(key, "GET", "/api/v1/content", b"").await.status, 200);
    for name in ["catalogue.sqlite", "catalogue.sqlite-wal"] {
        let bytes = std::fs::read(site.folder.path().join("data").join(name)).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{name} holds the secret");
    }
    let used = site.api("GET", &format!("/api/v1/keys/{id}"), b"").await.json();
    assert!(used["used_ms"].is_u64(), "{used}");
    let key = key.to_owned();
    let site = site.restart().await;
    assert_eq!(site.with(&key, "GET", "/api/v1/content", b"").await.status, 200, "it outlives the process");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_and_one_that_ended_are_of_no_use() {
    let site = Site::start(|_| {}).await;
    let made = make(&site, r#"{"name":"x","role":"operator"}"#).await;
    let (path, key) = (format!("/api/v1/keys/{}", made["id"].as_str().unwrap()), made["key"].as_str().unwrap());
    assert_eq!(site.with(key, "GET", "/api/v1/content", b"").await.status, 200);
    assert_eq!(site.api("DELETE", &path, b"").await.status, 204);
    assert_eq!(site.with(key, "GET", "/api/v1/content", b"").await.problem(), (401, "api_key_ended".into()));
    assert!(site.api("GET", &path, b"").await.json()["revoked_ms"].is_u64(), "the list still knows it");
    assert_eq!(site.api("DELETE", "/api/v1/keys/nobody", b"").await.problem(), (404, "unknown_key".into()));

    let made = make(&site, r#"{"name":"x","role":"viewer","expires_in_seconds":1}"#).await;
    let (key, begun) = (made["key"].as_str().unwrap(), Instant::now());
    while site.with(key, "GET", "/api/v1/content", b"").await.status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(site.with(key, "GET", "/api/v1/content", b"").await.problem(), (401, "api_key_ended".into()));
    assert!(begun.elapsed() > Duration::from_millis(500), "it was of use at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_can_be_narrowed_to_a_part_of_the_api() {
    let site = Site::start(|_| {}).await;
    let made = make(&site, r#"{"name":"x","role":"creator","scopes":["upload"]}"#).await;
    let key = made["key"].as_str().unwrap();
    assert_eq!(site.with(key, "POST", "/api/v1/upload", b"x").await.status, 201);
    assert_eq!(site.with(key, "GET", "/api/v1/content", b"").await.problem(), (403, "scope_missing".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_belongs_to_the_owner_of_its_key() {
    let site = Site::start(|_| {}).await;
    let (alice, again) = (site.key("creator", "alice").await, site.key("creator", "alice").await);
    let answer = site.with(&alice, "POST", "/api/v1/upload", b"x").await;
    let path = format!("/api/v1/content/{}", answer.json()["id"].as_str().unwrap());
    assert_eq!(site.api("GET", &path, b"").await.json()["owner"], "alice");
    assert_eq!(site.with(&again, "DELETE", &path, b"").await.status, 204, "another key of the same owner");
    let id = site.upload("", b"x").await;
    let path = format!("/api/v1/content/{id}");
    assert_eq!(site.api("GET", &path, b"").await.json()["owner"], "admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_make_no_sense_are_told_why() {
    let site = Site::start(|_| {}).await;
    for body in [
        "{}",
        r#"{"name":"x","role":"emperor"}"#,
        r#"{"name":"","role":"viewer"}"#,
        r#"{"name":"x","role":"viewer","owner":"a b"}"#,
        r#"{"name":"x","role":"viewer","scopes":["everything"]}"#,
        r#"{"name":"x","role":"viewer","expires_in_seconds":0}"#,
    ] {
        let answer = site.api("POST", "/api/v1/keys", body.as_bytes()).await;
        assert_eq!(answer.problem(), (400, "bad_body".into()), "{body}");
    }
    assert_eq!(site.api("GET", "/api/v1/keys?limit=0", b"").await.problem(), (400, "bad_query".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_can_come_from_the_configuration() {
    let key = "a-key-that-came-from-outside";
    let site = Site::start(|config| config.admin_key = Some(origin::AdminKey::new(key.into()))).await;
    assert_eq!(site.origin.api_key(), key);
    assert_eq!(site.with(key, "GET", "/api/v1/keys", b"").await.status, 200);
    assert!(!site.files("keys").iter().any(|path| path.ends_with("api.key")), "none is made then");
}
