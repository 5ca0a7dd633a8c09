//! A poster, and the storyboard: small pictures of a film on sheets, for whoever looks for a place in it. Told to players as WebVTT cues whose text is an
//! address with a spatial fragment (Media Fragments URI 1.0 section 4.2.2), and in the DASH manifest. Drawn in `docs/formats/pictures.md`.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// What is told of the pictures of a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictures {
    /// Width of the poster in pixels.
    pub poster_width: u32,
    /// Its height.
    pub poster_height: u32,
    /// The small ones.
    pub storyboard: Storyboard,
}

/// Where the pictures of a film are: `tiles` of them, one every `interval_us`, row by row on sheets of `columns` x `rows`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storyboard {
    /// Width of one picture in pixels.
    pub tile_width: u32,
    /// Its height.
    pub tile_height: u32,
    /// Pictures in a row of a sheet, at least 1.
    pub columns: u32,
    /// Rows of a sheet, at least 1.
    pub rows: u32,
    /// Pictures on all sheets together, at least 1.
    pub tiles: u32,
    /// What one picture stands for, in microseconds.
    pub interval_us: u64,
    /// Bytes of the largest sheet.
    pub sheet_bytes_max: u64,
}

impl Storyboard {
    /// Pictures on a sheet.
    pub fn sheet_tiles(&self) -> u32 {
        self.columns.saturating_mul(self.rows).max(1)
    }

    /// What a whole sheet stands for, in microseconds.
    pub fn sheet_us(&self) -> u64 {
        self.interval_us.saturating_mul(u64::from(self.sheet_tiles()))
    }

    /// The cues, with addresses relative to where they stand (`storyboard.vtt` of the asset), so that a token in the path is inherited. The
    /// last one ends with the film.
    pub fn vtt(&self, duration_us: u64) -> String {
        let mut out = String::from("WEBVTT\n");
        for tile in 0..self.tiles {
            let start = self.interval_us.saturating_mul(u64::from(tile));
            let end = match tile + 1 == self.tiles {
                true => duration_us.max(start + 1000),
                false => start.saturating_add(self.interval_us),
            };
            let (sheet, place) = (tile / self.sheet_tiles(), tile % self.sheet_tiles());
            let (x, y) =
                (place % self.columns.max(1) * self.tile_width, place / self.columns.max(1) * self.tile_height);
            let (w, h) = (self.tile_width, self.tile_height);
            let _ = write!(out, "\n{} --> {}\nstoryboard/{sheet}.jpg#xywh={x},{y},{w},{h}\n", clock(start), clock(end));
        }
        out
    }
}

/// A WebVTT timestamp (section 3.3 of W3C WebVTT): hours may have any number of digits.
fn clock(us: u64) -> String {
    let ms = us / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_walk_the_sheets_row_by_row_and_end_with_the_film() {
        let board = Storyboard {
            tile_width: 160,
            tile_height: 90,
            columns: 2,
            rows: 2,
            tiles: 6,
            interval_us: 1_000_000_000,
            sheet_bytes_max: 9,
        };
        let vtt = board.vtt(5_400_500_000);
        let cues: Vec<&str> = vtt.split("\n\n").collect();
        assert_eq!(cues[0], "WEBVTT");
        assert_eq!(cues[1], "00:00:00.000 --> 00:16:40.000\nstoryboard/0.jpg#xywh=0,0,160,90");
        assert_eq!(cues[4], "00:50:00.000 --> 01:06:40.000\nstoryboard/0.jpg#xywh=160,90,160,90");
        assert_eq!(cues[6], "01:23:20.000 --> 01:30:00.500\nstoryboard/1.jpg#xywh=160,0,160,90\n");
        assert_eq!(cues.len(), 7);
    }
}
