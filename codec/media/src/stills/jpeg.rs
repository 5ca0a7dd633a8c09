//! A picture as JPEG (JFIF 1.02): full range and the matrix of BT.601, whatever the film has.

use crate::source_info::VideoInfo;
use crate::{Frame, MediaError};
use jpeg_encoder::{Encoder, ImageBuffer, JpegColorType, SamplingFactor};

/// The weights of red and blue in the luma of a film (ISO/IEC 23091-2 section 8.3).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colours {
    red: f32,
    blue: f32,
}

const BT601: Colours = Colours { red: 0.299, blue: 0.114 };
const BT709: Colours = Colours { red: 0.2126, blue: 0.0722 };
const BT2020: Colours = Colours { red: 0.2627, blue: 0.0593 };

impl Colours {
    /// What the film says, or what players take it for when it says nothing: BT.709 from 720 rows on.
    pub fn of(video: &VideoInfo) -> Self {
        match video.colour.map(|colour| colour.matrix) {
            Some(1) => BT709,
            Some(4..=6) => BT601,
            Some(9 | 10) => BT2020,
            _ if video.width.min(video.height) >= 720 => BT709,
            _ => BT601,
        }
    }
}

/// Writes a picture; `quality` from 1 to 100.
pub(super) fn encode(frame: &Frame, colours: Colours, quality: u8) -> Result<Vec<u8>, MediaError> {
    let mut bytes = Vec::with_capacity(frame.y().len() / 4);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.set_optimized_huffman_tables(true);
    let failed = |detail: String| MediaError::Encode { codec: "JPEG", detail };
    encoder.encode_image(Image { frame, colours }).map_err(|error| failed(error.to_string()))?;
    Ok(bytes)
}

struct Image<'a> {
    frame: &'a Frame,
    colours: Colours,
}

impl ImageBuffer for Image<'_> {
    fn get_jpeg_color_type(&self) -> JpegColorType {
        JpegColorType::Ycbcr
    }

    fn width(&self) -> u16 {
        u16::try_from(self.frame.width).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.frame.height).unwrap_or(u16::MAX)
    }

    fn fill_buffers(&self, row: u16, buffers: &mut [Vec<u8>; 4]) {
        let (width, row) = (self.frame.width as usize, usize::from(row));
        let chroma = width.div_ceil(2);
        let luma = &self.frame.y()[row * width..][..width];
        let blue = &self.frame.u()[row / 2 * chroma..][..chroma];
        let red = &self.frame.v()[row / 2 * chroma..][..chroma];
        let [y, cb, cr, _] = buffers;
        for (x, luma) in luma.iter().enumerate() {
            let pixel = self.colours.to_jfif([*luma, blue[x / 2], red[x / 2]]);
            y.push(pixel[0]);
            cb.push(pixel[1]);
            cr.push(pixel[2]);
        }
    }
}

impl Colours {
    /// Limited range to full, by way of red, green and blue.
    fn to_jfif(self, [y, u, v]: [u8; 3]) -> [u8; 3] {
        let luma = (f32::from(y) - 16.0) / 219.0;
        let chroma = |value: u8| (f32::from(value) - 128.0) / 112.0;
        let red = luma + (1.0 - self.red) * chroma(v);
        let blue = luma + (1.0 - self.blue) * chroma(u);
        let green = (luma - self.red * red - self.blue * blue) / (1.0 - self.red - self.blue);
        let [red, green, blue] = [red, green, blue].map(|value| value.clamp(0.0, 1.0));
        let luma = BT601.red * red + (1.0 - BT601.red - BT601.blue) * green + BT601.blue * blue;
        let byte = |value: f32| (value * 255.0).round().clamp(0.0, 255.0) as u8;
        [byte(luma), byte((blue - luma) / 1.772 + 128.0 / 255.0), byte((red - luma) / 1.402 + 128.0 / 255.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn black_white_and_red_stay_what_they_are() {
        for colours in [BT601, BT709, BT2020] {
            assert_eq!(colours.to_jfif([16, 128, 128]), [0, 128, 128]);
            assert_eq!(colours.to_jfif([235, 128, 128]), [255, 128, 128]);
        }
        // Full red: 63 102 240 in BT.709, 81 90 240 in BT.601 (both limited); 76 85 255 in JFIF.
        for (colours, red) in [(BT709, [63, 102, 240]), (BT601, [81, 90, 240])] {
            let found = colours.to_jfif(red);
            assert!(found.iter().zip([76, 85, 255]).all(|(a, b)| a.abs_diff(b) <= 2), "{found:?}");
        }
    }
}
