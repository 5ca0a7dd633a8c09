//! Keyframes of a film that is demuxed and decoded in the process: in each cell the one nearest to its middle.

use crate::decode::{Decoder, Picture, draw};
use crate::demux::{self, Demuxer};
use crate::frame::FramePool;
use crate::{Frame, Limits, MediaError, VideoInfo};
use std::path::Path;

/// Keyframes of one cell that are tried, when those before cannot be decoded.
const TRIES: usize = 3;

pub(super) struct Keyframes {
    demuxer: Demuxer,
    track: usize,
    decoder: Decoder,
    interval_us: u64,
    full_range: bool,
    rotation: u16,
    /// Presentation times of the keyframes in microseconds, and which samples they are; ascending.
    places: Vec<(u64, usize)>,
    pool: FramePool,
}

impl Keyframes {
    pub fn open(path: &Path, video: &VideoInfo, interval_us: u64, limits: &Limits) -> Result<Self, MediaError> {
        let demuxer = demux::open(path, limits)?;
        let track = video.track as usize;
        if track >= demuxer.tracks().len() {
            return Err(MediaError::NoTracks);
        }
        let source = demuxer.track(track);
        let decoder = Decoder::new(source, limits.pixels_max)?;
        let end = source.edit.end.unwrap_or(i64::MAX);
        let keyframes =
            demuxer.samples(track).iter().enumerate().filter(|(_, sample)| sample.sync() && sample.pts < end);
        // One that is decoded for pictures at zero and not shown itself is as good as the first of those.
        let mut places: Vec<(u64, usize)> =
            keyframes.map(|(index, sample)| (source.to_us(sample.pts).max(0).unsigned_abs(), index)).collect();
        places.sort_unstable();
        let full_range = video.colour.is_some_and(|colour| colour.full_range);
        let rotation = video.rotation;
        Ok(Self { track, decoder, interval_us, full_range, rotation, places, pool: FramePool::new(), demuxer })
    }

    pub fn cell(&mut self, cell: u32) -> Result<Option<Frame>, MediaError> {
        let start_us = self.interval_us * u64::from(cell);
        let middle_us = start_us + self.interval_us / 2;
        let first = self.places.partition_point(|(us, _)| *us < start_us);
        let last = self.places.partition_point(|(us, _)| *us < start_us + self.interval_us);
        let mut near: Vec<(u64, usize)> = self.places[first..last].to_vec();
        near.sort_unstable_by_key(|(us, _)| us.abs_diff(middle_us));
        for (us, sample) in near.into_iter().take(TRIES) {
            if let Some(frame) = self.decode(us, sample)? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// One keyframe by itself; `None` when it is damaged.
    fn decode(&mut self, pts_us: u64, index: usize) -> Result<Option<Frame>, MediaError> {
        let Self { demuxer, track, decoder, full_range, pool, .. } = self;
        let packet = demuxer.read(*track, index)?;
        let mut frame = None;
        let mut sink = |picture: Picture| {
            if picture.number == index as u64 {
                frame = Some(draw(&picture, pts_us, *full_range, pool));
            }
        };
        decoder.decode(index as u64, &packet, &mut sink);
        // A decoder that reorders keeps it back; nothing that comes next is shown before it.
        decoder.flush(&mut sink);
        Ok(frame.map(|frame| frame.rotated(self.rotation, &self.pool)))
    }
}
