//! Encryption of headers and segments by `cbcs` (ISO/IEC 23001-7 section 10.4): what has been packaged goes in, what is stored and
//! delivered comes out. Drawn in `docs/formats/cmaf.md`.
//!
//! One key and one constant vector for all tracks of an asset. Of pictures, the data of slices and tiles is encrypted, one block of
//! 16 bytes in ten; their headers stay readable. Of sound, every whole block of a frame is.

mod av1;
mod avc;
mod cipher;
mod frame;
mod header;
mod key;

use std::ops::Range;

use super::segment::{self, Sample, read_segment};
use super::{CmafError, CodecConfig, Mp4Error, read_init};
use crate::mp4::senc::{SUBSAMPLES_MAX, Senc, Subsample};
use av1::Sequence;
use avc::ParameterSets;
pub use cipher::{decrypt, encrypt};
pub use key::{ContentKey, iv};

/// `cbcs`: one block is encrypted, nine are left (section 10.4.2).
pub const PICTURES: (u8, u8) = (1, 9);
/// Every whole block (section 9.7).
pub const SOUND: (u8, u8) = (0, 0);

/// Bytes of a block of AES. What is shorter stays as it is.
pub const BLOCK_BYTES: usize = 16;

/// Why something cannot be encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtectError {
    /// Not what this program packages.
    #[error("what is to be encrypted cannot be read: {0}")]
    Mp4(#[from] Mp4Error),
    /// It cannot be written.
    #[error("what was encrypted cannot be written: {0}")]
    Cmaf(#[from] CmafError),
    /// Where slice data begins is not known.
    #[error("the header of a slice cannot be read, so that it cannot be left in the clear")]
    Slice,
    /// Where tile data begins is not known.
    #[error("the header of a frame cannot be read, so that it cannot be left in the clear")]
    Frame,
    /// `saiz` counts what is said of a sample in 8 bits.
    #[error("a picture of more than {max} slices", max = SUBSAMPLES_MAX)]
    TooManySlices,
}

/// A track that is encrypted: what its header says decides what of a sample is.
#[derive(Debug, Clone)]
pub struct Protected {
    key: ContentKey,
    samples: Samples,
}

#[derive(Debug, Clone)]
enum Samples {
    Avc(ParameterSets),
    Av1(Option<Sequence>),
    /// As a whole.
    Sound,
}

impl Protected {
    /// Encrypts a track: its header as it is to be delivered, and what encrypts its segments.
    ///
    /// # Errors
    /// [`ProtectError::Slice`] and [`ProtectError::Frame`] when the decoder configuration cannot be read.
    pub fn new(init: &[u8], key: &ContentKey) -> Result<(Vec<u8>, Self), ProtectError> {
        let samples = match read_init(init)?.entry.config {
            CodecConfig::Avc { avcc } => Samples::Avc(ParameterSets::read(&avcc).ok_or(ProtectError::Slice)?),
            CodecConfig::Av1 { av1c } => Samples::Av1(av1c.get(4..).and_then(Sequence::find)),
            CodecConfig::Aac { .. } | CodecConfig::Opus { .. } => Samples::Sound,
        };
        let this = Self { key: key.clone(), samples };
        Ok((header::protect(init, key, this.pattern())?, this))
    }

    fn pattern(&self) -> (u8, u8) {
        if matches!(self.samples, Samples::Sound) { SOUND } else { PICTURES }
    }

    /// Encrypts one segment, which begins at a sync sample.
    ///
    /// # Errors
    /// When something of it cannot be read: nothing is ever given out half encrypted.
    pub fn segment(&self, clear: &[u8]) -> Result<Vec<u8>, ProtectError> {
        let (read, iv) = (read_segment(clear)?, self.key.iv());
        let mut frames = match &self.samples {
            Samples::Av1(sequence) => Some(frame::Frames::new(*sequence)),
            _ => None,
        };
        let mut said = Senc { samples: Vec::with_capacity(read.samples.len()) };
        let mut data = Vec::with_capacity(read.samples.len());
        for sample in &read.samples {
            let ranges = match (&self.samples, &mut frames) {
                (Samples::Avc(sets), _) => sets.protected(sample.data).ok_or(ProtectError::Slice)?,
                (Samples::Av1(_), Some(frames)) => frames.protected(sample.data).ok_or(ProtectError::Frame)?,
                _ => std::iter::once(0..sample.data.len()).collect(),
            };
            let mut bytes = sample.data.to_vec();
            for range in &ranges {
                encrypt(&self.key.key, &iv, self.pattern(), &mut bytes[range.clone()]);
            }
            said.samples.push(subsamples(sample.data.len(), &ranges)?);
            data.push(bytes);
        }
        let samples: Vec<Sample<'_>> =
            read.samples.iter().zip(&data).map(|(sample, data)| Sample { data, ..*sample }).collect();
        // A constant vector and whole samples: nothing needs to be said of them (section 7.1).
        let said = (self.pattern() != SOUND).then_some(&said);
        Ok(segment::write(read.sequence, read.timescale, read.base_decode_time, &samples, said)?)
    }
}

/// What is said of a sample of which these ranges, in order, are encrypted.
fn subsamples(sample_bytes: usize, ranges: &[Range<usize>]) -> Result<Vec<Subsample>, ProtectError> {
    let mut said = Vec::with_capacity(ranges.len() + 1);
    let mut at = 0;
    let ends = std::iter::once(sample_bytes..sample_bytes);
    for range in ranges.iter().cloned().chain(ends) {
        let mut clear = range.start - at;
        while let Some(more) = clear.checked_sub(usize::from(u16::MAX)).filter(|more| *more > 0) {
            said.push(Subsample { clear: u16::MAX, protected: 0 });
            clear = more;
        }
        if clear + range.len() > 0 {
            said.push(Subsample { clear: clear as u16, protected: range.len() as u32 });
        }
        at = range.end;
    }
    if said.len() > SUBSAMPLES_MAX { Err(ProtectError::TooManySlices) } else { Ok(said) }
}
