//! The queue: higher priorities first, what waits for others after them, one job of a name at a time; a cancelled job's worker
//! can write nothing more; a dead one can be played again; a schedule queues once, however late it is looked at.

mod support;

use durable::StoreError;
use durable::catalogue::{AssetState, JobFilter, JobKind, JobState, Schedule, Stage, Submitted, Wished};
use support::{House, actor, house};

/// What one worker of the house does.
const HOUSE: &[JobKind] = &[JobKind::Sweep, JobKind::Purge];

async fn failed(house: &House, seed: u8) -> (durable::AssetId, i64) {
    let id = house.upload(seed, &[seed], 0).await;
    let lease = house.lease(0).await.unwrap();
    assert_eq!(lease.asset, id);
    house.store.catalogue.fail_job(&lease, Stage::Probe, "io", "It failed.", 0).await.unwrap();
    (id, lease.job)
}

#[tokio::test(flavor = "multi_thread")]
async fn higher_priorities_go_first_and_what_waits_goes_after() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let mut assets = Vec::new();
    for seed in 0..4 {
        assets.push(failed(&house, seed).await.0);
    }
    let submit = async |n: usize, priority, needs: &[i64]| match catalogue
        .submit(&assets[n], priority, needs, &actor(), 1)
        .await
        .unwrap()
    {
        Submitted::Queued(job) => job,
        other => panic!("{other:?}"),
    };
    let low = submit(0, -1, &[]).await;
    let waiting = submit(1, 9, &[low]).await;
    let usual = submit(2, 0, &[]).await;
    let high = submit(3, 5, &[]).await;
    assert_eq!(catalogue.job(waiting).await.unwrap().unwrap().waits_for, [low]);
    let mut order = Vec::new();
    while let Some(lease) = house.lease(1).await {
        order.push(lease.job);
    }
    assert_eq!(order, [high, usual, low], "and not the one that waits, though it has the highest");
    assert_eq!(catalogue.cancel_job(low, &actor(), 2).await.unwrap(), Wished::Done(Some(assets[0].clone())));
    assert_eq!(house.lease(2).await, None, "what it waits for was not done");
    assert!(matches!(catalogue.replay_job(low, &actor(), 3).await.unwrap(), Wished::Done(_)));
    let lease = house.lease(3).await.unwrap();
    house.plan(&lease, &[("av1-360", 1)], 3).await;
    catalogue.store_chunk(&lease, &[house.chunk("av1-360", 0)], 3).await.unwrap();
    catalogue.publish(&lease, &["av1-360"], 3).await.unwrap();
    catalogue.finish_job(&lease, None, 3).await.unwrap();
    assert_eq!(house.lease(4).await.unwrap().job, waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_asset_has_one_job_at_a_time() {
    let house = house().await;
    let (id, _) = failed(&house, 1).await;
    let catalogue = &house.store.catalogue;
    let Submitted::Queued(job) = catalogue.submit(&id, 0, &[], &actor(), 1).await.unwrap() else {
        panic!("not queued")
    };
    assert_eq!(catalogue.submit(&id, 0, &[], &actor(), 1).await.unwrap(), Submitted::Busy(job));
    assert_eq!(catalogue.cancel_work(&id, &actor(), 1).await.unwrap(), 1);
    assert_eq!(catalogue.submit(&id, 0, &[12345], &actor(), 1).await.unwrap(), Submitted::NoNeed(12345));
    assert!(
        matches!(catalogue.submit(&id, 0, &[], &actor(), 1).await.unwrap(), Submitted::Queued(_)),
        "nothing was kept"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_jobs_worker_is_fenced_off_and_a_dead_job_can_be_played_again() {
    let house = house().await;
    let id = house.upload(1, b"x", 0).await;
    let catalogue = &house.store.catalogue;
    let lease = house.lease(0).await.unwrap();
    assert_eq!(catalogue.cancel_job(lease.job, &actor(), 1).await.unwrap(), Wished::Done(Some(id.clone())));
    assert!(matches!(catalogue.release_job(&lease, 1).await, Err(StoreError::Fenced)));
    assert_eq!(house.lease(99_999).await, None);
    let asset = catalogue.asset(&id).await.unwrap().unwrap();
    assert_eq!((asset.state, asset.failure.unwrap().code.as_str()), (AssetState::Failed, "cancelled"));
    assert_eq!(catalogue.cancel_job(lease.job, &actor(), 1).await.unwrap(), Wished::NotNow);
    assert_eq!(catalogue.cancel_job(777, &actor(), 1).await.unwrap(), Wished::Unknown);

    assert_eq!(catalogue.replay_job(lease.job, &actor(), 2).await.unwrap(), Wished::Done(Some(id.clone())));
    assert_eq!(catalogue.replay_job(lease.job, &actor(), 2).await.unwrap(), Wished::NotNow);
    let again = house.lease(2).await.unwrap();
    assert_eq!((again.job, again.attempts), (lease.job, 1));
    catalogue.fail_job(&again, Stage::Probe, "io", "It failed.", 3).await.unwrap();
    let dead = JobFilter { state: Some(JobState::Failed), owner: Some("admin".into()), ..JobFilter::default() };
    let letters = catalogue.jobs(&dead, i64::MAX, 9).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].id, letters[0].error_code.as_deref()), (lease.job, Some("io")));
    let others = JobFilter { owner: Some("someone".into()), ..dead };
    assert_eq!(catalogue.jobs(&others, i64::MAX, 9).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_queues_one_job_and_moves_on() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let schedule = Schedule {
        id: "a".into(),
        what: "bin".into(),
        body: String::new(),
        cron: "* * * * *".into(),
        zone: "UTC".into(),
        next_ms: 100,
        last_ms: None,
        created_ms: 0,
    };
    assert!(catalogue.put_schedule(&schedule, &actor()).await.unwrap());
    assert!(catalogue.queue_scheduled(&schedule, 200, 150).await.unwrap());
    assert!(!catalogue.queue_scheduled(&schedule, 200, 150).await.unwrap(), "someone else did");
    let due = catalogue.schedules().await.unwrap().remove(0);
    assert_eq!((due.next_ms, due.last_ms), (200, Some(150)));
    assert!(catalogue.queue_scheduled(&due, 300, 250).await.unwrap());
    let chore = catalogue.lease_chore(HOUSE, "w", 500, 250).await.unwrap().unwrap();
    assert_eq!((chore.kind, chore.body.as_str(), chore.attempts), (JobKind::Sweep, "bin", 1));
    assert_eq!(
        catalogue.lease_chore(HOUSE, "w", 500, 250).await.unwrap(),
        None,
        "the second was not queued beside the first"
    );
    let late = catalogue.lease_chore(HOUSE, "w", 900, 600).await.unwrap().unwrap();
    assert!(matches!(catalogue.end_chore(&chore, None, 600).await, Err(StoreError::Fenced)));
    catalogue.end_chore(&late, Some(("no", Some(700))), 600).await.unwrap();
    assert_eq!(catalogue.lease_chore(HOUSE, "w", 900, 699).await.unwrap(), None);
    let last = catalogue.lease_chore(HOUSE, "w", 900, 700).await.unwrap().unwrap();
    catalogue.end_chore(&last, None, 700).await.unwrap();
    assert_eq!(catalogue.sweep_jobs(701).await.unwrap(), 1);
    assert!(catalogue.delete_schedule("a", &actor(), 1).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_of_the_house_are_queued_by_hand_and_taken_by_whoever_does_their_kind() {
    let house = house().await;
    let catalogue = &house.store.catalogue;
    let submit = async |kind, body: &str| catalogue.submit_chore(kind, body, &actor(), 1).await.unwrap();
    let Submitted::Queued(backup) = submit(JobKind::Backup, "").await else { panic!() };
    assert_eq!(submit(JobKind::Backup, "").await, Submitted::Busy(backup), "one at a time");
    for body in [r#"{"tag":"a"}"#, r#"{"tag":"a"}"#] {
        assert!(matches!(submit(JobKind::Purge, body).await, Submitted::Queued(_)));
    }
    let mut taken = Vec::new();
    while let Some(chore) = catalogue.lease_chore(HOUSE, "w", 900, 2).await.unwrap() {
        catalogue.purge_edges(&chore.body, 2).await.unwrap();
        catalogue.end_chore(&chore, None, 2).await.unwrap();
        taken.push((chore.kind, chore.body));
    }
    assert_eq!(taken, vec![(JobKind::Purge, r#"{"tag":"a"}"#.to_owned()); 2]);
    let told = catalogue.events_after(0, 9).await.unwrap();
    let told: Vec<_> =
        told.iter().map(|event| (event.kind.as_str(), event.asset.as_str(), event.body.as_str())).collect();
    assert_eq!(told, [("cache.purge", "", r#"{"tag":"a"}"#); 2]);

    let chore = catalogue.lease_chore(&[JobKind::Backup], "w", 100, 2).await.unwrap().unwrap();
    catalogue.beat_chore(&chore, 900, 0.5, 50).await.unwrap();
    assert_eq!(catalogue.lease_chore(&[JobKind::Backup], "v", 900, 500).await.unwrap(), None, "still held");
    let next = catalogue.lease_chore(&[JobKind::Backup], "v", 2_000, 900).await.unwrap().unwrap();
    assert!(matches!(catalogue.beat_chore(&chore, 1_500, 0.6, 901).await, Err(StoreError::Fenced)));
    assert!(matches!(catalogue.holds_chore(&chore).await, Err(StoreError::Fenced)));
    catalogue.beat_chore(&next, 2_000, 0.1, 901).await.unwrap();
    catalogue.holds_chore(&next).await.unwrap();
    catalogue.end_chore(&next, Some(("No room.", None)), 901).await.unwrap();
    let job = catalogue.job(backup).await.unwrap().unwrap();
    assert_eq!((job.state, job.error_code.as_deref(), job.progress), (JobState::Failed, Some("backup_failed"), 0.5));

    let schedule = Schedule {
        id: "news".into(),
        what: "purge".into(),
        body: r#"{"prefix":"/news/"}"#.into(),
        cron: "* * * * *".into(),
        zone: "UTC".into(),
        next_ms: 1,
        last_ms: None,
        created_ms: 0,
    };
    assert!(catalogue.put_schedule(&schedule, &actor()).await.unwrap());
    assert_eq!(catalogue.schedules().await.unwrap()[0].body, schedule.body);
    assert!(catalogue.queue_scheduled(&schedule, 60_001, 1).await.unwrap());
    let due = catalogue.lease_chore(HOUSE, "w", 9_000, 1_000).await.unwrap().unwrap();
    assert_eq!((due.kind, due.body), (JobKind::Purge, schedule.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_of_the_house_that_was_ended_is_not_entered_again() {
    let house = house().await;
    let schedule = |id: &str| Schedule {
        id: id.into(),
        what: "bin".into(),
        body: String::new(),
        cron: "* * * * *".into(),
        zone: "UTC".into(),
        next_ms: 1,
        last_ms: None,
        created_ms: 0,
    };
    let ids = async |house: &House| {
        let all = house.store.catalogue.schedules().await.unwrap();
        all.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    let seeds = ["a", "b"].map(schedule);
    house.store.catalogue.seed_schedules(&seeds).await.unwrap();
    assert!(house.store.catalogue.delete_schedule("a", &actor(), 1).await.unwrap());
    let house = house.restart().await;
    house.store.catalogue.seed_schedules(&["a", "b", "new"].map(schedule)).await.unwrap();
    assert_eq!(ids(&house).await, ["b", "new"]);
    assert!(house.store.catalogue.put_schedule(&schedule("a"), &actor()).await.unwrap());
    assert_eq!(ids(&house).await, ["a", "b", "new"], "whoever wants it makes it");
}
