//! The slow part: AV1 renditions follow the playable moment, chunk by chunk; a restart encodes only what is missing; a
//! deleted asset stops being worked on.

use std::time::{Duration, Instant};

use crate::support::{Site, clip};
use origin::Config;

#[tokio::test(flavor = "multi_thread")]
async fn av1_renditions_follow_and_the_h264_one_plays_meanwhile() {
    let site = Site::start(|config| config.ladder.heights = vec![90, 48]).await;
    let id = site.upload("", &clip(6, 160, 90)).await;
    let playable = site.until(&id, |status| status["playable"] == true).await;
    let h264 = playable["tracks"].as_array().unwrap().iter().find(|t| t["codec"].as_str().unwrap().starts_with("avc1"));
    assert_eq!(h264.unwrap()["state"], "published", "{playable:#}");
    let status = site.settled(&id).await;
    assert_eq!((&status["state"], &status["error"]), (&"ready".into(), &serde_json::Value::Null), "{status:#}");
    let tracks = status["tracks"].as_array().unwrap();
    let published = |name: &str| tracks.iter().any(|t| t["name"] == name && t["state"] == "published");
    assert!(published("av1-90") && published("av1-48"), "{status:#}");
    let master = site.get(&format!("/v/{id}/master.m3u8"), &[]).await.text();
    assert!(master.contains("av1-90/media.m3u8") && master.contains("av01."), "{master}");
    assert!(site.metric("chunks_encoded_total").await >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_goes_up_and_ends_at_one() {
    let site = Site::start(|config| config.ladder.heights = vec![90]).await;
    let id = site.upload("", &clip(6, 160, 90)).await;
    let (mut last, mut stages) = (0.0, Vec::new());
    loop {
        let status = site.status(&id).await;
        let progress = status["progress"].as_f64().unwrap();
        assert!(progress >= last - 1e-9 && progress <= 1.0, "{last} then {status:#}");
        last = progress;
        let stage = status["stage"].as_str().unwrap().to_owned();
        if stages.last() != Some(&stage) {
            stages.push(stage);
        }
        if status["state"] == "ready" {
            break;
        }
        assert_ne!(status["state"], "failed", "{status:#}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(last, 1.0);
    let order = ["probe", "package", "transcode", "publish", "done"];
    let places: Vec<_> = stages.iter().map(|stage| order.iter().position(|o| o == stage).unwrap()).collect();
    assert_eq!(stages.last().unwrap(), "done");
    assert!(places.len() >= 2, "{stages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_mid_transcode_encodes_only_what_is_missing() {
    // One lane, and enough chunks that some are stored and some are not.
    let change = |config: &mut Config| {
        config.ladder.heights = vec![90];
        config.lanes = 1;
    };
    let site = Site::start(change).await;
    let id = site.upload("", &clip(24, 160, 90)).await;
    let begun = Instant::now();
    let first = loop {
        let encoded = site.metric("chunks_encoded_total").await;
        if encoded >= 1 {
            break encoded;
        }
        assert!(begun.elapsed() < Duration::from_secs(100), "{:#}", site.status(&id).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let site = site.restart().await;
    let status = site.settled(&id).await;
    assert_eq!(status["state"], "ready", "{status:#}");
    let second = site.metric("chunks_encoded_total").await;
    let media = site.get(&format!("/v/{id}/av1-90/media.m3u8"), &[]).await.text();
    let chunks = media.lines().filter(|line| line.ends_with(".m4s")).count() as u64;
    assert!(second < chunks, "all {chunks} chunks were encoded again");
    // Between the last look at the counter and the end, more chunks may have been stored.
    assert!(first + second <= chunks, "{first} + {second} for {chunks} chunks: one was encoded twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_asset_ends_its_work_and_removes_its_bytes() {
    let site = Site::start(|config| {
        config.ladder.heights = vec![720];
        config.lanes = 1;
    })
    .await;
    let id = site.upload("", &clip(8, 1280, 720)).await;
    site.until(&id, |status| status["stage"] == "transcode" && status["state"] == "running").await;
    assert_eq!(site.api("DELETE", &format!("/api/v1/content/{id}?purge=true"), b"").await.status, 204);
    site.until_empty("objects").await;
    site.until_empty("tmp").await;
    let begun = Instant::now();
    while site.metric("jobs_running").await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The worker is free for the next one.
    let next = site.upload("", &clip(2, 160, 90)).await;
    assert_eq!(site.settled(&next).await["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encode_that_runs_does_not_hold_up_the_next_upload() {
    let site = Site::start(|config| {
        config.ladder.heights = vec![720];
        config.lanes = 1;
    })
    .await;
    let long = site.upload("", &clip(12, 1280, 720)).await;
    site.until(&long, |status| status["stage"] == "transcode" && status["state"] == "running").await;
    let next = site.upload("", &clip(2, 160, 90)).await;
    site.until(&next, |status| status["playable"] == true).await;
    assert_eq!(site.status(&long).await["state"], "running", "the long one is still at work");
    assert_eq!(site.api("DELETE", &format!("/api/v1/content/{long}?purge=true"), b"").await.status, 204);
}

/// Pictures alone, not H.264: grey squares that get lighter.
fn y4m(pictures: u8) -> Vec<u8> {
    let mut file = b"YUV4MPEG2 W64 H64 F10:1 Ip A1:1 C420jpeg\n".to_vec();
    for n in 0..pictures {
        file.extend_from_slice(b"FRAME\n");
        file.extend(std::iter::repeat_n(n, 64 * 64));
        file.extend(std::iter::repeat_n(128, 64 * 64 / 2));
    }
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_without_h264_gets_an_encoded_one_and_plays_before_av1_is_made() {
    let site = Site::start(|config| config.ladder.heights = vec![64]).await;
    let id = site.upload("", &y4m(50)).await;
    let playable = site.until(&id, |status| status["playable"] == true).await;
    let state = |status: &serde_json::Value, name: &str| {
        let tracks = status["tracks"].as_array().unwrap().clone();
        tracks.into_iter().find(|t| t["name"] == name).unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&playable, "h264-64"), "published", "{playable:#}");
    let status = site.settled(&id).await;
    assert_eq!((&status["state"], state(&status, "av1-64").as_str()), (&"ready".into(), "published"), "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renditions_segments_are_as_long_as_its_playlist_says() {
    let site = Site::start(|config| config.ladder.heights = vec![90]).await;
    let id = site.upload("", &clip(6, 160, 90)).await;
    assert_eq!(site.settled(&id).await["state"], "ready");
    for track in ["h264-90", "av1-90", "aac-und"] {
        let init = site.get(&format!("/v/{id}/{track}/init.mp4"), &[]).await;
        let init = wire::cmaf::read_init(&init.body).unwrap();
        // Priming of the sound lies before zero and is not played.
        let (timescale, mut unheard) = (init.timescale, init.skip);
        let playlist = site.get(&format!("/v/{id}/{track}/media.m3u8"), &[]).await.text();
        let seconds =
            playlist.lines().filter_map(|l| l.strip_prefix("#EXTINF:")?.trim_end_matches(',').parse::<f64>().ok());
        let files = playlist.lines().filter(|l| l.ends_with(".m4s"));
        let (mut clock, mut count) = (None, 0);
        for (seconds, file) in seconds.zip(files) {
            let bytes = site.get(&format!("/v/{id}/{track}/{file}"), &[]).await.body;
            let segment = wire::cmaf::read_segment(&bytes).unwrap();
            let ticks: u64 = segment.samples.iter().map(|sample| u64::from(sample.duration)).sum();
            assert!(((ticks - unheard) as f64 / f64::from(timescale) - seconds).abs() < 0.001, "{track}/{file}");
            assert!(
                clock.is_none_or(|clock| clock == segment.base_decode_time),
                "{track}/{file} begins where the last ended"
            );
            unheard = 0;
            (clock, count) = (Some(segment.base_decode_time + ticks), count + 1);
        }
        assert!(count >= 2, "{playlist}");
    }
}
