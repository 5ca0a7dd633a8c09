//! A test clip made in the process: what `streamgate demo` plays when it is given no film, and what tests and benchmarks
//! upload. Its picture tells the time twice, to people by a burnt-in clock and to programs by two patches of colour
//! ([`palette`]); its sound beeps at each second, so that pictures and sound can be held against each other.

pub mod font;
pub mod mp4;
pub mod palette;
pub mod picture;
pub mod tone;

use crate::audio::aac::{AacEncoder, PRIMING};
use crate::encode::h264::H264Encoder;
use crate::error::MediaError;
use crate::frame::FramePool;
use crate::packet::Colour;
use crate::plan::{Rung, VideoCodec};
use mp4::{Medium, MovieSample, MovieTrack};
use picture::Picture;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use wire::cmaf::CodecConfig;
use wire::presentation::Ratio;

/// What clip to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClipSpec {
    /// Length in seconds, 1 to 600.
    pub seconds: u32,
    /// Pixels in a row, even, 64 to 3840.
    pub width: u32,
    /// Rows, even, 64 to 2160.
    pub height: u32,
    /// Frames a second, at most 60.
    pub frame_rate: Ratio,
    /// Pictures from one keyframe to the next, at least 1.
    pub keyframe_every: u32,
    /// Bits a second of the pictures; 0: a tenth of a bit a pixel.
    pub bitrate: u32,
    /// With beeps or without sound at all.
    pub audio: bool,
}

impl Default for ClipSpec {
    /// The demo's: twelve seconds, 640x360 at 30 frames a second, a keyframe each two seconds, with sound.
    fn default() -> Self {
        Self {
            seconds: 12,
            width: 640,
            height: 360,
            frame_rate: Ratio { num: 30, den: 1 },
            keyframe_every: 60,
            bitrate: 0,
            audio: true,
        }
    }
}

/// Samples a second of the clip's sound.
pub const SAMPLE_RATE: u32 = 48_000;
/// Channels of the clip's sound; both are the same.
pub const CHANNELS: u16 = 2;
const AUDIO_BITRATE: u32 = 128_000;
const BT709: Colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };

/// Makes the clip and writes it as a progressive MP4, `moov` first.
///
/// # Errors
/// [`MediaError::OverLimit`] when `spec` is outside of its bounds, else what the encoders and the disk say.
pub fn write(path: &Path, spec: &ClipSpec) -> Result<(), MediaError> {
    check(spec)?;
    let mut file = BufWriter::new(File::create(path)?);
    let mut tracks = vec![pictures(spec)?];
    if spec.audio {
        tracks.push(sound(spec)?);
    }
    mp4::write(&mut file, &tracks)?;
    file.flush()?;
    Ok(())
}

fn check(spec: &ClipSpec) -> Result<(), MediaError> {
    let within = |what: &'static str, value: u32, least: u32, max: u32| match value {
        value if value >= least && value <= max => Ok(()),
        value => Err(MediaError::OverLimit { what, value: value.into(), max: max.into() }),
    };
    within("the length of a clip in seconds", spec.seconds, 1, 600)?;
    within("the width of a clip", spec.width, 64, 3840)?;
    within("the height of a clip", spec.height, 64, 2160)?;
    within("the odd pixels of a clip", spec.width % 2 + spec.height % 2, 0, 0)?;
    within("the frame rate of a clip", spec.frame_rate.num.div_ceil(spec.frame_rate.den.max(1)), 1, 60)?;
    within("the pictures between keyframes", spec.keyframe_every, 1, u32::MAX)
}

fn pictures(spec: &ClipSpec) -> Result<MovieTrack, MediaError> {
    let ClipSpec { width, height, frame_rate, .. } = *spec;
    let rung = Rung {
        name: String::new(),
        codec: VideoCodec::H264,
        width,
        height,
        frame_rate,
        timescale: frame_rate.num * 1000,
        bitrate: if spec.bitrate == 0 { default_bitrate(spec) } else { spec.bitrate },
        quantizer: 0,
        speed: 0,
    };
    let mut encoder = H264Encoder::new(&rung, Some(BT709))?;
    let pool = FramePool::new();
    let count = (u64::from(spec.seconds) * u64::from(frame_rate.num) / u64::from(frame_rate.den)).max(1);
    for index in 0..count {
        let time_us = index * 1_000_000 * u64::from(frame_rate.den) / u64::from(frame_rate.num);
        let frame = pool.frame(time_us, width, height, |y, u, v| {
            Picture { width, height, y, u, v }.draw(time_us, index);
        });
        if index > 0 && index.is_multiple_of(spec.keyframe_every.into()) {
            encoder.force_keyframe();
        }
        encoder.push(&frame)?;
    }
    let gop = encoder.finish()?;
    let CodecConfig::Avc { avcc } = gop.config else { unreachable!("the H.264 encoder makes H.264") };
    let sample = |picture: crate::encode::EncodedPicture| MovieSample {
        data: picture.data,
        duration: frame_rate.den * 1000,
        sync: picture.sync,
    };
    Ok(MovieTrack {
        timescale: rung.timescale,
        sample_entry: mp4::avc1(width, height, &avcc),
        medium: Medium::Picture { width, height },
        skip: 0,
        length: count * u64::from(frame_rate.den) * 1000,
        samples: gop.pictures.into_iter().map(sample).collect(),
    })
}

fn sound(spec: &ClipSpec) -> Result<MovieTrack, MediaError> {
    let mut encoder = AacEncoder::new(SAMPLE_RATE, CHANNELS, AUDIO_BITRATE)?;
    let CodecConfig::Aac { asc, .. } = encoder.config() else { unreachable!("the AAC encoder makes AAC") };
    let mut samples = Vec::new();
    let second = SAMPLE_RATE as usize;
    for index in 0..spec.seconds {
        let plane = tone::samples(u64::from(index) * u64::from(SAMPLE_RATE), second, SAMPLE_RATE);
        encoder.push(&mut vec![plane; CHANNELS.into()])?;
        samples.extend(std::iter::from_fn(|| encoder.next_frame()));
    }
    encoder.finish()?;
    samples.extend(std::iter::from_fn(|| encoder.next_frame()));
    let samples = samples.into_iter();
    Ok(MovieTrack {
        timescale: SAMPLE_RATE,
        sample_entry: mp4::mp4a(SAMPLE_RATE, CHANNELS, &asc, AUDIO_BITRATE),
        medium: Medium::Sound,
        skip: PRIMING,
        length: u64::from(spec.seconds) * u64::from(SAMPLE_RATE),
        samples: samples.map(|frame| MovieSample { data: frame.data, duration: frame.duration, sync: true }).collect(),
    })
}

fn default_bitrate(spec: &ClipSpec) -> u32 {
    let Ratio { num, den } = spec.frame_rate;
    let pixels = u64::from(spec.width) * u64::from(spec.height) * u64::from(num) / u64::from(den);
    (pixels / 10).clamp(200_000, 20_000_000) as u32
}
