//! A backup of a running origin, restored elsewhere, plays.

use durable::Places;

use crate::support::{Site, http};

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_copy_plays_and_lets_in_whom_the_first_one_did() {
    let site = Site::start(|config| config.ladder.heights = vec![48]).await;
    let (id, key) = (site.ready("").await, site.key("viewer", "someone").await);
    let copy = tempfile::tempdir().unwrap();
    let mine = Places { catalogue: site.config.catalogue.clone(), objects: None };
    durable::backup(&site.config.data, &mine, copy.path(), |_| {}).await.unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    durable::restore(copy.path(), elsewhere.path(), &Places::default(), |_| {}).await.unwrap();
    let config = origin::Config { data: elsewhere.path().into(), catalogue: None, ..site.config.clone() };
    let other = origin::start(config).await.unwrap();
    assert_eq!(other.api_key(), site.origin.api_key());
    let bearer = format!("Bearer {key}");
    let asset = format!("/api/v1/content/{id}");
    let known = http::request(other.addr(), "GET", &asset, &[("authorization", &bearer)], b"").await;
    assert_eq!(known.status, 200, "{known:?}");
    for path in ["master.m3u8", "av1-48/init.mp4", "av1-48/0.m4s"].map(|name| format!("/v/{id}/{name}")) {
        let played = http::request(other.addr(), "GET", &path, &[], b"").await;
        assert_eq!((played.status, played.body), (200, site.get(&path, &[]).await.body), "{path}");
    }
    other.shutdown().await;
}
