//! AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1), as far as timing needs it.

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

const RATES: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350];

/// Reads the clock of an AAC configuration; `None` when it is cut short or says a rate of zero.
pub fn frame_clock(asc: &[u8]) -> Option<FrameClock> {
    let mut bits = Bits { bytes: asc, position: 0 };
    let mut object_type = bits.object_type()?;
    let core_rate = bits.rate()?;
    let channel_configuration = bits.take(4)? as u8;
    if matches!(object_type, 5 | 29) {
        // Hierarchical signalling of HE-AAC: the extension's rate, then the core's object type.
        bits.rate()?;
        object_type = bits.object_type()?;
    }
    // GASpecificConfig begins with frameLengthFlag; low delay types (23, 39) count differently and are never copied.
    let short = matches!(object_type, 1..=4 | 6 | 7 | 17 | 19 | 20) && bits.take(1)? == 1;
    let frame_length = if short { 960 } else { 1024 };
    (core_rate > 0).then_some(FrameClock { core_rate, frame_length, channel_configuration })
}

struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |value, _| {
            let byte = self.bytes.get(self.position / 8)?;
            let bit = byte >> (7 - self.position % 8) & 1;
            self.position += 1;
            Some(value << 1 | u32::from(bit))
        })
    }

    fn object_type(&mut self) -> Option<u32> {
        match self.take(5)? {
            31 => Some(32 + self.take(6)?),
            object_type => Some(object_type),
        }
    }

    fn rate(&mut self) -> Option<u32> {
        match self.take(4)? {
            15 => self.take(24),
            index => RATES.get(index as usize).copied(),
        }
    }
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
