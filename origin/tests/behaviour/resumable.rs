//! Promised: Resumable Uploads for HTTP (the IETF's draft): an upload goes on where it was and becomes one asset.

use crate::support::{Answer, Site, clip, http};

const PATH: &str = "/api/v1/upload/resumable";

async fn ask(site: &Site, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let key = format!("Bearer {}", site.origin.api_key());
    let mut all = vec![("authorization", key.as_str())];
    all.extend_from_slice(headers);
    http::request(site.origin.addr(), method, path, &all, body).await
}

async fn append(site: &Site, path: &str, offset: usize, complete: &str, bytes: &[u8]) -> Answer {
    let offset = offset.to_string();
    let headers = [
        ("content-type", "application/partial-upload"),
        ("upload-offset", offset.as_str()),
        ("upload-complete", complete),
    ];
    ask(site, "PATCH", path, &headers, bytes).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_pieces_becomes_one_asset() {
    let site = Site::start(|_| {}).await;
    let body = clip(2, 160, 90);
    let half = body.len() / 2;
    let begun = ask(&site, "POST", &format!("{PATH}?name=trip.mp4"), &[("upload-complete", "?0")], &body[..1000]).await;
    assert_eq!(
        (begun.status, begun.header("upload-complete"), begun.header("upload-offset")),
        (201, "?0", "1000"),
        "{begun:?}"
    );
    assert!(begun.header("upload-limit").contains("max-size="));
    let path = begun.header("location").to_owned();
    assert_eq!(append(&site, &path, 1000, "?0", &body[1000..half]).await.status, 204);
    let site = site.restart().await;
    let head = ask(&site, "HEAD", &path, &[], b"").await;
    assert_eq!((head.status, head.header("upload-complete"), head.header("cache-control")), (204, "?0", "no-store"));
    assert_eq!(head.header("upload-offset"), half.to_string());
    let wrong = append(&site, &path, 1000, "?1", &body[1000..]).await;
    assert_eq!(wrong.status, 409);
    let problem = wrong.json();
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#mismatching-upload-offset");
    assert_eq!((&problem["expected-offset"], &problem["provided-offset"]), (&half.into(), &1000.into()));
    let last = append(&site, &path, half, "?1", &body[half..]).await;
    assert_eq!((last.status, last.header("upload-complete")), (200, "?1"), "{last:?}");
    let json = last.json();
    let id = json["id"].as_str().unwrap();
    assert_eq!(site.settled(id).await["state"], "ready");
    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!(
        (&content["title"], &content["sha256"]),
        (&"trip".into(), &durable::ObjectId::of(&body).to_string().into())
    );
    assert_eq!(ask(&site, "HEAD", &path, &[], b"").await.header("upload-complete"), "?1");
    assert_eq!(append(&site, &path, body.len(), "?1", b"").await.problem().1, "upload_complete");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_one_request_is_complete_at_once() {
    let site = Site::start(|_| {}).await;
    let body = clip(2, 160, 90);
    let done = ask(&site, "POST", PATH, &[("upload-complete", "?1")], &body).await;
    assert_eq!((done.status, done.header("upload-complete")), (201, "?1"), "{done:?}");
    assert_eq!(site.settled(done.json()["id"].as_str().unwrap()).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_together_is_refused() {
    let site = Site::start(|_| {}).await;
    assert_eq!(ask(&site, "POST", PATH, &[], b"x").await.problem(), (400, "bad_upload".into()));
    let begun = ask(&site, "POST", PATH, &[("upload-complete", "?0"), ("upload-length", "10")], b"").await;
    let path = begun.header("location").to_owned();
    assert_eq!(append(&site, &path, 0, "?1", b"short").await.problem().1, "inconsistent_length");
    assert_eq!(append(&site, &path, 0, "?0", &[0; 11]).await.problem().1, "upload_too_large");
    let kind = [("content-type", "video/mp4"), ("upload-offset", "0"), ("upload-complete", "?0")];
    assert_eq!(ask(&site, "PATCH", &path, &kind, b"x").await.problem().0, 415);
    assert_eq!(ask(&site, "DELETE", &path, &[], b"").await.status, 204);
    assert_eq!(ask(&site, "HEAD", &path, &[], b"").await.status, 404);
    let options = http::request(site.origin.addr(), "OPTIONS", PATH, &[], b"").await;
    assert!(options.header("upload-limit").starts_with("max-size="));
}
