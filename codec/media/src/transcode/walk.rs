//! The frames of a source, cell by cell.
//!
//! Every cell gets at least one frame and starts with it: the first frame of all is shown from zero on, and a cell in which
//! the source shows nothing new (a slide that stands for ten seconds) starts with a repetition of what is on the screen.

use super::lane::Job;
use crate::error::MediaError;
use crate::frame::Frame;
use crate::frames::FrameSource;
use crate::plan::grid;
use std::sync::atomic::Ordering;

/// How far before its cell the picture on the screen is looked for, in turn; one that stands for longer, or a film that
/// ends earlier than its header says by more, is damage.
const LOOK_BACK_US: [u64; 2] = [8_000_000, 60_000_000];

/// Walks a run of cells with one decoder.
pub struct Walk<'a> {
    job: &'a Job<'a>,
    source: Option<FrameSource>,
    cell: usize,
    /// The last frame of an earlier cell or of this one: what is on the screen.
    shown: Option<Frame>,
    /// Read, and not yet given out; belongs to this cell or a later one.
    ahead: Option<Frame>,
    /// Frames given out of this cell.
    given: u64,
    thin: Thin,
}

impl<'a> Walk<'a> {
    /// Nothing is opened yet.
    pub fn new(job: &'a Job<'a>) -> Self {
        let thin = Thin::new(job);
        Self { job, source: None, cell: 0, shown: None, ahead: None, given: 0, thin }
    }

    /// Begins a cell: goes on when it is the next one, seeks otherwise.
    pub fn go_to(&mut self, cell: u32) -> Result<(), MediaError> {
        let goes_on = self.source.is_some() && self.cell + 1 == cell as usize;
        self.cell = cell as usize;
        self.given = 0;
        self.thin.begin();
        if goes_on {
            return Ok(());
        }
        // From the keyframe on, not from the cut: what is on the screen at the cut may have come before it.
        let cut = self.start_us();
        let keyframes = self.job.source.video.as_ref().map_or(&[][..], |video| &video.keyframes_us);
        let before = keyframes.partition_point(|&time| time <= cut + grid::SLACK_US);
        self.open(before.checked_sub(1).map_or(cut.saturating_sub(grid::SLACK_US), |index| keyframes[index]))?;
        // Where the keyframes are not known, the picture on the screen is looked for only when the cell has none itself.
        for back_us in LOOK_BACK_US {
            if self.shown.is_some() || self.cell == 0 || self.ahead_is_here() {
                break;
            }
            self.open(cut.saturating_sub(back_us))?;
        }
        Ok(())
    }

    /// Starts decoding; stops before the first frame of the cell.
    fn open(&mut self, from_us: u64) -> Result<(), MediaError> {
        self.shown = None;
        self.source = Some(FrameSource::open(self.job.path, self.job.source, self.job.tools, from_us)?);
        self.ahead = self.read()?;
        while let Some(frame) = self.ahead.take_if(|frame| self.job.cell_of(frame) < Some(self.cell)) {
            self.shown = Some(frame);
            self.ahead = self.read()?;
        }
        Ok(())
    }

    fn ahead_is_here(&self) -> bool {
        self.ahead.as_ref().is_some_and(|frame| self.job.cell_of(frame) == Some(self.cell))
    }

    /// The next frame of the cell, `None` at its end.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        loop {
            if self.ahead_is_here()
                && let Some(frame) = self.ahead.take()
            {
                self.ahead = self.read()?;
                self.shown = Some(frame.clone());
                if !self.thin.keeps(&frame) {
                    continue;
                }
                self.given += 1;
                let first_of_all = self.cell == 0 && self.given == 1;
                return Ok(Some(if first_of_all { frame.at(0) } else { frame }));
            }
            if self.given > 0 {
                return Ok(None);
            }
            self.given = 1;
            let still = self.shown.as_ref().or(self.ahead.as_ref());
            let still = still.ok_or(MediaError::Truncated { detail: "pictures are missing at the end" })?;
            return Ok(Some(still.at(self.start_us())));
        }
    }

    /// When the cell's last frame ends: at the first frame of the next one.
    pub fn end_us(&self) -> u64 {
        let cut = self.job.plan.grid_us[self.cell + 1];
        match &self.ahead {
            Some(frame) if self.job.cell_of(frame) == Some(self.cell + 1) => frame.pts_us,
            _ => cut,
        }
    }

    fn start_us(&self) -> u64 {
        self.job.plan.grid_us[self.cell]
    }

    fn read(&mut self) -> Result<Option<Frame>, MediaError> {
        self.job.check()?;
        let frame = self.source.as_mut().map_or(Ok(None), FrameSource::next_frame)?;
        self.job.decoded.fetch_add(u64::from(frame.is_some()), Ordering::Relaxed);
        Ok(frame)
    }
}

impl Job<'_> {
    fn cell_of(&self, frame: &Frame) -> Option<usize> {
        grid::cell_of(&self.plan.grid_us, frame.pts_us)
    }
}

/// Leaves frames out where the source has more a second than the renditions.
struct Thin {
    /// Frames a second to keep, when that is fewer than there are.
    rate: Option<(u64, u64)>,
    slot: Option<u128>,
}

impl Thin {
    fn new(job: &Job<'_>) -> Self {
        let source = job.source.video.as_ref().map(|video| video.frame_rate);
        let target = job.plan.rungs.first().map(|rung| rung.frame_rate);
        let rate = match (source, target) {
            (Some(source), Some(target)) => {
                let (source_num, source_den) = (u64::from(source.num), u64::from(source.den));
                let (num, den) = (u64::from(target.num), u64::from(target.den));
                (num * source_den < source_num * den).then_some((num, den))
            }
            _ => None,
        };
        Self { rate, slot: None }
    }

    /// A cell starts anew, so that it does not matter which cells came before it.
    fn begin(&mut self) {
        self.slot = None;
    }

    /// One frame a slot of the target's rate.
    fn keeps(&mut self, frame: &Frame) -> bool {
        let Some((num, den)) = self.rate else { return true };
        let slot = u128::from(frame.pts_us + grid::SLACK_US) * u128::from(num) / (u128::from(den) * 1_000_000);
        self.slot.replace(slot) != Some(slot)
    }
}
