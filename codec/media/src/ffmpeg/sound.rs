//! Sound from FFmpeg: interleaved 32-bit floats on a pipe, from the asset's zero on, gaps filled with silence.

use super::child::BlockReader;
use super::input;
use crate::source_info::SourceInfo;
use crate::{Limits, MediaError, Tools};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Decoded sound. Sample `n` of every channel is heard at `n / sample_rate` seconds on the asset's timeline.
pub struct Sound {
    child: BlockReader,
    channels: usize,
}

/// Samples of every channel in one block.
const BLOCK_SAMPLES: usize = 4096;

/// Starts FFmpeg on the source's audio track, resampled and mixed to what is asked for.
pub fn open(
    path: &Path,
    info: &SourceInfo,
    tools: &Tools,
    sample_rate: u32,
    channels: u16,
) -> Result<Sound, MediaError> {
    let audio = info.audio.as_ref().ok_or(MediaError::NoTracks)?;
    let needed = || MediaError::NeedsFfmpeg { what: format!("{} sound", audio.codec.name()) };
    let (ffmpeg, _) = tools.both().ok_or_else(needed)?;
    let mut arguments: Vec<OsString> = ["-nostdin", "-hide_banner", "-v", "error"].map(Into::into).into();
    arguments.extend(input(info.container, path));
    let stream = format!("0:{}", audio.ffmpeg_stream);
    let (rate, count) = (sample_rate.to_string(), channels.to_string());
    let filter = "aresample=async=1:first_pts=0";
    let output = ["-map", &stream, "-af", filter, "-ar", &rate, "-ac", &count, "-f", "f32le", "pipe:1"];
    arguments.extend(output.map(Into::into));
    let stall = Duration::from_secs(Limits::DEFAULT.ffmpeg_stall_seconds_max);
    let block = BLOCK_SAMPLES * 4 * usize::from(channels.max(1));
    let child = BlockReader::start(ffmpeg, arguments, block, stall)?;
    Ok(Sound { child, channels: channels.max(1).into() })
}

impl Sound {
    /// The next samples, interleaved, a whole number of all channels; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<Vec<f32>>, MediaError> {
        let Some(block) = self.child.next()? else { return Ok(None) };
        let samples = block.chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let mut samples: Vec<f32> = samples.collect();
        samples.truncate(samples.len() / self.channels * self.channels);
        self.child.recycle(block);
        Ok(Some(samples))
    }
}
