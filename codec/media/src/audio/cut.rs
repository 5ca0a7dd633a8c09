//! Frames of sound into segments, cut at the frame that starts nearest to each cut of the grid.

use super::SoundFrame;
use crate::error::MediaError;
use crate::package::{Output, not_a_segment};
use wire::cmaf;
use wire::presentation::Segment;

/// Collects frames and gives out segments.
pub struct Cutter {
    timescale: u32,
    skip: u64,
    /// Inner cuts still ahead, in ticks of presentation time, the next one last.
    cuts: Vec<u64>,
    frames: Vec<SoundFrame>,
    index: u32,
}

impl Cutter {
    /// `cuts_us` as in [`crate::plan::AudioPlan`]; `skip` is the priming in ticks.
    pub fn new(timescale: u32, skip: u64, cuts_us: &[u64]) -> Self {
        let inner = cuts_us.get(1..cuts_us.len().saturating_sub(1)).unwrap_or_default();
        let ticks = |us: u64| (u128::from(us) * u128::from(timescale) / 1_000_000) as u64;
        let cuts = inner.iter().rev().map(|&cut| ticks(cut)).collect();
        Self { timescale, skip, cuts, frames: Vec::new(), index: 0 }
    }

    /// Takes the next frame; gives out the segment before it when this frame begins a new one.
    pub fn push(&mut self, frame: SoundFrame) -> Result<Option<Output>, MediaError> {
        let mut begins = false;
        while let Some(&cut) = self.cuts.last()
            && frame.time + u64::from(frame.duration / 2) >= cut + self.skip
        {
            self.cuts.pop();
            begins = true;
        }
        let done = if begins { self.segment(frame.time)? } else { None };
        self.frames.push(frame);
        Ok(done)
    }

    /// The last segment.
    pub fn finish(mut self) -> Result<Option<Output>, MediaError> {
        let end = self.frames.last().map_or(0, |last| last.time + u64::from(last.duration));
        self.segment(end)
    }

    /// All frames held as one segment that ends at `end`: frames last until the next one starts.
    fn segment(&mut self, end: u64) -> Result<Option<Output>, MediaError> {
        let frames = std::mem::take(&mut self.frames);
        let Some(first) = frames.first() else { return Ok(None) };
        let ends = frames.iter().skip(1).map(|frame| frame.time).chain([end]);
        let samples: Vec<cmaf::Sample> = frames
            .iter()
            .zip(ends)
            .map(|(frame, end)| cmaf::Sample {
                data: &frame.data,
                duration: end.saturating_sub(frame.time).try_into().unwrap_or(u32::MAX),
                composition_offset: 0,
                sync: true,
            })
            .collect();
        let index = self.index;
        self.index += 1;
        let bytes = cmaf::media_segment(index + 1, self.timescale, first.time, &samples).map_err(not_a_segment)?;
        // Priming is decoded, not heard: on the timeline the first segment starts after it.
        let start = first.time.saturating_sub(self.skip);
        let duration = end.saturating_sub(self.skip) - start;
        Ok(Some(Output::Segment { index, segment: Segment { start, duration, bytes: bytes.len() as u64 }, bytes }))
    }
}
