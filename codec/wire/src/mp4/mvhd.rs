//! `mvhd`: the movie's clock (section 8.2.2). In a fragmented file its duration is zero; `mehd` has the real one.

use super::{Mp4Error, Reader, put_full_box};

/// The identity matrix of `mvhd` and `tkhd`, 16.16 and 2.30 fixed point.
pub(super) const IDENTITY: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// Body of `mvhd`, as far as it says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mvhd {
    /// Ticks a second of `mehd` and of edit durations.
    pub timescale: u32,
}

impl Mvhd {
    /// Appends the box, version 0; the next free track is always 2.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_full_box(out, b"mvhd", 0, 0, |out| {
            out.extend_from_slice(&[0; 8]); // creation and modification time: the same input gives the same bytes
            out.extend_from_slice(&self.timescale.to_be_bytes());
            out.extend_from_slice(&0u32.to_be_bytes()); // duration
            out.extend_from_slice(&0x0001_0000u32.to_be_bytes()); // rate 1.0
            out.extend_from_slice(&0x0100u16.to_be_bytes()); // volume 1.0
            out.extend_from_slice(&[0; 10]);
            IDENTITY.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
            out.extend_from_slice(&[0; 24]); // pre_defined
            out.extend_from_slice(&2u32.to_be_bytes()); // next_track_ID
        });
    }

    /// Reads the body, version 0 or 1.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"mvhd", body)?;
        r.take(if version == 1 { 16 } else { 8 })?;
        let timescale = r.u32()?;
        r.u64_or_u32(version)?;
        r.take(80)?;
        r.end()?;
        Ok(Self { timescale })
    }
}
