//! transcode: chunks that are not yet stored are decoded once and encoded for every rung, on all lanes. Each chunk is stored
//! with its row as soon as it is there, and survives whatever happens to this process.

use std::collections::BTreeSet;

use durable::StoreError;
use durable::catalogue::{Asset, SegmentRow, Stage, StoredChunk};
use media::plan::VideoCodec;
use media::{EncodedChunk, Event};
use tokio::runtime::Handle;

use super::package::{init, release};
use super::plan::Job;
use super::source::source;
use crate::clock::now_ms;
use crate::work::{Failure, Run, on_thread, patiently, protect, through_media};

/// Encodes what is missing of the rungs of one codec.
pub(super) async fn transcode(run: &Run, asset: &Asset, job: &Job, codec: VideoCodec) -> Result<(), Failure> {
    let names = job.rungs(codec);
    let mut missing = BTreeSet::new();
    for name in &names {
        missing.extend(run.house.store.catalogue.missing(&asset.id, name).await?);
    }
    let missing: Vec<u32> = missing.into_iter().collect();
    let planned = job.plan.chunks();
    let stored = planned.saturating_sub(u32::try_from(missing.len()).unwrap_or(u32::MAX));
    run.progress.stage(Stage::Transcode);
    run.progress.encode(names, stored, planned);
    if missing.is_empty() {
        return Ok(());
    }
    let mut job = job.clone();
    job.plan.rungs.retain(|rung| rung.codec == codec);
    let (local, key) = (source(run, asset).await?, protect::key(run, asset)?);
    let (tools, lanes) = (run.house.config.tools.clone(), run.house.config.lanes());
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
        let flag = store.cancel.flag();
        let decoded = media::transcode(local.path(), &job.source, &job.plan, &tools, &missing, lanes, flag, &on)?;
        tracing::info!(asset = %store.lease.asset, decoded, chunks = missing.len(), rungs = job.plan.rungs.len(), "encoded");
        Ok(())
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
    let stored = runtime.block_on(patiently(&run.cancel, || catalogue.store_chunk(&run.lease, &parts, now_ms())));
    if stored.is_err() {
        runtime.block_on(release(run, batch.into_ids()));
    } else {
        run.progress.chunk(chunk.index);
        run.house.counters.chunk_encoded();
    }
    stored
}
