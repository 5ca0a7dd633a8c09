//! The colours of the two corner patches, which tell the second to anyone who can read pixels.
//!
//! The patches are squares in the top-left corner, each `patch_side(height)` pixels wide, side by side. The left one shows
//! `PALETTE[second % 8]`, the right one `PALETTE[(second / 8) % 8]`, so that 64 seconds are told apart. A reader takes the
//! middle of each patch and looks for the nearest entry; the entries are the corners of the RGB cube, and neither scaling
//! nor quantisation nor the wrong colour matrix moves one nearer to another.

/// Red, green, blue, 0 to 255, by index.
pub const PALETTE: [[u8; 3]; 8] =
    [[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 0, 255], [0, 0, 0]];

/// Side of each patch in pixels: a sixth of the height, even, at least 2.
pub fn patch_side(height: u32) -> u32 {
    ((height / 6) & !1).max(2)
}

/// Palette indices of the left and the right patch in this second.
pub fn patches(second: u64) -> (usize, usize) {
    ((second % 8) as usize, (second / 8 % 8) as usize)
}

/// The second (0 to 63) that two colours tell, by the nearest palette entries.
pub fn second_of(left: [u8; 3], right: [u8; 3]) -> u64 {
    (nearest(left) + 8 * nearest(right)) as u64
}

/// Luma and chroma of a colour, BT.709 limited range, which is what the clip's VUI says.
pub fn yuv(rgb: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = rgb.map(f32::from);
    let y = 16.0 + (46.559 * r + 156.629 * g + 15.812 * b) / 255.0;
    let u = 128.0 + (-25.664 * r - 86.336 * g + 112.0 * b) / 255.0;
    let v = 128.0 + (112.0 * r - 101.730 * g - 10.270 * b) / 255.0;
    [y, u, v].map(|value| value.round() as u8)
}

/// The colour of a BT.709 limited-range pixel; for tests that read the patches back.
pub fn rgb(yuv: [u8; 3]) -> [u8; 3] {
    let [y, u, v] = yuv.map(f32::from);
    let (y, u, v) = (1.164_4 * (y - 16.0), u - 128.0, v - 128.0);
    [y + 1.792_7 * v, y - 0.213_2 * u - 0.532_9 * v, y + 2.112_4 * u].map(|value| value.round().clamp(0.0, 255.0) as u8)
}

fn nearest(rgb: [u8; 3]) -> usize {
    let distance =
        |entry: &[u8; 3]| -> u32 { entry.iter().zip(rgb).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    (0..PALETTE.len()).min_by_key(|&index| distance(&PALETTE[index])).expect("the palette is not empty")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_survives_the_way_through_yuv() {
        for second in 0..64 {
            let (left, right) = patches(second);
            let seen = |index: usize| rgb(yuv(PALETTE[index]));
            assert_eq!(second_of(seen(left), seen(right)), second);
        }
    }
}
