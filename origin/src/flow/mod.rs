//! The way of an upload, one file a step:
//!
//! ```text
//! in the request:  receive -> store -> enqueue                               201
//! ingest job:      probe -> plan -> package -> publish                       playable, when the source has H.264
//! fallback job:                     transcode (H.264, x chunks) -> publish   playable, when it has none
//! ladder job:                       transcode (AV1, x chunks) -> publish     ready
//! pictures job:                     pictures, once it is playable           a poster and a storyboard, beside the others
//! ```
//!
//! Each job begins where an earlier run of it ended: a published asset is not packaged again, a stored chunk not
//! encoded again.

pub(crate) mod enqueue;
mod package;
mod pictures;
mod plan;
mod probe;
mod protect;
mod publish;
pub(crate) mod receive;
mod source;
pub(crate) mod store;
mod transcode;

use durable::StoreError;
use durable::catalogue::{Asset, JobKind};
use media::plan::VideoCodec;

use crate::work::{Failure, Run};

/// Works off one job; answers which one comes next.
pub(crate) async fn work(run: &Run) -> Result<Option<JobKind>, Failure> {
    let asset = asset(run).await?;
    match run.lease.kind {
        JobKind::Ingest => ingest(run, &asset).await,
        JobKind::Fallback => encode(run, &asset, VideoCodec::H264).await,
        JobKind::Ladder => encode(run, &asset, VideoCodec::Av1).await,
        JobKind::Pictures => pictures::pictures(run, &asset).await.map(|()| None),
        // They have no asset, and so no lease of this sort.
        JobKind::Sweep | JobKind::Backup | JobKind::Purge => Ok(None),
    }
}

async fn ingest(run: &Run, asset: &Asset) -> Result<Option<JobKind>, Failure> {
    if asset.playable {
        // A run before this one published and was cut off before it could say so.
        return Ok(plan::read(asset)?.next(JobKind::Ingest));
    }
    let job = match packaged(run, asset).await? {
        Some(job) => job,
        None => from_the_start(run, asset).await?,
    };
    publish::first(run, &job, JobKind::Ingest).await?;
    Ok(job.next(JobKind::Ingest))
}

/// What a run before this one planned and packaged, when it was cut off before it could publish.
async fn packaged(run: &Run, asset: &Asset) -> Result<Option<plan::Job>, Failure> {
    if asset.plan.is_none() {
        return Ok(None);
    }
    let job = plan::read(asset)?;
    let tracks = run.house.store.catalogue.tracks(&run.lease.asset).await?;
    let is_whole = |name| tracks.iter().any(|track| track.name == name && track.is_whole());
    Ok(if job.packaged().all(is_whole) { Some(job) } else { None })
}

async fn from_the_start(run: &Run, asset: &Asset) -> Result<plan::Job, Failure> {
    let source = probe::probe(run, asset).await?;
    let mut job = plan::decide(run, source)?;
    plan::record(run, &job).await?;
    if let Err(failure) = package::package(run, asset, &job).await {
        job = plan::without_passthrough(run, job, failure)?;
        plan::record(run, &job).await?;
        package::package(run, asset, &job).await?;
    }
    Ok(job)
}

async fn encode(run: &Run, asset: &Asset, codec: VideoCodec) -> Result<Option<JobKind>, Failure> {
    let job = plan::read(asset)?;
    transcode::transcode(run, asset, &job, codec).await?;
    match codec {
        VideoCodec::H264 => publish::first(run, &job, JobKind::Fallback).await?,
        VideoCodec::Av1 => publish::ladder(run, &job).await?,
    }
    Ok(job.next(run.lease.kind))
}

async fn asset(run: &Run) -> Result<Asset, Failure> {
    let asset = run.house.store.catalogue.asset(&run.lease.asset).await?;
    // Deleted since the lease was taken.
    asset.ok_or(Failure::Store(StoreError::Fenced))
}
