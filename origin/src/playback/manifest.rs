//! Playlists and the MPD, written from the presentation that the catalogue holds. Only published tracks are in it.

use std::sync::Arc;

use bytes::Bytes;
use durable::catalogue::{Asset, AssetState, SegmentRow, Track, TrackState};
use durable::{ObjectId, StoreError};
use wire::presentation::{Presentation, Segment};
use wire::url::Resource;

use super::answer::{Body, Bytestream};
use crate::gate::key_id;
use crate::house::House;

const HLS: &str = "application/vnd.apple.mpegurl";
const DASH: &str = "application/dash+xml";

/// Writes the manifest that was asked for; `None` when the asset has no such track or file.
pub(super) async fn write(
    house: &Arc<House>,
    asset: &Asset,
    resource: Resource<'_>,
) -> Result<Option<Body>, StoreError> {
    let presentation = presentation(house, asset).await?;
    let (text, content_type) = match resource {
        Resource::Master => (wire::hls::master(&presentation), HLS),
        Resource::Manifest => (wire::dash::mpd(&presentation), DASH),
        Resource::Media(name) => {
            let Some(track) = presentation.tracks.iter().find(|track| track.name == name.as_str()) else {
                return Ok(None);
            };
            (wire::hls::media(&presentation, track), HLS)
        }
        // Objects, what is told of pictures, and the key, which is nobody's to keep.
        _ => return Ok(None),
    };
    let growing = matches!(asset.state, AssetState::Queued | AssetState::Running);
    Ok(Some(Body {
        etag: ObjectId::of(text.as_bytes()),
        content_type,
        cache_control: if growing { "public, max-age=1" } else { "public, max-age=60, stale-while-revalidate=60" },
        length: text.len() as u64,
        stream: Bytestream::Memory(Bytes::from(text)),
    }))
}

async fn presentation(house: &Arc<House>, asset: &Asset) -> Result<Presentation, StoreError> {
    let catalogue = &house.store.catalogue;
    let key_id = asset.key.as_ref().and_then(key_id);
    if asset.key.is_some() && key_id.is_none() {
        return Err(StoreError::Damaged(format!("the name of the key of {}", asset.id)));
    }
    let storyboard = super::pictures::told(asset).map(|pictures| pictures.storyboard);
    let mut presentation = Presentation { key_id, storyboard, ..Presentation::default() };
    for row in catalogue.tracks(&asset.id).await? {
        if row.state == TrackState::Published {
            let segments = catalogue.segments(&asset.id, &row.name).await?;
            presentation.tracks.push(track(&row, &segments)?);
        }
    }
    Ok(presentation)
}

fn track(row: &Track, segments: &[SegmentRow]) -> Result<wire::presentation::Track, StoreError> {
    let damaged = || StoreError::Damaged(format!("the head of track {}", row.name));
    let head = row.init.as_ref().map(|init| init.head.as_str()).ok_or_else(damaged)?;
    let mut track: wire::presentation::Track = serde_json::from_str(head).map_err(|_| damaged())?;
    track.segments =
        segments.iter().map(|s| Segment { start: s.start, duration: s.duration, bytes: s.bytes }).collect();
    Ok(track)
}
