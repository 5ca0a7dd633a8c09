//! Pictures from FFmpeg: raw planes on a pipe, at a constant rate, so that their times need not be told.

use super::child::BlockReader;
use super::{input, seconds};
use crate::frame::{Frame, FramePool};
use crate::source_info::{Container, SourceInfo, VideoInfo};
use crate::{Limits, MediaError};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Decoded pictures in presentation order, as coded (not rotated), on the grid of the source's frame rate.
pub struct Pictures {
    child: BlockReader,
    pool: FramePool,
    width: u32,
    height: u32,
    /// Number of the next picture on the grid that starts at the asset's zero.
    place: u64,
    frame_rate: (u64, u64),
    end_us: u64,
}

/// How far before the wanted time the input is opened where the container has no index: players' GOPs are shorter.
const COARSE_US: u64 = 12_000_000;

impl Pictures {
    /// Starts FFmpeg at the first place of the grid at or after `from_us`.
    pub fn open(
        ffmpeg: &Path,
        path: &Path,
        info: &SourceInfo,
        video: &VideoInfo,
        from_us: u64,
        limits: &Limits,
    ) -> Result<Self, MediaError> {
        let frame_rate = (u64::from(video.frame_rate.num), u64::from(video.frame_rate.den));
        let place = u128::from(from_us) * u128::from(frame_rate.0);
        let place = place.div_ceil(u128::from(1_000_000 * frame_rate.1)) as u64;
        let at_us = place_us(place, frame_rate);
        let indexed = matches!(info.container, Container::Mp4 | Container::Matroska | Container::Avi | Container::Flv);
        // FFmpeg's grid begins where the input is opened, so that must be a place of ours: one earlier at least, because
        // times are rounded and a picture that is a microsecond too early must not be lost.
        let back = if indexed { 1 } else { COARSE_US * frame_rate.0 / (1_000_000 * frame_rate.1) };
        let seek_us = place_us(place.saturating_sub(back), frame_rate);
        let filter = format!(
            "{deinterlace}scale={}:{}:flags=bicubic:out_range=tv,format=yuv420p,fps=fps={}/{}:start_time={},\
             setpts=PTS-STARTPTS",
            video.width,
            video.height,
            frame_rate.0,
            frame_rate.1,
            seconds(at_us - seek_us),
            deinterlace = if video.interlaced { "yadif=deint=all," } else { "" },
        );
        let mut arguments: Vec<OsString> =
            ["-nostdin", "-hide_banner", "-v", "error", "-noautorotate", "-threads", "1"].map(Into::into).into();
        if seek_us > 0 {
            arguments.extend(["-ss".into(), seconds(seek_us).into()]);
        }
        arguments.extend(input(info.container, path));
        let stream = format!("0:{}", video.ffmpeg_stream);
        let output = ["-map", &stream, "-vf", &filter, "-f", "rawvideo", "-threads", "1", "pipe:1"];
        arguments.extend(output.map(Into::into));
        let stall = Duration::from_secs(limits.ffmpeg_stall_seconds_max);
        let block = Frame::byte_len(video.width, video.height);
        let child = BlockReader::start(ffmpeg, arguments, block, stall)?;
        let (width, height) = (video.width, video.height);
        Ok(Self { child, pool: FramePool::new(), width, height, place, frame_rate, end_us: video.end_us })
    }

    /// The next picture; `None` at the end.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        let Some(block) = self.child.next()? else { return Ok(None) };
        let pts_us = place_us(self.place, self.frame_rate);
        // Filling the grid up to the end may give one picture too many: the end is at the place nearest to it.
        let late = pts_us + place_us(1, self.frame_rate) / 2 > self.end_us;
        if block.len() < Frame::byte_len(self.width, self.height) || (self.end_us > 0 && late) {
            return Ok(None);
        }
        self.place += 1;
        let frame = self.pool.frame(pts_us, self.width, self.height, |y, u, v| {
            let (luma, chroma) = block.split_at(y.len());
            let (blue, red) = chroma.split_at(u.len());
            y.copy_from_slice(luma);
            u.copy_from_slice(blue);
            v.copy_from_slice(red);
        });
        self.child.recycle(block);
        Ok(Some(frame))
    }
}

/// Time of a place on the grid.
fn place_us(place: u64, (num, den): (u64, u64)) -> u64 {
    let us = u128::from(place) * u128::from(1_000_000 * den) + u128::from(num / 2);
    (us / u128::from(num)) as u64
}
