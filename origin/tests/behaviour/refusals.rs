//! What the API refuses, each with its status, its stable code and a sentence; and a refused or broken upload leaves
//! nothing behind.

use crate::support::{Site, clip, http};
use durable::Disk;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn the_api_needs_its_key() {
    let site = Site::start(|_| {}).await;
    let paths = [
        ("GET", "/api/v1/content"),
        ("GET", "/api/v1/content/x"),
        ("POST", "/api/v1/content/x"),
        ("DELETE", "/api/v1/content/x"),
        ("POST", "/api/v1/content/x/token"),
        ("POST", "/api/v1/upload"),
        ("GET", "/api/v1/transcode/status/x"),
    ];
    for (method, path) in paths {
        let none = http::request(site.origin.addr(), method, path, &[], b"").await;
        assert_eq!(none.problem(), (401, "api_key_missing".into()), "{method} {path}");
        assert_eq!(none.header("www-authenticate"), "Bearer");
        for wrong in ["Bearer sg-guess", "Bearer ", "Basic abc"] {
            let answer = http::request(site.origin.addr(), method, path, &[("authorization", wrong)], b"").await;
            assert_eq!(answer.problem().0, 401, "{method} {path} {wrong}");
        }
    }
    assert_eq!(site.get("/healthz", &[]).await.status, 200);
}

/// Method, path and body; status and code.
type Case<'a> = (&'a str, &'a str, &'a [u8], (u16, &'a str));

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_make_no_sense_are_told_why() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let content = format!("/api/v1/content/{id}");
    let token = format!("/api/v1/content/{id}/token");
    let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(201));
    let cases: [Case; 13] = [
        ("GET", "/api/v1/nothing", b"", (404, "unknown_path")),
        ("PUT", "/api/v1/content", b"", (405, "wrong_method")),
        ("GET", "/api/v1/content?limit=0", b"", (400, "bad_query")),
        ("GET", "/api/v1/content?colour=red", b"", (400, "bad_query")),
        ("GET", "/api/v1/content?after=yesterday", b"", (400, "bad_query")),
        ("GET", "/api/v1/content/NOBODY", b"", (404, "unknown_asset")),
        ("POST", &content, b"{", (400, "bad_body")),
        ("POST", &content, br#"{"titel":"x"}"#, (400, "bad_body")),
        ("POST", &content, br#"{"title":""}"#, (400, "bad_body")),
        ("POST", &content, long.as_bytes(), (400, "bad_body")),
        ("POST", &token, br#"{"ttl_seconds":0}"#, (400, "bad_body")),
        ("POST", "/api/v1/content/nobody/token", b"", (404, "unknown_asset")),
        ("POST", "/api/v1/upload?visibility=secret", b"x", (400, "bad_query")),
    ];
    for (method, path, body, (status, code)) in cases {
        assert_eq!(site.api(method, path, body).await.problem(), (status, code.to_owned()), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_told_the_right_ones() {
    let site = Site::start(|_| {}).await;
    for (path, allowed) in [
        ("/api/v1/content", "GET,HEAD,POST"),
        ("/v/x/master.m3u8", "GET,HEAD"),
        ("/v/x/key", "GET,HEAD,POST"),
        ("/api/v1/upload", "POST"),
    ] {
        let answer = site.api("PATCH", path, b"").await;
        assert_eq!((answer.problem().0, answer.header("allow")), (405, allowed), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_cannot_be_taken_leaves_nothing() {
    let site = Site::start(|config| config.upload_bytes_max = 1000).await;
    assert_eq!(site.api("POST", "/api/v1/upload", b"").await.problem(), (400, "empty_upload".into()));
    assert_eq!(site.api("POST", "/api/v1/upload", &[1; 1001]).await.problem(), (413, "upload_too_large".into()));

    let key = format!("Bearer {}", site.origin.api_key());
    let form = [("authorization", key.as_str()), ("content-type", "multipart/form-data; boundary=x")];
    let answer = http::request(site.origin.addr(), "POST", "/api/v1/upload", &form, b"--x").await;
    assert_eq!(answer.problem().0, 400, "a form without a file");

    // Without a length the limit is found on the way.
    let chunked = [("authorization", key.as_str()), ("transfer-encoding", "chunked")];
    let mut stream = http::send_head(site.origin.addr(), "POST", "/api/v1/upload", &chunked).await;
    stream.write_all(format!("7d0\r\n{}\r\n0\r\n\r\n", "x".repeat(2000)).as_bytes()).await.unwrap();
    assert_eq!(http::read_answer(stream, "POST").await.problem(), (413, "upload_too_large".into()));

    // A client that leaves in the middle.
    let promised = [("authorization", key.as_str()), ("content-length", "900")];
    let mut stream = http::send_head(site.origin.addr(), "POST", "/api/v1/upload", &promised).await;
    stream.write_all(&[1; 500]).await.unwrap();
    drop(stream);

    site.until_empty("tmp").await;
    assert_eq!(site.files("objects").len(), 0);
    assert_eq!(site.api("GET", "/api/v1/content", b"").await.json()["items"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_on_after_a_refusal_still_hears_it() {
    let site = Site::start(|config| config.upload_bytes_max = 1000).await;
    let body = vec![1; 16 << 20];
    let (key, length) = (format!("Bearer {}", site.origin.api_key()), body.len().to_string());
    let headers = [("authorization", key.as_str()), ("content-length", length.as_str())];
    let mut stream = http::send_head(site.origin.addr(), "POST", "/api/v1/upload", &headers).await;
    stream.write_all(&body).await.expect("the server reads on");
    assert_eq!(http::read_answer(stream, "POST").await.problem(), (413, "upload_too_large".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_midway_answers_507_and_keeps_working() {
    let disk = Disk::with_room(u64::MAX);
    let site = Site::start(|config| config.disk = disk.clone()).await;
    let body = clip(2, 160, 90);
    disk.set_room(body.len() as u64 / 2);
    let announced = site.api("POST", "/api/v1/upload", &body).await;
    assert_eq!(announced.problem(), (507, "disk_full".into()), "known before the first byte");

    let key = format!("Bearer {}", site.origin.api_key());
    let chunked = [("authorization", key.as_str()), ("transfer-encoding", "chunked")];
    let mut stream = http::send_head(site.origin.addr(), "POST", "/api/v1/upload", &chunked).await;
    stream.write_all(format!("{:x}\r\n", body.len()).as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
    stream.write_all(b"\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(http::read_answer(stream, "POST").await.problem(), (507, "disk_full".into()), "found on the way");
    site.until_empty("tmp").await;
    assert_eq!(site.files("objects").len(), 0);

    disk.set_room(u64::MAX);
    site.ready("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_while_packaging_is_waited_for() {
    let disk = Disk::with_room(u64::MAX);
    let site = Site::start(|config| config.disk = disk.clone()).await;
    let body = clip(2, 160, 90);
    disk.set_room(body.len() as u64);
    let id = site.upload("", &body).await;
    site.until(&id, |status| status["state"] == "queued" && status["attempts"].as_u64() >= Some(1)).await;
    assert_eq!(site.files("tmp").len(), 0);
    disk.set_room(u64::MAX);
    assert_eq!(site.settled(&id).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_for_one_asset_and_edges_can_check_it() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("&visibility=gated").await;
    let answer = site.api("POST", &format!("/api/v1/content/{id}/token"), br#"{"ttl_seconds":60}"#).await;
    let json = answer.json();
    let (token, expires) = (json["token"].as_str().unwrap(), json["expires"].as_u64().unwrap());
    assert_eq!(json["prefix"], format!("/v/{id}/"));
    assert_eq!(json["playback"]["hls"], format!("/p/{token}/v/{id}/master.m3u8"));
    let keys = site.origin.verification_keys();
    let check = |path: &str, now| wire::token::verify(token, &keys, wire::token::UnixSeconds(now), path).is_ok();
    assert!(check(&format!("/v/{id}/master.m3u8"), expires - 1));
    assert!(!check(&format!("/v/{id}/master.m3u8"), expires));
    assert!(!check("/v/another/master.m3u8", expires - 1));
    let minted = site.origin.mint(&id, std::time::Duration::from_secs(60)).unwrap();
    assert!(
        wire::token::verify(&minted.token, &keys, wire::token::UnixSeconds(expires - 60), &format!("/v/{id}/x/0.m4s"))
            .is_ok()
    );
}

/// One request of a connection that is kept; answers the head.
async fn head_of(stream: &mut TcpStream, head: &str, body: &[u8]) -> String {
    stream.write_all(format!("{head}\r\nhost: origin\r\ncontent-length: 20\r\n\r\n").as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let (mut answer, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let n = stream.read(&mut piece).await.unwrap();
        assert!(n > 0, "{answer:?}");
        answer.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return head.to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_before_the_body_says_that_its_connection_ends() {
    let site = Site::start(|_| {}).await;
    let mut kept = TcpStream::connect(site.origin.addr()).await.unwrap();
    for _ in 0..2 {
        let head =
            head_of(&mut kept, "POST /api/v1/auth/challenge HTTP/1.1\r\ncontent-type: application/json", &[b' '; 20])
                .await;
        assert!(head.starts_with("HTTP/1.1 4") && !head.contains("connection: close"), "{head}");
    }
    let head = head_of(&mut kept, "POST /api/v1/upload HTTP/1.1", b"the half").await;
    assert!(head.starts_with("HTTP/1.1 401") && head.contains("connection: close"), "{head}");
}
