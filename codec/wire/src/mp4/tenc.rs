//! `tenc`: how the samples of a track are encrypted when a fragment says nothing else (ISO/IEC 23001-7 section 8.2).

use super::{Mp4Error, Reader, put_full_box};

/// Body of `tenc`, version 1, for samples that are all encrypted with one constant initialisation vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenc {
    /// Blocks of 16 bytes that are encrypted, and those that are left after them; 0 and 0: every whole block is encrypted.
    pub pattern: (u8, u8),
    /// Names the key.
    pub key_id: [u8; 16],
    /// `default_constant_IV`.
    pub constant_iv: [u8; 16],
}

impl Tenc {
    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (crypt, skip) = self.pattern;
        put_full_box(out, b"tenc", 1, 0, |out| {
            out.extend_from_slice(&[0, crypt << 4 | skip & 15]);
            out.extend_from_slice(&[1, 0]); // protected, without a vector of each sample's own
            out.extend_from_slice(&self.key_id);
            out.push(16);
            out.extend_from_slice(&self.constant_iv);
        });
    }

    /// Reads the body; vectors of each sample's own are not supported.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, version, _) = Reader::full(b"tenc", body)?;
        r.u8()?;
        let pattern = r.u8()?;
        if version != 1 || r.array()? != [1, 0] {
            return Err(r.unsupported("not one constant vector"));
        }
        let key_id = r.array()?;
        if r.u8()? != 16 {
            return Err(r.unsupported("size of the vector"));
        }
        let constant_iv = r.array()?;
        r.end()?;
        Ok(Self { pattern: (pattern >> 4, pattern & 15), key_id, constant_iv })
    }
}
