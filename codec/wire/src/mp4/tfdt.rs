//! `tfdt`: when a fragment's first sample is decoded (section 8.8.12).

use super::{Mp4Error, Reader, put_full_box};

/// Body of `tfdt`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tfdt {
    /// Sum of the durations of all samples before, in the track's timescale.
    pub base_media_decode_time: u64,
}

impl Tfdt {
    /// Appends the box, always version 1: a segment's bytes keep their length wherever it stands.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_full_box(out, b"tfdt", 1, 0, |out| out.extend_from_slice(&self.base_media_decode_time.to_be_bytes()));
    }

    /// Reads the body, version 0 or 1.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"tfdt", body)?;
        let base_media_decode_time = r.u64_or_u32(version)?;
        r.end()?;
        Ok(Self { base_media_decode_time })
    }
}
