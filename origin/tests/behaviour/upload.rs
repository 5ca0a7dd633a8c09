//! From upload to playback: an H.264 file is playable at once without being encoded, its AV1 renditions follow, and every
//! playlist leads to segments that are what it says.

use crate::support::{Site, clip};

#[tokio::test(flavor = "multi_thread")]
async fn an_h264_upload_is_playable_as_it_is() {
    let site = Site::start(|_| {}).await;
    let answer = site.api("POST", "/api/v1/upload?name=holiday.mp4", &clip(9, 160, 90)).await;
    assert_eq!(answer.status, 201);
    let created = answer.json();
    let id = created["id"].as_str().unwrap();
    assert!(id.len() >= 12 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{id}");
    assert_eq!(answer.header("location"), format!("/api/v1/content/{id}"));
    let status = site.settled(id).await;
    assert_eq!(
        (&status["state"], &status["stage"], &status["playable"]),
        (&"ready".into(), &"done".into(), &true.into())
    );
    assert_eq!(status["progress"], 1.0);
    assert!(status["playable_ms"].is_u64(), "{status}");

    let content = site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!((&content["title"], &content["name"]), (&"holiday".into(), &"holiday.mp4".into()));
    let duration = content["duration_ms"].as_u64().unwrap();
    assert!((8_900..9_200).contains(&duration), "{duration}");

    let master = site.get(created["playback"]["hls"].as_str().unwrap(), &[]).await;
    assert_eq!((master.status, master.header("content-type")), (200, "application/vnd.apple.mpegurl"));
    let mpd = site.get(created["playback"]["dash"].as_str().unwrap(), &[]).await;
    assert_eq!((mpd.status, mpd.header("content-type")), (200, "application/dash+xml"));
    let (master, mpd) = (master.text(), mpd.text());
    for track in status["tracks"].as_array().unwrap() {
        let name = track["name"].as_str().unwrap();
        assert_eq!(track["state"], "published");
        assert!(master.contains(&format!("{name}/media.m3u8")) && mpd.contains(name), "{master}\n{mpd}");
        let init = site.get(&format!("/v/{id}/{name}/init.mp4"), &[]).await;
        assert_eq!(&init.body[4..8], b"ftyp");
        let media = site.get(&format!("/v/{id}/{name}/media.m3u8"), &[]).await.text();
        let segments: Vec<&str> = media.lines().filter(|line| line.ends_with(".m4s")).collect();
        assert!(segments.len() >= 2, "{media}");
        for segment in segments {
            let answer = site.get(&format!("/v/{id}/{name}/{segment}"), &[]).await;
            assert_eq!((answer.status, &answer.body[4..8]), (200, b"styp".as_slice()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_is_stored_once() {
    let site = Site::start(|_| {}).await;
    let first = site.ready("").await;
    let files = site.files("objects").len();
    let second = site.ready("").await;
    assert_ne!(first, second);
    assert_eq!(site.files("objects").len(), files);
    assert_eq!(site.api("DELETE", &format!("/api/v1/content/{first}?purge=true"), b"").await.status, 204);
    assert_eq!(site.files("objects").len(), files, "the second still needs them");
    assert_eq!(site.get(&format!("/v/{second}/master.m3u8"), &[]).await.status, 200);
    assert_eq!(site.api("DELETE", &format!("/api/v1/content/{second}?purge=true"), b"").await.status, 204);
    assert_eq!(site.files("objects").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_is_listed_changed_and_deleted() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("&title=First%20light&visibility=gated").await;
    let list = site.api("GET", "/api/v1/content", b"").await.json();
    assert_eq!(list["items"][0]["title"], "First light");
    assert_eq!(list["items"][0]["visibility"], "gated");
    let changed = site.api("POST", &format!("/api/v1/content/{id}"), br#"{"title":"Dawn","visibility":"open"}"#).await;
    assert_eq!((changed.status, &changed.json()["title"]), (200, &"Dawn".into()));
    assert_eq!(site.get(&format!("/v/{id}/master.m3u8"), &[]).await.status, 200);
    assert_eq!(site.api("DELETE", &format!("/api/v1/content/{id}?purge=true"), b"").await.status, 204);
    for path in [format!("/api/v1/content/{id}"), format!("/api/v1/transcode/status/{id}")] {
        assert_eq!(site.api("GET", &path, b"").await.problem(), (404, "unknown_asset".into()));
    }
    assert_eq!(site.get(&format!("/v/{id}/master.m3u8"), &[]).await.problem(), (404, "unknown_asset".into()));
    assert_eq!(site.api("GET", "/api/v1/content", b"").await.json()["items"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_minute_of_720p_is_playable_within_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    let frame_rate = wire::presentation::Ratio { num: 15, den: 1 };
    let size = media::clip::ClipSpec { width: 1280, height: 720, ..Default::default() };
    let spec = media::clip::ClipSpec { seconds: 30, frame_rate, keyframe_every: 30, bitrate: 2_500_000, ..size };
    media::clip::write(&path, &spec).unwrap();
    let site = Site::start(|_| {}).await;
    let id = site.upload("", &std::fs::read(&path).unwrap()).await;
    let status = site.settled(&id).await;
    let playable_ms = status["playable_ms"].as_u64().unwrap();
    println!("playable after {playable_ms} ms");
    assert!(playable_ms < 2_000, "{status:#}");
}
