//! AAC: the AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).

use wire::bits::Bits;

/// What a decoder will put out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioSpecificConfig {
    /// Audio object type of the core: 2 is AAC-LC.
    pub object_type: u8,
    /// Samples a second of the core coder.
    pub core_rate: u32,
    /// Samples a second of the decoded sound: twice the core's with spectral band replication.
    pub sample_rate: u32,
    /// Channels of the decoded sound; 0 when a program configuration element says so.
    pub channels: u16,
    /// Spectral band replication (HE-AAC) is announced.
    pub sbr: bool,
}

const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

impl AudioSpecificConfig {
    /// `None` when it is cut off or uses reserved values.
    pub fn read(config: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(config);
        let mut object_type = read_object_type(&mut bits)?;
        let core_rate = read_rate(&mut bits)?;
        let channel_configuration = bits.u(4)?;
        let mut sample_rate = core_rate;
        let mut channels = match channel_configuration {
            7 => 8,
            14 => 8,
            11 => 7,
            12 => 8,
            other => other as u16,
        };
        let mut sbr = false;
        if matches!(object_type, 5 | 29) {
            sbr = true;
            if object_type == 29 && channels == 1 {
                channels = 2;
            }
            sample_rate = read_rate(&mut bits)?;
            object_type = read_object_type(&mut bits)?;
        } else if object_type == 2 {
            (sbr, sample_rate) = backward_compatible_sbr(bits, core_rate).unwrap_or((false, core_rate));
        }
        Some(Self { object_type, core_rate, sample_rate, channels, sbr })
    }
}

/// The extension after GASpecificConfig that announces band replication (section 1.6.6.1).
fn backward_compatible_sbr(mut bits: Bits, core_rate: u32) -> Option<(bool, u32)> {
    bits.flag()?; // frameLengthFlag
    if bits.flag()? {
        bits.skip(14)?; // coreCoderDelay
    }
    bits.flag()?; // extensionFlag
    if bits.u(11)? != 0x2b7 || read_object_type(&mut bits)? != 5 || !bits.flag()? {
        return Some((false, core_rate));
    }
    Some((true, read_rate(&mut bits)?))
}

fn read_object_type(bits: &mut Bits) -> Option<u8> {
    match bits.u(5)? {
        31 => Some(32 + bits.u(6)? as u8),
        object_type => Some(object_type as u8),
    }
}

fn read_rate(bits: &mut Bits) -> Option<u32> {
    match bits.u(4)? {
        15 => bits.u(24).filter(|rate| *rate > 0),
        index => RATES.get(index as usize).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(config: &[u8], expected: (u8, u32, u16, bool)) {
        let found = AudioSpecificConfig::read(config).expect("complete");
        assert_eq!((found.object_type, found.sample_rate, found.channels, found.sbr), expected);
    }

    #[test]
    fn lc_stereo_at_48_and_44_kilohertz() {
        check(&[0x11, 0x90], (2, 48_000, 2, false));
        check(&[0x12, 0x08, 0x56, 0xe5, 0x00], (2, 44_100, 1, false));
    }

    #[test]
    fn he_aac_doubles_the_rate() {
        check(&[0x2b, 0x92, 0x08, 0x00], (2, 44_100, 2, true));
        check(&[0x13, 0x90, 0x56, 0xe5, 0xa0], (2, 44_100, 2, true));
    }

    #[test]
    fn half_a_config_is_none() {
        assert_eq!(AudioSpecificConfig::read(&[0x11]), None);
    }
}
