//! `avcC`: H.264 parameter sets (ISO/IEC 14496-15 section 5.3.3). Kept as bytes; only the first four are looked at.

use super::{FourCc, Mp4Error, put_box};

/// Appends the box around an AVCDecoderConfigurationRecord.
pub fn write(out: &mut Vec<u8>, record: &[u8]) {
    put_box(out, b"avcC", |out| out.extend_from_slice(record));
}

/// Profile, constraint flags and level of a record: the six hex digits of `avc1.PPCCLL`.
pub fn profile_compatibility_level(record: &[u8]) -> Result<[u8; 3], Mp4Error> {
    match record {
        [1, profile, compatibility, level, ..] => Ok([*profile, *compatibility, *level]),
        [_, _, _, _, ..] => Err(Mp4Error::Unsupported(FourCc(*b"avcC"), "configurationVersion")),
        _ => Err(Mp4Error::Truncated(FourCc(*b"avcC"))),
    }
}
