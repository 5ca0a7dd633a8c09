//! The moving picture of the test clip: a drifting gradient, a ball on its way, bars, a burnt-in clock and the patches
//! that tell the second.

use super::{font, palette};

/// A picture to draw on, 8-bit 4:2:0, tightly packed planes, both sides even.
pub struct Picture<'a> {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height` bytes.
    pub y: &'a mut [u8],
    /// `width / 2 * height / 2` bytes.
    pub u: &'a mut [u8],
    /// See `u`.
    pub v: &'a mut [u8],
}

impl Picture<'_> {
    /// Draws the picture that belongs to this time.
    pub fn draw(&mut self, time_us: u64, frame: u64) {
        let seconds = time_us as f64 / 1e6;
        self.background(seconds);
        self.bars(seconds);
        self.ball(seconds);
        self.clock(time_us, frame);
        self.patches(time_us / 1_000_000);
    }

    /// Two gradients that drift across each other.
    fn background(&mut self, seconds: f64) {
        let (width, height) = (self.width as usize, self.height as usize);
        let drift = (seconds * 24.0) as usize;
        for (row, line) in self.y.chunks_exact_mut(width).enumerate() {
            for (column, pixel) in line.iter_mut().enumerate() {
                let along = triangle((column + drift) * 256 / width);
                *pixel = 48 + (along / 2) as u8 + (row * 40 / height) as u8;
            }
        }
        let (half_width, half_height) = (width / 2, height / 2);
        for row in 0..half_height {
            let line = row * half_width;
            for column in 0..half_width {
                self.u[line + column] = 96 + (triangle(column * 256 / half_width + drift) / 4) as u8;
                self.v[line + column] = 104 + (triangle(row * 256 / half_height + drift) / 4) as u8;
            }
        }
    }

    /// Five bars along the bottom that rise and fall.
    fn bars(&mut self, seconds: f64) {
        let (width, height) = (self.width / 12, self.height / 4);
        for index in 0..5 {
            let swing = 0.5 + 0.5 * (seconds * (1.1 + 0.4 * f64::from(index)) + f64::from(index)).sin();
            let tall = (swing * f64::from(height)) as u32 & !1;
            let left = (self.width / 20 + index * (width + width / 3)) & !1;
            let colour = palette::yuv([80 + 30 * index as u8, 190 - 25 * index as u8, 220]);
            self.rectangle(left, self.height - tall, width & !1, tall, colour);
        }
    }

    /// A ball on a Lissajous curve.
    fn ball(&mut self, seconds: f64) {
        let radius = f64::from(self.height) / 10.0;
        let (reach_x, reach_y) = (f64::from(self.width) / 2.0 - radius, f64::from(self.height) / 2.0 - radius);
        let centre_x = f64::from(self.width) / 2.0 + reach_x * (seconds * 1.7).sin();
        let centre_y = f64::from(self.height) / 2.0 + reach_y * 0.7 * (seconds * 2.3).cos();
        let [luma, blue, red] = palette::yuv([250, 130, 40]);
        let rows = (centre_y - radius).max(0.0) as u32..((centre_y + radius) as u32 + 1).min(self.height);
        for row in rows {
            let across = (radius * radius - (f64::from(row) - centre_y).powi(2)).max(0.0).sqrt();
            let columns = (centre_x - across).max(0.0) as u32..((centre_x + across) as u32 + 1).min(self.width);
            for column in columns {
                self.y[(row * self.width + column) as usize] = luma;
                let chroma = (row / 2 * (self.width / 2) + column / 2) as usize;
                (self.u[chroma], self.v[chroma]) = (blue, red);
            }
        }
    }

    /// `MM:SS.mmm #frame` on a dark ground, in the middle of the lower half.
    fn clock(&mut self, time_us: u64, frame: u64) {
        let (ms, seconds) = (time_us / 1000 % 1000, time_us / 1_000_000);
        let text = format!("{:02}:{:02}.{ms:03} #{frame:05}", seconds / 60, seconds % 60);
        let scale = (self.width / 160).max(1);
        let wide = text.len() as u32 * font::GLYPH_ADVANCE * scale;
        let tall = font::GLYPH_HEIGHT * scale;
        if wide + 2 * scale > self.width || tall + 2 * scale > self.height {
            return;
        }
        let left = ((self.width - wide) / 2) & !1;
        let top = (self.height * 5 / 8) & !1;
        self.rectangle(
            left - scale.min(left),
            top - scale.min(top),
            wide + 2 * scale,
            tall + 2 * scale,
            [20, 128, 128],
        );
        for (index, glyph) in text.chars().enumerate() {
            let start = left + index as u32 * font::GLYPH_ADVANCE * scale;
            for row in 0..tall {
                for column in 0..font::GLYPH_WIDTH * scale {
                    if font::ink(glyph, column / scale, row / scale) {
                        self.y[((top + row) * self.width + start + column) as usize] = 235;
                    }
                }
            }
        }
    }

    fn patches(&mut self, second: u64) {
        let side = palette::patch_side(self.height);
        let (left, right) = palette::patches(second);
        self.rectangle(0, 0, side, side, palette::yuv(palette::PALETTE[left]));
        self.rectangle(side, 0, side, side, palette::yuv(palette::PALETTE[right]));
    }

    /// Fills a rectangle; what sticks out of the picture is not drawn.
    fn rectangle(&mut self, left: u32, top: u32, width: u32, height: u32, [luma, blue, red]: [u8; 3]) {
        let (right, bottom) = ((left + width).min(self.width), (top + height).min(self.height));
        for row in top..bottom {
            let line = (row * self.width) as usize;
            self.y[line + left as usize..line + right as usize].fill(luma);
        }
        let (half, columns) = ((self.width / 2) as usize, left as usize / 2..right as usize / 2);
        for row in top as usize / 2..bottom as usize / 2 {
            self.u[row * half..][columns.clone()].fill(blue);
            self.v[row * half..][columns.clone()].fill(red);
        }
    }
}

/// 0..=255 and back down, with a period of 512.
fn triangle(value: usize) -> usize {
    let value = value % 512;
    if value < 256 { value } else { 511 - value }
}
