//! Every promise of the catalogue, kept by PostgreSQL as by SQLite: the same files, run with the other database (see
//! `support::house_on`), and what only several processes on one catalogue can show.
#![allow(clippy::duplicate_mod)] // each of these files is a test binary as well, and brings its support along

#[path = "assets.rs"]
mod assets;
#[path = "backup.rs"]
mod backup;
#[path = "grants.rs"]
mod grants;
#[path = "jobs.rs"]
mod jobs;
#[path = "metadata.rs"]
mod metadata;
#[path = "migrations.rs"]
mod migrations;
#[path = "objects.rs"]
mod objects;
#[path = "pictures.rs"]
mod pictures;
#[path = "queue.rs"]
mod queue;
#[path = "shares.rs"]
mod shares;
#[path = "streams.rs"]
mod streams;
#[path = "support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use durable::catalogue::{JobKind, PostgresUrl};
use durable::{Disk, Places, Store, StoreError};
use sqlx::{AnyConnection, Connection, Executor};
use support::{actor, house};

fn at(url: &PostgresUrl) -> Places {
    Places { catalogue: Some(url.clone()), objects: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_events_misses_none_while_several_processes_write() {
    let house = house().await;
    let id = house.upload(1, b"one", 1).await;
    let neighbour = house.neighbour().await.unwrap();
    let (mine, theirs) = (Arc::new(house.store), Arc::new(neighbour.store));
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (store, id) = (if n % 2 == 0 { mine.clone() } else { theirs.clone() }, id.clone());
        writers.spawn(async move {
            for _ in 0..40 {
                assert!(store.catalogue.purge(&id, &actor(), 2).await.unwrap());
            }
        });
    }
    let (mut last, mut seen) = (1, 0);
    while seen < 8 * 40 {
        let events = mine.catalogue.events_after(last, 1_000).await.unwrap();
        seen += events.len();
        last = events.last().map_or(last, |event| event.seq);
        if events.is_empty() && writers.try_join_next().is_some_and(|ended| ended.is_err()) {
            panic!("a writer failed");
        }
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(
        mine.catalogue.events_after(0, 1_000).await.unwrap().len(),
        1 + 8 * 40,
        "read one after another: {seen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_takes_back_its_own_jobs_and_leaves_the_others_theirs() {
    let house = house().await;
    let neighbour = house.neighbour().await.unwrap();
    house.upload(1, b"one", 1).await;
    house.upload(2, b"two", 1).await;
    let mine = house.lease(5).await.unwrap();
    let theirs = neighbour.store.catalogue.lease(JobKind::Ingest, "w", 1_000, 5).await.unwrap().unwrap();
    assert_ne!(mine.job, theirs.job);
    let house = house.restart().await;
    assert_eq!(house.store.catalogue.reclaim_jobs(6).await.unwrap(), 1);
    assert_eq!(house.lease(7).await.unwrap().job, mine.job);
    neighbour.store.catalogue.finish_job(&theirs, Some(JobKind::Ladder), 8).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_job_is_lost_or_run_twice_by_workers_of_several_processes() {
    let house = house().await;
    for seed in 0..60 {
        house.upload(seed, &[seed], 1).await;
    }
    let neighbour = house.neighbour().await.unwrap();
    let (mine, theirs) = (Arc::new(house.store), Arc::new(neighbour.store));
    let mut workers = tokio::task::JoinSet::new();
    for n in 0..4 {
        let store = if n % 2 == 0 { mine.clone() } else { theirs.clone() };
        workers.spawn(async move {
            let mut done = Vec::new();
            while let Some(lease) = store.catalogue.lease(JobKind::Ingest, "w", 60_000, 5).await.unwrap() {
                store.catalogue.finish_job(&lease, Some(JobKind::Ladder), 6).await.unwrap();
                done.push(lease.job);
            }
            done
        });
    }
    let mut done: Vec<i64> = workers.join_all().await.concat();
    done.sort_unstable();
    assert!(done.len() == 60 && done.windows(2).all(|two| two[0] != two[1]), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_jobs_are_each_run_once_by_four_workers() {
    let house = house().await;
    let mut raw = AnyConnection::connect(&house.database()).await.unwrap();
    let statements = [
        // What is asked is who gets which job, not what a power cut leaves.
        "ALTER SYSTEM SET fsync = off",
        "SELECT pg_reload_conf()",
        "INSERT INTO assets (id, title, file_name, visibility, state, playable, source_object, source_bytes, created_ms, updated_ms, \
         uploaded_ms) SELECT 'a' || n, 'a', 'a', 'open', 'queued', 1, repeat('0', 64), 1, 1, 1, 1 FROM generate_series(1, 10000) AS n",
        "INSERT INTO jobs (kind, asset, state, run_after_ms, stage, created_ms, updated_ms) \
         SELECT 'ladder', id, 'queued', 1, 'transcode', 1, 1 FROM assets",
        "ANALYZE",
    ];
    for sql in statements {
        raw.execute(sql).await.unwrap();
    }
    let others = [house.neighbour().await.unwrap(), house.neighbour().await.unwrap(), house.neighbour().await.unwrap()];
    let begun = std::time::Instant::now();
    let workers = std::iter::once(&house).chain(&others).map(async |house| {
        let (catalogue, mut done) = (&house.store.catalogue, Vec::new());
        while let Some(lease) = catalogue.lease(JobKind::Ladder, "w", 60_000, 5).await.unwrap() {
            catalogue.finish_job(&lease, None, 6).await.unwrap();
            done.push(lease.job);
        }
        done
    });
    let mut done: Vec<i64> = futures_util::future::join_all(workers).await.concat();
    let rate = 10_000.0 / begun.elapsed().as_secs_f64();
    eprintln!("{rate:.0} jobs a second");
    done.sort_unstable();
    assert_eq!(done.len(), 10_000, "none is lost");
    assert!(done.windows(2).all(|two| two[0] != two[1]), "none is run twice");
    assert_eq!(house.store.catalogue.queue_depth().await.unwrap(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_that_start_at_once_make_one_schema() {
    let server = support::postgres::Server::start();
    let places = at(&server.url().parse().unwrap());
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let (one, two) = tokio::join!(
        Store::open_at(folders[0].path(), Disk::default(), &places),
        Store::open_at(folders[1].path(), Disk::default(), &places),
    );
    one.unwrap().catalogue.ping().await.unwrap();
    two.unwrap().catalogue.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_told_in_a_sentence_without_the_password() {
    let server = support::postgres::Server::start();
    let folder = tempfile::tempdir().unwrap();
    let check = async |url: String, expected: &str| {
        let url: PostgresUrl = url.parse().unwrap();
        match Store::open_at(folder.path(), Disk::default(), &at(&url)).await {
            Err(StoreError::Server(told)) => assert!(told.contains(expected) && !told.contains("s3cret"), "{told}"),
            other => panic!("{other:?}"),
        }
    };
    check("postgres://me:s3cret@127.0.0.1:1/videos".into(), "cannot be reached").await;
    check(server.url().replace("/postgres?", "/videos?"), "createdb videos").await;
    check(server.url().replace("postgres@", "nobody:s3cret@"), "user or the password").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_under_way_when_the_server_hangs_ends_within_its_bound() {
    let house = house().await;
    let id = house.upload(1, b"one", 1).await;
    // Somebody writes, so that the next one waits in the middle of its transaction.
    let mut other = AnyConnection::connect(&house.database()).await.unwrap();
    let mut writing = other.begin().await.unwrap();
    let lock = "SELECT CAST(count(*) AS BIGINT) FROM (SELECT pg_advisory_xact_lock($1)) AS locked";
    let _: i64 = sqlx::query_scalar(lock).bind(0x5374_7247_0000_i64).fetch_one(&mut *writing).await.unwrap();
    let store = Arc::new(house.store);
    let waiting = tokio::spawn({
        let (store, id) = (store.clone(), id.clone());
        async move { store.catalogue.purge(&id, &actor(), 2).await }
    });
    let waits = "SELECT CAST(count(*) AS BIGINT) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut *writing).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let server = house.server.clone().unwrap();
    server.freeze();
    let begun = Instant::now();
    let asking = store.catalogue.asset(&id).await;
    assert!(asking.is_err_and(|error| error.is_away()) && begun.elapsed() < Duration::from_secs(5), "who comes later");
    let late = waiting.await.unwrap();
    assert!(late.as_ref().is_err_and(StoreError::is_away), "{late:?}");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    server.thaw();
    writing.rollback().await.unwrap();
    let begun = Instant::now();
    while let Err(error) = store.catalogue.purge(&id, &actor(), 3).await {
        assert!(error.is_away() && begun.elapsed() < Duration::from_secs(30), "{error}");
    }
    assert_eq!(store.catalogue.asset(&id).await.unwrap().unwrap().id, id);
}
