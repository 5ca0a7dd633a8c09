//! ISO base media file format boxes (ISO/IEC 14496-12), one file a box, named by the spec's noun.
//!
//! Only what a CMAF track needs (ISO/IEC 23000-19). Each file holds the box's fields, `write` and `read`; `read` takes the
//! body without its header. Boxes that merely hold others (`moov`, `traf`) have no file: their nesting is written where the
//! tree is built, in [`crate::cmaf`].

mod bytes;

pub mod ftyp;

pub mod dref;
pub mod elst;
pub mod hdlr;
pub mod mdhd;
pub mod mehd;
pub mod mvhd;
pub mod smhd;
pub mod tkhd;
pub mod trex;
pub mod vmhd;

pub mod av1c;
pub mod avcc;
pub mod colr;
pub mod dops;
pub mod esds;
pub mod pasp;
pub mod stco;
pub mod stsc;
pub mod stsd;
pub mod stsz;
pub mod stts;

pub mod mdat;
pub mod mfhd;
pub mod sidx;
pub mod tfdt;
pub mod tfhd;
pub mod trun;

pub mod pssh;
pub mod senc;
pub mod sinf;
pub mod tenc;

pub use bytes::{Boxes, Reader, boxes, child, put_box, put_full_box};

/// Four letters that name a box or a brand, shown as text in errors.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FourCc(pub [u8; 4]);

impl std::fmt::Debug for FourCc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl std::fmt::Display for FourCc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Why bytes are not the box they claim to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Mp4Error {
    /// A field or a box reaches past the bytes that hold it.
    #[error("`{0}` is cut short")]
    Truncated(FourCc),
    /// A box's size is smaller than its header, or its fields end before it does.
    #[error("`{0}` has an impossible size")]
    Size(FourCc),
    /// The box must be there and is not.
    #[error("`{0}` is missing")]
    Missing(FourCc),
    /// The box may stand once only and stands twice.
    #[error("`{0}` stands twice")]
    Twice(FourCc),
    /// A version, flag or value that this reader does not know.
    #[error("`{0}` holds a value that is not supported: {1}")]
    Unsupported(FourCc, &'static str),
}
