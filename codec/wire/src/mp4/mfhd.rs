//! `mfhd`: a fragment's number (section 8.8.5).

use super::{Mp4Error, Reader, put_full_box};

/// Body of `mfhd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mfhd {
    /// Grows from fragment to fragment.
    pub sequence_number: u32,
}

impl Mfhd {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_full_box(out, b"mfhd", 0, 0, |out| out.extend_from_slice(&self.sequence_number.to_be_bytes()));
    }

    /// Reads the body.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, _, _) = Reader::full(b"mfhd", body)?;
        let sequence_number = r.u32()?;
        r.end()?;
        Ok(Self { sequence_number })
    }
}
