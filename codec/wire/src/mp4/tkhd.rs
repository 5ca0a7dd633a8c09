//! `tkhd`: a track's place in the movie (section 8.3.2).

use super::mvhd::IDENTITY;
use super::{Mp4Error, Reader, put_full_box};

/// Body of `tkhd`; enabled and in the movie, duration zero (the file is fragmented), matrix identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tkhd {
    /// Which track; never zero.
    pub track_id: u32,
    /// Is it sound? Sound has full volume and no size.
    pub audio: bool,
    /// Width on the screen, pixel aspect ratio applied, 16.16 fixed point.
    pub width: u32,
    /// Height on the screen, 16.16 fixed point.
    pub height: u32,
}

impl Tkhd {
    /// Appends the box, version 0.
    pub fn write(&self, out: &mut Vec<u8>) {
        const ENABLED_IN_MOVIE: u32 = 3;
        put_full_box(out, b"tkhd", 0, ENABLED_IN_MOVIE, |out| {
            out.extend_from_slice(&[0; 8]); // creation and modification time
            out.extend_from_slice(&self.track_id.to_be_bytes());
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(&0u32.to_be_bytes()); // duration
            out.extend_from_slice(&[0; 12]); // reserved, layer, alternate_group
            out.extend_from_slice(&(if self.audio { 0x0100u16 } else { 0 }).to_be_bytes());
            out.extend_from_slice(&[0; 2]);
            IDENTITY.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
            out.extend_from_slice(&self.width.to_be_bytes());
            out.extend_from_slice(&self.height.to_be_bytes());
        });
    }

    /// Reads the body, version 0 or 1; a matrix that turns the picture is not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"tkhd", body)?;
        r.take(if version == 1 { 16 } else { 8 })?;
        let track_id = r.u32()?;
        r.take(4)?;
        r.u64_or_u32(version)?;
        r.take(12)?;
        let audio = r.u16()? != 0;
        r.take(2)?;
        for word in IDENTITY {
            if r.u32()? != word {
                return Err(r.unsupported("matrix"));
            }
        }
        let (width, height) = (r.u32()?, r.u32()?);
        r.end()?;
        Ok(Self { track_id, audio, width, height })
    }
}
