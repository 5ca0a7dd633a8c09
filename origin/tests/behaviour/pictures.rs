//! A poster and a storyboard: made beside the other work once an asset is playable, served and gated as its segments are, told of in the
//! manifest and the API, made anew after a kill, and gone with the asset.

use std::time::Duration;

use crate::support::{Site, clip};
use durable::catalogue::{Actor, JobKind, Submitted};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_gets_pictures_that_its_cues_and_its_manifest_lead_to() {
    let site = Site::start(|_| {}).await;
    let id = site.upload("", &clip(3, 160, 90)).await;
    let told = site.pictured(&id).await;
    assert_eq!(
        (told["width"].as_u64(), told["height"].as_u64(), told["tiles"].as_u64()),
        (Some(160), Some(90), Some(3))
    );
    assert_eq!(told["interval_ms"], 1000);

    let poster = site.get(told["poster"].as_str().unwrap(), &[]).await;
    assert_eq!((poster.status, poster.header("content-type")), (200, "image/jpeg"));
    assert!(poster.body.starts_with(&[0xff, 0xd8]) && poster.body.ends_with(&[0xff, 0xd9]));
    let kept = [("if-none-match", poster.header("etag"))];
    assert_eq!(site.get(told["poster"].as_str().unwrap(), &kept).await.status, 304);

    let cues = site.get(told["storyboard"].as_str().unwrap(), &[]).await;
    assert_eq!(cues.header("content-type"), "text/vtt");
    let text = cues.text();
    assert!(text.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nstoryboard/0.jpg#xywh=0,0,160,90\n"), "{text}");
    assert!(text.contains("storyboard/0.jpg#xywh=320,0,160,90"), "{text}");
    let sheet = site.get(&format!("/v/{id}/storyboard/0.jpg"), &[]).await;
    assert!(sheet.status == 200 && sheet.body.starts_with(&[0xff, 0xd8]));
    let tag = format!("asset-{id}");
    assert_eq!(sheet.header("surrogate-key"), tag);
    assert_eq!(site.get(&format!("/v/{id}/storyboard/1.jpg"), &[]).await.status, 404);

    let mpd = site.get(&format!("/v/{id}/manifest.mpd"), &[]).await.text();
    assert!(mpd.contains("contentType=\"image\"") && mpd.contains("value=\"3x1\""), "{mpd}");
    assert!(!site.get(&format!("/v/{id}/master.m3u8"), &[]).await.text().contains("storyboard"));

    let jobs = site.api("GET", "/api/v1/worker/jobs?kind=pictures", b"").await.json();
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "{jobs:#}");
    assert_eq!(site.api("DELETE", &format!("/api/v1/content/{id}?purge=true"), b"").await.status, 204);
    site.until_empty("objects").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_a_gated_asset_go_to_edges_alone_and_are_marked() {
    let site = Site::start(|_| {}).await;
    let id = site.upload("&visibility=gated", &clip(2, 160, 90)).await;
    site.pictured(&id).await;
    let key = [("streamgate-edge-key", site.origin.edge_key())];
    for file in ["poster.jpg", "storyboard.vtt", "storyboard/0.jpg", "storyboard/7.jpg"] {
        let path = format!("/v/{id}/{file}");
        let refused = site.get(&path, &[]).await;
        assert_eq!((refused.status, refused.header("streamgate-gate")), (403, "token"), "{file}");
        assert!(!refused.header("cache-control").contains("max-age"), "{file}");
        let given = site.get(&path, &key).await;
        let expected = if file.contains('7') { 404 } else { 200 };
        assert_eq!((given.status, given.header("streamgate-gate")), (expected, "token"), "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_drawn_of_what_is_encrypted() {
    let site = Site::start(|config| config.ladder.heights = vec![48]).await;
    let id = site.ready("&encryption=cbcs").await;
    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!((&content["encryption"], &content["pictures"]), (&"cbcs".into(), &Value::Null));
    let jobs = site.api("GET", "/api/v1/worker/jobs?kind=pictures", b"").await.json();
    assert_eq!(jobs["items"], serde_json::json!([]));
    assert_eq!(site.get(&format!("/v/{id}/poster.jpg"), &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_made_after_a_kill_and_the_asset_does_not_wait_for_them() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let Site { folder, origin, config, server } = site;
    origin.shutdown().await;
    // What a process leaves that is killed while it draws: a leased job, and a sheet that no row names.
    let places = durable::Places { catalogue: config.catalogue.clone(), objects: None };
    let store = durable::Store::open_at(&config.data, durable::Disk::default(), &places).await.unwrap();
    let (asset, actor) = (id.parse().unwrap(), Actor { owner: "admin".into(), key: "admin".into() });
    let Submitted::Queued(job) = store.catalogue.submit_pictures(&asset, &actor, 0).await.unwrap() else { panic!() };
    let lease = store.catalogue.lease(JobKind::Pictures, "killed", i64::MAX, 1).await.unwrap().unwrap();
    assert_eq!(lease.job, job);
    drop(store.objects.put(b"half a sheet").unwrap());
    store.close().await;

    let site = Site { folder, origin: origin::start(config.clone()).await.unwrap(), config, server };
    assert_eq!(site.status(&id).await["state"], "ready");
    for _ in 0..6_000 {
        let state = site.api("GET", &format!("/api/v1/worker/jobs/{job}"), b"").await.json()["state"].clone();
        if state == "done" {
            return;
        }
        assert_ne!(state, "failed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job was not taken up again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_drawn_fails_alone() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    // Later the source can no longer be decoded: its bytes are others.
    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    let digest = content["sha256"].as_str().unwrap().to_owned();
    let source = site
        .files("objects")
        .into_iter()
        .find(|path| path.ends_with(&digest) || path.to_string_lossy().replace('/', "").ends_with(&digest));
    std::fs::write(source.expect("the source is an object"), b"nothing that is a film").unwrap();
    let Site { folder, origin, config, server } = site;
    origin.shutdown().await;
    let places = durable::Places { catalogue: config.catalogue.clone(), objects: None };
    let store = durable::Store::open_at(&config.data, durable::Disk::default(), &places).await.unwrap();
    let (asset, actor) = (id.parse().unwrap(), Actor { owner: "admin".into(), key: "admin".into() });
    let Submitted::Queued(job) = store.catalogue.submit_pictures(&asset, &actor, 0).await.unwrap() else { panic!() };
    store.close().await;
    let site = Site { folder, origin: origin::start(config.clone()).await.unwrap(), config, server };
    for _ in 0..6_000 {
        let job = site.api("GET", &format!("/api/v1/worker/jobs/{job}"), b"").await.json();
        if job["state"] == "failed" {
            assert_eq!(job["error"]["code"], "not_media", "{job:#}");
            assert_eq!(site.status(&id).await["state"], "ready");
            assert_eq!(site.get(&format!("/v/{id}/poster.jpg"), &[]).await.status, 200, "the former ones stay");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job did not fail");
}
