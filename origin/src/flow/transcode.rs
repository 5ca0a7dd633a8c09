//! transcode: chunks that are not yet stored are decoded once and encoded for every rung, on all lanes. Each chunk is stored
//! with its row as soon as it is there, and survives whatever happens to this process. Where other workers have the same catalogue, each
//! takes chunk by chunk, whoever leads the job and whoever helps.

mod share;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use durable::StoreError;
use durable::catalogue::{Asset, SegmentRow, Stage, StoredChunk};
use media::plan::VideoCodec;
use media::{EncodedChunk, Event, MediaError};
use tokio::runtime::Handle;

use super::package::{init, release};
use super::plan::Job;
use super::protect;
use super::source::source;
use share::{LOOK, Missing};

use crate::clock::now_ms;
use crate::work::{Failure, Run, on_thread, patiently, through_media};

/// Encodes what is missing of the rungs of one codec; it is all stored afterwards, by whomever. A run that helps encodes what it is given.
pub(super) async fn transcode(run: &Run, asset: &Asset, job: &Job, codec: VideoCodec) -> Result<(), Failure> {
    if run.helps() {
        return help(run, asset, job, codec).await;
    }
    let names = job.rungs(codec);
    let planned = job.plan.chunks();
    run.progress.stage(Stage::Transcode);
    loop {
        let missing = missing(run, asset, &names).await?;
        let stored = planned.saturating_sub(u32::try_from(missing.len()).unwrap_or(u32::MAX));
        run.progress.encode(names.clone(), stored, planned);
        if missing.is_empty() {
            return Ok(());
        }
        if run.share.is_none() {
            return encode(run, asset, job, codec, missing).await.map(drop);
        }
        if !encode(run, asset, job, codec, missing).await? {
            // Others have the rest.
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = run.cancel.asked() => return Err(MediaError::Cancelled.into()),
            }
        }
    }
}

/// Encodes what nobody else has of a job that another run leads.
async fn help(run: &Run, asset: &Asset, job: &Job, codec: VideoCodec) -> Result<(), Failure> {
    let missing = missing(run, asset, &job.rungs(codec)).await?;
    // How far the job is, its leader says.
    run.progress.stage(Stage::Transcode);
    let helped = !missing.is_empty() && encode(run, asset, job, codec, missing).await?;
    run.helped.store(helped, Ordering::Relaxed);
    Ok(())
}

async fn missing(run: &Run, asset: &Asset, names: &[String]) -> Result<Vec<u32>, Failure> {
    let mut missing = BTreeSet::new();
    let catalogue = &run.house.store.catalogue;
    for name in names {
        missing.extend(patiently(&run.cancel, || catalogue.missing(&asset.id, name)).await?);
    }
    Ok(missing.into_iter().collect())
}

/// Encodes these, or of these what this run gets. Answers whether that was any.
async fn encode(run: &Run, asset: &Asset, job: &Job, codec: VideoCodec, missing: Vec<u32>) -> Result<bool, Failure> {
    let mut job = job.clone();
    job.plan.rungs.retain(|rung| rung.codec == codec);
    let lanes = media::transcode::lanes_of(run.house.config.lanes());
    let shared = Missing::new(run, &job.plan, &missing);
    let lanes = match &shared {
        Some(shared) => lanes.min(shared.free().await?),
        None => lanes,
    };
    if lanes == 0 {
        return Ok(false);
    }
    let (local, key) = (source(run, asset).await?, protect::key(run, asset)?);
    let tools = run.house.config.tools.clone();
    let (store, runtime) = (run.clone(), Handle::current());
    on_thread("transcode", &run.cancel, move || {
        let on = |event: Event| match event {
            Event::Frames { chunk, done, total_estimate } => {
                store.progress.frames(chunk, done, total_estimate);
                Ok(())
            }
            Event::Chunk(chunk) => {
                let chunk = protect::chunk(chunk, key.as_ref())?;
                keep(&store, &runtime, chunk).map_err(through_media)
            }
        };
        let (path, flag, any) = (local.path(), store.cancel.flag(), AtomicBool::new(false));
        let decoded = match &shared {
            Some(shared) => {
                let next = |_, last| {
                    let given = runtime.block_on(shared.take(last)).map_err(through_media)?;
                    any.fetch_or(given.is_some(), Ordering::Relaxed);
                    Ok(given)
                };
                media::transcode::transcode_next(path, &job.source, &job.plan, &tools, &next, lanes, flag, &on)?
            }
            None => {
                any.store(true, Ordering::Relaxed);
                media::transcode(path, &job.source, &job.plan, &tools, &missing, lanes, flag, &on)?
            }
        };
        tracing::info!(asset = %store.lease.asset, decoded, rungs = job.plan.rungs.len(), "encoded");
        Ok(any.into_inner())
    })
    .await
}

/// Stores one chunk: its objects, then its rows, in one commit for all rungs.
fn keep(run: &Run, runtime: &Handle, chunk: EncodedChunk) -> Result<(), StoreError> {
    let mut batch = run.house.store.objects.batch();
    let mut parts = Vec::with_capacity(chunk.rungs.len());
    for rung in chunk.rungs {
        let (object, bytes) = (batch.put(&rung.bytes)?, rung.bytes.len() as u64);
        let init = init(&rung.track, batch.put(&rung.init)?, rung.init.len() as u64)?;
        let (start, duration) = (rung.segment.start, rung.segment.duration);
        let segments = vec![SegmentRow { index: chunk.index, object, start, duration, bytes }];
        parts.push(StoredChunk { track: rung.name, init, segments, whole: false });
    }
    batch.flush()?;
    let catalogue = &run.house.store.catalogue;
    let stored = runtime.block_on(patiently(&run.cancel, || async {
        match &run.share {
            Some(share) => catalogue.store_shared(share, chunk.index, &parts).await,
            None => catalogue.store_chunk(&run.lease, &parts, now_ms()).await,
        }
    }));
    if stored.is_err() {
        runtime.block_on(release(run, batch.into_ids()));
    } else {
        run.progress.chunk(chunk.index);
        run.house.counters.chunk_encoded();
    }
    stored
}
