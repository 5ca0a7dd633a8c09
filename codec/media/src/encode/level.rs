//! The lowest level a stream fits (AV1 specification annex A.3): players refuse what is above theirs, and "no limit"
//! (31) is above everybody's.

/// `seq_level_idx` and its largest picture in pixels, width, height, and shown luma samples a second.
const LEVELS: [(u8, u64, u32, u32, u64); 12] = [
    (0, 147_456, 2048, 1152, 4_423_680),
    (1, 278_784, 2816, 1584, 8_363_520),
    (4, 665_856, 4352, 2448, 19_975_680),
    (5, 1_065_024, 5504, 3096, 31_950_720),
    (8, 2_359_296, 6144, 3456, 70_778_880),
    (9, 2_359_296, 6144, 3456, 141_557_760),
    (12, 8_912_896, 8192, 4352, 267_386_880),
    (13, 8_912_896, 8192, 4352, 534_773_760),
    (14, 8_912_896, 8192, 4352, 1_069_547_520),
    (16, 35_651_584, 16_384, 8704, 1_069_547_520),
    (17, 35_651_584, 16_384, 8704, 2_139_095_040),
    (18, 35_651_584, 16_384, 8704, 4_278_190_080),
];

/// No level fits.
const UNCONSTRAINED: u8 = 31;

/// `seq_level_idx` for pictures of this size at this rate.
pub fn av1_level(width: u32, height: u32, frame_rate: wire::presentation::Ratio) -> u8 {
    let pixels = u64::from(width) * u64::from(height);
    let shown = (pixels * u64::from(frame_rate.num)).div_ceil(u64::from(frame_rate.den));
    LEVELS
        .iter()
        .find(|(_, area, wide, tall, rate)| pixels <= *area && width <= *wide && height <= *tall && shown <= *rate)
        .map_or(UNCONSTRAINED, |level| level.0)
}

#[cfg(test)]
mod tests {
    use super::av1_level;
    use wire::presentation::Ratio;

    #[test]
    fn usual_sizes_get_the_levels_players_know() {
        let fps = |num| Ratio { num, den: 1 };
        assert_eq!(av1_level(640, 360, fps(30)), 1);
        assert_eq!(av1_level(854, 480, fps(30)), 4);
        assert_eq!(av1_level(1280, 720, fps(30)), 5);
        assert_eq!(av1_level(1920, 1080, fps(30)), 8);
        assert_eq!(av1_level(1920, 1080, fps(60)), 9);
        assert_eq!(av1_level(1080, 1920, fps(30)), 8);
        assert_eq!(av1_level(3840, 2160, fps(60)), 13);
        assert_eq!(av1_level(640, 16, fps(1_000_000)), 31);
    }
}
