//! package: what needs no encoder for pictures. The source's own H.264 is cut into segments, and the sound with it, both at
//! once on two threads. Nothing is visible afterwards; the next step publishes both together.

use std::sync::atomic::Ordering;

use durable::catalogue::{Asset, Init, SegmentRow, Stage, StoredChunk};
use durable::{Batch, ObjectId, StoreError};
use media::{MediaError, Output};

use super::plan::{Job, cells};
use super::protect;
use super::source::source;
use crate::clock::now_ms;
use crate::work::{Failure, Run, on_thread, patiently, through_media};

/// A track in the making: its objects are stored as they come.
struct Packager {
    run: Run,
    name: String,
    planned: u32,
    batch: Batch,
    init: Option<Init>,
    segments: Vec<SegmentRow>,
    encrypted: protect::Rendition,
}

/// The objects a track has stored, and its rows, or why there are none.
type Packaged = (Option<Batch>, Result<Option<StoredChunk>, Failure>);

/// Packages pictures and sound, as far as the plan has them, and writes their rows in one commit.
pub(super) async fn package(run: &Run, asset: &Asset, job: &Job) -> Result<(), Failure> {
    run.progress.stage(Stage::Package);
    let (pictures, sound) = tokio::join!(pictures(run, asset, job), sound(run, asset, job));
    let batches = [pictures.0, sound.0];
    let stored = store(run, pictures.1, sound.1).await;
    if stored.is_err() {
        let unnamed = batches.into_iter().flatten().flat_map(Batch::into_ids).collect();
        release(run, unnamed).await;
    }
    stored
}

async fn store(
    run: &Run,
    pictures: Result<Option<StoredChunk>, Failure>,
    sound: Result<Option<StoredChunk>, Failure>,
) -> Result<(), Failure> {
    // The pictures' failure goes first: it may lead to another plan.
    let chunks: Vec<StoredChunk> = pictures?.into_iter().chain(sound?).collect();
    let catalogue = &run.house.store.catalogue;
    patiently(&run.cancel, || catalogue.store_chunk(&run.lease, &chunks, now_ms())).await?;
    Ok(())
}

async fn pictures(run: &Run, asset: &Asset, job: &Job) -> Packaged {
    let Some(track) = &job.plan.passthrough else { return (None, Ok(None)) };
    let packager = match Packager::new(run, asset, &track.name, cells(&track.cuts_us)) {
        Ok(packager) => packager,
        Err(failure) => return (None, Err(failure)),
    };
    let (local, job) = match source(run, asset).await {
        Ok(local) => (local, job.clone()),
        Err(failure) => return (None, Err(failure)),
    };
    on_its_thread(run, "package-video", packager, move |out| {
        media::repackage_video(local.path(), &job.source, &job.plan, out)
    })
    .await
}

async fn sound(run: &Run, asset: &Asset, job: &Job) -> Packaged {
    let Some(track) = &job.plan.audio else { return (None, Ok(None)) };
    let packager = match Packager::new(run, asset, &track.name, cells(&track.cuts_us)) {
        Ok(packager) => packager,
        Err(failure) => return (None, Err(failure)),
    };
    let (local, job) = match source(run, asset).await {
        Ok(local) => (local, job.clone()),
        Err(failure) => return (None, Err(failure)),
    };
    let tools = run.house.config.tools.clone();
    on_its_thread(run, "package-audio", packager, move |out| {
        media::package_audio(local.path(), &job.source, &job.plan, &tools, out)
    })
    .await
}

async fn on_its_thread(
    run: &Run,
    thread: &str,
    mut packager: Packager,
    work: impl FnOnce(media::package::Sink<'_>) -> Result<(), MediaError> + Send + 'static,
) -> Packaged {
    let packaged = on_thread(thread, &run.cancel, move || {
        let made = work(&mut |output| packager.take(output)).map_err(Failure::from);
        let (batch, rows) = packager.finish();
        Ok((batch, made.and(rows)))
    });
    match packaged.await {
        Ok((batch, rows)) => (Some(batch), rows.map(Some)),
        Err(failure) => (None, Err(failure)),
    }
}

impl Packager {
    fn new(run: &Run, asset: &Asset, name: &str, planned: u32) -> Result<Self, Failure> {
        let encrypted = protect::Rendition::new(protect::key(run, asset)?);
        let batch = run.house.store.objects.batch();
        let (name, segments) = (name.to_owned(), Vec::new());
        Ok(Self { run: run.clone(), name, planned, batch, init: None, segments, encrypted })
    }

    fn take(&mut self, output: Output) -> Result<(), MediaError> {
        if self.run.cancel.flag().load(Ordering::Acquire) {
            return Err(MediaError::Cancelled);
        }
        match self.encrypted.take(output)? {
            Output::Init { track, bytes } => {
                let object = self.batch.put(&bytes).map_err(through_media)?;
                self.init = Some(init(&track, object, bytes.len() as u64).map_err(through_media)?);
            }
            Output::Segment { index, segment, bytes } => {
                let object = self.batch.put(&bytes).map_err(through_media)?;
                let (start, duration, bytes) = (segment.start, segment.duration, bytes.len() as u64);
                self.segments.push(SegmentRow { index, object, start, duration, bytes });
                let done = u32::try_from(self.segments.len()).unwrap_or(u32::MAX);
                self.run.progress.segment(&self.name, done, self.planned);
            }
        }
        Ok(())
    }

    /// Makes the last objects durable. Without segments there are no rows: nothing is ever published empty.
    fn finish(mut self) -> (Batch, Result<StoredChunk, Failure>) {
        let flushed = self.batch.flush();
        let rows = match (flushed, self.init) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(init)) if !self.segments.is_empty() => {
                Ok(StoredChunk { track: self.name, init, segments: self.segments, whole: true })
            }
            (Ok(()), _) => Err(MediaError::NoSamples.into()),
        };
        (self.batch, rows)
    }
}

/// The row's part of an initialisation segment.
pub(super) fn init(track: &wire::presentation::Track, object: ObjectId, bytes: u64) -> Result<Init, StoreError> {
    let head = serde_json::to_string(track).map_err(|e| StoreError::Damaged(e.to_string()))?;
    Ok(Init { head, codec: track.codec.clone(), object, bytes })
}

/// Removes objects that came to nothing. A failure here costs room, not truth; the next start sweeps.
pub(super) async fn release(run: &Run, unnamed: Vec<ObjectId>) {
    if let Err(error) = run.house.store.release(unnamed).await {
        tracing::warn!(%error, "objects without a row stay until the next start");
    }
}
