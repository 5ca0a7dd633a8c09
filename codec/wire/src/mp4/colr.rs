//! `colr` of type `nclx`: what the numbers of a picture mean as colours (section 12.1.5, values of ISO/IEC 23091-2).

use super::{Mp4Error, Reader, put_box};

/// Coding-independent code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    /// ColourPrimaries; 1 is BT.709.
    pub primaries: u16,
    /// TransferCharacteristics.
    pub transfer: u16,
    /// MatrixCoefficients.
    pub matrix: u16,
    /// Does black begin at 0 (and not at 16 of 255)?
    pub full_range: bool,
}

impl Colour {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_box(out, b"colr", |out| {
            out.extend_from_slice(b"nclx");
            [self.primaries, self.transfer, self.matrix].iter().for_each(|v| out.extend_from_slice(&v.to_be_bytes()));
            out.push(u8::from(self.full_range) << 7);
        });
    }

    /// Reads the body.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let mut r = Reader::new(b"colr", body);
        if r.array()? != *b"nclx" {
            return Err(r.unsupported("colour type"));
        }
        let colour =
            Self { primaries: r.u16()?, transfer: r.u16()?, matrix: r.u16()?, full_range: r.u8()? & 0x80 != 0 };
        r.end()?;
        Ok(colour)
    }
}
