//! Promised: a file is taken as a form and by PUT as well, and only the bytes that its digest names.

use crate::support::{Site, clip, http};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_taken() {
    let site = Site::start(|_| {}).await;
    let file = clip(2, 160, 90);
    let mut form =
        b"--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\xe6\x9d\xb1\xe4\xba\xac\r\n".to_vec();
    form.extend(b"--b\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\nsea,sun\r\n");
    form.extend(b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n");
    form.extend(&file);
    form.extend(b"\r\n--b--\r\n");
    let key = format!("Bearer {}", site.origin.api_key());
    let headers = [("authorization", key.as_str()), ("content-type", "multipart/form-data; boundary=b")];
    let answer = http::request(site.origin.addr(), "POST", "/api/v1/content", &headers, &form).await;
    assert_eq!(answer.status, 201, "content is made by its file: {answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(site.settled(&id).await["state"], "ready");
    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!((&content["title"], &content["name"]), (&"東京".into(), &"a.mp4".into()));
    assert_eq!(content["tags"], serde_json::json!(["sea", "sun"]));
    assert_eq!(content["sha256"], durable::ObjectId::of(&file).to_string(), "nothing of the form is in the file");
    let cut = http::request(site.origin.addr(), "POST", "/api/v1/upload", &headers, &form[..form.len() - 20]).await;
    assert_eq!(cut.problem().0, 400);
    let none = b"--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nx\r\n--b--\r\n";
    let answer = http::request(site.origin.addr(), "POST", "/api/v1/upload", &headers, none).await;
    assert_eq!(answer.problem(), (400, "empty_upload".into()));
    site.until_empty("tmp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_is_taken_and_its_digest_believed_only_when_it_holds() {
    let site = Site::start(|_| {}).await;
    let file = clip(2, 160, 90);
    let key = format!("Bearer {}", site.origin.api_key());
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(durable::ObjectId::of(bytes).as_bytes()));
    let put = async |digest: String| {
        let headers = [("authorization", key.as_str()), ("repr-digest", digest.as_str())];
        http::request(site.origin.addr(), "PUT", "/api/v1/upload/my%20trip.mp4?visibility=gated", &headers, &file).await
    };
    assert_eq!(put(digest(b"other")).await.problem(), (400, "digest_mismatch".into()));
    assert_eq!(site.files("objects").len(), 0, "nothing stays");
    assert_eq!(put("sha-256=:!:".into()).await.problem().1, "bad_upload");
    let answer = put(digest(&file)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!((&content["title"], &content["visibility"]), (&"my trip".into(), &"gated".into()));
}
