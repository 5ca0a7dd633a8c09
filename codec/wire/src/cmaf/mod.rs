//! CMAF headers and segments (ISO/IEC 23000-19): one track a file, drawn in `docs/formats/cmaf.md`.
//!
//! ```text
//! init.mp4   ftyp  moov[ mvhd trak[ tkhd edts[elst] mdia[ mdhd hdlr minf[...stsd...] ] ] mvex[ mehd trex ] ]
//! <n>.m4s    styp  sidx  moof[ mfhd traf[ tfhd tfdt trun ] ]  mdat
//! ```
//!
//! Time: `tfdt` is the running sum of the samples' durations. Pictures have signed composition offsets and no edit list;
//! sound with priming has an edit list that presents media time `skip` at zero.
//!
//! What has been written can be encrypted afterwards: [`protect`].

mod init;
mod language;
pub mod protect;
mod segment;

pub use crate::mp4::Mp4Error;
pub use crate::mp4::colr::Colour;
pub use crate::mp4::stsd::CodecConfig;
pub use init::{Init, TrackInit, init_segment, read_init};
pub use segment::{MediaSegment, Sample, media_segment, read_segment};

/// The id of the one track in every file.
pub const TRACK_ID: u32 = 1;

/// Why samples cannot be written as one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CmafError {
    /// A segment holds at least one sample.
    #[error("a segment without samples")]
    Empty,
    /// `sidx` counts a segment's bytes in 31 bits, and `trun` its offsets.
    #[error("a segment of {0} bytes; at most {max} can be indexed", max = crate::limits::SEGMENT_BYTES_MAX)]
    TooLarge(u64),
    /// `sidx` counts a segment's ticks in 32 bits.
    #[error("a segment of {0} ticks; at most {max} can be indexed", max = u32::MAX)]
    TooLong(u64),
}
