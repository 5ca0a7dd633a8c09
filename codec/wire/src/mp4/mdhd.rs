//! `mdhd`: the track's own clock and its language (section 8.4.2).

use super::{Mp4Error, Reader, put_full_box};

/// Body of `mdhd`; duration zero, as the file is fragmented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mdhd {
    /// Ticks a second of every time in the track.
    pub timescale: u32,
    /// ISO 639-2/T code, three lower-case letters; `und` when unknown.
    pub language: [u8; 3],
}

impl Mdhd {
    /// Appends the box, version 0. Letters outside a-z are written as `und`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let language = if self.language.iter().all(u8::is_ascii_lowercase) { self.language } else { *b"und" };
        let packed = language.iter().fold(0u16, |word, letter| word << 5 | u16::from(letter - 0x60));
        put_full_box(out, b"mdhd", 0, 0, |out| {
            out.extend_from_slice(&[0; 8]); // creation and modification time
            out.extend_from_slice(&self.timescale.to_be_bytes());
            out.extend_from_slice(&0u32.to_be_bytes()); // duration
            out.extend_from_slice(&packed.to_be_bytes());
            out.extend_from_slice(&[0; 2]);
        });
    }

    /// Reads the body, version 0 or 1.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"mdhd", body)?;
        r.take(if version == 1 { 16 } else { 8 })?;
        let timescale = r.u32()?;
        if timescale == 0 {
            return Err(r.unsupported("timescale 0"));
        }
        r.u64_or_u32(version)?;
        let packed = r.u16()?;
        let language = [10, 5, 0].map(|shift| (packed >> shift & 31) as u8 + 0x60);
        r.take(2)?;
        r.end()?;
        Ok(Self { timescale, language })
    }
}
