//! RFC 6381 `codecs` parameters, read off the decoder configurations that stand in the sample entries.

use crate::mp4::av1c::Av1Profile;
use crate::mp4::{FourCc, Mp4Error, avcc};

/// Opus has no parameters (Opus in ISOBMFF section 4.3.1); HLS, DASH and MSE spell it in lower case.
pub const OPUS: &str = "opus";

/// `avc1.PPCCLL` of an AVCDecoderConfigurationRecord (RFC 6381 section 3.3).
pub fn avc1(avcc: &[u8]) -> Result<String, Mp4Error> {
    let [profile, compatibility, level] = avcc::profile_compatibility_level(avcc)?;
    Ok(format!("avc1.{profile:02x}{compatibility:02x}{level:02x}"))
}

/// `av01.P.LLT.DD` of an AV1CodecConfigurationRecord (AV1 in ISOBMFF section 5), the short form.
pub fn av01(av1c: &[u8]) -> Result<String, Mp4Error> {
    let Av1Profile { profile, level, high_tier, bit_depth } = Av1Profile::read(av1c)?;
    let tier = if high_tier { 'H' } else { 'M' };
    Ok(format!("av01.{profile}.{level:02}{tier}.{bit_depth:02}"))
}

/// `mp4a.40.A` of an AudioSpecificConfig, `A` its audio object type (ISO/IEC 14496-3 section 1.6.2.1): 2 for AAC-LC, 5 and
/// 29 for explicitly signalled HE-AAC.
pub fn mp4a(asc: &[u8]) -> Result<String, Mp4Error> {
    let esds = FourCc(*b"esds");
    let [first, second, ..] = *asc else { return Err(Mp4Error::Truncated(esds)) };
    let object_type = match first >> 3 {
        0 => return Err(Mp4Error::Unsupported(esds, "audio object type 0")),
        31 => 32 + ((first & 7) << 3 | second >> 5),
        short => short,
    };
    Ok(format!("mp4a.40.{object_type}"))
}

/// The part of a codec string that names the codec: `avc1` of `avc1.64001f`.
pub(crate) fn family(codec: &str) -> &str {
    codec.split('.').next().unwrap_or(codec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Result<String, Mp4Error>, expected: &str) {
        assert_eq!(found.as_deref(), Ok(expected));
    }

    #[test]
    fn strings_are_what_the_configurations_say() {
        check(avc1(&[1, 0x64, 0x00, 0x1f, 0xff]), "avc1.64001f");
        check(avc1(&[1, 0x42, 0xc0, 0x0d]), "avc1.42c00d");
        check(av01(&[0x81, 0x05, 0x0c, 0]), "av01.0.05M.08");
        check(av01(&[0x81, 0x0d, 0xcc, 0]), "av01.0.13H.10");
        check(av01(&[0x81, 0x48, 0x60, 0]), "av01.2.08M.12");
        check(mp4a(&[0x11, 0x90]), "mp4a.40.2");
        check(mp4a(&[0x2b, 0x11, 0x88, 0x00]), "mp4a.40.5");
        check(mp4a(&[0xf9, 0x40]), "mp4a.40.42"); // USAC, by the escape
    }

    #[test]
    fn short_or_foreign_configurations_are_refused() {
        assert!(avc1(&[1, 0x64, 0]).is_err() && avc1(&[0, 0x64, 0, 0x1f]).is_err());
        assert!(av01(&[0x81, 5, 0]).is_err() && av01(&[0x01, 5, 0, 0]).is_err() && av01(&[0x81, 0xe5, 0, 0]).is_err());
        assert!(mp4a(&[0x11]).is_err() && mp4a(&[0x01, 0x90]).is_err());
    }
}
