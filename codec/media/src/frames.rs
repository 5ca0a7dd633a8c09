//! Pictures of a source in presentation order, whoever decodes them.

use crate::{Frame, MediaError, SourceInfo, Tools};
use std::path::Path;

/// Pictures in presentation order: 8-bit 4:2:0, limited range, upright ([`crate::VideoInfo::upright_size`]), source
/// pixel aspect.
pub struct FrameSource {
    _private: (),
}

impl FrameSource {
    /// Starts with the first picture shown at or after `from_us`; decodes from the keyframe before it.
    pub fn open(path: &Path, info: &SourceInfo, tools: &Tools, from_us: u64) -> Result<Self, MediaError> {
        let _ = (path, info, tools, from_us);
        Err(MediaError::NoTracks)
    }

    /// The next picture, `None` at the end. All have the same size, even when the stream changes its own.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        Ok(None)
    }
}
