//! Sound: frames of AAC or Opus on one clock, whoever made them.
//!
//! ```text
//! demux ── copy ─────────────────────────┐
//! FFmpeg ── encode (AAC by syom) ────────┴─> SoundFrame ── cut ──> segments
//! ```

pub mod aac;
pub mod asc;
pub mod copy;
pub mod cut;
pub mod encode;
pub mod opus;

use wire::cmaf::CodecConfig;

/// One frame of sound, decodable by itself as far as sound ever is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundFrame {
    /// Access unit or Opus packet.
    pub data: Vec<u8>,
    /// Decode time in ticks: presentation time plus the rendition's priming. Never before the end of the frame before.
    pub time: u64,
    /// Nominal length in ticks.
    pub duration: u32,
}

/// What a header needs to know about a run of frames.
#[derive(Debug, Clone, PartialEq)]
pub struct SoundTrack {
    /// Ticks a second.
    pub timescale: u32,
    /// Ticks of priming before presentation time zero.
    pub skip: u64,
    /// Decoder configuration.
    pub config: CodecConfig,
}
