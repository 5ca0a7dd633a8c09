//! What was packaged or encoded of an encrypted asset is encrypted before it is stored. Objects, caches and disks hold nothing else of it
//! (but the upload itself).

use durable::catalogue::Asset;
use media::transcode::EncodedChunk;
use media::{MediaError, Output};
use wire::cmaf::protect::{ContentKey, ProtectError, Protected};

use crate::work::{Failure, Run};

/// The key of an asset that is to be encrypted.
pub(super) fn key(run: &Run, asset: &Asset) -> Result<Option<ContentKey>, Failure> {
    let open = |sealed| run.house.keys.content.open(&asset.id, sealed).ok_or(Failure::KeyLost);
    asset.key.as_ref().map(open).transpose()
}

/// A rendition that comes piece by piece.
pub(crate) struct Rendition {
    key: Option<ContentKey>,
    protected: Option<Protected>,
}

impl Rendition {
    pub(super) fn new(key: Option<ContentKey>) -> Self {
        Self { key, protected: None }
    }

    /// The piece as it is to be stored.
    pub(super) fn take(&mut self, output: Output) -> Result<Output, MediaError> {
        let Some(key) = &self.key else { return Ok(output) };
        match output {
            Output::Init { track, bytes } => {
                let (bytes, protected) = Protected::new(&bytes, key).map_err(failed)?;
                self.protected = Some(protected);
                Ok(Output::Init { track, bytes })
            }
            Output::Segment { index, segment, bytes } => {
                let protected = self.protected.as_ref().expect("a header comes before its segments");
                Ok(Output::Segment { index, segment, bytes: protected.segment(&bytes).map_err(failed)? })
            }
        }
    }
}

/// A chunk as it is to be stored.
pub(super) fn chunk(mut chunk: EncodedChunk, key: Option<&ContentKey>) -> Result<EncodedChunk, MediaError> {
    let Some(key) = key else { return Ok(chunk) };
    for rung in &mut chunk.rungs {
        let (init, protected) = Protected::new(&rung.init, key).map_err(failed)?;
        (rung.init, rung.bytes) = (init, protected.segment(&rung.bytes).map_err(failed)?);
    }
    Ok(chunk)
}

/// Pictures of H.264 whose headers cannot be left in the clear are encoded anew.
fn failed(error: ProtectError) -> MediaError {
    match error {
        ProtectError::Slice => MediaError::CannotPassThrough { why: "the header of a slice cannot be read" },
        ProtectError::TooManySlices => {
            MediaError::CannotPassThrough { why: "a picture has too many slices to encrypt" }
        }
        ProtectError::Mp4(_) | ProtectError::Cmaf(_) | ProtectError::Frame => {
            MediaError::Encode { codec: "cbcs", detail: error.to_string() }
        }
    }
}
