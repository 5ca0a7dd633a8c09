//! What an end and a new start keep: assets, keys, stored chunks; and what a start refuses.

use std::time::Duration;

use crate::support::{Site, clip, http};
use origin::{Config, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn assets_and_keys_outlive_the_process() {
    let site = Site::start(|_| {}).await;
    let id = site.ready("").await;
    let (api, edge) = (site.origin.api_key().to_owned(), site.origin.edge_key().to_owned());
    let token = site.origin.mint(&id, Duration::from_secs(3600)).unwrap();
    let site = site.restart().await;
    assert_eq!((site.origin.api_key(), site.origin.edge_key()), (api.as_str(), edge.as_str()));
    let now = wire::token::UnixSeconds(token.expires - 1);
    let path = format!("/v/{id}/master.m3u8");
    assert!(wire::token::verify(&token.token, &site.origin.verification_keys(), now, &path).is_ok());
    assert_eq!(site.get(&path, &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_succeed_says_what_to_do() {
    let site = Site::start(|_| {}).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let config = |listen: std::net::SocketAddr, data: std::path::PathBuf| Config { listen, data, ..Config::default() };
    let free = "127.0.0.1:0".parse().unwrap();

    let taken = origin::start(config(site.origin.addr(), elsewhere.path().into())).await.unwrap_err();
    assert!(matches!(taken, StartError::PortTaken(_)), "{taken}");
    assert!(taken.to_string().contains(&site.origin.addr().port().to_string()), "{taken}");

    let in_use = origin::start(config(free, site.folder.path().join("data"))).await.unwrap_err();
    assert!(matches!(in_use, StartError::DataInUse(_)), "{in_use}");

    let file = elsewhere.path().join("file");
    std::fs::write(&file, "x").unwrap();
    let unusable = origin::start(config(free, file.join("data"))).await.unwrap_err();
    assert!(matches!(unusable, StartError::Data { .. }), "{unusable}");
    assert!(unusable.to_string().contains("file"), "{unusable}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_takes_the_process_down_again_and_again_is_given_up() {
    let site = Site::start(|_| {}).await;
    let data = site.folder.path().join("data");
    let Site { folder: _folder, origin, server, .. } = site;
    origin.shutdown().await;
    // What is left behind by six processes that were killed while they worked on an upload.
    let store = durable::Store::open(&data, durable::Disk::default()).await.unwrap();
    let source = store.objects.put(b"a file that kills decoders").unwrap();
    let id = durable::AssetId::from_random([7; 10]);
    let new = durable::catalogue::NewAsset {
        id: id.clone(),
        title: "killer".into(),
        file_name: "killer.mp4".into(),
        owner: "admin".into(),
        meta: Default::default(),
        visibility: durable::catalogue::Visibility::Open,
        source: source.id,
        source_bytes: source.bytes,
        uploaded_ms: 0,
        key: None,
    };
    store.catalogue.create_asset(&new, 0).await.unwrap();
    for now in 0..5 {
        let kind = durable::catalogue::JobKind::Ingest;
        assert!(store.catalogue.lease(kind, "killed", now + 1, now).await.unwrap().is_some());
    }
    store.close().await;
    let config = Config { listen: "127.0.0.1:0".parse().unwrap(), data, ..Config::default() };
    let site = Site { folder: _folder, origin: origin::start(config.clone()).await.unwrap(), config, server };
    let status = site.settled(id.as_str()).await;
    assert_eq!(status["error"]["code"], "interrupted", "{status:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_packaged_before_a_kill_is_published_and_not_packaged_again() {
    let site = Site::start(|_| {}).await;
    let packaged = site.upload("", &clip(6, 160, 90)).await;
    site.settled(&packaged).await;
    let packaged: durable::AssetId = packaged.parse().unwrap();
    let Site { folder, origin, config, server } = site;
    origin.shutdown().await;
    // What is left behind by a process that was killed between the packaging and the publication. Of each track it has the first
    // segment alone: if there are more afterwards, it was packaged again.
    let places = durable::Places { catalogue: config.catalogue.clone(), objects: None };
    let store = durable::Store::open_at(&config.data, durable::Disk::default(), &places).await.unwrap();
    let catalogue = &store.catalogue;
    let asset = catalogue.asset(&packaged).await.unwrap().unwrap();
    let id = durable::AssetId::from_random([7; 10]);
    let new = durable::catalogue::NewAsset {
        id: id.clone(),
        title: "cut off".into(),
        file_name: "cut-off.mp4".into(),
        owner: "admin".into(),
        meta: Default::default(),
        visibility: durable::catalogue::Visibility::Open,
        source: asset.source,
        source_bytes: asset.source_bytes,
        uploaded_ms: 0,
        key: None,
    };
    catalogue.create_asset(&new, 0).await.unwrap();
    let kind = durable::catalogue::JobKind::Ingest;
    let lease = catalogue.lease(kind, "killed", 1, 0).await.unwrap().unwrap();
    let (mut planned, mut chunks) = (Vec::new(), Vec::new());
    for track in catalogue.tracks(&packaged).await.unwrap() {
        let mut segments = catalogue.segments(&packaged, &track.name).await.unwrap();
        assert!(segments.len() > 1, "{track:?}");
        let all = u32::try_from(segments.len()).unwrap();
        let (name, codec) = (track.name.clone(), track.codec.clone());
        planned.push(durable::catalogue::Planned { name, codec, size: track.size, segments: all });
        if !track.name.starts_with("av1") {
            segments.truncate(1);
            let init = track.init.unwrap();
            chunks.push(durable::catalogue::StoredChunk { track: track.name, init, segments, whole: true });
        }
    }
    let (source, plan) = (asset.source_info.unwrap(), asset.plan.unwrap());
    catalogue.record_plan(&lease, &source, &plan, 8_000_000, &planned, 0).await.unwrap();
    catalogue.store_chunk(&lease, &chunks, 0).await.unwrap();
    store.close().await;
    let site = Site { folder, origin: origin::start(config.clone()).await.unwrap(), config, server };
    let status = site.settled(id.as_str()).await;
    assert_eq!(status["state"], "ready", "{status:#}");
    for track in chunks {
        let playlist = site.get(&format!("/v/{id}/{}/media.m3u8", track.track), &[]).await;
        let text = String::from_utf8(playlist.body).unwrap();
        assert_eq!(text.matches("#EXTINF").count(), 1, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_waits_for_uploads_and_not_for_idle_connections() {
    let site = Site::start(|_| {}).await;
    let (to, key) = (site.origin.addr(), format!("Bearer {}", site.origin.api_key()));
    let mut silent = TcpStream::connect(to).await.unwrap();
    let body = clip(2, 160, 90);
    let length = body.len().to_string();
    let headers = [("authorization", key.as_str()), ("content-length", length.as_str())];
    let mut upload = http::send_head(to, "POST", "/api/v1/upload", &headers).await;
    upload.write_all(&body[..1000]).await.unwrap();
    while site.metric("upload_bytes_total").await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ending = tokio::spawn(async move { site.restart().await });
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0, "an idle connection is closed");
    upload.write_all(&body[1000..]).await.unwrap();
    let answer = http::read_answer(upload, "POST").await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let site = ending.await.unwrap();
    let status = site.settled(answer.json()["id"].as_str().unwrap()).await;
    assert_eq!(status["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_waits_no_longer_than_its_limit() {
    let site = Site::start(|config| config.shutdown_limit = Duration::from_secs(1)).await;
    let (to, key) = (site.origin.addr(), format!("Bearer {}", site.origin.api_key()));
    let headers = [("authorization", key.as_str()), ("content-length", "100000")];
    let mut upload = http::send_head(to, "POST", "/api/v1/upload", &headers).await;
    upload.write_all(&[7; 1000]).await.unwrap();
    while site.metric("upload_bytes_total").await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The rest never comes.
    let begun = std::time::Instant::now();
    let site = site.restart().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    site.until_empty("tmp").await;
    site.ready("").await;
    drop(upload);
}
