//! Pictures of a source in presentation order, whoever decodes them.

use crate::decode::{Decoder, Picture, draw};
use crate::demux::{self, Demuxer};
use crate::ffmpeg::pictures::Pictures;
use crate::frame::FramePool;
use crate::scale::Scaler;
use crate::source_info::DecodeBy;
use crate::{Frame, Limits, MediaError, SourceInfo, Tools, VideoInfo};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// Pictures in presentation order: 8-bit 4:2:0, limited range, upright ([`crate::VideoInfo::upright_size`]), source
/// pixel aspect.
pub struct FrameSource {
    from: From,
    size: (u32, u32),
    rotation: u16,
    scaler: Option<Scaler>,
    pool: FramePool,
    last_us: Option<u64>,
}

enum From {
    Native(Box<Native>),
    Ffmpeg(Pictures),
}

impl FrameSource {
    /// Starts with the first picture shown at or after `from_us`; decodes from the keyframe before it.
    pub fn open(path: &Path, info: &SourceInfo, tools: &Tools, from_us: u64) -> Result<Self, MediaError> {
        let video = info.video.as_ref().ok_or(MediaError::NoTracks)?;
        let limits = &Limits::DEFAULT;
        let from = match video.decode_by {
            DecodeBy::Native => From::Native(Box::new(Native::open(path, video, from_us, limits)?)),
            DecodeBy::Ffmpeg => {
                let what = format!("{} video", video.codec.name());
                let (ffmpeg, _) = tools.both().ok_or(MediaError::NeedsFfmpeg { what })?;
                From::Ffmpeg(Pictures::open(ffmpeg, path, info, video, from_us, limits)?)
            }
        };
        let (size, rotation) = ((video.width, video.height), video.rotation);
        Ok(Self { from, size, rotation, scaler: None, pool: FramePool::new(), last_us: None })
    }

    /// The next picture, `None` at the end. All have the same size, even when the stream changes its own, and each is
    /// later than the one before.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        loop {
            let frame = match &mut self.from {
                From::Native(native) => native.next_frame()?,
                From::Ffmpeg(pictures) => pictures.next_frame()?,
            };
            let Some(mut frame) = frame else { return Ok(None) };
            if self.last_us.is_some_and(|last| frame.pts_us <= last) {
                continue; // two pictures at one time: the later one is never seen
            }
            self.last_us = Some(frame.pts_us);
            if (frame.width, frame.height) != self.size {
                let (width, height) = self.size;
                frame = self.scaler.get_or_insert_with(|| Scaler::to_any_size(width, height)).scale(&frame);
            }
            return Ok(Some(frame.rotated(self.rotation, &self.pool)));
        }
    }
}

/// Demuxing and decoding in the process.
struct Native {
    demuxer: Demuxer,
    track: usize,
    decoder: Decoder,
    /// Next sample to decode.
    next: usize,
    /// Presentation times from here on are given out, in ticks.
    from: i64,
    end: i64,
    full_range: bool,
    codec: &'static str,
    /// Samples given to the decoder whose pictures have not come back, in decode order.
    pending: VecDeque<(u64, i64)>,
    /// Pictures that came back, by presentation time; `None` where nobody wants to see it.
    ready: BTreeMap<(i64, u64), Option<Frame>>,
    silent: u32,
    silent_max: u32,
    came_back: u64,
    flushed: bool,
    pool: FramePool,
}

/// Samples whose pictures a decoder may keep back; a sample older than that has lost its picture. H.264 reorders at most
/// 16 pictures, and OpenH264 keeps at most as many.
const KEPT_BACK_MAX: usize = 20;

impl Native {
    fn open(path: &Path, video: &VideoInfo, from_us: u64, limits: &Limits) -> Result<Self, MediaError> {
        let demuxer = demux::open(path, limits)?;
        let track = video.track as usize;
        if track >= demuxer.tracks().len() {
            return Err(MediaError::NoTracks);
        }
        let source = demuxer.track(track);
        let codec = match source.codec {
            crate::packet::Codec::H264 => "H.264",
            crate::packet::Codec::Av1 => "AV1",
            _ => "raw",
        };
        // The first tick that is not before the wanted time when told in microseconds.
        let mut from = source.to_ticks(from_us.min(i64::MAX as u64).cast_signed());
        while source.to_us(from) < from_us.cast_signed() {
            from += 1;
        }
        let end = source.edit.end.unwrap_or(i64::MAX);
        let decoder = Decoder::new(source, limits.pixels_max)?;
        let next = demuxer.keyframe_before(track, from);
        Ok(Self {
            track,
            decoder,
            next,
            from: from.max(0),
            end,
            full_range: video.colour.is_some_and(|colour| colour.full_range),
            codec,
            pending: VecDeque::new(),
            ready: BTreeMap::new(),
            silent: 0,
            silent_max: limits.corrupt_in_a_row_max,
            came_back: 0,
            flushed: false,
            pool: FramePool::new(),
            demuxer,
        })
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        loop {
            while self.first_is_due() {
                let Some(((pts, _), frame)) = self.ready.pop_first() else { break };
                if pts >= self.end {
                    return Ok(None);
                }
                if let Some(frame) = frame {
                    return Ok(Some(frame));
                }
            }
            if self.flushed {
                return match self.came_back {
                    0 => Err(MediaError::CorruptVideo { codec: self.codec, failed: self.next as u32 }),
                    _ => Ok(None),
                };
            }
            self.advance()?;
        }
    }

    /// Whether nothing can come any more that is shown before the first picture that is ready.
    fn first_is_due(&self) -> bool {
        let Some((&(first, _), _)) = self.ready.first_key_value() else { return false };
        if self.flushed {
            return true;
        }
        let samples = self.demuxer.samples(self.track);
        let ahead = samples[self.next..].iter().take(KEPT_BACK_MAX).map(|sample| sample.pts);
        self.pending.iter().map(|(_, pts)| *pts).chain(ahead).all(|pts| pts > first)
    }

    /// Decodes one sample, or flushes after the last one.
    fn advance(&mut self) -> Result<(), MediaError> {
        let Self { demuxer, track, decoder, pending, ready, from, end, full_range, pool, .. } = self;
        let packet = match demuxer.samples(*track).get(self.next) {
            Some(sample) => {
                pending.push_back((self.next as u64, sample.pts));
                Some(demuxer.read(*track, self.next)?)
            }
            None => None,
        };
        let source = demuxer.track(*track);
        let mut back = 0;
        let mut sink = |picture: Picture| {
            let Some(at) = pending.iter().position(|(number, _)| *number == picture.number) else { return };
            let Some((number, pts)) = pending.remove(at) else { return };
            back += 1;
            let wanted = pts >= *from && pts < *end;
            let pts_us = source.to_us(pts).max(0).unsigned_abs();
            let frame = wanted.then(|| draw(&picture, pts_us, *full_range, pool));
            ready.insert((pts, number), frame);
        };
        match packet {
            Some(packet) => decoder.decode(self.next as u64, &packet, &mut sink),
            None => {
                decoder.flush(&mut sink);
                self.flushed = true;
            }
        }
        self.next += usize::from(!self.flushed);
        let surplus = self.pending.len().saturating_sub(KEPT_BACK_MAX);
        self.pending.drain(..surplus);
        self.came_back += back;
        self.silent = if back > 0 || self.flushed { 0 } else { self.silent + 1 };
        match self.silent > self.silent_max {
            true => Err(MediaError::CorruptVideo { codec: self.codec, failed: self.silent }),
            false => Ok(()),
        }
    }
}
