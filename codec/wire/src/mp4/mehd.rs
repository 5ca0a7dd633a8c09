//! `mehd`: how long the movie is with all its fragments (section 8.8.2).

use super::{Mp4Error, Reader, put_full_box};

/// Body of `mehd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mehd {
    /// In the movie's timescale.
    pub fragment_duration: u64,
}

impl Mehd {
    /// Appends the box, version 0 when the duration fits it.
    pub fn write(&self, out: &mut Vec<u8>) {
        match u32::try_from(self.fragment_duration) {
            Ok(small) => put_full_box(out, b"mehd", 0, 0, |out| out.extend_from_slice(&small.to_be_bytes())),
            Err(_) => {
                put_full_box(out, b"mehd", 1, 0, |out| out.extend_from_slice(&self.fragment_duration.to_be_bytes()));
            }
        }
    }

    /// Reads the body.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"mehd", body)?;
        let fragment_duration = r.u64_or_u32(version)?;
        r.end()?;
        Ok(Self { fragment_duration })
    }
}
