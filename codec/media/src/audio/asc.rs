//! AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1), as far as timing needs it.

use crate::bitstream::aac::AudioSpecificConfig;
use wire::bits::Bits;

/// How AAC frames of a configuration tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameClock {
    /// Samples a second of the core codec: for HE-AAC half of what is heard.
    pub core_rate: u32,
    /// Samples of the core codec in a frame: 1024, or 960 in broadcasting.
    pub frame_length: u32,
    /// `channelConfiguration`, 0 when it is described elsewhere.
    pub channel_configuration: u8,
}

/// Reads the clock of an AAC configuration; `None` when it is cut short or uses reserved values.
pub fn frame_clock(asc: &[u8]) -> Option<FrameClock> {
    let core_rate = AudioSpecificConfig::read(asc)?.core_rate;
    let mut bits = Bits::new(asc);
    let mut object_type = object_type(&mut bits)?;
    skip_rate(&mut bits)?;
    let channel_configuration = bits.u(4)? as u8;
    if matches!(object_type, 5 | 29) {
        // Hierarchical signalling of HE-AAC: the extension's rate, then the core's object type.
        skip_rate(&mut bits)?;
        object_type = self::object_type(&mut bits)?;
    }
    // GASpecificConfig begins with frameLengthFlag; low delay types (23, 39) count differently and are never copied.
    let short = matches!(object_type, 1..=4 | 6 | 7 | 17 | 19 | 20) && bits.flag()?;
    let frame_length = if short { 960 } else { 1024 };
    Some(FrameClock { core_rate, frame_length, channel_configuration })
}

fn object_type(bits: &mut Bits) -> Option<u32> {
    match bits.u(5)? {
        31 => Some(32 + bits.u(6)?),
        object_type => Some(object_type),
    }
}

fn skip_rate(bits: &mut Bits) -> Option<()> {
    if bits.u(4)? == 15 {
        bits.u(24)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_the_core_codecs() {
        let check = |asc: &[u8], core_rate, frame_length, channel_configuration| {
            let expected = FrameClock { core_rate, frame_length, channel_configuration };
            assert_eq!(frame_clock(asc), Some(expected), "{asc:x?}");
        };
        check(&[0x11, 0x90], 48_000, 1024, 2);
        check(&[0x12, 0x10], 44_100, 1024, 2);
        check(&[0x11, 0x94], 48_000, 960, 2);
        // HE-AAC, explicit and hierarchical: 24 kHz core, 48 kHz out.
        check(&[0x2b, 0x11, 0x88, 0x00], 24_000, 1024, 2);
        assert_eq!(frame_clock(&[0x11]), None);
        assert_eq!(frame_clock(&[]), None);
    }
}
