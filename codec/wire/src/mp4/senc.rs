//! `senc`: which bytes of each sample of a fragment are encrypted (ISO/IEC 23001-7 section 7.2), and `saiz` and `saio`, which say
//! where that stands to readers that know any auxiliary information (ISO/IEC 14496-12 sections 8.7.8 and 8.7.9).

use super::{Mp4Error, Reader, put_full_box};

const USE_SUBSAMPLES: u32 = 2;

/// A stretch of a sample: bytes in the clear, then bytes to which the pattern is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subsample {
    /// `BytesOfClearData`.
    pub clear: u16,
    /// `BytesOfProtectedData`.
    pub protected: u32,
}

/// Body of `senc` for samples without vectors of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Senc {
    /// For each sample, in order; together they are as long as it is.
    pub samples: Vec<Vec<Subsample>>,
}

impl Senc {
    /// Where in the written box the first sample's information stands.
    pub const FIRST_AT: usize = 16;

    /// Appends the box.
    pub fn write(&self, out: &mut Vec<u8>) {
        put_full_box(out, b"senc", 0, USE_SUBSAMPLES, |out| {
            out.extend_from_slice(&(self.samples.len() as u32).to_be_bytes());
            for subsamples in &self.samples {
                out.extend_from_slice(&(subsamples.len() as u16).to_be_bytes());
                for Subsample { clear, protected } in subsamples {
                    out.extend_from_slice(&clear.to_be_bytes());
                    out.extend_from_slice(&protected.to_be_bytes());
                }
            }
        });
    }

    /// Reads the body.
    pub fn read(body: &[u8]) -> Result<Self, Mp4Error> {
        let (mut r, _, flags) = Reader::full(b"senc", body)?;
        if flags & USE_SUBSAMPLES == 0 {
            return Err(r.unsupported("no subsamples"));
        }
        let count = r.u32()?;
        let mut samples = Vec::new();
        for _ in 0..count {
            let mut subsamples = Vec::new();
            for _ in 0..r.u16()? {
                subsamples.push(Subsample { clear: r.u16()?, protected: r.u32()? });
            }
            samples.push(subsamples);
        }
        r.end()?;
        Ok(Self { samples })
    }

    /// Bytes of a sample's information.
    fn entry_bytes(subsamples: &[Subsample]) -> usize {
        2 + 6 * subsamples.len()
    }

    /// Bytes of the box.
    pub fn bytes(&self) -> usize {
        Self::FIRST_AT + self.samples.iter().map(|one| Self::entry_bytes(one)).sum::<usize>()
    }

    /// Appends `saiz`: the sizes of what is said of each sample.
    pub fn write_sizes(&self, out: &mut Vec<u8>) {
        let sizes: Vec<u8> = self.samples.iter().map(|one| Self::entry_bytes(one) as u8).collect();
        let all_alike = sizes.iter().all(|size| *size == sizes[0]);
        put_full_box(out, b"saiz", 0, 0, |out| {
            out.push(if all_alike { sizes.first().copied().unwrap_or(0) } else { 0 });
            out.extend_from_slice(&(sizes.len() as u32).to_be_bytes());
            if !all_alike {
                out.extend_from_slice(&sizes);
            }
        });
    }
}

/// Subsamples of one sample: `saiz` counts their bytes in 8 bits.
pub const SUBSAMPLES_MAX: usize = (u8::MAX as usize - 2) / 6;

/// Where in a written `saio` the one offset stands.
pub const SAIO_OFFSET_AT: usize = 16;

/// Appends `saio` with one offset, from the `moof`, which is filled in afterwards.
pub fn write_offset(out: &mut Vec<u8>) {
    put_full_box(out, b"saio", 0, 0, |out| {
        out.extend_from_slice(&1u32.to_be_bytes());
        out.extend_from_slice(&0u32.to_be_bytes());
    });
}
