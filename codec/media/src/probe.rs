//! What is in a file.

use crate::{MediaError, SourceInfo, Tools};
use std::path::Path;

/// Looks at a file: container, tracks, times, and who will decode it.
pub fn probe(path: &Path, tools: &Tools) -> Result<SourceInfo, MediaError> {
    let _ = tools;
    crate::demux::open(path, &crate::Limits::DEFAULT).and(Err(MediaError::NoTracks))
}
