//! Promise: a film gets a poster that is not black and sheets of tiles that show what is on at their times, upright, whoever decodes it;
//! damage costs tiles and not the rest.

use crate::oracle;
use media::{Board, MediaError, SourceInfo, Still, Tools};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use tempfile::TempDir;

struct Stills {
    board: Board,
    info: SourceInfo,
    sheets: Vec<Vec<u8>>,
    poster: (u32, u32, Vec<u8>),
    dir: TempDir,
}

fn made(name: &str, options: &str) -> Stills {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    oracle::make(&file, options);
    of(dir, &file)
}

fn of(dir: TempDir, file: &Path) -> Stills {
    let info = media::probe(file, &Tools::find()).unwrap();
    let board = Board::of(info.video.as_ref().unwrap());
    let (mut sheets, mut poster, mut last) = (Vec::new(), None, 0);
    media::stills(file, &info, &Tools::find(), &AtomicBool::new(false), &mut |still| {
        match still {
            Still::Tile { done } => {
                assert_eq!(done, last + 1);
                last = done;
            }
            Still::Sheet { index, bytes } => {
                assert_eq!(index as usize, sheets.len());
                sheets.push(bytes);
            }
            Still::Poster { width, height, bytes } => poster = Some((width, height, bytes)),
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(last, board.tiles);
    assert_eq!(sheets.len() as u32, board.tiles.div_ceil(board.sheet_tiles()));
    Stills { board, info, sheets, poster: poster.unwrap(), dir }
}

impl Stills {
    /// A JPEG as an outsider decodes it: width, height, RGB.
    fn decoded(&self, jpeg: &[u8]) -> (u32, u32, Vec<u8>) {
        let file = self.dir.path().join("still.jpg");
        std::fs::write(&file, jpeg).unwrap();
        let side = |entry| oracle::stream(&file, "v:0", entry).parse().unwrap();
        (side("width"), side("height"), oracle::rgb(&file, ""))
    }

    /// The colours of all tiles at a place of each, 0 to 1 across and down.
    fn tiles(&self, (across, down): (f64, f64)) -> Vec<[u8; 3]> {
        let Board { tile_width, tile_height, columns, tiles, .. } = self.board;
        let mut colours = Vec::new();
        for (sheet, jpeg) in (0u32..).zip(&self.sheets) {
            let (width, height, rgb) = self.decoded(jpeg);
            assert_eq!((width, height), (tile_width * columns, tile_height * self.board.rows));
            for place in 0..self.board.sheet_tiles().min(tiles - sheet * self.board.sheet_tiles()) {
                let x = place % columns * tile_width + (f64::from(tile_width) * across) as u32;
                let y = place / columns * tile_height + (f64::from(tile_height) * down) as u32;
                let at = ((y * width + x) * 3) as usize;
                colours.push([rgb[at], rgb[at + 1], rgb[at + 2]]);
            }
        }
        colours
    }
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLUE: [u8; 3] = [0, 0, 255];

/// The same colour, as far as limited range, subsampling and quantisation let it be.
fn check(found: &[[u8; 3]], expected: &[[u8; 3]], what: &str) {
    let near = |a: &[u8; 3], b: &[u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= 12);
    assert!(found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| near(a, b)), "{what}: {found:?}");
}

/// Red, green and blue, each for so long.
fn colours(seconds: u32, size: &str, rate: u32, codec: &str) -> String {
    let colour = |name: &str| format!("-f lavfi -i color={name}:s={size}:r={rate}:d={seconds}");
    let joined = "-filter_complex [0][1][2]concat=n=3,scale=out_color_matrix=bt709:out_range=tv,format=yuv420p";
    let told = "-colorspace bt709 -color_primaries bt709 -color_trc bt709";
    format!("{} {} {} {joined} {told} {codec}", colour("red"), colour("lime"), colour("blue"))
}

fn times(colour: [u8; 3], count: usize) -> Vec<[u8; 3]> {
    vec![colour; count]
}

#[test]
fn a_short_film_is_shown_second_by_second_though_it_has_one_keyframe() {
    let stills =
        made("short.mp4", &colours(2, "320x180", 10, "-c:v libx264 -preset ultrafast -g 1000 -sc_threshold 0"));
    assert_eq!(stills.info.video.as_ref().unwrap().keyframes_us.len(), 1);
    assert_eq!((stills.board.tiles, stills.board.interval_us), (6, 1_000_000));
    check(&stills.tiles((0.5, 0.5)), &[RED, RED, GREEN, GREEN, BLUE, BLUE], "a short film");
    assert_eq!((stills.poster.0, stills.poster.1), (320, 180));
}

#[test]
fn a_longer_film_is_shown_by_its_keyframes_whoever_decodes_it() {
    let x264 = "-c:v libx264 -preset ultrafast -g 50 -bf 2 -sc_threshold 0";
    let mpeg2 = "-c:v mpeg2video -g 50 -q:v 3 -sc_threshold 1000000000";
    for (name, codec) in [("long.mp4", x264), ("long.ts", mpeg2)] {
        // A keyframe every 5 s, and so a tile every 5 s: 90 s a colour.
        let stills = made(name, &colours(90, "640x360", 10, codec));
        let interval_s = stills.board.interval_us / 1_000_000;
        let each = (90 / interval_s) as usize;
        assert!([2, 5].contains(&interval_s), "{interval_s}");
        let expected = [times(RED, each), times(GREEN, each), times(BLUE, each)].concat();
        let found = stills.tiles((0.5, 0.5));
        // FFmpeg's own muxer of transport streams ends a picture early or late.
        check(&found[..expected.len() - 1], &expected[..expected.len() - 1], name);
    }
}

#[test]
fn pictures_stand_upright_and_have_the_shape_in_which_they_are_seen() {
    let dir = tempfile::tempdir().unwrap();
    let flat = dir.path().join("flat.mp4");
    let halves = "-f lavfi -i color=red:s=160x180:d=2:r=10 -f lavfi -i color=blue:s=160x180:d=2:r=10 -filter_complex \
                  [0][1]hstack,format=yuv420p -c:v libx264 -preset ultrafast";
    oracle::make(&flat, halves);
    let turned = crate::films::turned(&flat, 90, "turned.mp4");
    let stills = of(dir, &turned);
    assert_eq!(stills.info.video.as_ref().unwrap().rotation, 270);
    assert_eq!((stills.board.tile_width, stills.board.tile_height), (90, 160));
    assert_eq!((stills.poster.0, stills.poster.1), (180, 320));
    check(&stills.tiles((0.5, 0.2)), &[BLUE, BLUE], "right is above after a turn to the left");
    check(&stills.tiles((0.5, 0.8)), &[RED, RED], "and left is below");

    let wide = made("wide.mp4", "-f lavfi -i testsrc2=s=160x120:r=10:d=2 -vf setsar=4/3 -pix_fmt yuv420p -c:v libx264");
    assert_eq!((wide.poster.0, wide.poster.1), (213, 120));
    let large =
        made("large.mp4", "-f lavfi -i testsrc2=s=1920x1080:r=5:d=1 -pix_fmt yuv420p -c:v libx264 -preset ultrafast");
    assert_eq!((large.poster.0, large.poster.1), (1280, 720));
    assert_eq!(large.decoded(&large.poster.2).0, 1280);
}

#[test]
fn a_poster_is_not_the_black_that_a_film_begins_with() {
    let stills = made(
        "fade.mp4",
        "-f lavfi -i color=black:s=320x180:r=10:d=4 -f lavfi -i testsrc2=s=320x180:r=10:d=2 -filter_complex \
         [0][1]concat=n=2,format=yuv420p -c:v libx264 -preset ultrafast",
    );
    check(&stills.tiles((0.5, 0.5))[..4], &times([0; 3], 4), "black at first");
    let (_, _, rgb) = stills.decoded(&stills.poster.2);
    let mean = rgb.iter().map(|value| u64::from(*value)).sum::<u64>() / rgb.len() as u64;
    assert!(mean > 40, "{mean}");
}

#[test]
fn damage_costs_tiles_and_not_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("damaged.mp4");
    let x264 = "-c:v libx264 -preset ultrafast -g 50 -sc_threshold 0";
    oracle::make(&file, &colours(90, "640x360", 10, x264));
    let mut bytes = std::fs::read(&file).unwrap();
    // The middle third of the pictures; what is in the tables stays.
    let (from, to) = (bytes.len() * 45 / 100, bytes.len() * 55 / 100);
    bytes[from..to].fill(0xff);
    std::fs::write(&file, bytes).unwrap();
    let stills = of(dir, &file);
    let tiles = stills.tiles((0.5, 0.5));
    check(&tiles[..1], &[RED], "the start");
    check(&tiles[tiles.len() - 1..], &[BLUE], "the end");
}

#[test]
fn sound_has_no_stills_and_whoever_is_told_to_stop_stops() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = crate::films::make(dir.path(), "sound_only.mp4");
    let info = media::probe(&path, &Tools::find()).unwrap();
    let refused =
        media::stills(&path, &info, &Tools::find(), &AtomicBool::new(false), &mut |_| panic!("nothing to show"));
    assert!(matches!(refused, Err(MediaError::NoTracks)), "{refused:?}");

    let path = crate::films::make(dir.path(), "no_b_frames.mov");
    let info = media::probe(&path, &Tools::find()).unwrap();
    let stopped =
        media::stills(&path, &info, &Tools::find(), &AtomicBool::new(true), &mut |_| panic!("it was stopped"));
    assert!(matches!(stopped, Err(MediaError::Cancelled)), "{stopped:?}");
}
