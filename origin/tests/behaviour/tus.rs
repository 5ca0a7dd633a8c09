//! Promised: tus 1.0 with its extensions. An upload goes on where it was, over lost connections and restarts; two writers
//! never mix; what was not meant is not kept; and a whole upload is one asset, once.

use std::time::{Duration, Instant};

use crate::support::{Answer, Site, clip, http};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use durable::Disk;
use tokio::io::AsyncWriteExt;

const PATH: &str = "/api/v1/upload/tus";
const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");

/// A request with the key and the version.
async fn tus(site: &Site, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let key = format!("Bearer {}", site.origin.api_key());
    let mut all = vec![("authorization", key.as_str()), ("tus-resumable", "1.0.0")];
    all.extend_from_slice(headers);
    let answer = http::request(site.origin.addr(), method, path, &all, body).await;
    assert_eq!(answer.header("tus-resumable"), "1.0.0", "{answer:?}");
    answer
}

async fn begin(site: &Site, headers: &[(&str, &str)]) -> String {
    let answer = tus(site, "POST", PATH, headers, b"").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.header("location").to_owned()
}

async fn send(site: &Site, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    tus(site, "PATCH", path, &[BYTES, ("upload-offset", &offset.to_string())], bytes).await
}

async fn offset(site: &Site, path: &str) -> usize {
    let answer = tus(site, "HEAD", path, &[], b"").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, "no-store"), "{answer:?}");
    answer.header("upload-offset").parse().unwrap()
}

/// The head of a PATCH of `length` bytes, and nothing more yet.
async fn open(site: &Site, path: &str, offset: usize, length: usize) -> tokio::net::TcpStream {
    let (key, offset, length) = (format!("Bearer {}", site.origin.api_key()), offset.to_string(), length.to_string());
    let headers = [
        ("authorization", key.as_str()),
        ("tus-resumable", "1.0.0"),
        BYTES,
        ("upload-offset", &offset),
        ("content-length", &length),
    ];
    http::send_head(site.origin.addr(), "PATCH", path, &headers).await
}

async fn received(site: &Site, bytes: u64) {
    let begun = Instant::now();
    while site.metric("upload_bytes_total").await < bytes {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_spoken_is_told_to_anybody() {
    let site = Site::start(|config| config.upload_bytes_max = 1000).await;
    let answer = http::request(site.origin.addr(), "OPTIONS", PATH, &[], b"").await;
    assert_eq!((answer.status, answer.header("tus-version")), (204, "1.0.0"));
    assert_eq!(answer.header("tus-max-size"), "1000");
    for extension in [
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "termination",
        "expiration",
        "checksum",
        "concatenation",
    ] {
        assert!(answer.header("tus-extension").split(',').any(|name| name == extension), "{extension}");
    }
    let key = format!("Bearer {}", site.origin.api_key());
    for version in ["0.2.2", ""] {
        let headers = [("authorization", key.as_str()), ("tus-resumable", version), ("upload-length", "1")];
        let answer = http::request(site.origin.addr(), "POST", PATH, &headers, b"").await;
        assert_eq!((answer.problem().0, answer.header("tus-version")), (412, "1.0.0"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_pieces_and_over_a_restart_becomes_one_asset() {
    let site = Site::start(|_| {}).await;
    let body = clip(2, 160, 90);
    let metadata = format!("filename {},title {}", STANDARD.encode("trip.mp4"), STANDARD.encode("東京"));
    let path = begin(&site, &[("upload-length", &body.len().to_string()), ("upload-metadata", &metadata)]).await;
    let (third, two) = (body.len() / 3, body.len() * 2 / 3);
    assert_eq!(send(&site, &path, 0, &body[..third]).await.header("upload-offset"), third.to_string());
    assert_eq!(send(&site, &path, third, &body[third..two]).await.status, 204);
    let wrong = send(&site, &path, third, &body[third..two]).await;
    assert_eq!(
        (wrong.problem(), wrong.json()["expected-offset"].as_u64()),
        ((409, "offset_mismatch".into()), Some(two as u64))
    );
    let site = site.restart().await;
    let head = tus(&site, "HEAD", &path, &[], b"").await;
    assert_eq!(
        (head.header("upload-length"), head.header("upload-metadata")),
        (body.len().to_string().as_str(), metadata.as_str())
    );
    assert!(head.header("upload-expires").ends_with(" GMT"));
    assert_eq!(offset(&site, &path).await, two);
    let last = send(&site, &path, two, &body[two..]).await;
    assert_eq!((last.status, last.header("upload-offset")), (204, body.len().to_string().as_str()), "{last:?}");
    let id = last.header("streamgate-asset").to_owned();
    assert_eq!(site.settled(&id).await["state"], "ready");
    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!((&content["title"], &content["name"]), (&"東京".into(), &"trip.mp4".into()));
    assert_eq!(content["sha256"], durable::ObjectId::of(&body).to_string());
    assert_eq!(
        tus(&site, "HEAD", &path, &[], b"").await.header("streamgate-asset"),
        id,
        "asked again it is the same one"
    );
    assert_eq!(site.files("uploads").len(), 0);
    assert_eq!(site.api("GET", "/api/v1/content", b"").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_loses_no_byte_that_arrived() {
    let site = Site::start(|_| {}).await;
    let body = clip(2, 160, 90);
    let path = begin(&site, &[("upload-length", &body.len().to_string())]).await;
    let mut first = open(&site, &path, 0, body.len()).await;
    first.write_all(&body[..5000]).await.unwrap();
    received(&site, 5000).await;
    // Still writing: another writer is refused, and who asks for the offset ends the first.
    let locked = send(&site, &path, 0, &body).await;
    assert_eq!(locked.problem(), (423, "upload_locked".into()));
    assert_eq!(offset(&site, &path).await, 5000);
    assert_eq!(http::read_answer(first, "PATCH").await.status, 400, "the first was ended");
    let mut second = open(&site, &path, 5000, body.len() - 5000).await;
    second.write_all(&body[5000..9000]).await.unwrap();
    received(&site, 9000).await;
    drop(second);
    let begun = Instant::now();
    while offset(&site, &path).await < 9000 {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    let last = send(&site, &path, 9000, &body[9000..]).await;
    assert_eq!(site.settled(last.header("streamgate-asset")).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_with_a_wrong_checksum_are_not_kept() {
    let site = Site::start(|_| {}).await;
    let path = begin(&site, &[("upload-length", "20")]).await;
    assert_eq!(send(&site, &path, 0, b"12345").await.status, 204);
    let sum = ("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="); // of "hello world"
    let wrong = tus(&site, "PATCH", &path, &[BYTES, ("upload-offset", "5"), sum], b"hello worlds").await;
    assert_eq!(wrong.problem(), (460, "checksum_mismatch".into()));
    assert_eq!(offset(&site, &path).await, 5);
    // A request with a checksum that is cut off cannot be checked: nothing of it stays, nor over a restart.
    let key = format!("Bearer {}", site.origin.api_key());
    let headers = [
        ("authorization", key.as_str()),
        ("tus-resumable", "1.0.0"),
        BYTES,
        ("upload-offset", "5"),
        sum,
        ("content-length", "11"),
    ];
    let mut cut = http::send_head(site.origin.addr(), "PATCH", &path, &headers).await;
    cut.write_all(b"hello").await.unwrap();
    received(&site, 22).await;
    drop(cut);
    assert_eq!(offset(&site, &path).await, 5);
    let right = tus(&site, "PATCH", &path, &[BYTES, ("upload-offset", "5"), sum], b"hello world").await;
    assert_eq!((right.status, right.header("upload-offset")), (204, "16"));
    let bad = [BYTES, ("upload-offset", "16"), ("upload-checksum", "crc32 AAAA")];
    assert_eq!(tus(&site, "PATCH", &path, &bad, b"x").await.problem(), (400, "bad_upload".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_can_be_told_later_and_only_once() {
    let site = Site::start(|_| {}).await;
    let path = begin(&site, &[("upload-defer-length", "1")]).await;
    assert_eq!(send(&site, &path, 0, b"abc").await.status, 204);
    assert_eq!(tus(&site, "HEAD", &path, &[], b"").await.header("upload-defer-length"), "1");
    let short = [BYTES, ("upload-offset", "3"), ("upload-length", "2")];
    assert_eq!(tus(&site, "PATCH", &path, &short, b"").await.problem().1, "inconsistent_length");
    let told = [BYTES, ("upload-offset", "3"), ("upload-length", "5")];
    assert_eq!(tus(&site, "PATCH", &path, &told, b"d").await.header("upload-offset"), "4");
    let again = [BYTES, ("upload-offset", "4"), ("upload-length", "6")];
    assert_eq!(tus(&site, "PATCH", &path, &again, b"e").await.problem().1, "inconsistent_length");
    assert_eq!(send(&site, &path, 4, b"ef").await.problem(), (413, "upload_too_large".into()));
    let last = send(&site, &path, 4, b"e").await;
    assert_ne!(last.header("streamgate-asset"), "");
    for headers in [vec![], vec![("upload-length", "1"), ("upload-defer-length", "1")], vec![("upload-length", "-1")]] {
        assert_eq!(tus(&site, "POST", PATH, &headers, b"").await.problem().0, 400, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_put_together_in_their_order() {
    let site = Site::start(|_| {}).await;
    let body = clip(2, 160, 90);
    let half = body.len() / 2;
    let mut parts = Vec::new();
    for part in [&body[..half], &body[half..]] {
        let path = begin(&site, &[("upload-length", &part.len().to_string()), ("upload-concat", "partial")]).await;
        parts.push((path, part));
    }
    let whole = format!("final;{} http://origin{}", parts[0].0, parts[1].0);
    let early = tus(&site, "POST", PATH, &[("upload-concat", &whole)], b"").await;
    assert_eq!(early.problem(), (400, "bad_parts".into()), "not whole yet");
    for (path, part) in &parts {
        let done = send(&site, path, 0, part).await;
        assert_eq!((done.status, done.header("streamgate-asset")), (204, ""), "a part is no asset");
    }
    let made = tus(&site, "POST", PATH, &[("upload-concat", &whole)], b"").await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.header("streamgate-asset");
    assert_eq!(site.settled(id).await["state"], "ready");
    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!(content["sha256"], durable::ObjectId::of(&body).to_string());
    let head = tus(&site, "HEAD", made.header("location"), &[], b"").await;
    assert_eq!(head.header("upload-concat"), whole);
    assert_eq!(send(&site, made.header("location"), body.len(), b"x").await.problem().0, 403);
    let alice = site.key("creator", "alice").await;
    let theirs = format!("Bearer {alice}");
    let path = begin(&site, &[("upload-length", "1"), ("upload-concat", "partial")]).await;
    send(&site, &path, 0, b"x").await;
    let stolen = format!("final;{path}");
    let headers = [("authorization", theirs.as_str()), ("tus-resumable", "1.0.0"), ("upload-concat", stolen.as_str())];
    let answer = http::request(site.origin.addr(), "POST", PATH, &headers, b"").await;
    assert_eq!(answer.problem(), (400, "bad_parts".into()), "parts of someone else");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bytes_can_come_with_the_beginning() {
    let site = Site::start(|_| {}).await;
    let body = clip(2, 160, 90);
    let length = body.len().to_string();
    let whole = tus(&site, "POST", PATH, &[("upload-length", &length), BYTES], &body).await;
    assert_eq!((whole.status, whole.header("upload-offset")), (201, length.as_str()), "{whole:?}");
    assert_eq!(site.settled(whole.header("streamgate-asset")).await["state"], "ready");
    let some = tus(&site, "POST", PATH, &[("upload-length", &length), BYTES], &body[..100]).await;
    assert_eq!((some.status, some.header("upload-offset")), (201, "100"));
    assert_eq!(offset(&site, some.header("location")).await, 100);
    let page = tus(&site, "POST", PATH, &[("upload-length", &length), BYTES], b"<!DOCTYPE html><html>").await;
    assert_eq!(page.problem(), (415, "no_video".into()), "refused with the first bytes");
    assert_eq!(site.files("uploads").len(), 1, "of the one that goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_ended_is_gone() {
    let site = Site::start(|_| {}).await;
    let path = begin(&site, &[("upload-length", "20")]).await;
    assert_eq!(send(&site, &path, 0, b"12345").await.status, 204);
    assert_eq!(tus(&site, "DELETE", &path, &[], b"").await.status, 204);
    assert_eq!(tus(&site, "HEAD", &path, &[], b"").await.status, 404);
    assert_eq!(send(&site, &path, 5, b"x").await.problem(), (404, "unknown_upload".into()));
    assert_eq!(site.files("uploads").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_the_upload_goes_on_afterwards() {
    let disk = Disk::with_room(u64::MAX);
    let site = Site::start(|config| config.disk = disk.clone()).await;
    let body = clip(2, 160, 90);
    let path = begin(&site, &[("upload-length", &body.len().to_string())]).await;
    disk.set_room(4000);
    assert_eq!(send(&site, &path, 0, &body).await.problem(), (507, "disk_full".into()));
    assert_eq!(offset(&site, &path).await, 4000, "what had room is kept");
    disk.set_room(u64::MAX);
    let last = send(&site, &path, 4000, &body[4000..]).await;
    assert_eq!(site.settled(last.header("streamgate-asset")).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_held_to_what_they_may_keep() {
    let site = Site::start(|config| config.owner_bytes_max = Some(1000)).await;
    assert_eq!(
        tus(&site, "POST", PATH, &[("upload-length", "1001")], b"").await.problem(),
        (413, "quota_exceeded".into())
    );
    let path = begin(&site, &[("upload-length", "600")]).await;
    assert_eq!(tus(&site, "POST", PATH, &[("upload-length", "600")], b"").await.problem().1, "quota_exceeded");
    assert_eq!(site.api("POST", "/api/v1/upload", &[0; 600]).await.problem(), (413, "quota_exceeded".into()));
    let alice = site.key("creator", "alice").await;
    assert_eq!(site.with(&alice, "POST", "/api/v1/upload", &[0; 600]).await.status, 201, "each has their own");
    assert_eq!(tus(&site, "DELETE", &path, &[], b"").await.status, 204);
    assert_eq!(site.api("POST", "/api/v1/upload", &[0; 600]).await.status, 201);
    let later = begin(&site, &[("upload-defer-length", "1")]).await;
    assert_eq!(send(&site, &later, 0, &[0; 500]).await.problem(), (413, "quota_exceeded".into()), "found on the way");
}
