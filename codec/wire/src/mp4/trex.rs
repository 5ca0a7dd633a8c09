//! `trex`: announces that a track has fragments (section 8.8.3). Its defaults are zero, as the brand `cmf2` wants it: every
//! fragment carries its own.

use super::{Mp4Error, Reader, put_full_box};

/// Body of `trex`; sample description 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trex {
    /// The track of `tkhd`.
    pub track_id: u32,
}

impl Trex {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_full_box(out, b"trex", 0, 0, |out| {
            out.extend_from_slice(&self.track_id.to_be_bytes());
            out.extend_from_slice(&1u32.to_be_bytes()); // default_sample_description_index
            out.extend_from_slice(&[0; 12]); // default duration, size and flags
        });
    }

    /// Reads the body; defaults other than zero are not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, _, _) = Reader::full(b"trex", body)?;
        let track_id = r.u32()?;
        if r.u32()? != 1 || r.array::<12>()? != [0; 12] {
            return Err(r.unsupported("defaults"));
        }
        r.end()?;
        Ok(Self { track_id })
    }
}
