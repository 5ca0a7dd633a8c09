//! Sound that is decoded and encoded again: everything that is neither AAC nor Opus, and what of those cannot be copied.

use super::aac::{AacEncoder, PRIMING};
use super::{SoundFrame, SoundTrack};
use crate::demux;
use crate::error::MediaError;
use crate::ffmpeg::sound::{self, Sound};
use crate::plan::AudioPlan;
use crate::source_info::SourceInfo;
use crate::tools::Tools;
use std::path::Path;

/// Decodes and encodes frame by frame.
pub struct EncodedSound {
    pcm: Sound,
    encoder: AacEncoder,
    sample_rate: u32,
    channels: usize,
    /// Samples of each channel still to take: FFmpeg may go on beyond an edit list's end.
    left: u64,
    ended: bool,
}

impl EncodedSound {
    /// Opens the sound of `source` for a rendition like `audio`.
    pub fn open(path: &Path, source: &SourceInfo, audio: &AudioPlan, tools: &Tools) -> Result<Self, MediaError> {
        let pcm = sound::open(path, source, tools, audio.sample_rate, audio.channels)?;
        let encoder = AacEncoder::new(audio.sample_rate, audio.channels, audio.bitrate)?;
        let end_us = audio.cuts_us.last().copied().unwrap_or(0);
        let left = match demux::is_native(source.container) {
            true => (u128::from(end_us) * u128::from(audio.sample_rate)).div_ceil(1_000_000) as u64,
            // The end is FFprobe's estimate; what is there is taken.
            false => u64::MAX,
        };
        Ok(Self { pcm, encoder, sample_rate: audio.sample_rate, channels: audio.channels.into(), left, ended: false })
    }

    /// What the header says.
    pub fn track(&self) -> SoundTrack {
        SoundTrack { timescale: self.sample_rate, skip: PRIMING, config: self.encoder.config() }
    }

    /// The next frame, `None` at the end.
    pub fn next_frame(&mut self) -> Result<Option<SoundFrame>, MediaError> {
        loop {
            if let Some(frame) = self.encoder.next_frame() {
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            match if self.left == 0 { None } else { self.pcm.next_block()? } {
                Some(block) => self.push(&block)?,
                None => {
                    self.ended = true;
                    self.encoder.finish()?;
                }
            }
        }
    }

    fn push(&mut self, interleaved: &[f32]) -> Result<(), MediaError> {
        let count = (interleaved.len() / self.channels).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= count as u64;
        let plane = |channel| interleaved.iter().skip(channel).step_by(self.channels).take(count).copied().collect();
        let mut planes: Vec<Vec<f32>> = (0..self.channels).map(plane).collect();
        self.encoder.push(&mut planes)
    }
}
