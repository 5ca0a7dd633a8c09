//! Pictures to packets: one encoder makes one closed GOP, which is one segment of one rendition.
//!
//! An encoder is built for a chunk and thrown away with it, so that a chunk's bytes depend on its pictures and on nothing
//! else: not on what was encoded before, not on which thread did it, not on how often the work was interrupted.

pub mod av1;
pub mod h264;
pub mod level;
pub mod obu;
#[allow(unsafe_code)]
mod quiet;

use crate::error::MediaError;
use crate::frame::Frame;
use crate::packet::Colour;
use crate::plan::{Rung, VideoCodec};
use wire::cmaf::CodecConfig;

/// One access unit. Decoding order is presentation order: AV1 hides its reordering inside temporal units and openh264
/// does none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedPicture {
    /// As it stands in `mdat`: a temporal unit without its delimiter, or NAL units after their lengths.
    pub data: Vec<u8>,
    /// Decoding can start here.
    pub sync: bool,
}

/// A finished closed GOP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedGop {
    /// Decoder configuration; the same for every GOP of a rung.
    pub config: CodecConfig,
    /// As many as went in.
    pub pictures: Vec<EncodedPicture>,
}

/// Asked between pictures, some of which take a second: an error ends the work.
pub type Check<'a> = &'a dyn Fn() -> Result<(), MediaError>;

/// Encoder of one closed GOP.
pub enum VideoEncoder {
    /// rav1e.
    Av1(Box<av1::Av1Encoder>),
    /// openh264.
    H264(Box<h264::H264Encoder>),
}

impl VideoEncoder {
    /// An encoder for one chunk of this rung.
    pub fn new(rung: &Rung, colour: Option<Colour>) -> Result<Self, MediaError> {
        Ok(match rung.codec {
            VideoCodec::Av1 => Self::Av1(Box::new(av1::Av1Encoder::new(rung, colour)?)),
            VideoCodec::H264 => Self::H264(Box::new(h264::H264Encoder::new(rung, colour)?)),
        })
    }

    /// Takes the next picture, which has the rung's size; encodes what can be encoded.
    pub fn push(&mut self, frame: &Frame, check: Check<'_>) -> Result<(), MediaError> {
        match self {
            Self::Av1(encoder) => encoder.push(frame, check),
            Self::H264(encoder) => encoder.push(frame),
        }
    }

    /// Encodes what is still inside and gives everything out.
    pub fn finish(self, check: Check<'_>) -> Result<EncodedGop, MediaError> {
        match self {
            Self::Av1(encoder) => encoder.finish(check),
            Self::H264(encoder) => encoder.finish(),
        }
    }
}
