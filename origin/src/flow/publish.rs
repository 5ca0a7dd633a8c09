//! publish: tracks that are whole become visible to players, those that belong together in one commit.

use durable::catalogue::{JobKind, Stage};
use media::plan::VideoCodec;

use super::plan::Job;
use crate::clock::now_ms;
use crate::work::{Failure, Run, patiently};

/// The first playable moment: H.264 and the sound together. After the ingest job that is the passed-through rendition, or
/// the sound of an upload without pictures; where H.264 is still to be encoded nothing is visible before.
pub(super) async fn first(run: &Run, job: &Job, after: JobKind) -> Result<(), Failure> {
    let pictures = match (after, &job.plan.passthrough) {
        (JobKind::Ingest, Some(track)) => vec![track.name.clone()],
        (JobKind::Ingest, None) if job.plan.rungs.is_empty() => Vec::new(),
        (JobKind::Ingest, None) => return Ok(()),
        (_, _) => job.rungs(VideoCodec::H264),
    };
    let sound = job.plan.audio.as_ref().map(|audio| audio.name.clone());
    tracks(run, pictures.into_iter().chain(sound).collect()).await
}

/// The AV1 renditions, all of which become whole with the last chunk.
pub(super) async fn ladder(run: &Run, job: &Job) -> Result<(), Failure> {
    tracks(run, job.rungs(VideoCodec::Av1)).await
}

async fn tracks(run: &Run, names: Vec<String>) -> Result<(), Failure> {
    if run.helps() {
        // Who leads the job does.
        return Ok(());
    }
    run.progress.stage(Stage::Publish);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let catalogue = &run.house.store.catalogue;
    let published = patiently(&run.cancel, || catalogue.publish(&run.lease, &names, now_ms())).await?;
    if published.first {
        run.house.counters.playable(published.playable_ms);
        tracing::info!(asset = %run.lease.asset, ms = published.playable_ms, "playable");
        run.house.bells.of(JobKind::Pictures).notify_one();
    }
    Ok(())
}
