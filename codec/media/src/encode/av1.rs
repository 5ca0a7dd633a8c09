//! AV1 by rav1e: one context a chunk, one thread a context. Lanes are the parallelism; tiles and frame threads would only
//! cost compression.

use super::{EncodedGop, EncodedPicture, level, obu};
use crate::error::MediaError;
use crate::frame::Frame;
use crate::packet::Colour;
use crate::plan::Rung;
use rav1e::color::{
    ChromaSamplePosition, ColorDescription, ColorPrimaries, MatrixCoefficients, PixelRange, TransferCharacteristics,
};
use rav1e::prelude::{ChromaSampling, Context, EncoderConfig, EncoderStatus, FrameType, Rational, SpeedSettings};
use wire::cmaf::CodecConfig;

/// Encoder of one closed GOP of AV1, main profile, 8 bits, 4:2:0.
pub struct Av1Encoder {
    context: Context<u8>,
    level: u8,
    pictures: Vec<EncodedPicture>,
    sequence_header: Option<Vec<u8>>,
}

impl Av1Encoder {
    /// An encoder for one chunk of this rung.
    pub fn new(rung: &Rung, colour: Option<Colour>) -> Result<Self, MediaError> {
        let level = level::av1_level(rung.width, rung.height, rung.frame_rate);
        let config = EncoderConfig {
            width: rung.width as usize,
            height: rung.height as usize,
            time_base: Rational::new(rung.frame_rate.den.into(), rung.frame_rate.num.into()),
            bit_depth: 8,
            chroma_sampling: ChromaSampling::Cs420,
            chroma_sample_position: ChromaSamplePosition::Unknown,
            pixel_range: PixelRange::Limited,
            color_description: colour.and_then(description),
            level_idx: Some(level),
            // The chunk is the GOP: the first picture is its keyframe, a change of scene may add another.
            max_key_frame_interval: 0,
            quantizer: rung.quantizer.into(),
            tiles: 1,
            speed_settings: SpeedSettings::from_preset(rung.speed),
            ..EncoderConfig::default()
        };
        let context = rav1e::Config::new().with_encoder_config(config).with_threads(1).new_context();
        let context = context.map_err(|error| failure(error.to_string()))?;
        Ok(Self { context, level, pictures: Vec::new(), sequence_header: None })
    }

    /// Takes the next picture.
    pub fn push(&mut self, frame: &Frame) -> Result<(), MediaError> {
        let mut picture = self.context.new_frame();
        let chroma = Frame::chroma_size(frame.width, frame.height).0 as usize;
        picture.planes[0].copy_from_raw_u8(frame.y(), frame.width as usize, 1);
        picture.planes[1].copy_from_raw_u8(frame.u(), chroma, 1);
        picture.planes[2].copy_from_raw_u8(frame.v(), chroma, 1);
        self.context.send_frame(picture).map_err(|status| failure(format!("{status:?}")))?;
        self.drain()
    }

    /// Encodes what is still in the lookahead.
    pub fn finish(mut self) -> Result<EncodedGop, MediaError> {
        self.context.flush();
        self.drain()?;
        let header = self.sequence_header.ok_or_else(|| failure("no sequence header was written".into()))?;
        let av1c = configuration(self.level, &header);
        Ok(EncodedGop { config: CodecConfig::Av1 { av1c }, pictures: self.pictures })
    }

    fn drain(&mut self) -> Result<(), MediaError> {
        loop {
            match self.context.receive_packet() {
                Ok(packet) => self.keep(&packet.data, packet.frame_type == FrameType::KEY),
                Err(EncoderStatus::Encoded) => {}
                Err(EncoderStatus::NeedMoreData | EncoderStatus::LimitReached) => return Ok(()),
                Err(status) => return Err(failure(format!("{status:?}"))),
            }
        }
    }

    /// A sample is a temporal unit without its delimiter (AV1-ISOBMFF section 2.4).
    fn keep(&mut self, unit: &[u8], sync: bool) {
        let mut data = Vec::with_capacity(unit.len());
        for unit in obu::units(unit).filter(|unit| unit.kind != obu::TEMPORAL_DELIMITER) {
            if unit.kind == obu::SEQUENCE_HEADER && self.sequence_header.is_none() {
                self.sequence_header = Some(unit.bytes.to_vec());
            }
            data.extend_from_slice(unit.bytes);
        }
        self.pictures.push(EncodedPicture { data, sync });
    }
}

/// Body of `av1C` (AV1-ISOBMFF section 2.3.3) for main profile, main tier, 8 bits, 4:2:0, and the sequence header. rav1e's
/// own `container_sequence_header` says level 31 whatever the stream says.
fn configuration(level: u8, sequence_header: &[u8]) -> Vec<u8> {
    let subsampled = 0b1100;
    [&[0x81, level, subsampled, 0], sequence_header].concat()
}

/// The colour as far as rav1e has names for it; what is unspecified in all three is not written.
fn description(colour: Colour) -> Option<ColorDescription> {
    let description = ColorDescription {
        color_primaries: primaries(colour.primaries),
        transfer_characteristics: transfer(colour.transfer),
        matrix_coefficients: matrix(colour.matrix),
    };
    let unspecified = description.color_primaries == ColorPrimaries::Unspecified
        && description.transfer_characteristics == TransferCharacteristics::Unspecified
        && description.matrix_coefficients == MatrixCoefficients::Unspecified;
    (!unspecified).then_some(description)
}

fn primaries(code: u16) -> ColorPrimaries {
    match code {
        1 => ColorPrimaries::BT709,
        4 => ColorPrimaries::BT470M,
        5 => ColorPrimaries::BT470BG,
        6 => ColorPrimaries::BT601,
        7 => ColorPrimaries::SMPTE240,
        8 => ColorPrimaries::GenericFilm,
        9 => ColorPrimaries::BT2020,
        11 => ColorPrimaries::SMPTE431,
        12 => ColorPrimaries::SMPTE432,
        _ => ColorPrimaries::Unspecified,
    }
}

fn transfer(code: u16) -> TransferCharacteristics {
    match code {
        1 => TransferCharacteristics::BT709,
        4 => TransferCharacteristics::BT470M,
        5 => TransferCharacteristics::BT470BG,
        6 => TransferCharacteristics::BT601,
        7 => TransferCharacteristics::SMPTE240,
        8 => TransferCharacteristics::Linear,
        13 => TransferCharacteristics::SRGB,
        14 => TransferCharacteristics::BT2020_10Bit,
        15 => TransferCharacteristics::BT2020_12Bit,
        16 => TransferCharacteristics::SMPTE2084,
        18 => TransferCharacteristics::HLG,
        _ => TransferCharacteristics::Unspecified,
    }
}

/// Never identity (RGB): pictures here are 4:2:0, for which it is not allowed.
fn matrix(code: u16) -> MatrixCoefficients {
    match code {
        1 => MatrixCoefficients::BT709,
        4 => MatrixCoefficients::FCC,
        5 => MatrixCoefficients::BT470BG,
        6 => MatrixCoefficients::BT601,
        7 => MatrixCoefficients::SMPTE240,
        9 => MatrixCoefficients::BT2020NCL,
        _ => MatrixCoefficients::Unspecified,
    }
}

fn failure(detail: String) -> MediaError {
    MediaError::Encode { codec: "AV1", detail }
}
