//! `ftyp` and `styp`: which brands a header or a segment keeps to (sections 4.3 and 8.16.2).

use super::{FourCc, Mp4Error, Reader, put_box};

/// Body of `ftyp` and of `styp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ftyp {
    /// The brand that describes it best.
    pub major: FourCc,
    /// Every brand it keeps to, the major one among them.
    pub compatible: Vec<FourCc>,
}

impl Ftyp {
    /// Appends the box as `kind`, which is `ftyp` or `styp`.
    pub fn write(&self, out: &mut Vec<u8>, kind: &[u8; 4]) {
        put_box(out, kind, |out| {
            out.extend_from_slice(&self.major.0);
            out.extend_from_slice(&[0; 4]); // minor_version
            self.compatible.iter().for_each(|brand| out.extend_from_slice(&brand.0));
        });
    }

    /// Reads the body of either box.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let mut r = Reader::new(b"ftyp", body);
        let major = FourCc(r.array()?);
        r.u32()?;
        let mut compatible = Vec::with_capacity(r.rest().len() / 4);
        while !r.rest().is_empty() {
            compatible.push(FourCc(r.array()?));
        }
        Ok(Self { major, compatible })
    }
}
