//! `stsd`: the one sample entry of a track, `avc1`, `av01`, `mp4a` or `Opus`, with its decoder configuration
//! (section 8.5.2; visual entries 12.1.3, audio entries 12.2.3).

use super::colr::Colour;
use super::esds::Esds;
use super::{FourCc, Mp4Error, Reader, av1c, avcc, boxes, dops, pasp, put_box, put_full_box};
use crate::presentation::Ratio;

/// A decoder's configuration, as it stands in the sample entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodecConfig {
    /// H.264 with its parameter sets out of band.
    Avc {
        /// AVCDecoderConfigurationRecord.
        avcc: Vec<u8>,
    },
    /// AV1.
    Av1 {
        /// AV1CodecConfigurationRecord.
        av1c: Vec<u8>,
    },
    /// AAC.
    Aac {
        /// AudioSpecificConfig.
        asc: Vec<u8>,
        /// Bits a second, 0 when unknown.
        average_bitrate: u32,
    },
    /// Opus.
    Opus {
        /// Body of `dOps` (big-endian, version 0), not an Ogg header.
        dops: Vec<u8>,
    },
}

/// What the entry says besides the codec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Pictures.
    Visual {
        /// Coded size in pixels.
        width: u16,
        /// See `width`.
        height: u16,
        /// `pasp`.
        pixel_aspect: Ratio,
        /// `colr`, when it is known.
        colour: Option<Colour>,
    },
    /// Sound.
    Audio {
        /// Channels.
        channels: u16,
        /// Samples a second; written as 0 when it needs more than 16 bits (the timescale has it).
        sample_rate: u32,
    },
}

/// Body of `stsd` with its one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stsd {
    /// Chooses the entry's name.
    pub config: CodecConfig,
    /// Visual or audio; must fit the codec.
    pub shape: Shape,
}

impl Stsd {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_full_box(out, b"stsd", 0, 0, |out| {
            out.extend_from_slice(&1u32.to_be_bytes());
            put_box(out, self.kind(), |out| {
                out.extend_from_slice(&[0; 6]);
                out.extend_from_slice(&1u16.to_be_bytes()); // data_reference_index
                match &self.shape {
                    Shape::Visual { width, height, .. } => put_visual(out, *width, *height),
                    Shape::Audio { channels, sample_rate } => put_audio(out, *channels, *sample_rate),
                }
                match &self.config {
                    CodecConfig::Avc { avcc } => avcc::write(out, avcc),
                    CodecConfig::Av1 { av1c } => av1c::write(out, av1c),
                    CodecConfig::Opus { dops } => dops::write(out, dops),
                    CodecConfig::Aac { asc, average_bitrate } => {
                        Esds { asc: asc.clone(), average_bitrate: *average_bitrate }.write(out);
                    }
                }
                if let Shape::Visual { pixel_aspect, colour, .. } = &self.shape {
                    if let Some(colour) = colour {
                        colour.write(out);
                    }
                    pasp::write(out, *pixel_aspect);
                }
            });
        });
    }

    /// Reads the body; more than one entry and other codecs are not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, _, _) = Reader::full(b"stsd", body)?;
        if r.u32()? != 1 {
            return Err(r.unsupported("not exactly one sample entry"));
        }
        let mut entries = boxes(b"stsd", r.rest());
        let (kind, entry, _) = entries.next().ok_or(Mp4Error::Missing(FourCc(*b"stsd")))??;
        if entries.next().is_some() {
            return Err(r.unsupported("more than one sample entry"));
        }
        match &kind {
            b"avc1" | b"av01" => read_visual(&kind, entry),
            b"mp4a" | b"Opus" => read_audio(&kind, entry),
            _ => Err(Mp4Error::Unsupported(FourCc(kind), "codec")),
        }
    }

    fn kind(&self) -> &'static [u8; 4] {
        match self.config {
            CodecConfig::Avc { .. } => b"avc1",
            CodecConfig::Av1 { .. } => b"av01",
            CodecConfig::Aac { .. } => b"mp4a",
            CodecConfig::Opus { .. } => b"Opus",
        }
    }
}

fn put_visual(out: &mut Vec<u8>, width: u16, height: u16) {
    out.extend_from_slice(&[0; 16]);
    out.extend_from_slice(&width.to_be_bytes());
    out.extend_from_slice(&height.to_be_bytes());
    out.extend_from_slice(&0x0048_0000u32.to_be_bytes()); // 72 dpi
    out.extend_from_slice(&0x0048_0000u32.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&1u16.to_be_bytes()); // frame_count
    out.extend_from_slice(&[0; 32]); // compressorname
    out.extend_from_slice(&0x0018u16.to_be_bytes()); // depth
    out.extend_from_slice(&(-1i16).to_be_bytes()); // pre_defined
}

fn put_audio(out: &mut Vec<u8>, channels: u16, sample_rate: u32) {
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&channels.to_be_bytes());
    out.extend_from_slice(&16u16.to_be_bytes()); // samplesize
    out.extend_from_slice(&[0; 4]);
    let rate = u16::try_from(sample_rate).unwrap_or(0);
    out.extend_from_slice(&(u32::from(rate) << 16).to_be_bytes());
}

fn read_visual(kind: &[u8; 4], entry: &[u8]) -> Result<Stsd, Mp4Error> {
    let mut r = Reader::new(kind, entry);
    r.take(24)?;
    let (width, height) = (r.u16()?, r.u16()?);
    r.take(50)?;
    let (mut config, mut pixel_aspect, mut colour) = (None, Ratio { num: 1, den: 1 }, None);
    for item in boxes(kind, r.rest()) {
        let (child, body, _) = item?;
        match (kind, &child) {
            (b"avc1", b"avcC") => config = Some(CodecConfig::Avc { avcc: body.to_vec() }),
            (b"av01", b"av1C") => config = Some(CodecConfig::Av1 { av1c: body.to_vec() }),
            (_, b"pasp") => pixel_aspect = pasp::read(body)?,
            (_, b"colr") => colour = Some(Colour::read(body)?),
            _ => {}
        }
    }
    let config = config.ok_or(Mp4Error::Missing(FourCc(if kind == b"avc1" { *b"avcC" } else { *b"av1C" })))?;
    Ok(Stsd { config, shape: Shape::Visual { width, height, pixel_aspect, colour } })
}

fn read_audio(kind: &[u8; 4], entry: &[u8]) -> Result<Stsd, Mp4Error> {
    let mut r = Reader::new(kind, entry);
    r.take(16)?;
    let channels = r.u16()?;
    r.take(6)?;
    let sample_rate = r.u32()? >> 16;
    let mut config = None;
    for item in boxes(kind, r.rest()) {
        let (child, body, _) = item?;
        match (kind, &child) {
            (b"mp4a", b"esds") => {
                let Esds { asc, average_bitrate } = Esds::read(body)?;
                config = Some(CodecConfig::Aac { asc, average_bitrate });
            }
            (b"Opus", b"dOps") => config = Some(CodecConfig::Opus { dops: body.to_vec() }),
            _ => {}
        }
    }
    let config = config.ok_or(Mp4Error::Missing(FourCc(if kind == b"mp4a" { *b"esds" } else { *b"dOps" })))?;
    Ok(Stsd { config, shape: Shape::Audio { channels, sample_rate } })
}
