//! Playlists of what does not grow any more are written once and come out of the cache, until the asset changes.

use crate::support::{Site, clip};

/// Hits and misses of the cache so far.
async fn counted(site: &Site) -> (u64, u64) {
    let stats = site.api("GET", "/api/v1/cache/stats", b"").await.json();
    (stats["hits"].as_u64().unwrap(), stats["misses"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_change_is_written_once() {
    let site = Site::start(|config| config.ladder.heights = vec![48]).await;
    let id = site.ready("&encryption=cbcs").await;
    for file in ["master.m3u8", "manifest.mpd", "av1-48/media.m3u8"] {
        let path = format!("/v/{id}/{file}");
        let (hits, misses) = counted(&site).await;
        let first = site.get(&path, &[]).await;
        assert_eq!((first.status, counted(&site).await), (200, (hits, misses + 1)), "{file}");
        let second = site.get(&path, &[]).await;
        assert_eq!((&second.body, second.header("etag")), (&first.body, first.header("etag")), "{file}");
        assert_eq!(second.header("content-type"), first.header("content-type"));
        assert_eq!(counted(&site).await, (hits + 1, misses + 1), "{file}");
    }
    assert_eq!(site.get(&format!("/v/{id}/none/media.m3u8"), &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_come_later_are_told_of() {
    let site = Site::start(|config| config.ladder.heights = vec![48]).await;
    let id = site.upload("", &clip(2, 160, 90)).await;
    let path = format!("/v/{id}/manifest.mpd");
    for _ in 0..6_000 {
        if site.get(&path, &[]).await.text().contains("contentType=\"image\"") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the manifest does not tell of pictures");
}
