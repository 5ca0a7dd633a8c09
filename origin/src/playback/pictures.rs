//! The poster and the storyboard of an asset: gated as its segments are.

use std::sync::Arc;

use axum::http::HeaderMap;
use bytes::Bytes;
use durable::catalogue::{Asset, Visibility, WhichPicture};
use durable::{AssetId, ObjectId};
use wire::storyboard::Pictures;

use super::answer::{Body, Bytestream};
use super::{Refused, admit, nobody, object};
use crate::api::problem::Refusal;
use crate::house::House;
use crate::limits::NOT_YET_MAX_AGE_S;

/// A poster or a sheet.
pub(super) async fn one(
    house: &Arc<House>,
    headers: &HeaderMap,
    asset: &AssetId,
    which: WhichPicture,
) -> Result<(Visibility, Body), Refused> {
    let found = house.store.catalogue.find_picture(asset, which).await?.ok_or_else(|| nobody(asset))?;
    admit(house, found.visibility, headers)?;
    let id = found.object.ok_or_else(|| none(found.visibility))?;
    let body = object::open(&house.store.objects, id, object::Kind::Still, true).await?;
    Ok((found.visibility, body))
}

/// `storyboard.vtt`.
pub(super) async fn cues(
    house: &Arc<House>,
    headers: &HeaderMap,
    asset: &AssetId,
) -> Result<(Visibility, Body), Refused> {
    let found = house.store.catalogue.asset(asset).await?.ok_or_else(|| nobody(asset))?;
    admit(house, found.visibility, headers)?;
    let pictures = told(&found).ok_or_else(|| none(found.visibility))?;
    let text = pictures.storyboard.vtt(found.duration_us.unwrap_or(0));
    let body = Body {
        etag: ObjectId::of(text.as_bytes()),
        content_type: "text/vtt",
        cache_control: "public, max-age=3600, stale-while-revalidate=86400",
        length: text.len() as u64,
        stream: Bytestream::Memory(Bytes::from(text)),
    };
    Ok((found.visibility, body))
}

/// What is told of an asset's pictures, when there are some.
pub(crate) fn told(asset: &Asset) -> Option<Pictures> {
    serde_json::from_str(asset.pictures.as_deref()?).ok()
}

/// Kept for a moment only: they may be made at any time.
fn none(visibility: Visibility) -> Refused {
    let problem = Refusal::UnknownTrack.because("It has no such picture. They are made soon after it is playable, not of sound alone and not of what is encrypted.");
    Refused { problem, max_age_s: Some(NOT_YET_MAX_AGE_S), visibility: Some(visibility) }
}
