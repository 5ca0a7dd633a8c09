//! pictures: the poster and the storyboard, out of the source's keyframes. Beside the other jobs and of no weight for them: an asset plays
//! and becomes ready without.

use durable::catalogue::{Asset, Picture, Stage, WhichPicture};
use durable::{Batch, ObjectId};
use media::{Board, MediaError, Still};
use wire::storyboard::{Pictures, Storyboard};

use super::package::release;
use super::plan;
use super::source::source;
use crate::clock::now_ms;
use crate::work::{Failure, Run, on_thread, patiently, through_media};

/// Name under which the board knows how far it is.
const PART: &str = "pictures";

/// Makes them, and stores them in the place of those that were there.
pub(super) async fn pictures(run: &Run, asset: &Asset) -> Result<(), Failure> {
    let job = plan::read(asset)?;
    let Some(video) = &job.source.video else { return Ok(()) };
    run.progress.stage(Stage::Transcode);
    let (board, local) = (Board::of(video), source(run, asset).await?);
    let (tools, made) = (run.house.config.tools.clone(), run.clone());
    let info = job.source.clone();
    let drawn = on_thread("pictures", &run.cancel, move || {
        let batch = made.house.store.objects.batch();
        let mut desk = Desk { batch, pictures: Vec::new(), poster_size: None };
        let drawn = media::stills(local.path(), &info, &tools, made.cancel.flag(), &mut |still| match still {
            Still::Tile { done } => {
                made.progress.segment(PART, done, board.tiles);
                Ok(())
            }
            still => desk.keep(still),
        });
        let flushed = drawn.map_err(Failure::from).and_then(|()| Ok(desk.batch.flush()?));
        Ok((desk, flushed))
    });
    let (desk, flushed) = drawn.await?;
    let stored = match flushed {
        Ok(()) => desk.store(run, &board).await,
        Err(failure) => Err(failure),
    };
    match stored {
        Ok(former) => {
            drop(desk.batch); // named by rows now: no longer pinned
            release(run, former).await;
            tracing::info!(asset = %run.lease.asset, tiles = board.tiles, "pictures are made");
            Ok(())
        }
        Err(failure) => {
            release(run, desk.batch.into_ids()).await;
            Err(failure)
        }
    }
}

/// Where finished pictures lie until their rows are written.
struct Desk {
    batch: Batch,
    pictures: Vec<(WhichPicture, Picture)>,
    poster_size: Option<(u32, u32)>,
}

impl Desk {
    fn keep(&mut self, still: Still) -> Result<(), MediaError> {
        match still {
            Still::Tile { .. } => Ok(()),
            Still::Sheet { index, bytes } => self.put(WhichPicture::Sheet(index), &bytes),
            Still::Poster { width, height, bytes } => {
                self.poster_size = Some((width, height));
                self.put(WhichPicture::Poster, &bytes)
            }
        }
    }

    fn put(&mut self, which: WhichPicture, jpeg: &[u8]) -> Result<(), MediaError> {
        let object = self.batch.put(jpeg).map_err(through_media)?;
        self.pictures.push((which, Picture { object, bytes: jpeg.len() as u64 }));
        Ok(())
    }

    /// Writes the rows; answers the objects of former ones.
    async fn store(&self, run: &Run, board: &Board) -> Result<Vec<ObjectId>, Failure> {
        let Some((poster_width, poster_height)) = self.poster_size else {
            return Err(Failure::Media(MediaError::NoSamples));
        };
        let sheets = self.pictures.iter().filter(|(which, _)| *which != WhichPicture::Poster);
        let storyboard = Storyboard {
            tile_width: board.tile_width,
            tile_height: board.tile_height,
            columns: board.columns,
            rows: board.rows,
            tiles: board.tiles,
            interval_us: board.interval_us,
            sheet_bytes_max: sheets.map(|(_, sheet)| sheet.bytes).max().unwrap_or(0),
        };
        let about = serde_json::to_string(&Pictures { poster_width, poster_height, storyboard });
        let (about, catalogue) = (about.map_err(|_| Failure::BadPlan)?, &run.house.store.catalogue);
        let former =
            patiently(&run.cancel, || catalogue.store_pictures(&run.lease, &about, &self.pictures, now_ms())).await?;
        Ok(former)
    }
}
