//! The presentation model: what an asset offers, measured, from which both the HLS playlists and the
//! DASH manifest are written. Media bytes stand once; this says where they are on the timeline.

use crate::storyboard::Storyboard;
use serde::{Deserialize, Serialize};

/// An asset as a player sees it: every track is cut on one timeline that starts at zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Presentation {
    /// Tracks in the order in which they are offered; video first.
    pub tracks: Vec<Track>,
    /// All of them are encrypted, by `cbcs` with the key of this name.
    #[serde(default)]
    pub key_id: Option<[u8; 16]>,
    /// Small pictures for whoever looks for a place in the film.
    #[serde(default)]
    pub storyboard: Option<Storyboard>,
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

impl Presentation {
    /// Pictures, H.264 before the rest: the first variant of a playlist should play everywhere.
    pub fn video(&self) -> Vec<&Track> {
        let pictures = || self.tracks.iter().filter(|t| matches!(t.kind, TrackKind::Video { .. }));
        let everywhere = |t: &&Track| crate::codec_string::family(&t.codec) == "avc1";
        pictures().filter(everywhere).chain(pictures().filter(|t| !everywhere(t))).collect()
    }

    /// Sound, in the order in which it is offered.
    pub fn audio(&self) -> Vec<&Track> {
        self.tracks.iter().filter(|t| matches!(t.kind, TrackKind::Audio { .. })).collect()
    }

    /// End of the longest track in microseconds.
    pub fn end_us(&self) -> u64 {
        self.tracks.iter().map(|t| t.us(t.end())).max().unwrap_or(0)
    }
}

impl Track {
    /// End of the last segment in ticks.
    pub fn end(&self) -> u64 {
        self.segments.last().map_or(0, Segment::end)
    }

    /// Ticks to microseconds, to the nearest.
    pub fn us(&self, ticks: u64) -> u64 {
        let timescale = u128::from(self.timescale.max(1));
        u64::try_from((u128::from(ticks) * 1_000_000 + timescale / 2) / timescale).unwrap_or(u64::MAX)
    }

    /// The longest segment in microseconds.
    pub fn longest_segment_us(&self) -> u64 {
        self.segments.iter().map(|s| self.us(s.duration)).max().unwrap_or(0)
    }

    /// Size on the screen in pixels: the coded size with the width stretched by the pixel aspect ratio. 0 x 0 for sound.
    pub fn display_size(&self) -> (u32, u32) {
        match self.kind {
            TrackKind::Audio { .. } => (0, 0),
            TrackKind::Video { width, height, pixel_aspect: Ratio { num, den }, .. } => {
                let den = u64::from(den.max(1));
                let stretched = (u64::from(width) * u64::from(num) + den / 2) / den;
                (u32::try_from(stretched).unwrap_or(u32::MAX), height)
            }
        }
    }
}

impl Segment {
    /// Where the next one starts.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.duration)
    }
}

impl Ratio {
    /// The same fraction in lowest terms.
    pub fn reduced(self) -> Self {
        let (mut a, mut b) = (self.num, self.den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = a.max(1);
        Self { num: self.num / divisor, den: (self.den / divisor).max(1) }
    }
}
