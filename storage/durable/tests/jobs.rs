//! Jobs: each is held by one worker; a lease that ran out is taken over and its former holder can write nothing more; a
//! failed or delayed job never stands in the way of the next; a restart loses neither jobs nor chunks.

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use durable::StoreError;
use durable::catalogue::{AssetState, JobKind, JobState, QueueDepth, Stage};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use support::house;

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_taken_in_order_and_once() {
    let house = Arc::new(house().await);
    let mut all = BTreeSet::new();
    for seed in 0..12 {
        all.insert(house.upload(seed, &[seed], 0).await);
    }
    let workers = (0..4).map(|_| {
        let house = house.clone();
        tokio::spawn(async move {
            let mut mine = Vec::new();
            while let Some(lease) = house.lease(1).await {
                mine.push(lease.asset);
            }
            mine
        })
    });
    let mut taken = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        taken.extend(worker.await.unwrap());
    }
    assert_eq!(taken.len(), 12, "no job is taken twice");
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), all);
    assert_eq!(house.store.catalogue.queue_depth().await.unwrap(), QueueDepth { queued: 0, running: 12 });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_lease_is_taken_over_and_the_former_holder_is_fenced() {
    let house = house().await;
    let asset = house.upload(1, b"x", 0).await;
    let catalogue = &house.store.catalogue;
    let first = house.lease(0).await.unwrap();
    house.plan(&first, &[("av1-360", 2)], 0).await;
    assert_eq!(house.lease(999).await, None, "still held");
    let second = house.lease(1_000).await.unwrap();
    assert_eq!((second.job, second.attempts), (first.job, 2));

    let chunk = [house.chunk("av1-360", 0)];
    let refused = [
        catalogue.heartbeat(&first, 9_000, Stage::Transcode, 0.5, 1_001).await.err(),
        catalogue.store_chunk(&first, &chunk, 1_001).await.err(),
        catalogue.publish(&first, &["av1-360"], 1_001).await.err(),
        catalogue.finish_job(&first, None, 1_001).await.err(),
        catalogue.fail_job(&first, Stage::Probe, "x", "x", 1_001).await.err(),
        catalogue.retry_job(&first, 0, "x", "x", 1_001).await.err(),
        catalogue.release_job(&first, 1_001).await.err(),
        catalogue.record_plan(&first, "", "", 0, &[], 1_001).await.err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, Some(StoreError::Fenced))), "{refused:?}");
    assert_eq!(catalogue.missing(&asset, "av1-360").await.unwrap(), [0, 1], "nothing was written");
    catalogue.store_chunk(&second, &chunk, 1_001).await.unwrap();
    assert_eq!(catalogue.missing(&asset, "av1-360").await.unwrap(), [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_keeps_the_lease() {
    let house = house().await;
    let asset = house.upload(1, b"x", 0).await;
    let lease = house.lease(0).await.unwrap();
    house.store.catalogue.heartbeat(&lease, 5_000, Stage::Package, 0.25, 900).await.unwrap();
    assert_eq!(house.lease(4_999).await, None);
    let job = house.store.catalogue.latest_job(&asset).await.unwrap().unwrap();
    assert_eq!((job.stage, job.progress), (Stage::Package, 0.25));
    assert_eq!(house.store.catalogue.next_due(JobKind::Ingest).await.unwrap(), Some(5_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_or_waiting_job_does_not_block_the_next() {
    let house = house().await;
    let bad = house.upload(1, b"bad", 0).await;
    let slow = house.upload(2, b"slow", 0).await;
    let good = house.upload(3, b"good", 0).await;
    let catalogue = &house.store.catalogue;
    let lease = house.lease(0).await.unwrap();
    catalogue.fail_job(&lease, Stage::Probe, "not_media", "This is no video.", 0).await.unwrap();
    let lease = house.lease(0).await.unwrap();
    assert_eq!(lease.asset, slow);
    catalogue.retry_job(&lease, 500, "io", "later", 0).await.unwrap();
    assert_eq!(house.lease(1).await.unwrap().asset, good);
    assert_eq!(house.lease(499).await, None);
    assert_eq!(house.lease(500).await.unwrap().asset, slow);

    let bad = catalogue.asset(&bad).await.unwrap().unwrap();
    assert_eq!((bad.state, bad.playable), (AssetState::Failed, false));
    assert_eq!(bad.failure.unwrap().code, "not_media");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_chunks_and_gives_the_job_back_at_once() {
    let house = house().await;
    let asset = house.upload(1, b"x", 0).await;
    let lease = house.lease(0).await.unwrap();
    house.plan(&lease, &[("av1-360", 3), ("av1-720", 3)], 0).await;
    let chunk = [house.chunk("av1-360", 1), house.chunk("av1-720", 1)];
    house.store.catalogue.store_chunk(&lease, &chunk, 0).await.unwrap();

    let house = house.restart().await;
    let catalogue = &house.store.catalogue;
    assert_eq!(house.lease(1).await, None, "the lease outlives the process");
    assert_eq!(catalogue.reclaim_jobs(1).await.unwrap(), 1);
    let again = house.lease(1).await.unwrap();
    assert_eq!((again.job, again.attempts), (lease.job, 1), "a chunk was stored: earlier attempts are forgiven");
    assert!(matches!(catalogue.store_chunk(&lease, &chunk, 1).await, Err(StoreError::Fenced)));
    for track in ["av1-360", "av1-720"] {
        assert_eq!(catalogue.missing(&asset, track).await.unwrap(), [0, 2]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_put_back_for_a_shutdown_has_lost_no_attempt() {
    let house = house().await;
    house.upload(1, b"x", 0).await;
    let lease = house.lease(0).await.unwrap();
    house.store.catalogue.release_job(&lease, 0).await.unwrap();
    assert_eq!(house.lease(0).await.unwrap().attempts, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_job_is_queued_with_the_end_of_the_one_before() {
    let house = house().await;
    let asset = house.upload(1, b"x", 0).await;
    let catalogue = &house.store.catalogue;
    let lease = house.lease(0).await.unwrap();
    house.plan(&lease, &[("av1-360", 1)], 0).await;
    catalogue.store_chunk(&lease, &[house.chunk("av1-360", 0)], 0).await.unwrap();
    catalogue.publish(&lease, &["av1-360"], 0).await.unwrap();
    catalogue.finish_job(&lease, Some(JobKind::Ladder), 0).await.unwrap();
    assert_eq!(catalogue.asset(&asset).await.unwrap().unwrap().state, AssetState::Queued);
    assert_eq!(house.lease(0).await, None, "of another kind");
    let ladder = catalogue.lease(JobKind::Ladder, "w", 1_000, 0).await.unwrap().unwrap();
    catalogue.finish_job(&ladder, None, 0).await.unwrap();
    assert_eq!(catalogue.asset(&asset).await.unwrap().unwrap().state, AssetState::Ready);
    let job = catalogue.latest_job(&asset).await.unwrap().unwrap();
    assert_eq!((job.state, job.stage, job.progress), (JobState::Done, Stage::Done, 1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_asset_takes_its_job_along() {
    let house = house().await;
    let asset = house.upload(1, b"x", 0).await;
    let lease = house.lease(0).await.unwrap();
    house.store.delete_asset(&asset, &support::actor(), 1).await.unwrap();
    let late = house.store.catalogue.record_plan(&lease, "{}", "{}", 1, &[], 1).await;
    assert!(matches!(late, Err(StoreError::Fenced)), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_runs_from_the_moment_its_job_is_taken() {
    let house = house().await;
    let asset = house.upload(1, b"x", 0).await;
    let lease = house.lease(7).await.unwrap();
    let taken = house.store.catalogue.asset(&asset).await.unwrap().unwrap();
    assert_eq!((taken.state, taken.updated_ms), (AssetState::Running, 7));
    house.store.catalogue.release_job(&lease, 8).await.unwrap();
    assert_eq!(house.store.catalogue.asset(&asset).await.unwrap().unwrap().state, AssetState::Queued);
}

/// The same with ten thousand, over several processes, is in `postgres.rs`.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_jobs_are_each_run_once_by_four_workers() {
    let house = Arc::new(house().await);
    let count = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2000)";
    let assets = format!(
        "INSERT INTO assets (id, title, file_name, visibility, state, playable, source_object, source_bytes, created_ms, updated_ms, \
         uploaded_ms) {count} SELECT 'a' || n, 'a', 'a', 'open', 'queued', 1, 'x', 1, 1, 1, 1 FROM n"
    );
    let jobs = "INSERT INTO jobs (kind, asset, state, run_after_ms, stage, created_ms, updated_ms) \
                SELECT 'ladder', id, 'queued', 1, 'transcode', 1, 1 FROM assets";
    let mut raw = AnyConnection::connect(&house.database()).await.unwrap();
    for sql in [&assets, jobs, "ANALYZE"] {
        raw.execute(AssertSqlSafe(sql)).await.unwrap();
    }
    let begun = std::time::Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let house = house.clone();
        workers.spawn(async move {
            let (catalogue, mut done) = (&house.store.catalogue, Vec::new());
            while let Some(lease) = catalogue.lease(JobKind::Ladder, "w", 60_000, 5).await.unwrap() {
                catalogue.finish_job(&lease, None, 6).await.unwrap();
                done.push(lease.job);
            }
            done
        });
    }
    let mut done: Vec<i64> = workers.join_all().await.concat();
    eprintln!("{:.0} jobs a second", 2_000.0 / begun.elapsed().as_secs_f64());
    done.sort_unstable();
    assert_eq!(done.len(), 2_000, "none is lost");
    assert!(done.windows(2).all(|two| two[0] != two[1]), "none is run twice");
    assert_eq!(house.store.catalogue.queue_depth().await.unwrap(), QueueDepth::default());
}

/// Holds up whoever writes.
async fn stop_writers(house: &support::House) -> AnyConnection {
    let mut rival = AnyConnection::connect(&house.database()).await.unwrap();
    let sql = if house.is_postgres() {
        "BEGIN; SELECT 1 FROM pg_advisory_xact_lock(91759598567424)"
    } else {
        "BEGIN IMMEDIATE"
    };
    rival.execute(sql).await.unwrap();
    rival
}

/// How many commits there were to a write-ahead log of SQLite: frames that say how large the database is after them
/// (sqlite.org/fileformat2.html, section 4.1).
fn commits(house: &support::House) -> usize {
    let log = std::fs::read(house.folder.path().join("catalogue.sqlite-wal")).unwrap();
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
    let is_of_now = |frame: &&[u8]| frame[8..16] == log[16..24];
    log[32..].chunks_exact(24 + page).take_while(is_of_now).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_end_at_once_share_a_commit_and_none_is_in_the_way_of_another() {
    let house = Arc::new(house().await);
    for seed in 0..8 {
        house.upload(seed, &[seed], 0).await;
    }
    let mut leases = Vec::new();
    while let Some(lease) = house.lease(0).await {
        leases.push(lease);
    }
    assert_eq!(leases.len(), 8);
    let taken_over = house.lease(1_000).await.unwrap();
    assert_eq!(taken_over.job, leases[0].job);

    let before = (!house.is_postgres()).then(|| commits(&house));
    let mut rival = stop_writers(&house).await;
    let mut ends: Vec<_> = leases
        .iter()
        .map(|lease| {
            let (house, lease) = (house.clone(), lease.clone());
            tokio::spawn(async move { house.store.catalogue.finish_job(&lease, Some(JobKind::Ladder), 1_001).await })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    // Whoever had the commit made goes away.
    let gone: Vec<_> = ends.drain(6..).collect();
    gone.iter().for_each(|end| end.abort());
    assert_eq!(house.store.catalogue.queue_depth().await.unwrap().running, 8, "nothing is seen before it is on disk");
    rival.execute("COMMIT").await.unwrap();
    for (n, end) in ends.into_iter().enumerate() {
        let ended = end.await.unwrap();
        assert_eq!(matches!(ended, Err(StoreError::Fenced)), n == 0, "{n}: {ended:?}");
        assert_eq!(ended.is_ok(), n > 0, "{n}: {ended:?}");
    }
    let left = house.store.catalogue.queue_depth().await.unwrap();
    assert_eq!(left, QueueDepth { queued: 7, running: 1 }, "the one that was taken over runs");
    house.store.catalogue.finish_job(&taken_over, Some(JobKind::Ladder), 1_002).await.unwrap();
    match before {
        Some(before) => assert_eq!(commits(&house) - before, 2, "seven together, and one alone"),
        None => {
            let mut raw = AnyConnection::connect(&house.database()).await.unwrap();
            let sql = "SELECT count(DISTINCT CAST(xmin AS TEXT)) FROM jobs WHERE state = 'done'";
            let commits: i64 = sqlx::query_scalar(sql).fetch_one(&mut raw).await.unwrap();
            assert_eq!(commits, 2, "seven together, and one alone");
        }
    }
}
