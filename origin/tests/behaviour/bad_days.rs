//! PostgreSQL's bad days: while it is gone whatever needs it is told so in a sentence and asked to come back; when it is there
//! again everything goes on by itself, and what was acknowledged is still there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Site, clip, http};

const PATIENCE: Duration = Duration::from_secs(60);

async fn until_ready(site: &Site) {
    let begun = Instant::now();
    while site.get("/readyz", &[]).await.status != 200 {
        assert!(begun.elapsed() < PATIENCE, "it does not come back: {:?}", site.get("/readyz", &[]).await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_the_catalogue_says_so_while_it_is_gone_and_works_again_afterwards() {
    let mut site = Site::start_on_postgres(|_| {}).await;
    let id = site.ready("").await;
    let key = site.key("creator", "someone").await;
    let asset = format!("/api/v1/content/{id}");
    site.server().stop("-INT");

    for answer in [
        site.api("GET", &asset, b"").await,
        // Here it is the guard itself that cannot look the key up.
        site.with(&key, "GET", &asset, b"").await,
        site.api("POST", "/api/v1/upload?name=clip.mp4", &clip(1, 160, 90)).await,
        site.get(&format!("/v/{id}/master.m3u8"), &[]).await,
    ] {
        assert_eq!(answer.problem(), (503, "catalogue_away".into()), "{answer:?}");
        assert_eq!(answer.header("retry-after"), "2");
    }
    assert_eq!(site.api("POST", &format!("{asset}/token"), b"{}").await.problem(), (503, "catalogue_away".into()));
    let watch = site.api("POST", &format!("{asset}/watch"), br#"{"password":"open, sesame"}"#).await;
    assert_eq!(watch.problem(), (503, "gate_closed".into()), "nobody is let in");
    let ready = site.get("/readyz", &[]).await;
    assert_eq!((ready.status, &ready.json()["parts"]), (503, &json!({ "catalogue": "away", "objects": "ok" })));
    assert_eq!(site.get("/healthz", &[]).await.status, 200, "no reason to be restarted");
    assert_eq!(site.files("tmp"), Vec::<std::path::PathBuf>::new(), "nothing half-stored");

    site.server().start_again();
    until_ready(&site).await;
    assert_eq!(site.with(&key, "GET", &asset, b"").await.status, 200);
    assert_eq!(site.get(&format!("/v/{id}/master.m3u8"), &[]).await.status, 200);
    site.ready("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_away_within_its_bound_and_goes_on_afterwards() {
    let mut site = Site::start_on_postgres(|_| {}).await;
    let id = site.ready("").await;
    let asset = format!("/api/v1/content/{id}");
    site.server().freeze();
    let begun = Instant::now();
    let (asked, body, ready) = (site.api("GET", &asset, b""), clip(1, 160, 90), site.get("/readyz", &[]));
    let (asked, uploaded, ready) = tokio::join!(asked, site.api("POST", "/api/v1/upload?name=clip.mp4", &body), ready);
    for answer in [asked, uploaded] {
        assert_eq!(answer.problem(), (503, "catalogue_away".into()), "{answer:?}");
        assert_eq!(answer.header("retry-after"), "2");
    }
    assert_eq!((ready.status, &ready.json()["parts"]["catalogue"]), (503, &json!("away")));
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    site.server().thaw();
    until_ready(&site).await;
    assert_eq!(site.api("GET", &asset, b"").await.status, 200);
    site.ready("").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_while_the_server_is_stopped_and_killed_under_load() {
    let mut site = Site::start_on_postgres(|_| {}).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (to, key) = (site.origin.addr(), format!("Bearer {}", site.origin.api_key()));
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4 {
        let (stop, key) = (stop.clone(), key.clone());
        writers.spawn(async move {
            let (mut acknowledged, mut refused) = (Vec::new(), 0);
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let id = format!("c{writer}-{n}");
                let body = json!({ "id": id, "name": id }).to_string();
                let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
                let answer = http::request(to, "POST", "/api/v1/categories", &headers, body.as_bytes()).await;
                match answer.status {
                    201 => acknowledged.push(id),
                    503 => {
                        assert_eq!(answer.problem().1, "catalogue_away");
                        refused += 1;
                    }
                    409 if acknowledged.len() + 4 * writer > 900 => break, // as many as may be
                    _ => panic!("{answer:?}"),
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            (acknowledged, refused)
        });
    }
    for signal in ["-INT", "-QUIT", "-QUIT"] {
        tokio::time::sleep(Duration::from_millis(300)).await;
        site.server().stop(signal);
        tokio::time::sleep(Duration::from_millis(300)).await;
        site.server().start_again();
        until_ready(&site).await;
    }
    stop.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    while let Some(done) = writers.join_next().await {
        let (mine, times) = done.unwrap();
        acknowledged.extend(mine);
        refused += times;
    }
    let all = site.api("GET", "/api/v1/categories", b"").await.text();
    for id in &acknowledged {
        assert!(all.contains(&format!("\"{id}\"")), "{id} was acknowledged and is lost");
    }
    assert!(acknowledged.len() > 10 && refused > 0, "{} and {refused}", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_outlives_three_restarts_of_the_server_and_encodes_nothing_twice() {
    let mut site = Site::start_on_postgres(|config| {
        config.ladder.heights = vec![90];
        config.lanes = 1;
    })
    .await;
    let id = site.upload("", &clip(24, 160, 90)).await;
    let (mut last, mut restarts) = (0.0, 0);
    let begun = Instant::now();
    loop {
        let encoded = site.metric("chunks_encoded_total").await;
        if encoded > restarts && restarts < 3 {
            restarts += 1;
            site.server().stop(if restarts == 2 { "-QUIT" } else { "-INT" });
            tokio::time::sleep(Duration::from_millis(200)).await;
            site.server().start_again();
        }
        let answer = site.api("GET", &format!("/api/v1/transcode/status/{id}"), b"").await;
        if answer.status == 200 {
            let status = answer.json();
            let progress = status["progress"].as_f64().unwrap();
            assert!(progress >= last - 1e-9, "progress fell from {last}: {status:#}");
            last = progress;
            assert_ne!(status["state"], "failed", "{status:#}");
            if status["state"] == "ready" {
                break;
            }
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let media = site.get(&format!("/v/{id}/av1-90/media.m3u8"), &[]).await.text();
    let chunks = media.lines().filter(|line| line.ends_with(".m4s")).count() as u64;
    assert_eq!((site.metric("chunks_encoded_total").await, restarts), (chunks, 3));
}
