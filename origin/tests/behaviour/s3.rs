//! An origin whose objects are in a real S3 plays, and keeps nothing of its own; while the S3 is gone it says so, loses nothing
//! that was received, publishes nothing by halves, and goes on by itself afterwards.

use std::time::{Duration, Instant};

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::weed::{ACCESS_KEY, BUCKET, SECRET_KEY, Weed};
use crate::support::{Site, clip, http};

const PATIENCE: Duration = Duration::from_secs(60);

async fn site(weed: &Weed) -> Site {
    let place =
        origin::S3Place::parse(&format!("s3://{BUCKET}/p"), &weed.endpoint(), "us-east-1", ACCESS_KEY, SECRET_KEY);
    let place = place.unwrap();
    Site::start(|config| {
        config.objects = Some(place);
        config.ladder.heights = vec![48];
        config.lanes = 1;
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_is_encoded_and_played_out_of_the_s3() {
    let weed = Weed::start();
    let site = site(&weed).await;
    let id = site.ready("").await;
    let media = site.get(&format!("/v/{id}/av1-48/media.m3u8"), &[]).await.text();
    assert!(media.contains("0.m4s"), "{media}");
    let segment = site.get(&format!("/v/{id}/av1-48/0.m4s"), &[]).await;
    assert_eq!(segment.status, 200, "{segment:?}");
    let part = site.get(&format!("/v/{id}/av1-48/0.m4s"), &[("range", "bytes=2-9")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &segment.body[2..10]));
    assert!(!site.folder.path().join("data/objects").exists() && site.files("tmp").is_empty());
    let shelf = format!("{:02x}", Sha256::digest(&segment.body)[0]);
    assert!(weed.lists(&format!("p/objects/{shelf}")).contains("FullPath"), "it is there");
    // A start on the same data has no copies, and plays.
    let site = site.restart().await;
    assert_eq!(site.get(&format!("/v/{id}/av1-48/0.m4s"), &[]).await.body, segment.body);
    assert_eq!(site.api("DELETE", &format!("/api/v1/content/{id}?purge=true"), b"").await.status / 100, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_s3_that_is_gone_is_told_and_what_was_received_goes_on_when_it_is_back() {
    let mut weed = Weed::start();
    let site = site(&weed).await;
    let (id, bytes) = (site.ready("").await, clip(3, 160, 90));
    let key = format!("Bearer {}", site.origin.api_key());
    let tus = |more: &'static [(&'static str, &'static str)]| {
        [&[("authorization", key.as_str()), ("tus-resumable", "1.0.0")], more].concat()
    };
    let length = bytes.len().to_string();
    let mut headers = tus(&[]);
    headers.push(("upload-length", &length));
    let made = http::request(site.origin.addr(), "POST", "/api/v1/upload/tus", &headers, b"").await;
    assert_eq!(made.status, 201, "{made:?}");
    let location = made.header("location");
    let path = location.find("/api/").map_or(location, |at| &location[at..]).to_owned();

    weed.stop();
    let plain = site.api("POST", "/api/v1/upload?name=clip.mp4", &bytes).await;
    assert_eq!((plain.problem(), plain.header("retry-after")), ((503, "objects_away".into()), "2"));
    let played = site.get(&format!("/v/{id}/av1-48/0.m4s"), &[]).await;
    assert_eq!(played.problem(), (503, "objects_away".into()));
    let ready = site.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["parts"]), (503, &json!({ "catalogue": "ok", "objects": "away" })));
    let headers = tus(&[("upload-offset", "0"), ("content-type", "application/offset+octet-stream")]);
    let sent = http::request(site.origin.addr(), "PATCH", &path, &headers, &bytes).await;
    assert_eq!(sent.status, 503, "it is whole, but not stored: {sent:?}");
    assert_eq!(site.api("GET", "/api/v1/content", b"").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(site.files("tmp"), Vec::<std::path::PathBuf>::new(), "nothing half-stored");

    weed.start_again();
    let begun = Instant::now();
    let other = loop {
        let items = site.api("GET", "/api/v1/content", b"").await.json()["items"].clone();
        let other = items.as_array().unwrap().iter().find(|item| item["id"] != id.as_str()).cloned();
        if let Some(other) = other {
            break other["id"].as_str().unwrap().to_owned();
        }
        assert!(begun.elapsed() < PATIENCE, "the upload does not become an asset: {items:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(site.settled(&other).await["state"], "ready");
    assert_eq!(site.get("/readyz", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_outlives_the_s3_and_encodes_nothing_twice() {
    let mut weed = Weed::start();
    let site = site(&weed).await;
    let id = site.upload("", &clip(24, 160, 90)).await;
    let begun = Instant::now();
    while site.metric("chunks_encoded_total").await == 0 {
        assert!(begun.elapsed() < PATIENCE, "{:#}", site.status(&id).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    weed.stop();
    tokio::time::sleep(Duration::from_millis(500)).await;
    weed.start_again();
    let status = site.settled(&id).await;
    assert_eq!(status["state"], "ready", "{status:#}");
    let media = site.get(&format!("/v/{id}/av1-48/media.m3u8"), &[]).await.text();
    let chunks = media.lines().filter(|line| line.ends_with(".m4s")).count() as u64;
    assert_eq!(site.metric("chunks_encoded_total").await, chunks);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_a_client_sends_by_signed_addresses_become_an_asset() {
    let weed = Weed::start();
    let site = site(&weed).await;
    let (alice, mallory) = (site.key("creator", "alice").await, site.key("creator", "mallory").await);
    let begin = async |length: usize| {
        let body = json!({ "length": length }).to_string();
        let answer = site.with(&alice, "POST", "/api/v1/upload/presigned-init?name=clip.mp4", body.as_bytes()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()
    };
    let send = async |begun: &serde_json::Value, bytes: &[u8]| {
        let size = begun["part_bytes"].as_u64().unwrap() as usize;
        let mut parts = Vec::new();
        for (part, bytes) in begun["parts"].as_array().unwrap().iter().zip(bytes.chunks(size)) {
            let rest = part["url"].as_str().unwrap().strip_prefix(&weed.endpoint()).unwrap();
            let to = weed.endpoint()["http://".len()..].parse().unwrap();
            let host = &weed.endpoint()["http://".len()..];
            let put = http::request_as(to, host, "PUT", rest, &[], bytes).await;
            assert_eq!(put.status, 200, "{put:?}");
            parts.push(json!({ "number": part["number"], "etag": put.header("etag") }));
        }
        parts
    };
    let complete = async |key: &str, id: &serde_json::Value, parts: &[serde_json::Value]| {
        let body = json!({ "id": id, "parts": parts }).to_string();
        site.with(key, "POST", "/api/v1/upload/complete-presigned", body.as_bytes()).await
    };

    let bytes = clip(3, 160, 90);
    let begun = begin(bytes.len()).await;
    let parts = send(&begun, &bytes).await;
    assert_eq!(complete(&mallory, &begun["id"], &parts).await.problem(), (403, "not_yours".into()));
    let wrong = [json!({ "number": 1, "etag": "0123456789abcdef0123456789abcdef" })];
    assert_eq!(complete(&alice, &begun["id"], &wrong).await.problem(), (400, "bad_parts".into()));
    let done = complete(&alice, &begun["id"], &parts).await;
    assert_eq!(done.status, 201, "{done:?}");
    let id = done.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(complete(&alice, &begun["id"], &parts).await.json()["id"], id.as_str(), "twice is once");
    assert_eq!(site.settled(&id).await["state"], "ready");

    // Two parts, the second one short; and one whose announced length is another.
    let large: Vec<u8> = (0..17_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let begun = begin(large.len()).await;
    let parts = send(&begun, &large).await;
    assert_eq!((parts.len(), complete(&alice, &begun["id"], &parts).await.status), (2, 201));
    let begun = begin(bytes.len() + 1).await;
    let parts = send(&begun, &bytes).await;
    assert_eq!(complete(&alice, &begun["id"], &parts).await.problem(), (400, "inconsistent_length".into()));
    let page = b"<!doctype html><html></html>";
    let begun = begin(page.len()).await;
    let parts = send(&begun, page).await;
    assert_eq!(complete(&alice, &begun["id"], &parts).await.problem().1, "no_video");
    assert!(
        !weed.lists("p/uploads").contains("FullPath"),
        "nothing stays beside the objects: {}",
        weed.lists("p/uploads")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_s3_there_are_no_signed_addresses() {
    let site = Site::start(|_| {}).await;
    let answer = site.api("POST", "/api/v1/upload/presigned-init?name=clip.mp4", b"{\"length\": 9}").await;
    assert_eq!(answer.problem(), (409, "no_s3".into()));
}
