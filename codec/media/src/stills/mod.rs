//! Stills of a film: a poster, and a storyboard of small pictures on sheets, as JPEG. Cheap: keyframes alone are decoded, near times that
//! lie equally far apart; a short film is decoded whole, so that its tiles differ though its keyframes are few.

mod board;
mod jpeg;
mod keyframes;
mod sheet;
mod whole;

pub use board::Board;
pub(crate) use board::fit;

use crate::ffmpeg::stills::KeyPictures;
use crate::scale::Scaler;
use crate::source_info::{DecodeBy, VideoInfo};
use crate::{Frame, Limits, MediaError, SourceInfo, Tools};
use jpeg::Colours;
use keyframes::Keyframes;
use sheet::Sheet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use whole::Whole;

/// Longest side of a poster in pixels.
const POSTER_SIDE_MAX: u32 = 1280;
/// The poster is one of the pictures of so many first tiles: enough for a film that fades in, and nothing of how it ends.
const POSTER_TILES: u32 = 12;
/// Mean luma from which a picture without any drawing is still not black (16 is).
const LIT: f64 = 32.0;
/// Quality of JPEG, 1 to 100: a poster is looked at, tiles are glanced at.
const POSTER_QUALITY: u8 = 82;
const SHEET_QUALITY: u8 = 70;

/// What comes out, in this order: tiles and the sheets they are on, the poster last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Still {
    /// So many tiles are drawn.
    Tile {
        /// How many.
        done: u32,
    },
    /// A whole sheet.
    Sheet {
        /// From 0.
        index: u32,
        /// JPEG.
        bytes: Vec<u8>,
    },
    /// The poster.
    Poster {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// JPEG.
        bytes: Vec<u8>,
    },
}

/// Takes what comes out; an error of it ends the work.
pub type Sink<'s> = &'s mut dyn FnMut(Still) -> Result<(), MediaError>;

/// Makes the stills of a source, as its [`Board`] says.
///
/// # Errors
/// [`MediaError::NoTracks`] without pictures, [`MediaError::CorruptVideo`] when none of them can be decoded, [`MediaError::Cancelled`].
pub fn stills(
    path: &Path,
    info: &SourceInfo,
    tools: &Tools,
    cancel: &AtomicBool,
    sink: Sink,
) -> Result<(), MediaError> {
    let video = info.video.as_ref().ok_or(MediaError::NoTracks)?;
    let board = Board::of(video);
    let mut walk = Walk::open(path, info, video, tools, &board)?;
    let colours = Colours::of(video);
    let mut tile = Scaler::to_any_size(board.tile_width, board.tile_height);
    let mut poster = Poster::new(video);
    let (mut sheet, mut shown) = (Sheet::new(&board), None::<Frame>);
    for cell in 0..board.tiles {
        if cancel.load(Ordering::Acquire) {
            return Err(MediaError::Cancelled);
        }
        let place = cell % board.sheet_tiles();
        if let Some(frame) = walk.cell(cell)? {
            let small = tile.scale(&frame);
            if cell < POSTER_TILES || poster.best.is_none() {
                poster.consider(&frame, &small);
            }
            if shown.is_none() {
                // Before the first picture there is nothing to show but that.
                (0..place).for_each(|earlier| sheet.put(earlier, &small));
            }
            shown = Some(small);
        }
        // Where the source shows nothing new, what was on the screen stays.
        if let Some(small) = &shown {
            sheet.put(place, small);
        }
        sink(Still::Tile { done: cell + 1 })?;
        if place + 1 == board.sheet_tiles() || cell + 1 == board.tiles {
            let full = std::mem::replace(&mut sheet, Sheet::new(&board));
            let bytes = jpeg::encode(&full.frame(), colours, SHEET_QUALITY)?;
            sink(Still::Sheet { index: cell / board.sheet_tiles(), bytes })?;
        }
    }
    let Some((_, frame)) = poster.best else {
        return Err(MediaError::CorruptVideo { codec: "source's", failed: board.tiles });
    };
    let bytes = jpeg::encode(&frame, colours, POSTER_QUALITY)?;
    sink(Still::Poster { width: frame.width, height: frame.height, bytes })
}

/// Where the pictures of the cells come from.
enum Walk {
    Whole(Box<Whole>),
    Keyframes(Box<Keyframes>),
    Ffmpeg(KeyPictures),
}

impl Walk {
    fn open(
        path: &Path,
        info: &SourceInfo,
        video: &VideoInfo,
        tools: &Tools,
        board: &Board,
    ) -> Result<Self, MediaError> {
        if board::is_short(video) {
            return Whole::open(path, info, tools, board.interval_us).map(|whole| Self::Whole(Box::new(whole)));
        }
        let limits = &Limits::DEFAULT;
        match video.decode_by {
            DecodeBy::Native => {
                let keyframes = Keyframes::open(path, video, board.interval_us, limits)?;
                Ok(Self::Keyframes(Box::new(keyframes)))
            }
            DecodeBy::Ffmpeg => {
                let what = format!("{} video", video.codec.name());
                let (ffmpeg, _) = tools.both().ok_or(MediaError::NeedsFfmpeg { what })?;
                KeyPictures::open(ffmpeg, path, info, video, board.interval_us, limits).map(Self::Ffmpeg)
            }
        }
    }

    /// The picture of a cell, upright; `None` where the source shows nothing new. Asked for in order.
    fn cell(&mut self, cell: u32) -> Result<Option<Frame>, MediaError> {
        match self {
            Self::Whole(whole) => whole.cell(cell),
            Self::Keyframes(keyframes) => keyframes.cell(cell),
            Self::Ffmpeg(pictures) => pictures.next_frame(),
        }
    }
}

/// The liveliest picture so far, in the poster's size.
struct Poster {
    scaler: Scaler,
    best: Option<(f64, Frame)>,
}

impl Poster {
    fn new(video: &VideoInfo) -> Self {
        let (width, height) = board::fit(video.display_size(), POSTER_SIDE_MAX);
        Self { scaler: Scaler::to_any_size(width, height), best: None }
    }

    /// Takes a picture that has more in it: its small copy is looked at.
    fn consider(&mut self, frame: &Frame, small: &Frame) {
        let count = small.y().len().max(1) as f64;
        let mean = small.y().iter().map(|luma| f64::from(*luma)).sum::<f64>() / count;
        let variance = small.y().iter().map(|luma| (f64::from(*luma) - mean).powi(2)).sum::<f64>() / count;
        let score = variance + f64::from(u8::from(mean > LIT));
        if self.best.as_ref().is_none_or(|(best, _)| score > *best) {
            self.best = Some((score, self.scaler.scale(frame)));
        }
    }
}
