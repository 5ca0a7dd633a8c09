//! `sinf`: what a sample entry was before it became `encv` or `enca`, and how it was encrypted: `frma`, `schm` and `schi` around
//! `tenc` (ISO/IEC 14496-12 section 8.12).

use super::tenc::Tenc;
use super::{FourCc, Mp4Error, Reader, child, put_box, put_full_box};

/// Version of the scheme: 1.0 (ISO/IEC 23001-7 section 4.1).
const SCHEME_VERSION: u32 = 0x0001_0000;

/// Body of `sinf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sinf {
    /// The entry's name before: `avc1`, `av01`, `mp4a`, `Opus`.
    pub original: FourCc,
    /// `cbcs`, `cenc` and so on.
    pub scheme: FourCc,
    /// How.
    pub tenc: Tenc,
}

impl Sinf {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_box(out, b"sinf", |out| {
            put_box(out, b"frma", |out| out.extend_from_slice(&self.original.0));
            put_full_box(out, b"schm", 0, 0, |out| {
                out.extend_from_slice(&self.scheme.0);
                out.extend_from_slice(&SCHEME_VERSION.to_be_bytes());
            });
            put_box(out, b"schi", |out| self.tenc.write(out));
        });
    }

    /// Reads the body.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let need = |kind| child(b"sinf", body, kind)?.ok_or(Mp4Error::Missing(FourCc(*kind)));
        let mut frma = Reader::new(b"frma", need(b"frma")?);
        let (mut schm, _, _) = Reader::full(b"schm", need(b"schm")?)?;
        let schi = need(b"schi")?;
        let tenc = child(b"schi", schi, b"tenc")?.ok_or(Mp4Error::Missing(FourCc(*b"tenc")))?;
        Ok(Self { original: FourCc(frma.array()?), scheme: FourCc(schm.array()?), tenc: Tenc::read(tenc)? })
    }
}
