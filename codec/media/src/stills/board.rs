//! How many small pictures a film gets, and of which size.

use crate::source_info::VideoInfo;

/// Seconds that a tile may stand for.
const INTERVALS_S: [u64; 10] = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600];
/// Tiles of one film: two sheets, less than half a megabyte together.
const TILES_MAX: u64 = 200;
/// Longest side of a tile in pixels.
const TILE_SIDE_MAX: u32 = 160;
/// Tiles in a row of a sheet, and rows.
const SHEET_SIDE_MAX: u32 = 10;
/// Pixels of all pictures of a film that is decoded whole: 600 at 1280 x 720, two or three seconds of work.
const SHORT_PIXELS_MAX: u64 = 600 * 1280 * 720;

/// The storyboard that a film gets: `tiles` small pictures, one every `interval_us`, row by row on sheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Board {
    /// Width of a tile in pixels, even.
    pub tile_width: u32,
    /// Height of a tile in pixels, even.
    pub tile_height: u32,
    /// Tiles in a row of a sheet.
    pub columns: u32,
    /// Rows of a sheet.
    pub rows: u32,
    /// Tiles of all sheets; on the last one there may be room for more.
    pub tiles: u32,
    /// What a tile stands for, in microseconds.
    pub interval_us: u64,
}

impl Board {
    /// Decides. Where keyframes alone are decoded a tile stands for no less time than lies between them.
    pub fn of(video: &VideoInfo) -> Self {
        let end_us = video.end_us.max(1);
        let apart_us = match video.keyframes_us.len() as u64 {
            0 => 0,
            _ if is_short(video) => 0,
            // Nearly is enough: GOPs of 2.002 s do not ask for tiles of five.
            count => end_us / count * 4 / 5,
        };
        let fits = |us: &u64| end_us.div_ceil(*us) <= TILES_MAX && *us >= apart_us;
        let mut intervals = INTERVALS_S.iter().map(|seconds| seconds * 1_000_000);
        let longest = end_us.div_ceil(TILES_MAX).max(600_000_000);
        let interval_us = intervals.find(fits).unwrap_or(longest);
        let tiles = u32::try_from(end_us.div_ceil(interval_us)).unwrap_or(1).max(1);
        let columns = tiles.min(SHEET_SIDE_MAX);
        let (width, height) = fit(video.display_size(), TILE_SIDE_MAX);
        let even = |side: u32| (side & !1).max(2);
        Self {
            tile_width: even(width),
            tile_height: even(height),
            columns,
            rows: tiles.div_ceil(columns).min(SHEET_SIDE_MAX),
            tiles,
            interval_us,
        }
    }

    /// Tiles of a sheet.
    pub fn sheet_tiles(&self) -> u32 {
        self.columns * self.rows
    }
}

/// A film of few pictures is decoded whole.
pub(super) fn is_short(video: &VideoInfo) -> bool {
    let rate = u64::from(video.frame_rate.num) / u64::from(video.frame_rate.den.max(1));
    let frames = video.frames.max(video.end_us / 1_000_000 * rate);
    let pixels = u64::from(video.width) * u64::from(video.height);
    frames.saturating_mul(pixels) <= SHORT_PIXELS_MAX
}

/// The size in which a picture's longer side is at most `side_max`; never larger than it is.
pub(crate) fn fit((width, height): (u32, u32), side_max: u32) -> (u32, u32) {
    let longer = u64::from(width.max(height).max(1));
    let scale = |side: u32| match longer > u64::from(side_max) {
        true => ((u64::from(side) * u64::from(side_max) + longer / 2) / longer) as u32,
        false => side,
    };
    (scale(width).max(2), scale(height).max(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Codec;
    use crate::source_info::{Chroma, DecodeBy};
    use wire::presentation::Ratio;

    fn film(seconds: u64, keyframes: u64, size: (u32, u32)) -> VideoInfo {
        VideoInfo {
            track: 0,
            ffmpeg_stream: 0,
            codec: Codec::H264,
            profile: String::new(),
            width: size.0,
            height: size.1,
            pixel_aspect: Ratio { num: 1, den: 1 },
            rotation: 0,
            frame_rate: Ratio { num: 25, den: 1 },
            constant_rate: true,
            bit_depth: 8,
            chroma: Chroma::C420,
            interlaced: false,
            colour: None,
            passthrough: true,
            decode_by: DecodeBy::Native,
            start_us: 0,
            end_us: seconds * 1_000_000,
            frames: seconds * 25,
            bitrate: 0,
            keyframes_us: (0..keyframes).map(|n| n * seconds * 1_000_000 / keyframes).collect(),
        }
    }

    fn check(seconds: u64, keyframes: u64, interval_s: u64, tiles: u32, grid: (u32, u32)) {
        let board = Board::of(&film(seconds, keyframes, (1920, 1080)));
        let found = (board.interval_us / 1_000_000, board.tiles, (board.columns, board.rows));
        assert_eq!(found, (interval_s, tiles, grid), "{seconds} s, {keyframes} keyframes");
        assert_eq!((board.tile_width, board.tile_height), (160, 90));
    }

    #[test]
    fn a_film_has_no_more_tiles_than_two_sheets_and_no_finer_ones_than_it_has_keyframes() {
        check(3, 1, 1, 3, (3, 1)); // short: decoded whole
        check(60, 30, 2, 30, (10, 3));
        check(60, 7, 10, 6, (6, 1));
        check(7200, 3600, 60, 120, (10, 10));
        check(86_400, 43_200, 600, 144, (10, 10));
        check(600, 1, 600, 1, (1, 1));
    }

    #[test]
    fn tiles_have_the_shape_of_the_film_and_even_sides() {
        let size = |width, height| {
            let board = Board::of(&film(3, 1, (width, height)));
            (board.tile_width, board.tile_height)
        };
        assert_eq!(size(1080, 1920), (90, 160));
        assert_eq!(size(642, 642), (160, 160));
        assert_eq!(size(64, 48), (64, 48));
        assert_eq!(size(16_384, 16), (160, 2));
        assert_eq!(fit((3840, 1600), 1280), (1280, 533));
    }
}
