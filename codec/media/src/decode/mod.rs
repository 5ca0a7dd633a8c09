//! Compressed samples to pictures. Each decoder is a small safe wrapper around somebody else's code; they take samples
//! in decode order with a number each, and give pictures back with the number of the sample they came from.

mod av1;
mod draw;
mod h264;

pub(crate) use draw::draw;

use crate::MediaError;
use crate::bitstream::h264::AvcConfig;
use crate::packet::{Codec, Packet, RawLayout, SourceTrack};

/// A decoded picture inside its decoder's memory.
pub(crate) struct Picture<'a> {
    /// Number of the sample it came from.
    pub number: u64,
    pub width: u32,
    pub height: u32,
    /// Each plane's rows lie `stride` bytes apart; grey pictures have empty chroma planes.
    pub planes: [Plane<'a>; 3],
    pub layout: RawLayout,
}

/// Rows of 8-bit samples.
#[derive(Clone, Copy)]
pub(crate) struct Plane<'a> {
    pub bytes: &'a [u8],
    pub stride: usize,
}

impl<'a> Plane<'a> {
    /// Row `y`, `width` samples of it; `None` when the plane has no such row.
    pub fn row(&self, y: usize, width: usize) -> Option<&'a [u8]> {
        let start = y * self.stride;
        self.bytes.get(start..start + width)
    }
}

/// Takes the pictures a decoder puts out.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Picture<'_>);

/// A decoder for one track.
pub(crate) enum Decoder {
    H264(Box<h264::Decoder>),
    Av1(av1::Decoder),
    Raw { width: u32, height: u32, layout: RawLayout },
}

impl Decoder {
    /// A decoder for the track's codec, with one thread.
    pub fn new(track: &SourceTrack, pixels_max: u64) -> Result<Self, MediaError> {
        let unsupported = || MediaError::UnsupportedCodec { codec: track.codec.name().to_owned() };
        match track.codec {
            Codec::H264 => {
                let config = AvcConfig::read(&track.config).ok_or_else(unsupported)?;
                h264::Decoder::new(config).map(|decoder| Self::H264(Box::new(decoder))).ok_or_else(unsupported)
            }
            Codec::Av1 => av1::Decoder::new(pixels_max).map(Self::Av1).ok_or_else(unsupported),
            Codec::RawVideo => {
                let picture = track.picture.ok_or_else(unsupported)?;
                let layout = picture.raw.ok_or_else(unsupported)?;
                Ok(Self::Raw { width: picture.width, height: picture.height, layout })
            }
            _ => Err(unsupported()),
        }
    }

    /// Decodes sample `number`. Damage is not an error: the sample's picture is then missing.
    pub fn decode(&mut self, number: u64, packet: &Packet, sink: Sink) {
        match self {
            Self::H264(decoder) => decoder.decode(number, &packet.data, sink),
            Self::Av1(decoder) => decoder.decode(number, &packet.data, sink),
            Self::Raw { width, height, layout } => {
                if let Some(picture) = raw(number, *width, *height, *layout, &packet.data) {
                    sink(picture);
                }
            }
        }
    }

    /// Gives out what is still inside, after the last sample.
    pub fn flush(&mut self, sink: Sink) {
        match self {
            Self::H264(decoder) => decoder.flush(sink),
            Self::Av1(decoder) => decoder.flush(sink),
            Self::Raw { .. } => {}
        }
    }
}

/// A picture whose planes stand one after the other.
fn raw(number: u64, width: u32, height: u32, layout: RawLayout, data: &[u8]) -> Option<Picture<'_>> {
    let (w, h) = (width as usize, height as usize);
    let (cw, ch) = match layout {
        RawLayout::I420 => (w.div_ceil(2), h.div_ceil(2)),
        RawLayout::I422 => (w.div_ceil(2), h),
        RawLayout::I444 => (w, h),
        RawLayout::Grey => (0, 0),
    };
    let (luma, rest) = data.split_at_checked(w * h)?;
    let (blue, rest) = rest.split_at_checked(cw * ch)?;
    let red = rest.get(..cw * ch)?;
    let chroma = |bytes| Plane { bytes, stride: cw };
    let planes = [Plane { bytes: luma, stride: w }, chroma(blue), chroma(red)];
    Some(Picture { number, width, height, planes, layout })
}
