//! Playlists and the MPD, written from the presentation that the catalogue holds, or as they were written before. Only published tracks
//! are in them.

use std::sync::Arc;

use bytes::Bytes;
use durable::catalogue::{Asset, AssetState, SegmentRow, Track, TrackState};
use durable::{ObjectId, StoreError};
use wire::presentation::{Presentation, Segment};
use wire::url::Resource;

use super::answer::{Body, Bytestream};
use crate::cache::Looked;
use crate::gate::key_id;
use crate::house::House;
use crate::limits::MANIFEST_KEPT;

const HLS: &str = "application/vnd.apple.mpegurl";
const DASH: &str = "application/dash+xml";

/// The manifest that was asked for; `None` when the asset has no such track or file. That of an asset which does not grow any more is
/// kept in the cache, under a name that holds when the row last changed.
pub(super) async fn write(
    house: &Arc<House>,
    asset: &Asset,
    resource: Resource<'_>,
) -> Result<Option<Body>, StoreError> {
    let content_type = match resource {
        Resource::Master | Resource::Media(_) => HLS,
        Resource::Manifest => DASH,
        // Objects, what is told of pictures, and the key, which is nobody's to keep.
        _ => return Ok(None),
    };
    if matches!(asset.state, AssetState::Queued | AssetState::Running) {
        let text = text(house, asset, resource).await?;
        return Ok(text.map(|text| body(text, content_type, "public, max-age=1")));
    }
    let settled = |text| Some(body(text, content_type, "public, max-age=60, stale-while-revalidate=60"));
    match house.cache.look(&format!("manifest:{}:{}:{resource}", asset.id, asset.updated_ms), &[]).await {
        Looked::Hit(text) => Ok(settled(text)),
        Looked::Miss(slot) => {
            let Some(text) = text(house, asset, resource).await? else { return Ok(None) };
            house.cache.fill(slot, text.clone(), MANIFEST_KEPT).await;
            Ok(settled(text))
        }
    }
}

async fn text(house: &Arc<House>, asset: &Asset, resource: Resource<'_>) -> Result<Option<Bytes>, StoreError> {
    let presentation = presentation(house, asset).await?;
    let text = match resource {
        Resource::Master => Some(wire::hls::master(&presentation)),
        Resource::Manifest => Some(wire::dash::mpd(&presentation)),
        Resource::Media(name) => {
            let track = presentation.tracks.iter().find(|track| track.name == name.as_str());
            track.map(|track| wire::hls::media(&presentation, track))
        }
        _ => None,
    };
    Ok(text.map(Bytes::from))
}

fn body(text: Bytes, content_type: &'static str, cache_control: &'static str) -> Body {
    Body {
        etag: ObjectId::of(&text),
        content_type,
        cache_control,
        length: text.len() as u64,
        stream: Bytestream::Memory(text),
    }
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
