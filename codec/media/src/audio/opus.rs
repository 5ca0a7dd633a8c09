//! Opus packets: how long they last (RFC 6716 section 3.1), and silence.

/// Ticks a second of every Opus track.
pub const RATE: u32 = 48_000;
/// 20 ms of silence: CELT, full band, mono, one frame that says "nothing".
pub const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
/// Length of [`SILENCE`] in ticks.
pub const SILENCE_TICKS: u32 = 960;
/// A packet lasts at most 120 ms.
const PACKET_TICKS_MAX: u32 = 5_760;

/// Length of a packet in ticks of 1/48000 s; `None` when it is not an Opus packet.
pub fn ticks(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1920, 2880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 63),
    };
    let ticks = frame * frames;
    (1..=PACKET_TICKS_MAX).contains(&ticks).then_some(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_length() {
        assert_eq!(ticks(&SILENCE), Some(SILENCE_TICKS));
        assert_eq!(ticks(&[0x03 << 3 | 1]), Some(5760));
        assert_eq!(ticks(&[0x10 << 3]), Some(120));
        assert_eq!(ticks(&[0xfb, 3]), Some(2880));
        assert_eq!(ticks(&[0xfb]), None);
        assert_eq!(ticks(&[0xfb, 63]), None);
        assert_eq!(ticks(&[]), None);
    }
}
