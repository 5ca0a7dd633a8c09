//! A backup of a running origin, restored elsewhere, plays; made by a job, the youngest are kept.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use durable::Places;
use serde_json::Value;

use crate::support::weed::{ACCESS_KEY, BUCKET, SECRET_KEY, Weed};
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

/// An object whose bytes do not come, on the last of the shelves: whoever copies all has copied all but this one.
struct Stuck {
    path: PathBuf,
    _end: File,
}

impl Stuck {
    fn new(data: &Path) -> Self {
        let shelf = data.join("objects/ff");
        std::fs::create_dir_all(&shelf).unwrap();
        let path = shelf.join("f".repeat(62));
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // An end for writing: a reader waits until it is dropped.
        let end = File::options().read(true).write(true).open(&path).unwrap();
        Self { path, _end: end }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_cancelled_midway_is_none_and_the_next_one_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let backups = origin::Backups { folder: root.path().join("backups"), kept: 2 };
    let site = Site::start(|config| config.backups = Some(backups.clone())).await;
    let id = site.ready("").await;
    let stuck = Stuck::new(&site.config.data);
    let job = queue(&site).await;
    until(&site, &job, |job| job["progress"].as_f64() > Some(0.9)).await;
    let cancelled = Instant::now();
    assert_eq!(site.api("POST", &format!("{job}/cancel"), b"").await.status, 202);
    assert_eq!(until(&site, &job, |job| job["state"] != "running").await["state"], "cancelled");
    assert_eq!(durable::backups(&backups.folder).unwrap(), Vec::<PathBuf>::new());
    let elsewhere = tempfile::tempdir().unwrap();
    let half = durable::restore(&backups.folder.join("unfinished"), elsewhere.path(), &Places::default(), |_| {}).await;
    assert!(half.is_err(), "half a backup is none: {half:?}");

    // Somewhere a thread still reads; the worker is free all the same.
    std::fs::remove_file(&stuck.path).unwrap();
    let next = queue(&site).await;
    until(&site, &next, |job| job["state"] != "queued").await;
    assert!(cancelled.elapsed() < Duration::from_secs(5), "it held its worker for {:?}", cancelled.elapsed());
    let done = until(&site, &next, is_done).await;
    assert_eq!((&done["attempts"], &done["error"]), (&1.into(), &Value::Null), "{done:#}");
    drop(stuck);
    assert_eq!(site.api("GET", &job, b"").await.json()["state"], "cancelled", "it stays so");
    let made = durable::backups(&backups.folder).unwrap();
    assert_eq!(made.len(), 1, "{made:?}");
    plays_elsewhere(&site, &made[0], &id).await;
}

/// Restores a backup and plays an asset of it.
async fn plays_elsewhere(site: &Site, backup: &Path, id: &str) {
    let elsewhere = tempfile::tempdir().unwrap();
    durable::restore(backup, elsewhere.path(), &Places::default(), |_| {}).await.unwrap();
    let data = elsewhere.path().into();
    let config = origin::Config { data, catalogue: None, objects: None, backups: None, ..site.config.clone() };
    let other = origin::start(config).await.unwrap();
    for path in ["master.m3u8", "h264-90/init.mp4", "h264-90/0.m4s"].map(|name| format!("/v/{id}/{name}")) {
        let played = http::request(other.addr(), "GET", &path, &[], b"").await;
        assert_eq!((played.status, played.body), (200, site.get(&path, &[]).await.body), "{path}");
    }
    other.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_of_what_is_in_an_s3_share_their_objects_and_leave_no_copies() {
    let weed = Weed::start();
    let place =
        origin::S3Place::parse(&format!("s3://{BUCKET}/p"), &weed.endpoint(), "us-east-1", ACCESS_KEY, SECRET_KEY);
    let root = tempfile::tempdir().unwrap();
    let backups = origin::Backups { folder: root.path().join("backups"), kept: 2 };
    let site = Site::start(|config| {
        config.objects = Some(place.unwrap());
        config.backups = Some(backups.clone());
    })
    .await;
    let first = site.ready("").await;
    let mut names = Vec::new();
    for round in 0..3 {
        if round == 2 {
            site.ready("&title=another").await;
        }
        let job = queue(&site).await;
        assert_eq!(until(&site, &job, is_done).await["attempts"], 1);
        names.extend(durable::backups(&backups.folder).unwrap().pop());
    }
    assert_eq!(durable::backups(&backups.folder).unwrap(), names[1..], "the youngest two");
    assert_eq!(site.files("tmp"), Vec::<PathBuf>::new());
    assert!(!site.folder.path().join("data/objects").exists(), "they are in the S3 alone");
    plays_elsewhere(&site, &names[1], &first).await;
    plays_elsewhere(&site, &names[2], &first).await;
}
