//! A backup of a running origin, restored elsewhere, plays; made by a job, the youngest are kept.

use std::time::{Duration, Instant};

use durable::Places;
use serde_json::Value;

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

const JOBS: &str = "/api/v1/worker/jobs";

/// Queues a backup, and answers its job's path.
async fn queue(site: &Site) -> String {
    let queued = site.api("POST", JOBS, br#"{"kind":"backup"}"#).await;
    assert_eq!(queued.status, 202, "{queued:?}");
    format!("{JOBS}/{}", queued.json()["job"])
}

/// Asks for a job until it is as wanted, and answers it.
async fn until(site: &Site, job: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let told = site.api("GET", job, b"").await.json();
        if wanted(&told) {
            return told;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it stays at {told:#}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn is_done(job: &Value) -> bool {
    job["state"] == "done"
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_jobs_of_which_the_youngest_are_kept_and_play_when_they_are_restored() {
    let root = tempfile::tempdir().unwrap();
    let backups = origin::Backups { folder: root.path().join("backups"), kept: 2 };
    let site = Site::start(|config| config.backups = Some(backups.clone())).await;
    let id = site.ready("").await;
    let poster = format!("/v/{id}/poster.jpg");
    let begun = Instant::now();
    while site.get(&poster, &[]).await.status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60), "there is no poster");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let schedules = site.api("GET", "/api/v1/worker/schedule", b"").await.json();
    assert!(schedules["items"].as_array().unwrap().iter().any(|one| one["what"] == "backup"), "{schedules:#}");
    for _ in 0..3 {
        let job = queue(&site).await;
        assert_eq!(until(&site, &job, is_done).await["progress"], 1.0);
    }
    let made = durable::backups(&backups.folder).unwrap();
    assert_eq!(made.len(), 2, "{made:?}");

    let elsewhere = tempfile::tempdir().unwrap();
    durable::restore(&made[1], elsewhere.path(), &Places::default(), |_| {}).await.unwrap();
    let config =
        origin::Config { data: elsewhere.path().into(), catalogue: None, backups: None, ..site.config.clone() };
    let other = origin::start(config).await.unwrap();
    for path in [format!("/v/{id}/master.m3u8"), poster] {
        let played = http::request(other.addr(), "GET", &path, &[], b"").await;
        assert_eq!((played.status, played.body), (200, site.get(&path, &[]).await.body), "{path}");
    }
    other.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_fails_says_why_and_is_tried_again() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("backups");
    std::fs::write(&folder, "in the way").unwrap();
    let site = Site::start(|config| config.backups = Some(origin::Backups { folder: folder.clone(), kept: 1 })).await;
    let job = queue(&site).await;
    let told = until(&site, &job, |job| job["attempts"] == 1 && job["state"] == "queued").await;
    assert_eq!(told["error"]["code"], "backup_failed");
    assert!(told["error"]["detail"].as_str().unwrap().contains(folder.to_str().unwrap()), "{told:#}");
    std::fs::remove_file(&folder).unwrap();
    let told = until(&site, &job, is_done).await;
    assert_eq!((&told["error"], durable::backups(&folder).unwrap().len()), (&Value::Null, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_would_go_nowhere_is_refused() {
    let site = Site::start(|_| {}).await;
    let schedule = br#"{"id":"mine","what":"backup","cron":"0 1 * * *"}"#.as_slice();
    for (path, body) in [(JOBS, br#"{"kind":"backup"}"#.as_slice()), ("/api/v1/worker/schedule", schedule)] {
        let refused = site.api("POST", path, body).await;
        assert_eq!(refused.problem(), (400, "bad_body".into()));
        assert!(refused.text().contains("work.backup_folder"), "{refused:?}");
    }
}
