//! AAC and Opus as they are: frames out of the source's container, put on a clock without jitter.
//!
//! Containers round: Matroska to milliseconds, while a frame of AAC lasts 21.33. Frames therefore follow each other without
//! a gap as long as the source's times agree with that within a frame; where they do not, the hole is filled with silent
//! frames, because players close holes in sound and lose the pictures' lips.

use super::{SoundFrame, SoundTrack, aac, asc, opus};
use crate::demux::Demuxer;
use crate::error::MediaError;
use crate::packet::{Codec, SourceTrack};
use wire::cmaf::CodecConfig;

/// Sound before presentation time zero that is kept for the decoder to warm up, in microseconds (Opus asks for 80 ms,
/// RFC 7845 section 4.6; HE-AAC for two frames).
const PREROLL_US: i64 = 100_000;
/// Longest hole that is filled with silence, in seconds; a longer one is a broken clock, and is closed.
const HOLE_SECONDS_MAX: i64 = 3600;

/// Reads one track of sound frame by frame.
pub struct CopiedSound<'a> {
    demuxer: &'a Demuxer,
    track: usize,
    next: usize,
    timescale: u32,
    /// Ticks of a usual frame.
    frame: u32,
    /// Ticks before presentation time zero.
    skip: u64,
    /// Decode time of the next frame.
    now: u64,
    silence: Option<Vec<u8>>,
    /// Frames of silence still to give out, and the packet after them.
    filling: u64,
    held: Option<Vec<u8>>,
}

impl<'a> CopiedSound<'a> {
    /// Starts at the first frame that is heard, a little earlier where there is something earlier.
    pub fn open(demuxer: &'a Demuxer, track: usize) -> Result<Self, MediaError> {
        if track >= demuxer.tracks().len() {
            return Err(MediaError::NoTracks);
        }
        let source = demuxer.track(track);
        let (timescale, frame, silence) = match source.codec {
            Codec::Aac => {
                let damaged = MediaError::Malformed { container: "AAC", what: "its configuration cannot be read" };
                let clock = asc::frame_clock(&source.config).ok_or(damaged)?;
                (clock.core_rate, clock.frame_length, aac::silent_frame(clock))
            }
            Codec::Opus => (opus::RATE, opus::SILENCE_TICKS, Some(opus::SILENCE.to_vec())),
            ref other => return Err(MediaError::UnsupportedCodec { codec: other.name().to_owned() }),
        };
        let samples = demuxer.samples(track);
        let earliest = source.to_ticks(-PREROLL_US);
        let next = samples.iter().position(|s| s.pts + i64::from(s.duration) > earliest);
        let next = next.ok_or(MediaError::NoSamples)?;
        let skip = (-in_ticks(source, samples[next].pts, timescale)).max(0) as u64;
        Ok(Self { demuxer, track, next, timescale, frame, skip, now: 0, silence, filling: 0, held: None })
    }

    /// What the header says; `average_bitrate` in bits a second, 0 when unknown.
    pub fn track(&self, average_bitrate: u32) -> SoundTrack {
        let source = self.demuxer.track(self.track);
        let config = match source.codec {
            Codec::Opus => CodecConfig::Opus { dops: source.config.clone() },
            _ => CodecConfig::Aac { asc: source.config.clone(), average_bitrate },
        };
        SoundTrack { timescale: self.timescale, skip: self.skip, config }
    }

    /// The next frame, `None` at the end.
    pub fn next_frame(&mut self) -> Result<Option<SoundFrame>, MediaError> {
        loop {
            if self.filling > 0 {
                self.filling -= 1;
                let silence = self.silence.clone().expect("holes are only filled when there is silence");
                return Ok(Some(self.frame(silence, self.frame)));
            }
            if let Some(data) = self.held.take() {
                let ticks = match self.demuxer.track(self.track).codec {
                    Codec::Opus => opus::ticks(&data).unwrap_or(self.frame),
                    _ => self.frame,
                };
                return Ok(Some(self.frame(data, ticks)));
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    /// Reads the next packet and compares its time with the clock. False at the end.
    fn read(&mut self) -> Result<bool, MediaError> {
        let source = self.demuxer.track(self.track);
        let Some(sample) = self.demuxer.samples(self.track).get(self.next) else {
            return Ok(false);
        };
        if source.edit.end.is_some_and(|end| sample.pts >= end) {
            return Ok(false);
        }
        let index = self.next;
        self.next += 1;
        let ahead = in_ticks(source, sample.pts, self.timescale) + self.skip as i64 - self.now as i64;
        let frame = i64::from(self.frame);
        if ahead <= -frame {
            // A second frame for the same time: the earlier one was heard.
            return Ok(true);
        }
        let hole = ahead >= frame && ahead / i64::from(self.timescale) < HOLE_SECONDS_MAX;
        if hole && self.silence.is_some() {
            self.filling = (ahead / frame) as u64;
            self.now += (ahead % frame) as u64;
        } else if hole || (self.now == 0 && ahead > 0) {
            self.now += ahead as u64;
        }
        self.held = Some(self.demuxer.read(self.track, index)?.data);
        Ok(true)
    }

    fn frame(&mut self, data: Vec<u8>, duration: u32) -> SoundFrame {
        let time = self.now;
        self.now += u64::from(duration);
        SoundFrame { data, time, duration }
    }
}

fn in_ticks(source: &SourceTrack, ticks: i64, timescale: u32) -> i64 {
    let scale = i128::from(source.timescale.max(1));
    (i128::from(ticks) * i128::from(timescale) + scale / 2).div_euclid(scale) as i64
}
