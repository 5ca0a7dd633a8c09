//! Keyframes from FFmpeg, one for every stretch of equal length.

use super::child::BlockReader;
use super::input;
use crate::frame::{Frame, FramePool};
use crate::source_info::{SourceInfo, VideoInfo};
use crate::stills::fit;
use crate::{Limits, MediaError};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Longest side of what FFmpeg is asked for: nothing larger is made of it.
const SIDE_MAX: u32 = 1280;

/// Decoded keyframes, upright and no larger than is needed: the last one of each stretch, or again the one before.
pub(crate) struct KeyPictures {
    child: BlockReader,
    pool: FramePool,
    size: (u32, u32),
    rotation: u16,
    interval_us: u64,
    given: u64,
}

impl KeyPictures {
    /// Starts FFmpeg at the beginning of the film.
    pub fn open(
        ffmpeg: &Path,
        path: &Path,
        info: &SourceInfo,
        video: &VideoInfo,
        interval_us: u64,
        limits: &Limits,
    ) -> Result<Self, MediaError> {
        let upright = fit(video.display_size(), SIDE_MAX);
        let size = match video.rotation {
            90 | 270 => (upright.1, upright.0),
            _ => upright,
        };
        // Of two fields of different times one is enough.
        let field = if video.interlaced { "field=top," } else { "" };
        let filter = format!(
            "{field}fps=fps=1000000/{interval_us}:start_time=0:round=down,scale={}:{}:flags=bicubic:out_range=tv,format=yuv420p",
            size.0, size.1
        );
        let start =
            ["-nostdin", "-hide_banner", "-v", "error", "-noautorotate", "-threads", "1", "-skip_frame", "nokey"];
        let mut arguments: Vec<OsString> = start.map(Into::into).into();
        arguments.extend(input(info.container, path));
        let stream = format!("0:{}", video.ffmpeg_stream);
        let output = ["-map", &stream, "-vf", &filter, "-f", "rawvideo", "-threads", "1", "pipe:1"];
        arguments.extend(output.map(Into::into));
        let stall = Duration::from_secs(limits.ffmpeg_stall_seconds_max);
        let child = BlockReader::start(ffmpeg, arguments, Frame::byte_len(size.0, size.1), stall)?;
        Ok(Self { child, pool: FramePool::new(), size, rotation: video.rotation, interval_us, given: 0 })
    }

    /// The next picture; `None` after the last one.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        let block = match self.child.next() {
            // Damage after pictures: those that came are what there is.
            Err(MediaError::Ffmpeg { .. }) if self.given > 0 => None,
            block => block?,
        };
        let Some(block) = block else { return Ok(None) };
        let (width, height) = self.size;
        if block.len() < Frame::byte_len(width, height) {
            return Ok(None);
        }
        let pts_us = self.given * self.interval_us;
        self.given += 1;
        let frame = self.pool.frame(pts_us, width, height, |y, u, v| {
            let (luma, chroma) = block.split_at(y.len());
            let (blue, red) = chroma.split_at(u.len());
            y.copy_from_slice(luma);
            u.copy_from_slice(blue);
            v.copy_from_slice(red);
        });
        self.child.recycle(block);
        Ok(Some(frame.rotated(self.rotation, &self.pool)))
    }
}
