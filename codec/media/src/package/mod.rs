//! Renditions that need no encoder, or only one for sound: the seconds between an upload and its first playable moment.
//!
//! Everything streams: one segment is in memory at a time. Bytes are the same each time the same source is packaged.

pub mod header;
pub mod sound;
pub mod video;

pub use sound::package_audio;
pub use video::repackage_video;

use crate::error::MediaError;
use wire::cmaf::CmafError;
use wire::presentation::{Segment, Track};

/// A piece of a rendition: the header first, then its segments in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The CMAF header.
    Init {
        /// What it is; without segments.
        track: Track,
        /// `init.mp4`.
        bytes: Vec<u8>,
    },
    /// A media segment.
    Segment {
        /// From 0, without gaps.
        index: u32,
        /// Where it is on the timeline.
        segment: Segment,
        /// `<index>.m4s`.
        bytes: Vec<u8>,
    },
}

/// Where a rendition goes. An error stops the work and is handed through.
pub type Sink<'a> = &'a mut dyn FnMut(Output) -> Result<(), MediaError>;

pub(crate) fn not_a_segment(error: CmafError) -> MediaError {
    match error {
        CmafError::Empty => MediaError::NoSamples,
        CmafError::TooLarge(value) => {
            MediaError::OverLimit { what: "the bytes of a segment", value, max: u64::from(u32::MAX >> 1) }
        }
        CmafError::TooLong(value) => {
            MediaError::OverLimit { what: "the ticks of a segment", value, max: u32::MAX.into() }
        }
    }
}
