//! H.264 by openh264: constrained baseline, one slice a picture, one IDR at the start of a chunk.

use super::{EncodedGop, EncodedPicture};
use crate::error::MediaError;
use crate::frame::Frame;
use crate::packet::Colour;
use crate::plan::Rung;
use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder::{
    BitRate, Complexity, Encoder, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange, RateControlMode,
    SpsPpsStrategy, UsageType, VuiConfig,
};
use openh264::formats::YUVSource;
use wire::cmaf::CodecConfig;

/// Encoder of one closed GOP of H.264, constrained baseline, 4:2:0, 8 bits.
pub struct H264Encoder {
    encoder: Encoder,
    pictures: Vec<EncodedPicture>,
    parameter_sets: Option<ParameterSets>,
}

impl H264Encoder {
    /// An encoder for one chunk of this rung.
    pub fn new(rung: &Rung, colour: Option<Colour>) -> Result<Self, MediaError> {
        let mut config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(rung.bitrate))
            .max_frame_rate(FrameRate::from_hz(rung.frame_rate.num as f32 / rung.frame_rate.den as f32))
            .rate_control_mode(RateControlMode::Bitrate)
            // Every picture that goes in comes out: the timeline was planned with it.
            .skip_frames(false)
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .num_threads(1)
            .usage_type(UsageType::CameraVideoRealTime)
            .complexity(Complexity::Medium)
            .qp(QpRange::new(14, 42))
            .scene_change_detect(false)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0));
        if let Some(vui) = colour.and_then(vui) {
            config = config.vui(vui);
        }
        let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config).map_err(failure)?;
        super::quiet::quiet(&mut encoder);
        Ok(Self { encoder, pictures: Vec::new(), parameter_sets: None })
    }

    /// Takes and encodes the next picture.
    pub fn push(&mut self, frame: &Frame) -> Result<(), MediaError> {
        // The clock only serves rate control, which is told the mean rate and wants to see time go on.
        let clock = Timestamp::from_millis(frame.pts_us / 1000);
        let stream = self.encoder.encode_at(&Yuv(frame), clock).map_err(failure)?;
        let sync = stream.frame_type() == FrameType::IDR;
        let mut data = Vec::new();
        let mut sets = ParameterSets::default();
        for layer in (0..stream.num_layers()).filter_map(|index| stream.layer(index)) {
            for nal in (0..layer.nal_count()).filter_map(|index| layer.nal_unit(index)) {
                let nal = without_start_code(nal);
                match nal.first().map(|header| header & 31) {
                    Some(7) => sets.sps = nal.to_vec(),
                    Some(8) => sets.pps = nal.to_vec(),
                    Some(_) => {
                        data.extend_from_slice(&(nal.len() as u32).to_be_bytes());
                        data.extend_from_slice(nal);
                    }
                    None => {}
                }
            }
        }
        if data.is_empty() {
            return Err(MediaError::Encode { codec: "H.264", detail: "a picture was left out".into() });
        }
        self.pictures.push(EncodedPicture { data, sync });
        self.parameter_sets.get_or_insert(sets);
        Ok(())
    }

    /// Starts another closed GOP with the next picture; for streams longer than one chunk.
    pub fn force_keyframe(&mut self) {
        self.encoder.force_intra_frame();
    }

    /// Gives everything out.
    pub fn finish(self) -> Result<EncodedGop, MediaError> {
        let sets = self.parameter_sets.filter(|sets| sets.sps.len() >= 4 && !sets.pps.is_empty());
        let sets =
            sets.ok_or_else(|| MediaError::Encode { codec: "H.264", detail: "no parameter sets were written".into() })?;
        Ok(EncodedGop { config: CodecConfig::Avc { avcc: sets.configuration() }, pictures: self.pictures })
    }
}

#[derive(Default)]
struct ParameterSets {
    sps: Vec<u8>,
    pps: Vec<u8>,
}

impl ParameterSets {
    /// Body of `avcC` (ISO/IEC 14496-15 section 5.3.3.1), lengths of four bytes.
    fn configuration(&self) -> Vec<u8> {
        let size = |set: &[u8]| (set.len() as u16).to_be_bytes();
        let head = [1, self.sps[1], self.sps[2], self.sps[3], 0xff, 0xe1];
        [&head[..], &size(&self.sps), &self.sps, &[1], &size(&self.pps), &self.pps].concat()
    }
}

/// Annex B puts 000001 or 00000001 in front.
fn without_start_code(nal: &[u8]) -> &[u8] {
    let zeros = nal.iter().take_while(|&&byte| byte == 0).count();
    nal.get(zeros + 1..).unwrap_or_default()
}

struct Yuv<'a>(&'a Frame);

impl YUVSource for Yuv<'_> {
    fn dimensions(&self) -> (usize, usize) {
        (self.0.width as usize, self.0.height as usize)
    }

    fn strides(&self) -> (usize, usize, usize) {
        let chroma = Frame::chroma_size(self.0.width, self.0.height).0 as usize;
        (self.0.width as usize, chroma, chroma)
    }

    fn y(&self) -> &[u8] {
        self.0.y()
    }

    fn u(&self) -> &[u8] {
        self.0.u()
    }

    fn v(&self) -> &[u8] {
        self.0.v()
    }
}

/// The colour where openh264 has a name for all of it; the usual two cover what people upload.
fn vui(colour: Colour) -> Option<VuiConfig> {
    match (colour.primaries, colour.matrix) {
        (1, 1) => Some(VuiConfig::bt709()),
        (5 | 6, 5 | 6) => Some(VuiConfig::bt601()),
        (9, 9) => Some(VuiConfig::bt2020()),
        _ => None,
    }
}

fn failure(error: openh264::Error) -> MediaError {
    MediaError::Encode { codec: "H.264", detail: error.to_string() }
}
