//! The CMAF header of a rendition and its entry in the presentation, made together so that they agree.

use crate::error::MediaError;
use crate::packet;
use wire::cmaf::{self, CodecConfig, Mp4Error, TrackInit};
use wire::codec_string;
use wire::presentation::Track;

/// `init.mp4` and what the manifests say about it; the track has no segments yet.
///
/// # Errors
/// [`MediaError::Malformed`] when the decoder configuration is not one.
pub fn header(name: &str, init: &TrackInit) -> Result<(Track, Vec<u8>), MediaError> {
    let damaged = |_| MediaError::Malformed { container: "source", what: "a decoder configuration cannot be read" };
    let track = Track {
        name: name.to_owned(),
        codec: codec(&init.config).map_err(damaged)?,
        timescale: init.timescale,
        kind: init.kind.clone(),
        segments: Vec::new(),
    };
    Ok((track, cmaf::init_segment(init)))
}

/// The colour as `colr` says it.
pub fn colour(colour: packet::Colour) -> cmaf::Colour {
    let packet::Colour { primaries, transfer, matrix, full_range } = colour;
    cmaf::Colour { primaries, transfer, matrix, full_range }
}

fn codec(config: &CodecConfig) -> Result<String, Mp4Error> {
    match config {
        CodecConfig::Avc { avcc } => codec_string::avc1(avcc),
        CodecConfig::Av1 { av1c } => codec_string::av01(av1c),
        CodecConfig::Aac { asc, .. } => codec_string::mp4a(asc),
        CodecConfig::Opus { .. } => Ok(codec_string::OPUS.to_owned()),
    }
}
