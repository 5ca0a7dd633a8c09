//! `av1C`: AV1 configuration (AV1 in ISOBMFF section 2.3). Kept as bytes; only the first four are looked at.

use super::{FourCc, Mp4Error, put_box};

/// Appends the box around an AV1CodecConfigurationRecord.
pub fn write(out: &mut Vec<u8>, record: &[u8]) {
    put_box(out, b"av1C", |out| out.extend_from_slice(record));
}

/// What the record's fixed part says, as far as the codec string needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Av1Profile {
    /// `seq_profile`, 0 to 2.
    pub profile: u8,
    /// `seq_level_idx_0`.
    pub level: u8,
    /// Tier 1 ("High")?
    pub high_tier: bool,
    /// 8, 10 or 12.
    pub bit_depth: u8,
}

impl Av1Profile {
    /// Reads it off an AV1CodecConfigurationRecord.
    pub fn read(record: &[u8]) -> Result<Self, Mp4Error> {
        let kind = FourCc(*b"av1C");
        let [marker_version, profile_level, flags, _, ..] = record else {
            return Err(Mp4Error::Truncated(kind));
        };
        let (profile, level) = (profile_level >> 5, profile_level & 31);
        if *marker_version != 0x81 || profile > 2 {
            return Err(Mp4Error::Unsupported(kind, "version or profile"));
        }
        let bit_depth = match (flags & 0x40 != 0, flags & 0x20 != 0) {
            (true, true) => 12,
            (true, false) => 10,
            (false, _) => 8,
        };
        Ok(Self { profile, level, high_tier: flags & 0x80 != 0, bit_depth })
    }
}
