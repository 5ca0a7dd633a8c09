//! The presentation model: what an asset offers, measured, from which both the HLS playlists and the
//! DASH manifest are written. Media bytes stand once; this says where they are on the timeline.

use serde::{Deserialize, Serialize};

/// An asset as a player sees it: every track is cut on one timeline that starts at zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Presentation {
    /// Tracks in the order in which they are offered; video first.
    pub tracks: Vec<Track>,
}

/// One rendition: one codec, one size or channel layout, one chain of segments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Stands in the URL (`/v/<asset>/<name>/...`): `h264-720`, `av1-360`, `aac-und`.
    pub name: String,
    /// RFC 6381 `codecs` parameter, read off the decoder configuration: `avc1.64001f`, `av01.0.05M.08`.
    pub codec: String,
    /// Ticks a second of every time below.
    pub timescale: u32,
    /// What kind of picture or sound it is.
    pub kind: TrackKind,
    /// In order, without gaps: `start` of one is the end of the one before.
    pub segments: Vec<Segment>,
}

/// What only a picture or only a sound has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TrackKind {
    /// Pictures.
    Video {
        /// Coded picture size in pixels, before the pixel aspect ratio.
        width: u32,
        /// See `width`.
        height: u32,
        /// Mean frame rate as a fraction (`@frameRate`, `FRAME-RATE`).
        frame_rate: Ratio,
        /// Width of a pixel over its height (`pasp`), 1/1 for square ones.
        pixel_aspect: Ratio,
    },
    /// Sound.
    Audio {
        /// Samples a second of the decoded sound.
        sample_rate: u32,
        /// Channels of the decoded sound.
        channels: u16,
        /// BCP 47 tag, `und` when the source does not say.
        language: String,
    },
}

/// A fraction with a denominator that is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratio {
    /// Numerator.
    pub num: u32,
    /// Denominator, at least 1.
    pub den: u32,
}

/// One media segment, in the track's timescale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Presentation time of its first sample.
    pub start: u64,
    /// Sum of its samples' durations.
    pub duration: u64,
    /// Size of the whole segment (`styp` to the end of `mdat`) in bytes.
    pub bytes: u64,
}
