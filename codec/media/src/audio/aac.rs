//! AAC-LC by syom.

use super::SoundFrame;
use super::asc::FrameClock;
use crate::error::MediaError;
use std::collections::VecDeque;
use syom::{EncodeOptions, EncodedFrame, Encoder};
use wire::cmaf::CodecConfig;

/// Samples in a frame of AAC-LC.
pub const FRAME: u32 = 1024;
/// Samples that come out before the first one that went in.
pub const PRIMING: u64 = 1024;

/// Encodes planes of samples into frames.
pub struct AacEncoder {
    encoder: Encoder,
    bitrate: u32,
    frames: VecDeque<SoundFrame>,
    now: u64,
    taken: u64,
}

impl AacEncoder {
    /// `bitrate`: bits a second of all channels together.
    pub fn new(sample_rate: u32, channels: u16, bitrate: u32) -> Result<Self, MediaError> {
        let options = EncodeOptions::raw().with_bitrate_bps(bitrate);
        let encoder = Encoder::new(sample_rate, channels.into(), &options).map_err(failure)?;
        Ok(Self { encoder, bitrate, frames: VecDeque::new(), now: 0, taken: 0 })
    }

    /// Decoder configuration.
    pub fn config(&self) -> CodecConfig {
        CodecConfig::Aac { asc: self.encoder.asc().to_vec(), average_bitrate: self.bitrate }
    }

    /// Takes samples, one plane a channel, all of the same length; values beyond full scale are clipped, what is not a
    /// number becomes silence.
    pub fn push(&mut self, planes: &mut [Vec<f32>]) -> Result<(), MediaError> {
        for sample in planes.iter_mut().flatten() {
            *sample = if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 };
        }
        let slices: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
        self.taken += slices.first().map_or(0, |plane| plane.len() as u64);
        let (frames, now) = (&mut self.frames, &mut self.now);
        self.encoder.feed(&slices, |frame| keep(frames, now, &frame)).map_err(failure)?;
        Ok(())
    }

    /// The next finished frame.
    pub fn next_frame(&mut self) -> Option<SoundFrame> {
        self.frames.pop_front()
    }

    /// Pads the last frame and flushes; the frame that only drains the overlap is given out too, without it the last
    /// samples would not be heard. Does nothing when nothing went in.
    pub fn finish(&mut self) -> Result<(), MediaError> {
        if self.taken == 0 {
            return Ok(());
        }
        let (frames, now) = (&mut self.frames, &mut self.now);
        self.encoder.finish(|frame| keep(frames, now, &frame)).map_err(failure)?;
        Ok(())
    }
}

fn keep(frames: &mut VecDeque<SoundFrame>, now: &mut u64, frame: &EncodedFrame<'_>) -> syom::Result<()> {
    frames.push_back(SoundFrame { data: frame.payload.to_vec(), time: *now, duration: FRAME });
    *now += u64::from(FRAME);
    Ok(())
}

/// A frame of silence that any decoder of this configuration takes; `None` where our encoder knows none (960 samples,
/// channels described by a program config element).
pub fn silent_frame(clock: FrameClock) -> Option<Vec<u8>> {
    let channels = match clock.channel_configuration {
        7 => 8,
        channels @ 1..=6 => u16::from(channels),
        _ => return None,
    };
    if clock.frame_length != FRAME {
        return None;
    }
    let mut encoder = AacEncoder::new(clock.core_rate, channels, 8_000 * u32::from(channels)).ok()?;
    encoder.push(&mut vec![vec![0.0; 4 * FRAME as usize]; channels.into()]).ok()?;
    std::iter::from_fn(|| encoder.next_frame()).last().map(|frame| frame.data)
}

fn failure(error: syom::AacError) -> MediaError {
    MediaError::Encode { codec: "AAC", detail: error.to_string() }
}
