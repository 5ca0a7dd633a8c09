//! Uploads that are no good video: each ends as a failed job with a stable code and a sentence, or playable; nothing hangs,
//! nothing is published empty, and the next upload is not held up.

use crate::support::{Site, clip};
use serde_json::Value;

/// Uploads, waits, and expects one of these codes, or `ready`.
async fn check(site: &Site, what: &str, body: &[u8], expected: &[&str]) {
    let id = site.upload("", body).await;
    let status = site.settled(&id).await;
    let outcome = match status["state"].as_str().unwrap() {
        "ready" => "ready",
        _ => status["error"]["code"].as_str().unwrap(),
    };
    assert!(expected.contains(&outcome), "{what}: {status:#}");
    if outcome == "ready" {
        assert_eq!(status["playable"], true, "{what}");
        let master = site.get(&format!("/v/{id}/master.m3u8"), &[]).await;
        assert!(master.text().contains("media.m3u8"), "{what} is not published empty");
    } else {
        assert_eq!((&status["playable"], &status["playable_ms"]), (&Value::Bool(false), &Value::Null), "{what}");
        let detail = status["error"]["detail"].as_str().unwrap();
        assert!(detail.len() > 20 && detail.ends_with('.'), "{what}: a sentence for a person: {detail}");
        assert_eq!(site.get(&format!("/v/{id}/master.m3u8"), &[]).await.problem().1, "asset_failed", "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_video_fails_with_a_reason() {
    let site = Site::start(|_| {}).await;
    check(&site, "zeros", &[0; 300_000], &["not_media"]).await;
    check(&site, "a page", b"<!doctype html><html><body>Not found</body></html>", &["not_media"]).await;
    check(&site, "a playlist", b"#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n", &["is_playlist"]).await;
    check(&site, "one byte", b"x", &["not_media", "truncated"]).await;
    assert_eq!(site.ready("").await.len(), 16, "the next one is not held up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_mp4_fails_with_a_reason() {
    let site = Site::start(|_| {}).await;
    let whole = clip(3, 160, 90);
    check(&site, "half a file", &whole[..whole.len() / 2], &["truncated", "no_moov", "malformed"]).await;
    check(&site, "the first box", &whole[..32], &["truncated", "no_moov"]).await;
    let mut no_moov = whole.clone();
    let at = no_moov.windows(4).position(|four| four == b"moov").unwrap();
    no_moov[at..at + 4].copy_from_slice(b"free");
    check(&site, "moov renamed", &no_moov, &["no_moov"]).await;
    let mut bomb = whole.clone();
    let at = bomb.windows(4).position(|four| four == b"stsz").unwrap();
    bomb[at + 12..at + 16].copy_from_slice(&u32::MAX.to_be_bytes());
    check(&site, "2^32-1 samples", &bomb, &["ready", "truncated", "malformed", "over_limit"]).await;
    let mut noise = whole;
    let mdat = noise.windows(4).position(|four| four == b"mdat").unwrap() + 4;
    let end = (mdat + 20_000).min(noise.len());
    noise[mdat..end].fill(0xff);
    check(
        &site,
        "noise for pictures",
        &noise,
        &["ready", "corrupt_video", "corrupt_audio", "malformed", "codec_crashed", "no_samples"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_does_not_hold_up_the_next() {
    let site = Site::start(|_| {}).await;
    let mut bad = Vec::new();
    for n in 0..6 {
        bad.push(site.upload("", &vec![n; 50_000]).await);
    }
    let good = site.upload("", &clip(2, 160, 90)).await;
    assert_eq!(site.settled(&good).await["state"], "ready");
    for id in bad {
        assert_eq!(site.settled(&id).await["state"], "failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_without_sound_are_playable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("silent.mp4");
    let spec = media::clip::ClipSpec { seconds: 2, width: 160, height: 90, audio: false, ..Default::default() };
    media::clip::write(&path, &spec).unwrap();
    let site = Site::start(|_| {}).await;
    check(&site, "no sound", &std::fs::read(&path).unwrap(), &["ready"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_without_pictures_is_playable() {
    // The picture track says that it is something else: only the sound is left.
    let mut body = clip(3, 160, 90);
    let at = body.windows(8).position(|eight| eight == b"\0\0\0\0vide").unwrap() + 4;
    body[at..at + 4].copy_from_slice(b"text");
    let site = Site::start(|config| config.ladder.heights = vec![90]).await;
    check(&site, "sound only", &body, &["ready"]).await;
}
