//! Sound that is decoded and encoded again: everything that is neither AAC nor Opus, and what of those cannot be copied.

use super::aac::{AacEncoder, PRIMING};
use super::pcm::PcmSource;
use super::{SoundFrame, SoundTrack};
use crate::error::MediaError;
use crate::plan::AudioPlan;
use crate::source_info::SourceInfo;
use crate::tools::Tools;
use std::path::Path;

/// Samples of each channel read at once.
const BLOCK: usize = 8192;

/// Decodes and encodes frame by frame.
pub struct EncodedSound {
    pcm: PcmSource,
    encoder: AacEncoder,
    sample_rate: u32,
    ended: bool,
}

impl EncodedSound {
    /// Opens the sound of `source` for a rendition like `audio`.
    pub fn open(path: &Path, source: &SourceInfo, audio: &AudioPlan, tools: &Tools) -> Result<Self, MediaError> {
        let pcm = PcmSource::open(path, source, audio.sample_rate, audio.channels, tools)?;
        let encoder = AacEncoder::new(audio.sample_rate, audio.channels, audio.bitrate)?;
        Ok(Self { pcm, encoder, sample_rate: audio.sample_rate, ended: false })
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
            match self.pcm.read(BLOCK)? {
                Some(mut planes) => self.encoder.push(&mut planes)?,
                None => {
                    self.ended = true;
                    self.encoder.finish()?;
                }
            }
        }
    }
}
