//! What will be made of a source, decided once, before any work: renditions, sizes, and the grid on which all of them are
//! cut. Stored with the job; after a restart the same plan is worked off, not a new one made.

pub mod grid;
pub mod rung;
pub mod sound;

pub use rung::{Rung, VideoCodec};
pub use sound::{AudioMode, AudioPlan};

use crate::error::MediaError;
use crate::ladder::Ladder;
use crate::source_info::{SourceInfo, VideoInfo};
use serde::{Deserialize, Serialize};
use wire::presentation::Ratio;

/// The work on one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// End of the longer track in microseconds.
    pub duration_us: u64,
    /// Cuts of the encoded pictures in microseconds, from 0 to the end of the pictures (of the sound, when there are no
    /// pictures). Every cut of the passed-through rendition is one of these.
    pub grid_us: Vec<u64>,
    /// The source's own H.264, when it is published as it is.
    pub passthrough: Option<Passthrough>,
    /// What is encoded, largest first; H.264 before AV1 of the same size. Empty without pictures.
    pub rungs: Vec<Rung>,
    /// The sound.
    pub audio: Option<AudioPlan>,
}

/// A rendition that is cut out of the source without encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passthrough {
    /// Track name: `h264-720`.
    pub name: String,
    /// Its own cuts in microseconds, all of them at keyframes, from 0 to the end of the pictures.
    pub cuts_us: Vec<u64>,
}

/// Longest asset: the tables of a longer one would be larger than its playlists are useful.
const DURATION_US_MAX: u64 = 24 * 3600 * 1_000_000;

/// Decides what to make.
///
/// # Errors
/// [`MediaError::NoTracks`], [`MediaError::ZeroDuration`], [`MediaError::OverLimit`] (longer than a day).
pub fn plan(source: &SourceInfo, ladder: &Ladder) -> Result<Plan, MediaError> {
    let duration_us = source.duration_us;
    if source.video.is_none() && source.audio.is_none() {
        return Err(MediaError::NoTracks);
    }
    if duration_us == 0 {
        return Err(MediaError::ZeroDuration);
    }
    if duration_us > DURATION_US_MAX {
        let seconds = |us: u64| us / 1_000_000;
        let (value, max) = (seconds(duration_us), seconds(DURATION_US_MAX));
        return Err(MediaError::OverLimit { what: "the length in seconds", value, max });
    }
    let (grid_us, passthrough) = match (&source.video, &source.audio) {
        (Some(video), _) => pictures(video)?,
        (None, Some(audio)) => (grid::regular(audio.end_us.max(1), sound::frame_rate(audio)), None),
        (None, None) => unreachable!("refused above"),
    };
    let rungs = source.video.as_ref().map_or_else(Vec::new, |video| rung::rungs(video, ladder));
    let audio = source.audio.as_ref().map(|audio| sound::plan(audio, &grid_us));
    Ok(Plan { duration_us, grid_us, passthrough, rungs, audio })
}

impl Plan {
    /// Number of chunks to encode: cells of the grid, none when there are no pictures.
    pub fn chunks(&self) -> u32 {
        if self.rungs.is_empty() { 0 } else { self.grid_us.len() as u32 - 1 }
    }

    /// The plan for a source whose pictures cannot be passed through after all (`package` found parameter sets that change):
    /// the same with an encoded H.264 rendition instead.
    pub fn without_passthrough(source: &SourceInfo, ladder: &Ladder) -> Result<Self, MediaError> {
        let mut source = source.clone();
        if let Some(video) = &mut source.video {
            video.passthrough = false;
        }
        plan(&source, ladder)
    }
}

fn pictures(video: &VideoInfo) -> Result<(Vec<u64>, Option<Passthrough>), MediaError> {
    if video.end_us == 0 {
        return Err(MediaError::ZeroDuration);
    }
    if !video.passthrough || video.keyframes_us.is_empty() {
        return Ok((grid::regular(video.end_us, video.frame_rate), None));
    }
    let cuts_us = grid::at_keyframes(&video.keyframes_us, video.end_us);
    let grid_us = grid::subdivided(&cuts_us, video.frame_rate);
    let (width, height) = video.display_size();
    Ok((grid_us, Some(Passthrough { name: format!("h264-{}", width.min(height)), cuts_us })))
}

/// Ticks a second for pictures at this rate: a multiple of the rate, so that equally long pictures are equally many ticks,
/// and fine enough for pictures that are not.
pub(crate) fn timescale(frame_rate: Ratio, constant: bool) -> u32 {
    match frame_rate.num {
        _ if !constant => 90_000,
        0 | 1_000_001.. => 90_000,
        num @ 10_000.. => num,
        num @ 1_000.. => num * 10,
        num @ 10.. => num * 1_000,
        num => num * 10_000,
    }
}
