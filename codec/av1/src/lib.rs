//! rav1e, instantiated once. Its encoder is generic over the pixel, so that its machine code is made in the crate that
//! uses it: a minute and more of compiling. Here that crate is a small one that seldom changes.
#![forbid(unsafe_code)]

mod colour;

use rav1e::color::{ChromaSamplePosition, PixelRange};
use rav1e::prelude::{ChromaSampling, Context, EncoderConfig, EncoderStatus, FrameType, Rational, SpeedSettings};

/// What to encode, and how: 8 bits, 4:2:0, limited range, one thread, one tile.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Picture size in pixels, even.
    pub width: usize,
    /// See `width`.
    pub height: usize,
    /// Pictures a second, as a fraction.
    pub frame_rate: (u32, u32),
    /// `seq_level_idx` (AV1 section A.3).
    pub level: u8,
    /// 0 (best) to 255.
    pub quantizer: u8,
    /// 0 (slowest) to 10.
    pub speed: u8,
    /// Colour primaries, transfer characteristics and matrix coefficients by their numbers in ISO/IEC 23091-2.
    pub colour: Option<(u16, u16, u16)>,
}

/// An encoder of one closed GOP.
pub struct Encoder {
    context: Context<u8>,
}

/// One temporal unit.
#[derive(Debug)]
pub struct Packet {
    /// Its OBUs, with the temporal delimiter.
    pub data: Vec<u8>,
    /// Whether decoding can begin here.
    pub key: bool,
}

/// What rav1e said.
#[derive(Debug)]
pub struct Refused(pub String);

impl Encoder {
    /// An encoder without pictures.
    pub fn new(settings: &Settings) -> Result<Self, Refused> {
        let config = EncoderConfig {
            width: settings.width,
            height: settings.height,
            time_base: Rational::new(settings.frame_rate.1.into(), settings.frame_rate.0.into()),
            bit_depth: 8,
            chroma_sampling: ChromaSampling::Cs420,
            chroma_sample_position: ChromaSamplePosition::Unknown,
            pixel_range: PixelRange::Limited,
            color_description: settings.colour.and_then(colour::description),
            level_idx: Some(settings.level),
            // The first picture is the keyframe; a change of scene may add another.
            max_key_frame_interval: 0,
            quantizer: settings.quantizer.into(),
            tiles: 1,
            speed_settings: SpeedSettings::from_preset(settings.speed),
            ..EncoderConfig::default()
        };
        let context = rav1e::Config::new().with_encoder_config(config).with_threads(1).new_context();
        Ok(Self { context: context.map_err(|error| Refused(error.to_string()))? })
    }

    /// Takes the next picture: its planes without padding.
    pub fn push(&mut self, y: &[u8], u: &[u8], v: &[u8], width: usize) -> Result<(), Refused> {
        let mut picture = self.context.new_frame();
        let chroma = width.div_ceil(2);
        picture.planes[0].copy_from_raw_u8(y, width, 1);
        picture.planes[1].copy_from_raw_u8(u, chroma, 1);
        picture.planes[2].copy_from_raw_u8(v, chroma, 1);
        self.context.send_frame(picture).map_err(|status| Refused(format!("{status:?}")))
    }

    /// No more pictures come: what is in the lookahead is encoded too.
    pub fn flush(&mut self) {
        self.context.flush();
    }

    /// The next temporal unit, or `None` until more pictures (or the flush) have come.
    pub fn packet(&mut self) -> Result<Option<Packet>, Refused> {
        loop {
            match self.context.receive_packet() {
                Ok(packet) => return Ok(Some(Packet { key: packet.frame_type == FrameType::KEY, data: packet.data })),
                Err(EncoderStatus::Encoded) => {}
                Err(EncoderStatus::NeedMoreData | EncoderStatus::LimitReached) => return Ok(None),
                Err(status) => return Err(Refused(format!("{status:?}"))),
            }
        }
    }
}
