//! A lane: one thread, one decoder, one chunk after the other.

use super::chunk::ChunkEncoder;
use super::walk::Walk;
use super::{Event, Next, OnEvent};
use crate::error::MediaError;
use crate::plan::Plan;
use crate::source_info::SourceInfo;
use crate::tools::Tools;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What all lanes share.
pub struct Job<'a> {
    pub path: &'a Path,
    pub source: &'a SourceInfo,
    pub plan: &'a Plan,
    pub tools: &'a Tools,
    /// The caller wants the work to stop.
    pub cancel: &'a AtomicBool,
    /// Another lane has failed.
    pub stop: &'a AtomicBool,
    /// Pictures decoded, by all lanes.
    pub decoded: &'a AtomicU64,
    pub on: OnEvent<'a>,
}

/// Pictures between two reports of progress.
const REPORT_FRAMES: u32 = 8;

/// Takes chunks until none is left. A panic in a codec ends this lane with an error and leaves the process alive.
pub fn work(job: &Job<'_>, next: Next<'_>, lane: usize) -> Result<(), MediaError> {
    // Nothing that outlives the panic is shared but counters and the caller's own state behind `on`.
    catch_unwind(AssertUnwindSafe(|| walk(job, next, lane))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let detail = text.unwrap_or("no reason given").chars().take(200).collect();
        Err(MediaError::CodecCrashed { detail })
    })
}

fn walk(job: &Job<'_>, next: Next<'_>, lane: usize) -> Result<(), MediaError> {
    let mut walk = Walk::new(job);
    let mut encoder = ChunkEncoder::new(job);
    let mut last = None;
    loop {
        job.check()?;
        let Some(index) = next(lane, last)?.filter(|&index| index < job.plan.chunks()) else { return Ok(()) };
        one(job, &mut walk, &mut encoder, index)?;
        last = Some(index);
    }
}

/// One chunk.
fn one(job: &Job<'_>, walk: &mut Walk<'_>, encoder: &mut ChunkEncoder<'_>, index: u32) -> Result<(), MediaError> {
    walk.go_to(index)?;
    encoder.begin()?;
    let total_estimate = encoder.estimate(index);
    let mut done = 0;
    while let Some(frame) = walk.next_frame()? {
        encoder.push(&frame)?;
        done += 1;
        if done % REPORT_FRAMES == 0 {
            (job.on)(Event::Frames { chunk: index, done, total_estimate })?;
        }
    }
    let chunk = encoder.finish(index, walk.end_us())?;
    (job.on)(Event::Frames { chunk: index, done, total_estimate: done })?;
    (job.on)(Event::Chunk(chunk))
}

impl Job<'_> {
    /// Asked before every piece of work that takes long: reading a frame, encoding it for one rung.
    ///
    /// # Errors
    /// [`MediaError::Cancelled`] when the caller or another lane's failure wants this lane to end.
    pub fn check(&self) -> Result<(), MediaError> {
        match self.cancel.load(Ordering::Relaxed) || self.stop.load(Ordering::Acquire) {
            true => Err(MediaError::Cancelled),
            false => Ok(()),
        }
    }
}
