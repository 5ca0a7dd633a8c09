//! A bitmap font of fourteen glyphs: what a burnt-in clock needs, and nothing else.

/// Columns of a glyph, without the gap after it.
pub const GLYPH_WIDTH: u32 = 5;
/// Rows of a glyph.
pub const GLYPH_HEIGHT: u32 = 7;
/// Columns from one glyph to the next.
pub const GLYPH_ADVANCE: u32 = 6;

/// Whether the pixel at (`column`, `row`) of `glyph` is ink. Unknown characters are blank.
pub fn ink(glyph: char, column: u32, row: u32) -> bool {
    if column >= GLYPH_WIDTH || row >= GLYPH_HEIGHT {
        return false;
    }
    rows(glyph)[row as usize] >> (GLYPH_WIDTH - 1 - column) & 1 == 1
}

/// Seven rows of five bits, the leftmost column in bit 4.
#[rustfmt::skip]
fn rows(glyph: char) -> [u8; GLYPH_HEIGHT as usize] {
    match glyph {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
        '3' => [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        ':' => [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
        '.' => [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100],
        '#' => [0b01010, 0b01010, 0b11111, 0b01010, 0b11111, 0b01010, 0b01010],
        _ => [0; GLYPH_HEIGHT as usize],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glyph_of_the_clock_has_ink_and_no_two_look_alike() {
        let glyphs: Vec<char> = "0123456789:.#".chars().collect();
        for (i, a) in glyphs.iter().enumerate() {
            assert_ne!(rows(*a), [0; 7], "{a} is blank");
            for b in &glyphs[i + 1..] {
                assert_ne!(rows(*a), rows(*b), "{a} and {b} look alike");
            }
        }
        assert_eq!(rows(' '), [0; 7]);
    }
}
