//! The catalogue with many rows: pages of the listing, searches, and jobs a second, on SQLite and, with
//! `STREAMGATE_BENCH_POSTGRES=postgres://...` (an empty database), on PostgreSQL. `STREAMGATE_BENCH_ASSETS` is how many assets.

use crate::options::Options;
use crate::report::Table;
use anyhow::{Context, Result};
use durable::catalogue::{Cursor, Filter, JobKind, NewAsset, Visibility};
use durable::{AssetId, Disk, Places, Store};
use serde_json::Value;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the catalogue is meant for.
const ASSETS: u64 = 1_000_000;
/// Jobs that do nothing, and who takes them.
const JOBS: u64 = 10_000;
const WORKERS: u32 = 4;
/// Queries of each kind.
const QUERIES: u64 = 400;
/// Each word is in one title of so many.
const WORDS: u64 = 1_000;

/// Measures both databases, as far as they are there.
pub fn run(_: &Options) -> Result<Table> {
    let assets = std::env::var("STREAMGATE_BENCH_ASSETS").ok().map(|n| n.parse()).transpose()?.unwrap_or(ASSETS);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let columns = [
        "catalogue",
        "a page of 50, p50 / p95",
        "search, a rare word, p95",
        "two words, p95",
        "every title's word, p95",
        "that and a rare one, p95",
        "three letters of it, p95",
        "jobs a second",
    ];
    let mut table = Table {
        title: format!("The catalogue with {assets} assets"),
        columns: columns.map(str::to_owned).to_vec(),
        notes: vec![format!(
            "{QUERIES} queries of each kind at random places, one after another; {JOBS} jobs that do nothing, {WORKERS} workers, two commits a job"
        )],
        ..Table::default()
    };
    let scratch = tempfile::Builder::new().prefix("streamgate-bench-catalogue-").tempdir()?;
    let dump = scratch.path().join("catalogue.jsonl");
    eprintln!("catalogue: writing {assets} assets");
    runtime.block_on(write(scratch.path(), &dump, assets))?;
    let postgres = std::env::var("STREAMGATE_BENCH_POSTGRES").ok();
    let postgres = postgres.map(|url| url.parse()).transpose().context("STREAMGATE_BENCH_POSTGRES")?;
    let places = [Some(("SQLite", None)), postgres.map(|url| ("PostgreSQL", Some(url)))];
    for (name, catalogue) in places.into_iter().flatten() {
        let places = Places { catalogue, objects: None };
        let store = runtime.block_on(Store::open_at(&scratch.path().join(name), Disk::default(), &places))?;
        let begun = Instant::now();
        runtime.block_on(store.catalogue.load(&mut BufReader::new(File::open(&dump)?)))?;
        eprintln!("catalogue: {name} took them in within {:.0} s", begun.elapsed().as_secs_f64());
        let store = Arc::new(store);
        let mut cells = vec![name.to_owned()];
        cells.extend(runtime.block_on(queries(&store, assets))?);
        cells.push(format!("{:.0}", runtime.block_on(jobs(&store, assets))?));
        table.rows.push(cells);
        runtime.block_on(store.close());
    }
    Ok(table)
}

/// A dump of many assets, after the pattern of one that the program made itself.
async fn write(scratch: &Path, dump: &Path, assets: u64) -> Result<()> {
    let store = Store::open(&scratch.join("pattern"), Disk::default()).await?;
    let new = NewAsset {
        id: AssetId::from_random([0; 10]),
        title: "clip".into(),
        file_name: "clip.mp4".into(),
        owner: "admin".into(),
        meta: Default::default(),
        visibility: Visibility::Open,
        source: durable::ObjectId::of(b""),
        source_bytes: 1,
        uploaded_ms: 1,
        key: None,
    };
    store.catalogue.create_asset(&new, 1).await?;
    let mut pattern = Vec::new();
    store.catalogue.dump(&mut pattern).await?;
    store.close().await;
    let lines: Vec<Value> =
        pattern.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let of = |table: &str| lines.iter().find(|line| line["table"] == table).cloned().context("no such row");
    let (mut asset, mut job) = (of("assets")?, of("jobs")?);
    asset["row"]["playable"] = 1.into(); // so that a job which ends makes it ready
    let mut out = BufWriter::new(File::create(dump)?);
    writeln!(out, "{}", lines.first().context("no head")?)?;
    for n in 0..assets {
        let id = id(n);
        asset["row"]["id"] = id.as_str().into();
        asset["row"]["title"] = format!("clip {} {}", word(n % WORDS), word(n / WORDS % WORDS)).into();
        for column in ["created_ms", "updated_ms", "uploaded_ms"] {
            asset["row"][column] = (n + 1).into();
        }
        writeln!(out, "{asset}")?;
    }
    for n in 0..JOBS.min(assets) {
        (job["row"]["id"], job["row"]["asset"]) = ((n + 1).into(), id(n).as_str().into());
        job["row"]["unique_key"] = format!("ingest:{}", id(n)).into();
        writeln!(out, "{job}")?;
    }
    writeln!(out, "{{\"rows\":{}}}", assets + JOBS.min(assets))?;
    Ok(out.flush()?)
}

fn id(n: u64) -> AssetId {
    let mut bytes = [1; 10];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    AssetId::from_random(bytes)
}

/// Letters that nothing else has.
fn word(n: u64) -> String {
    format!("w{}", char::from(b'a' + (n % 26) as u8)) + &n.to_string()
}

async fn queries(store: &Store, assets: u64) -> Result<Vec<String>> {
    let mut pages = Vec::new();
    let mut searches: [Vec<Duration>; 5] = Default::default();
    let filter = Filter::default();
    for n in 0..QUERIES {
        let at = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % assets;
        let after = Cursor { created_ms: at as i64 + 1, id: id(at) };
        let begun = Instant::now();
        store.catalogue.assets(&filter, Some(&after), 50).await?;
        pages.push(begun.elapsed());
        let (one, other) = (word(at % WORDS), word(at / WORDS % WORDS));
        let (pair, mixed) = (format!("{one} {other}"), format!("clip {one}"));
        for (text, times) in [one.as_str(), &pair, "clip", &mixed, "cli"].into_iter().zip(&mut searches) {
            let begun = Instant::now();
            anyhow::ensure!(!store.catalogue.search(text, &filter, None, 20).await?.is_empty(), "nothing has {text}");
            times.push(begun.elapsed());
        }
    }
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let page = format!("{} / {}", ms(at(&mut pages, 50)), ms(at(&mut pages, 95)));
    Ok(std::iter::once(page).chain(searches.iter_mut().map(|times| ms(at(times, 95)))).collect())
}

fn at(times: &mut [Duration], percent: usize) -> Duration {
    times.sort();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// Jobs that are taken and ended a second.
async fn jobs(store: &Arc<Store>, assets: u64) -> Result<f64> {
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let store = store.clone();
        workers.spawn(async move {
            let mut done = 0u64;
            while let Some(lease) = store.catalogue.lease(JobKind::Ingest, "bench", i64::MAX, 2).await? {
                store.catalogue.finish_job(&lease, None, 3).await?;
                done += 1;
            }
            Ok::<_, durable::StoreError>(done)
        });
    }
    let mut done = 0;
    while let Some(worker) = workers.join_next().await {
        done += worker??;
    }
    anyhow::ensure!(done == JOBS.min(assets), "{done} jobs were done");
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}
