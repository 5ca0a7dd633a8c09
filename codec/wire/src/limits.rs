//! Every limit of this crate, with its why.

/// Bytes of one media segment: `sidx` counts them in 31 bits (ISO/IEC 14496-12 section 8.16.3).
pub const SEGMENT_BYTES_MAX: u64 = 0x7fff_ffff;
