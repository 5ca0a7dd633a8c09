//! Promised: work can be seen, submitted, cancelled within a second and played again; schedules keep the house in order.

use std::time::{Duration, Instant};

use crate::support::{Site, clip};
use serde_json::{Value, json};

async fn jobs(site: &Site, query: &str) -> Vec<Value> {
    let answer = site.api("GET", &format!("/api/v1/worker/jobs?{query}"), b"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn running_work_is_cancelled_within_a_second_and_goes_on_when_it_is_submitted_again() {
    let site = Site::start(|config| {
        config.ladder.heights = vec![360];
        config.lanes = 1;
    })
    .await;
    let id = site.upload("", &clip(40, 640, 360)).await;
    site.until(&id, |status| status["stage"] == "transcode" && status["progress"].as_f64() > Some(0.05)).await;
    let begun = Instant::now();
    let answer = site.api("POST", &format!("/api/v1/transcode/cancel/{id}"), b"").await;
    // The pictures of the asset may still be in the making, and end with the rest.
    assert!(answer.status == 200 && matches!(answer.json()["cancelled"].as_u64(), Some(1 | 2)), "{answer:?}");
    // The one worker of its kind is free again when the next job of it ends.
    assert_eq!(jobs(&site, "state=running&kind=ladder").await.len(), 0);
    let status = site.status(&id).await;
    assert_eq!((&status["state"], &status["error"]["code"]), (&"failed".into(), &"cancelled".into()));
    let next = site.upload("", &clip(1, 640, 360)).await;
    site.until(&next, |status| status["stage"] == "transcode" || status["state"] == "ready").await;
    assert!(begun.elapsed() < Duration::from_secs(10), "its worker took the next job: {:?}", begun.elapsed());
    let body = json!({ "asset": id, "priority": 3 }).to_string();
    let submitted = site.api("POST", "/api/v1/transcode/submit", body.as_bytes()).await;
    assert_eq!(submitted.status, 202, "{submitted:?}");
    let again = site.api("POST", "/api/v1/transcode/submit", body.as_bytes()).await;
    assert_eq!(again.problem(), (409, "work_under_way".into()));
    site.until(&id, |status| status["stage"] == "transcode" && status["state"] == "running").await;
    let job = &jobs(&site, &format!("asset={id}&state=running")).await[0];
    assert_eq!((&job["kind"], &job["priority"]), (&"ladder".into(), &3.into()), "the next job has it, too");
    let end = site.api("POST", &format!("/api/v1/worker/jobs/{}/cancel", job["id"]), b"").await;
    assert_eq!(end.status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_job_tells_why_and_is_played_again() {
    let site = Site::start(|_| {}).await;
    let id = site.upload("", b"no video at all").await;
    assert_eq!(site.settled(&id).await["state"], "failed");
    let dead = jobs(&site, "state=failed").await;
    assert_eq!((dead.len(), &dead[0]["asset"], &dead[0]["error"]["code"]), (1, &json!(id), &"not_media".into()));
    let replay = format!("/api/v1/worker/jobs/{}/replay", dead[0]["id"]);
    assert_eq!(site.api("POST", &replay, b"").await.status, 202);
    assert_eq!(site.settled(&id).await["error"]["code"], "not_media", "it was tried and failed again");
    assert_eq!(site.api("POST", "/api/v1/worker/jobs/999/replay", b"").await.problem(), (404, "unknown_job".into()));
    let fine = site.ready("").await;
    let done = &jobs(&site, &format!("asset={fine}")).await[0];
    let replay = format!("/api/v1/worker/jobs/{}/replay", done["id"]);
    assert_eq!(site.api("POST", &replay, b"").await.problem(), (409, "not_now".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_see_their_own_tasks_and_submit_their_own_assets() {
    let site = Site::start(|_| {}).await;
    let id = site.upload("", b"no video at all").await;
    site.settled(&id).await;
    let alice = site.key("creator", "alice").await;
    assert_eq!(site.with(&alice, "GET", "/api/v1/transcode/tasks", b"").await.json()["items"], json!([]));
    assert_eq!(site.api("GET", "/api/v1/transcode/tasks", b"").await.json()["items"].as_array().unwrap().len(), 1);
    let body = json!({ "asset": id }).to_string();
    let answer = site.with(&alice, "POST", "/api/v1/transcode/submit", body.as_bytes()).await;
    assert_eq!(answer.problem(), (403, "not_yours".into()));
    let profiles = site.with(&alice, "GET", "/api/v1/transcode/profiles", b"").await.json();
    assert_eq!(profiles["ladder"]["codec"], "av1");
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_are_there_and_can_be_changed() {
    let site = Site::start(|_| {}).await;
    let begun = Instant::now();
    loop {
        let list = site.api("GET", "/api/v1/worker/schedule", b"").await.json()["items"].clone();
        if list.to_string().contains("sweep-uploads") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{list}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let put = async |body: Value| site.api("POST", "/api/v1/worker/schedule", body.to_string().as_bytes()).await;
    let made = put(json!({ "id": "nightly", "what": "bin", "cron": "30 3 * * *", "zone": "Asia/Tokyo" })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let next = made.json()["next_ms"].as_i64().unwrap();
    assert_eq!(next.rem_euclid(86_400_000), (18 * 60 + 30) * 60_000, "half past three in Tokyo");
    for bad in [
        json!({ "id": "x", "what": "everything", "cron": "* * * * *" }),
        json!({ "id": "x", "what": "bin", "cron": "* * * *" }),
        json!({ "id": "x", "what": "bin", "cron": "* * * * *", "zone": "Mars/Olympus" }),
        json!({ "id": "X", "what": "bin", "cron": "* * * * *" }),
    ] {
        assert_eq!(put(bad.clone()).await.problem(), (400, "bad_body".into()), "{bad}");
    }
    assert_eq!(site.api("DELETE", "/api/v1/worker/schedule/nightly", b"").await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn purges_and_sweeps_are_queued_by_hand_and_by_schedule_and_edges_are_told() {
    let site = Site::start(|_| {}).await;
    let post = async |path: &str, body: Value| site.api("POST", path, body.to_string().as_bytes()).await;
    let (job, schedule) = ("/api/v1/worker/jobs", "/api/v1/worker/schedule");
    let purge = post(job, json!({ "kind": "purge", "purge": { "prefix": "/v/news-", "soft": true } })).await;
    assert_eq!(purge.status, 202, "{purge:?}");
    let sweep = post(job, json!({ "kind": "sweep", "what": "objects" })).await;
    assert_eq!(sweep.status, 202, "{sweep:?}");
    let begun = Instant::now();
    let asked = [purge.json()["job"].clone(), sweep.json()["job"].clone()];
    let is_asked = |one: &Value| asked.contains(&one["id"]);
    while jobs(&site, "state=done").await.into_iter().filter(is_asked).count() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:#?}", jobs(&site, "").await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let swept = jobs(&site, "kind=sweep").await;
    assert!(swept.iter().any(|one| one["what"] == "objects" && one["id"] == sweep.json()["job"]), "{swept:#?}");
    let key = [("streamgate-edge-key", site.origin.edge_key())];
    let told = site.get("/api/v1/events?after=0", &key).await.json();
    let event = told["events"].as_array().unwrap().iter().find(|event| event["kind"] == "cache.purge").unwrap();
    assert_eq!((&event["prefix"], &event["soft"], &event["asset"]), (&"/v/news-".into(), &true.into(), &"".into()));
    let purged = jobs(&site, "kind=purge").await;
    assert_eq!(purged[0]["purge"], json!({ "prefix": "/v/news-", "soft": true }));

    let news =
        json!({ "id": "news", "what": "purge", "purge": { "tag": "news" }, "cron": "0 6 * * *", "zone": "Asia/Tokyo" });
    assert_eq!(post(schedule, news).await.status, 201);
    let known = site.api("GET", schedule, b"").await.json();
    let known = known["items"].as_array().unwrap().iter().find(|one| one["id"] == "news").unwrap().clone();
    assert_eq!(known["purge"], json!({ "tag": "news" }));
    for wrong in [
        json!({ "kind": "purge" }),
        json!({ "kind": "purge", "purge": { "tag": "a", "url": "/a" } }),
        json!({ "kind": "sweep", "what": "dust" }),
        json!({ "kind": "backup", "asset": "a" }),
        json!({ "kind": "ladder" }),
    ] {
        assert_eq!(post(job, wrong.clone()).await.problem(), (400, "bad_body".into()), "{wrong}");
    }
    let nobody = post(job, json!({ "kind": "pictures", "asset": "nobody" })).await;
    assert_eq!(nobody.problem(), (404, "unknown_asset".into()));
    let unsaid = json!({ "id": "x", "what": "purge", "cron": "0 6 * * *" });
    assert_eq!(post(schedule, unsaid).await.problem(), (400, "bad_body".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_of_the_house_that_was_ended_stays_so_over_a_restart() {
    let mut site = Site::start(|_| {}).await;
    let until_there = async |site: &Site, id: &str| {
        let begun = Instant::now();
        loop {
            let all = site.api("GET", "/api/v1/worker/schedule", b"").await.json()["items"].clone();
            let ids: Vec<_> =
                all.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
            if ids.iter().any(|known| known == id) {
                return ids;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{ids:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    until_there(&site, "sweep-bin").await;
    assert_eq!(site.api("DELETE", "/api/v1/worker/schedule/sweep-bin", b"").await.status, 204);
    // One more comes with a folder for backups: it is entered together with the others.
    let folder = site.folder.path().join("backups");
    site.config.backups = Some(origin::Backups { folder, kept: 1 });
    let site = site.restart().await;
    let ids = until_there(&site, "backup").await;
    assert!(!ids.contains(&"sweep-bin".to_owned()) && ids.contains(&"sweep-jobs".to_owned()), "{ids:?}");
}
