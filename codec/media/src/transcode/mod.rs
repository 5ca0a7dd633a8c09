//! Pictures to renditions: chunks of the plan's grid, encoded in parallel, each picture decoded once for the whole ladder.
//!
//! ```text
//! missing chunks ── runs ──┬── lane 0: walk ── frames of a chunk ── scale ── an encoder a rung ──> Event::Chunk
//!                          └── lane 1: ...            (an idle lane takes half of what the busiest has left)
//! ```
//!
//! What a chunk's bytes are depends on the source and the plan alone, so work can stop and go on at any chunk.

mod chunk;
mod lane;
mod runs;
mod walk;

use crate::error::MediaError;
use crate::plan::Plan;
use crate::source_info::SourceInfo;
use crate::tools::Tools;
use runs::Runs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use wire::presentation::{Segment, Track};

/// One rendition's part of a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedRung {
    /// Name of the rung, as in the plan.
    pub name: String,
    /// The track, without segments; the same for all chunks.
    pub track: Track,
    /// `init.mp4`; the same for all chunks.
    pub init: Vec<u8>,
    /// Where the chunk is on the timeline.
    pub segment: Segment,
    /// `<chunk>.m4s`.
    pub bytes: Vec<u8>,
}

/// A chunk is one cell of the grid in all encoded renditions.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedChunk {
    /// Cell of the grid, which is also the number of the segment.
    pub index: u32,
    /// In the order of the plan's rungs.
    pub rungs: Vec<EncodedRung>,
}

/// What happens on the way. Comes from several threads at once, for one chunk in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Pictures of a chunk that went into the encoders.
    Frames {
        /// Which chunk.
        chunk: u32,
        /// So many by now.
        done: u32,
        /// So many are expected, by the frame rate.
        total_estimate: u32,
    },
    /// A chunk is finished.
    Chunk(EncodedChunk),
}

/// Receives events; an error stops the work.
pub type OnEvent<'a> = &'a (dyn Fn(Event) -> Result<(), MediaError> + Sync);

/// Says which chunk a lane encodes next, given the lane's number and the chunk that it did last, after which the next one costs least: going on
/// is cheaper than seeking. `None`: the lane ends. Comes from several threads at once, and may wait.
pub type Next<'a> = &'a (dyn Fn(usize, Option<u32>) -> Result<Option<u32>, MediaError> + Sync);

/// Encodes the chunks in `missing`, in any order, on `lanes` threads (0: one a core). Returns when all are done, or with
/// the first error after all lanes have stopped. What it returns is the number of pictures that were decoded: each of the
/// source once, however many rungs there are, and those between a keyframe and the chunk at which a lane begins.
///
/// # Errors
/// [`MediaError::Cancelled`] soon after `cancel` is set; [`MediaError::CodecCrashed`] when a codec panics; whatever decoding,
/// encoding and `on` say.
#[allow(clippy::too_many_arguments)]
pub fn transcode(
    path: &Path,
    source: &SourceInfo,
    plan: &Plan,
    tools: &Tools,
    missing: &[u32],
    lanes: usize,
    cancel: &AtomicBool,
    on: OnEvent<'_>,
) -> Result<u64, MediaError> {
    let runs = Runs::new(missing, plan.chunks(), lanes_of(lanes));
    transcode_next(path, source, plan, tools, &|lane, _| Ok(runs.take(lane)), runs.lanes(), cancel, on)
}

/// The same for chunks that are given out one by one, on exactly `lanes` threads; those beyond the plan's are not encoded.
///
/// # Errors
/// As [`transcode`], and what `next` says.
#[allow(clippy::too_many_arguments)]
pub fn transcode_next(
    path: &Path,
    source: &SourceInfo,
    plan: &Plan,
    tools: &Tools,
    next: Next<'_>,
    lanes: usize,
    cancel: &AtomicBool,
    on: OnEvent<'_>,
) -> Result<u64, MediaError> {
    let stop = AtomicBool::new(false);
    let failure = Mutex::new(None);
    let decoded = AtomicU64::new(0);
    let job = lane::Job { path, source, plan, tools, cancel, stop: &stop, decoded: &decoded, on };
    std::thread::scope(|scope| {
        for number in 0..lanes {
            let (job, failure) = (&job, &failure);
            let work = move || {
                if let Err(error) = lane::work(job, next, number) {
                    // In this order, so that the error that stopped the others is the one that is told.
                    failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    job.stop.store(true, Ordering::Release);
                }
            };
            if let Err(error) = std::thread::Builder::new().name(format!("lane-{number}")).spawn_scoped(scope, work) {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.into());
                stop.store(true, Ordering::Release);
            }
        }
    });
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(decoded.into_inner()), Err)
}

/// Threads that `lanes` means: 0 is one a core.
pub fn lanes_of(lanes: usize) -> usize {
    match lanes {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        lanes => lanes,
    }
}
