//! Promised: what people say of an asset is kept, found, listed by, changed without losing another's change, taken back out
//! of the bin; a POST that is sent twice with one Idempotency-Key happens once.

use crate::support::{Answer, Site, http};
use serde_json::{Value, json};

async fn with(site: &Site, method: &str, path: &str, header: (&str, &str), body: &Value) -> Answer {
    let key = format!("Bearer {}", site.origin.api_key());
    let headers = [("authorization", key.as_str()), header];
    http::request(site.origin.addr(), method, path, &headers, body.to_string().as_bytes()).await
}

async fn ids(site: &Site, path: &str) -> Vec<String> {
    let answer = site.api("GET", path, b"").await;
    assert_eq!(answer.status, 200, "{path} {answer:?}");
    let json = answer.json();
    json["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_is_kept_and_found() {
    let site = Site::start(|_| {}).await;
    assert_eq!(site.api("POST", "/api/v1/categories", br#"{"id":"travel","name":"Travel"}"#).await.status, 201);
    let one =
        site.upload("&title=%E6%9D%B1%E4%BA%AC%E9%83%BD&tags=Night,city&language=ja&categories=travel", b"x").await;
    let two = site.upload("&title=Harbour", b"x").await;
    let path = format!("/api/v1/content/{two}");
    let change = json!({ "description": "Ships at night", "tags": ["sea"], "fields": { "season": 2 } });
    let changed = site.api("PATCH", &path, change.to_string().as_bytes()).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let read = site.api("GET", &path, b"").await.json();
    assert_eq!((&read["description"], &read["fields"]), (&json!("Ships at night"), &json!({ "season": 2 })));
    for (query, expected) in [
        ("search?q=%E6%9D%B1%E4%BA%AC", vec![&one]),
        ("search?q=night", vec![&one, &two]),
        ("search?q=night&tag=sea", vec![&two]),
        ("search?q=nothing", vec![]),
        ("search?q=night&after=OTkuMQ", vec![]), // 99.1: behind everything
        ("content?tag=night", vec![&one]),
        ("content?category=travel", vec![&one]),
        ("content?language=JA", vec![&one]),
        ("content?owner=admin", vec![&two, &one]),
        ("content?owner=nobody", vec![]),
    ] {
        let mut got = ids(&site, &format!("/api/v1/{query}")).await;
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        got.sort();
        expected.sort();
        assert_eq!(got, expected, "{query}");
    }
    let page = site.api("GET", "/api/v1/search?q=night&limit=1", b"").await.json();
    assert_eq!(page["items"][0]["id"], json!(two), "neither has it in its title, and this one is younger");
    let rest = format!("/api/v1/search?q=night&limit=1&after={}", page["next"].as_str().unwrap());
    assert_eq!(ids(&site, &rest).await, [one.as_str()]);
    let emptied = site.api("PATCH", &path, br#"{"description":null,"tags":null}"#).await.json();
    assert_eq!((&emptied["description"], &emptied["tags"]), (&json!(""), &json!([])));
    let nowhere = site.api("PATCH", &path, br#"{"categories":["nowhere"]}"#).await;
    assert_eq!(nowhere.problem(), (422, "unknown_category".into()));
    let nowhere = site.api("POST", "/api/v1/upload?categories=nowhere", b"x").await;
    assert_eq!(nowhere.problem(), (422, "unknown_category".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_update_is_refused() {
    let site = Site::start(|_| {}).await;
    let path = format!("/api/v1/content/{}", site.upload("", b"x").await);
    let tag = site.api("GET", &path, b"").await.header("etag").to_owned();
    let mine = with(&site, "PATCH", &path, ("if-match", &tag), &json!({ "title": "mine" })).await;
    assert_eq!(mine.status, 200);
    assert_ne!(mine.header("etag"), tag);
    let theirs = with(&site, "PATCH", &path, ("if-match", &tag), &json!({ "title": "theirs" })).await;
    assert_eq!(theirs.problem(), (412, "stale".into()));
    let weak = format!("W/{}", mine.header("etag"));
    assert_eq!(with(&site, "PATCH", &path, ("if-match", &weak), &json!({})).await.problem().0, 412);
    assert_eq!(with(&site, "PATCH", &path, ("if-match", "*"), &json!({})).await.status, 200);
    assert_eq!(site.api("GET", &path, b"").await.json()["title"], "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_where_the_one_before_ended_whatever_came_in() {
    let site = Site::start(|_| {}).await;
    let mut first = Vec::new();
    for _ in 0..5 {
        first.push(site.upload("", b"x").await);
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = site.api("GET", &format!("/api/v1/content?limit=2{after}"), b"").await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        site.upload("", b"x").await;
        let Some(next) = page["next"].as_str() else { break };
        assert!(!next.contains(&seen[0]) && !next.contains('.'), "opaque: {next}");
        after = format!("&after={next}");
    }
    first.reverse();
    assert_eq!(seen, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bin_gives_back_what_was_deleted() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("&title=film").await;
    let (path, master) = (format!("/api/v1/content/{id}"), format!("/v/{id}/master.m3u8"));
    assert_eq!(site.get(&master, &[]).await.status, 200);
    assert_eq!(site.api("DELETE", &path, b"").await.status, 204);
    assert_eq!(site.get(&master, &[]).await.problem().1, "unknown_asset");
    assert_eq!(site.api("GET", &path, b"").await.status, 404);
    assert_eq!(ids(&site, "/api/v1/search?q=film").await, [""; 0]);
    assert_eq!(ids(&site, "/api/v1/content?deleted=true").await, [id.as_str()]);
    let alice = site.key("creator", "alice").await;
    assert_eq!(site.with(&alice, "GET", "/api/v1/content?deleted=true", b"").await.json()["items"], json!([]));
    let site = site.restart().await;
    assert_eq!(site.api("POST", &format!("{path}/restore"), b"").await.status, 200);
    assert_eq!(site.get(&master, &[]).await.status, 200);
    let audit = site.api("GET", &format!("/api/v1/audit?object={id}"), b"").await.json();
    let deeds: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|deed| deed["action"].as_str().unwrap()).collect();
    assert_eq!(deeds, ["content.restored", "content.deleted"]);
    assert_eq!(site.api("DELETE", &format!("{path}?purge=true"), b"").await.status, 204);
    assert_eq!(site.api("POST", &format!("{path}/restore"), b"").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_deleted_while_it_is_worked_on_goes_on_when_it_is_back() {
    let site = Site::start(|config| config.ladder.heights = vec![90]).await;
    let id = site.upload("", &crate::support::clip(6, 160, 90)).await;
    site.until(&id, |status| status["playable"] == true).await;
    let path = format!("/api/v1/content/{id}");
    assert_eq!(site.api("DELETE", &path, b"").await.status, 204);
    assert_eq!(site.api("POST", &format!("{path}/restore"), b"").await.status, 200);
    assert_eq!(site.settled(&id).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_with_the_key_of_an_earlier_one_happens_once() {
    let site = Site::start(|_| {}).await;
    let category = |name: &str| json!({ "id": "sport", "name": name });
    let key = ("idempotency-key", "8e03978e-40d5-43dd-bc93-6894a57f9324");
    let first = with(&site, "POST", "/api/v1/categories", key, &category("Sport")).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (201, ""));
    let site = site.restart().await;
    let again = with(&site, "POST", "/api/v1/categories", key, &category("Sport")).await;
    assert_eq!((again.status, again.header("idempotency-replayed"), &again.body), (201, "true", &first.body));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    let other = with(&site, "POST", "/api/v1/categories", key, &category("Sports")).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused".into()));
    let second = ("idempotency-key", "another");
    let taken = with(&site, "POST", "/api/v1/categories", second, &category("Sport")).await;
    assert_eq!(taken.problem(), (409, "category_taken".into()), "with another key it is another request");
    let long = "x".repeat(129);
    let bad = with(&site, "POST", "/api/v1/categories", ("idempotency-key", &long), &category("x")).await;
    assert_eq!(bad.problem(), (400, "bad_idempotency_key".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn playback_is_counted_here_and_as_edges_report_it() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let master = site.get(&format!("/v/{id}/master.m3u8"), &[]).await;
    let segment = site.get(&format!("/v/{id}/h264-90/0.m4s"), &[]).await;
    let path = format!("/api/v1/content/{id}/stats");
    let stats = site.api("GET", &path, b"").await.json();
    let origin = &stats["origin"];
    let bytes = (master.body.len() + segment.body.len()) as u64;
    assert_eq!((&origin["starts"], &origin["requests"], &origin["bytes"]), (&1.into(), &2.into(), &bytes.into()));
    let edge = site.origin.edge_key().to_owned();
    let report =
        json!({ "counts": [{ "asset": id, "starts": 2, "requests": 9, "bytes": 1000 }, { "asset": "nobody" }] });
    for _ in 0..2 {
        let body = report.to_string();
        let headers = [("streamgate-edge-key", edge.as_str())];
        let answer = http::request(site.origin.addr(), "POST", "/api/v1/stats", &headers, body.as_bytes()).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    let stats = site.api("GET", &path, b"").await.json();
    assert_eq!((&stats["edges"]["starts"], &stats["edges"]["bytes"]), (&4.into(), &2000.into()));
    assert_eq!(stats["origin"]["requests"], 2);
}
