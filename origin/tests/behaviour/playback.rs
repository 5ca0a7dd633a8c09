//! The playback paths as edges see them: validators, ranges, freshness, tags, the gate's mark, and refusals that tell
//! unknown from not yet.

use crate::support::{Site, clip, http};

#[tokio::test(flavor = "multi_thread")]
async fn what_an_edge_has_already_is_not_sent_again() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    for path in ["master.m3u8", "manifest.mpd", "h264-90/media.m3u8", "h264-90/init.mp4", "h264-90/0.m4s"] {
        let path = format!("/v/{id}/{path}");
        let whole = site.get(&path, &[]).await;
        let etag = whole.header("etag");
        assert!(etag.starts_with('"') && etag.len() > 30, "{path}: {etag}");
        let again = site.get(&path, &[("if-none-match", etag)]).await;
        assert_eq!((again.status, again.header("etag")), (304, etag), "{path}");
        assert_eq!(again.header("cache-control"), whole.header("cache-control"));
        assert_eq!(site.get(&path, &[("if-none-match", "\"other\"")]).await.status, 200, "{path}");
        let head = http::request(site.origin.addr(), "HEAD", &path, &[], b"").await;
        assert_eq!((head.status, head.header("etag")), (200, etag), "{path}");
        assert_eq!(head.header("content-length"), whole.body.len().to_string(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_cut_out_of_the_segment() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let path = format!("/v/{id}/h264-90/0.m4s");
    let whole = site.get(&path, &[]).await;
    let total = whole.body.len();
    let part = site.get(&path, &[("range", "bytes=10-19")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[10..20]));
    assert_eq!(part.header("content-range"), format!("bytes 10-19/{total}"));
    let tail = site.get(&path, &[("range", "bytes=-5")]).await;
    assert_eq!(tail.body, whole.body[total - 5..]);
    let outside = site.get(&path, &[("range", "bytes=99999999-")]).await;
    assert_eq!(outside.problem(), (416, "bad_range".into()));
    assert_eq!(outside.header("content-range"), format!("bytes */{total}"));
    let etag = whole.header("etag");
    let fresh = site.get(&path, &[("range", "bytes=0-0"), ("if-range", etag)]).await;
    assert_eq!(fresh.status, 206);
    let other = site.get(&path, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.body.len()), (200, total));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_streamed_and_cut_the_same() {
    // One keyframe only: the passed-through rendition is one long segment, larger than what is read at once.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.mp4");
    let spec = media::clip::ClipSpec {
        seconds: 12,
        width: 1280,
        height: 720,
        keyframe_every: 100_000,
        bitrate: 6_000_000,
        ..Default::default()
    };
    media::clip::write(&path, &spec).unwrap();
    let site = Site::start(|_| {}).await;
    let id = site.upload("", &std::fs::read(&path).unwrap()).await;
    site.settled(&id).await;
    let path = format!("/v/{id}/h264-720/0.m4s");
    let whole = site.get(&path, &[]).await;
    assert!(whole.body.len() > 1 << 20, "{} bytes are not large", whole.body.len());
    let part = site.get(&path, &[("range", "bytes=1000000-1000009")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[1_000_000..1_000_010]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_how_long_and_whose_it_is() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let check = async |path: &str, control: &str| {
        let answer = site.get(&format!("/v/{id}/{path}"), &[]).await;
        assert_eq!(answer.header("cache-control"), control, "{path}");
        assert_eq!(answer.header("surrogate-key"), format!("asset-{id}"), "{path}");
        assert_eq!(answer.header("streamgate-gate"), "", "{path}");
        assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
    };
    check("master.m3u8", "public, max-age=60, stale-while-revalidate=60").await;
    check("h264-90/media.m3u8", "public, max-age=60, stale-while-revalidate=60").await;
    check("h264-90/init.mp4", "public, max-age=31536000, immutable").await;
    check("h264-90/0.m4s", "public, max-age=31536000, immutable").await;
    check("h264-90/99.m4s", "public, max-age=2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gated_asset_is_marked_and_given_to_edges_only() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("&visibility=gated").await;
    let key = site.origin.edge_key().to_owned();
    for path in
        ["master.m3u8", "manifest.mpd", "h264-90/media.m3u8", "h264-90/init.mp4", "h264-90/0.m4s", "h264-90/9.m4s"]
    {
        let path = format!("/v/{id}/{path}");
        let without = site.get(&path, &[]).await;
        assert_eq!(without.problem(), (403, "edge_key_missing".into()), "{path}");
        assert_eq!(without.header("streamgate-gate"), "token", "{path}");
        assert_eq!(without.header("cache-control"), "no-store", "{path}");
        let wrong = site.get(&path, &[("streamgate-edge-key", "sg-guess")]).await;
        assert_eq!(wrong.problem(), (403, "edge_key_wrong".into()), "{path}");
        let right = site.get(&path, &[("streamgate-edge-key", &key)]).await;
        assert_eq!(right.header("streamgate-gate"), "token", "{path}");
        assert_eq!(right.status, if path.ends_with("9.m4s") { 404 } else { 200 }, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_is_told_from_not_yet_and_from_never() {
    let site = Site::start(|config| config.ladder.heights = vec![90]).await;
    let check = async |path: &str, code: &str, control: &str| {
        let answer = site.get(path, &[]).await;
        assert_eq!(answer.problem(), (404, code.to_owned()), "{path}");
        assert_eq!(answer.header("cache-control"), control, "{path}");
    };
    check("/v/nobody/master.m3u8", "unknown_asset", "public, max-age=2").await;
    check("/v/nobody/x/0.m4s", "unknown_asset", "public, max-age=2").await;
    check("/v/nobody/x/init.mp4", "unknown_asset", "public, max-age=2").await;
    check("/v/../etc/passwd", "unknown_path", "no-store").await;
    check("/v/nobody/x/01.m4s", "unknown_path", "no-store").await;
    check("/p/token/v/nobody/master.m3u8", "unknown_path", "no-store").await;

    let failed = site.upload("", &[0; 100_000]).await;
    site.settled(&failed).await;
    check(&format!("/v/{failed}/master.m3u8"), "asset_failed", "public, max-age=2").await;

    let id = site.upload("", &clip(4, 160, 90)).await;
    site.until(&id, |status| status["playable"] == true).await;
    let status = site.status(&id).await;
    if status["state"] != "ready" {
        // Seen through the playlist, too: it grows.
        let master = site.get(&format!("/v/{id}/master.m3u8"), &[]).await;
        assert!(
            ["public, max-age=1", "public, max-age=60, stale-while-revalidate=60"]
                .contains(&master.header("cache-control"))
        );
    }
    site.settled(&id).await;
    check(&format!("/v/{id}/nobody/media.m3u8"), "unknown_track", "public, max-age=2").await;
    check(&format!("/v/{id}/nobody/init.mp4"), "unknown_track", "public, max-age=2").await;
    check(&format!("/v/{id}/h264-90/99.m4s"), "unknown_segment", "public, max-age=2").await;
    check(&format!("/v/{id}/storyboard/99.jpg"), "unknown_track", "public, max-age=1").await;
}
