//! Every picture of a short film, one a cell given out: the first from the cell's middle on.

use crate::frames::FrameSource;
use crate::{Frame, MediaError, SourceInfo, Tools};
use std::path::Path;

pub(super) struct Whole {
    source: FrameSource,
    interval_us: u64,
    /// Read, and shown at or after the middle of the last cell.
    ahead: Option<Frame>,
    is_over: bool,
}

impl Whole {
    pub fn open(path: &Path, info: &SourceInfo, tools: &Tools, interval_us: u64) -> Result<Self, MediaError> {
        let source = FrameSource::open(path, info, tools, 0)?;
        Ok(Self { source, interval_us, ahead: None, is_over: false })
    }

    pub fn cell(&mut self, cell: u32) -> Result<Option<Frame>, MediaError> {
        let start_us = self.interval_us * u64::from(cell);
        let (middle_us, end_us) = (start_us + self.interval_us / 2, start_us + self.interval_us);
        let mut before = None;
        while !self.is_over && self.ahead.as_ref().is_none_or(|frame| frame.pts_us < middle_us) {
            before = self.ahead.take().or(before);
            self.ahead = self.source.next_frame()?;
            self.is_over = self.ahead.is_none();
        }
        let shown = self.ahead.clone().filter(|frame| frame.pts_us < end_us).or(before);
        Ok(shown.filter(|frame| frame.pts_us >= start_us))
    }
}
