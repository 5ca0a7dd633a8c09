//! The encoders of one chunk, one a rung, and what they make of it.

use super::lane::Job;
use super::{EncodedChunk, EncodedRung};
use crate::encode::{EncodedGop, VideoEncoder};
use crate::error::MediaError;
use crate::frame::Frame;
use crate::package::{header, not_a_segment};
use crate::packet::Colour;
use crate::plan::Rung;
use crate::scale::Scaler;
use wire::cmaf::{self, TrackInit};
use wire::presentation::{Ratio, Segment, TrackKind};

/// Scales and encodes the frames of a chunk for every rung.
pub struct ChunkEncoder<'a> {
    job: &'a Job<'a>,
    /// One a rung; rungs of the same size share one.
    scalers: Vec<Scaler>,
    encoders: Vec<VideoEncoder>,
    /// Presentation times of the frames, microseconds.
    times_us: Vec<u64>,
}

impl<'a> ChunkEncoder<'a> {
    /// Scalers are made once a lane, encoders once a chunk.
    pub fn new(job: &'a Job<'a>) -> Self {
        let mut sizes: Vec<(u32, u32)> = job.plan.rungs.iter().map(|rung| (rung.width, rung.height)).collect();
        sizes.dedup();
        let scalers = sizes.into_iter().map(|(width, height)| Scaler::new(width, height)).collect();
        Self { job, scalers, encoders: Vec::new(), times_us: Vec::new() }
    }

    /// Starts a chunk.
    pub fn begin(&mut self) -> Result<(), MediaError> {
        self.times_us.clear();
        let colour = self.colour();
        self.encoders.clear();
        for rung in &self.job.plan.rungs {
            self.encoders.push(VideoEncoder::new(rung, colour)?);
        }
        Ok(())
    }

    /// Frames this chunk will probably have.
    pub fn estimate(&self, index: u32) -> u32 {
        let grid = &self.job.plan.grid_us;
        let length_us = grid[index as usize + 1] - grid[index as usize];
        let rate = self.job.plan.rungs.first().map_or(Ratio { num: 1, den: 1 }, |rung| rung.frame_rate);
        let frames = length_us * u64::from(rate.num) / (u64::from(rate.den) * 1_000_000);
        u32::try_from(frames).unwrap_or(u32::MAX).max(1)
    }

    /// Takes the next frame; one that is not later than the one before is left out.
    pub fn push(&mut self, frame: &Frame) -> Result<(), MediaError> {
        let coarsest = self.job.plan.rungs.iter().map(|rung| rung.timescale).min().unwrap_or(1);
        if self.times_us.last().is_some_and(|&last| ticks(frame.pts_us, coarsest) <= ticks(last, coarsest)) {
            return Ok(());
        }
        self.times_us.push(frame.pts_us);
        let mut scalers = self.scalers.iter_mut();
        let mut scaled: Option<Frame> = None;
        for (rung, encoder) in self.job.plan.rungs.iter().zip(&mut self.encoders) {
            let size = (rung.width, rung.height);
            let picture = match scaled.take() {
                Some(picture) if (picture.width, picture.height) == size => picture,
                _ => scalers.next().expect("there is a scaler for each size").scale(frame),
            };
            encoder.push(&picture, &|| self.job.check())?;
            scaled = Some(picture);
        }
        Ok(())
    }

    /// Finishes the chunk, whose last frame ends at `end_us`.
    pub fn finish(&mut self, index: u32, end_us: u64) -> Result<EncodedChunk, MediaError> {
        let colour = self.colour();
        let mut rungs = Vec::with_capacity(self.encoders.len());
        for (rung, encoder) in self.job.plan.rungs.iter().zip(self.encoders.drain(..)) {
            let gop = encoder.finish(&|| self.job.check())?;
            rungs.push(self.job.rung(index, rung, colour, &gop, &self.times_us, end_us)?);
        }
        Ok(EncodedChunk { index, rungs })
    }

    /// Frames come with limited range, whatever the source's is.
    fn colour(&self) -> Option<Colour> {
        let colour = self.job.source.video.as_ref().and_then(|video| video.colour);
        colour.map(|colour| Colour { full_range: false, ..colour })
    }
}

impl Job<'_> {
    fn rung(
        &self,
        index: u32,
        rung: &Rung,
        colour: Option<Colour>,
        gop: &EncodedGop,
        times_us: &[u64],
        end_us: u64,
    ) -> Result<EncodedRung, MediaError> {
        if gop.pictures.len() != times_us.len() {
            let detail = format!("{} pictures went in, {} came out", times_us.len(), gop.pictures.len());
            return Err(MediaError::Encode { codec: rung.codec.name(), detail });
        }
        let starts: Vec<u64> = times_us.iter().map(|&time| ticks(time, rung.timescale)).collect();
        let (first, last) = (starts[0], starts[starts.len() - 1]);
        // Pictures after the end that was announced: the last one stands as long as any.
        let usual = u64::from(rung.timescale) * u64::from(rung.frame_rate.den) / u64::from(rung.frame_rate.num.max(1));
        let end = Some(ticks(end_us, rung.timescale)).filter(|&end| end > last).unwrap_or(last + usual.max(1));
        let ends = starts.iter().skip(1).copied().chain([end]);
        let samples: Vec<cmaf::Sample> = gop
            .pictures
            .iter()
            .zip(starts.iter().zip(ends))
            .map(|(picture, (&start, end))| cmaf::Sample {
                data: &picture.data,
                duration: (end - start).try_into().unwrap_or(u32::MAX),
                composition_offset: 0,
                sync: picture.sync,
            })
            .collect();
        let bytes = cmaf::media_segment(index + 1, rung.timescale, first, &samples).map_err(not_a_segment)?;
        let Rung { width, height, frame_rate, timescale, .. } = *rung;
        let init = TrackInit {
            timescale,
            config: gop.config.clone(),
            kind: TrackKind::Video { width, height, frame_rate, pixel_aspect: Ratio { num: 1, den: 1 } },
            colour: colour.map(header::colour),
            skip: 0,
            duration: ticks(self.plan.grid_us[self.plan.grid_us.len() - 1], timescale),
        };
        let (track, init) = header::header(&rung.name, &init)?;
        let segment = Segment { start: first, duration: end - first, bytes: bytes.len() as u64 };
        Ok(EncodedRung { name: rung.name.clone(), track, init, segment, bytes })
    }
}

fn ticks(time_us: u64, timescale: u32) -> u64 {
    ((u128::from(time_us) * u128::from(timescale) + 500_000) / 1_000_000) as u64
}
