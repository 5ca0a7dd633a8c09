//! plan: what is to be made of the source. Decided once, stored with the asset; later jobs and later runs read it back.

use durable::catalogue::{Asset, JobKind, Planned};
use media::plan::{AudioMode, Plan, VideoCodec};
use media::{MediaError, SourceInfo};

use crate::clock::now_ms;
use crate::work::{Failure, Run};

/// The source and the plan together.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) source: SourceInfo,
    pub(super) plan: Plan,
}

impl Job {
    /// The job after `done`: rungs of H.264 first, since a player may have nothing else, then AV1.
    pub(super) fn next(&self, done: JobKind) -> Option<JobKind> {
        let has = |codec| self.plan.rungs.iter().any(|rung| rung.codec == codec);
        match done {
            JobKind::Ingest if has(VideoCodec::H264) => Some(JobKind::Fallback),
            JobKind::Ingest | JobKind::Fallback if has(VideoCodec::Av1) => Some(JobKind::Ladder),
            _ => None,
        }
    }

    /// Names of the tracks that are packaged without an encoder for pictures.
    pub(super) fn packaged(&self) -> impl Iterator<Item = &str> {
        let pictures = self.plan.passthrough.iter().map(|track| track.name.as_str());
        pictures.chain(self.plan.audio.iter().map(|track| track.name.as_str()))
    }

    /// Names of the rungs of a codec.
    pub(super) fn rungs(&self, codec: VideoCodec) -> Vec<String> {
        self.plan.rungs.iter().filter(|rung| rung.codec == codec).map(|rung| rung.name.clone()).collect()
    }
}

/// Decides.
pub(super) fn decide(run: &Run, source: SourceInfo) -> Result<Job, Failure> {
    let plan = media::plan(&source, &run.house.config.ladder)?;
    Ok(Job { source, plan })
}

/// When packaging found that the pictures cannot be passed through after all, the plan that encodes them; any other
/// failure stays one.
pub(super) fn without_passthrough(run: &Run, job: Job, failure: Failure) -> Result<Job, Failure> {
    let Failure::Media(MediaError::CannotPassThrough { why }) = failure else { return Err(failure) };
    tracing::info!(asset = %run.lease.asset, why, "the pictures cannot be passed through and are encoded");
    let plan = Plan::without_passthrough(&job.source, &run.house.config.ladder)?;
    Ok(Job { source: job.source, plan })
}

/// Stores the plan, and its tracks as waiting ones, pictures first.
pub(super) async fn record(run: &Run, job: &Job) -> Result<(), Failure> {
    let json = |value: Result<String, serde_json::Error>| value.map_err(|_| Failure::BadPlan);
    let (source, plan) = (json(serde_json::to_string(&job.source))?, json(serde_json::to_string(&job.plan))?);
    let tracks = tracks(job);
    let catalogue = &run.house.store.catalogue;
    catalogue.record_plan(&run.lease, &source, &plan, job.plan.duration_us, &tracks, now_ms()).await?;
    Ok(())
}

/// Reads the plan back.
pub(super) fn read(asset: &Asset) -> Result<Job, Failure> {
    let (Some(source), Some(plan)) = (&asset.source_info, &asset.plan) else { return Err(Failure::BadPlan) };
    let parsed = || Some(Job { source: serde_json::from_str(source).ok()?, plan: serde_json::from_str(plan).ok()? });
    parsed().ok_or(Failure::BadPlan)
}

/// Number of segments between these cuts.
pub(super) fn cells(cuts_us: &[u64]) -> u32 {
    u32::try_from(cuts_us.len().saturating_sub(1)).unwrap_or(u32::MAX)
}

fn tracks(job: &Job) -> Vec<Planned> {
    let plan = &job.plan;
    let passthrough = plan.passthrough.as_ref().map(|track| Planned {
        name: track.name.clone(),
        codec: "h264".into(),
        size: job.source.video.as_ref().map(|video| (video.width, video.height)),
        segments: cells(&track.cuts_us),
    });
    let rungs = plan.rungs.iter().map(|rung| Planned {
        name: rung.name.clone(),
        codec: match rung.codec {
            VideoCodec::H264 => "h264".into(),
            VideoCodec::Av1 => "av1".into(),
        },
        size: Some((rung.width, rung.height)),
        segments: plan.chunks(),
    });
    let audio = plan.audio.as_ref().map(|audio| Planned {
        name: audio.name.clone(),
        codec: match audio.mode {
            AudioMode::CopyOpus => "opus".into(),
            AudioMode::CopyAac | AudioMode::EncodeAac => "aac".into(),
        },
        size: None,
        segments: cells(&audio.cuts_us),
    });
    passthrough.into_iter().chain(rungs).chain(audio).collect()
}
