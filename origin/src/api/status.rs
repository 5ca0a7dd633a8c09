//! `GET /api/v1/transcode/status/{id}`: how far the work has come, good enough for progress bars.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use durable::catalogue::{AssetState, Stage, Track, TrackState};
use serde_json::{Value, json};

use super::problem::Problem;
use super::{asset_id, content, json, unknown_asset};
use crate::house::House;
use crate::work::Snapshot;

pub(super) async fn status(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    // The live part first: what it knows early is in the rows a moment later, never the other way round. Where others may work on it,
    // asking one after the other would show progress that falls: the rows are what all of them know.
    let live = house.config.roles.is_whole().then(|| house.board.snapshot(&id)).flatten();
    let asset = house.store.catalogue.asset(&id).await?.ok_or_else(|| unknown_asset(id.as_str()))?;
    let tracks = house.store.catalogue.tracks(&id).await?;
    let job = house.store.catalogue.latest_job(&id).await?;
    let stage = match (asset.state, &live, &job) {
        (AssetState::Ready, ..) => Stage::Done,
        (AssetState::Running, Some(live), _) => live.stage,
        (_, _, Some(job)) => job.stage,
        _ => Stage::Probe,
    };
    let done: Vec<f64> = tracks.iter().map(|track| done(track, live.as_ref())).collect();
    let rows: Vec<Value> = tracks.iter().zip(&done).map(|(track, done)| row(track, *done)).collect();
    let value = json!({
        "id": id.as_str(),
        "state": content::state_word(asset.state),
        "stage": stage_word(stage),
        "playable": asset.playable,
        "playable_ms": asset.playable_ms,
        "progress": overall(asset.state, &tracks, &done),
        "attempts": job.map(|job| job.attempts),
        "error": content::error(&asset),
        "tracks": rows,
    });
    Ok(json::answer(StatusCode::OK, &value))
}

/// 0 to 1: what is stored, or what the worker knows beyond that.
fn done(track: &Track, live: Option<&Snapshot>) -> f64 {
    if track.state == TrackState::Published {
        return 1.0;
    }
    let stored = f64::from(track.segments_stored) / f64::from(track.segments_planned.max(1));
    let live = live.and_then(|live| live.tracks.get(&track.name)).copied().unwrap_or(0.0);
    stored.max(live).clamp(0.0, 1.0)
}

/// The tracks together, weighed by what they cost: pictures that are encoded by their pixels, the rest next to nothing.
fn overall(state: AssetState, tracks: &[Track], done: &[f64]) -> f64 {
    if state == AssetState::Ready {
        return 1.0;
    }
    let weight = |track: &Track| match track.size {
        Some((width, height)) if track.codec.starts_with("av") => f64::from(width) * f64::from(height),
        _ => 10_000.0,
    };
    let total: f64 = tracks.iter().map(weight).sum();
    if total == 0.0 {
        return 0.0;
    }
    tracks.iter().zip(done).map(|(track, done)| weight(track) * done).sum::<f64>() / total
}

fn row(track: &Track, done: f64) -> Value {
    // A track that its worker has begun is no longer waiting, though its first segment is not stored yet.
    let state = if track.state == TrackState::Waiting && done > 0.0 { TrackState::Encoding } else { track.state };
    json!({
        "name": track.name,
        "codec": track.codec,
        "width": track.size.map(|s| s.0),
        "height": track.size.map(|s| s.1),
        "state": content::track_word(state),
        "progress": done,
    })
}

/// The word of a stage.
pub(super) fn stage_word(stage: Stage) -> &'static str {
    match stage {
        Stage::Probe => "probe",
        Stage::Package => "package",
        Stage::Transcode => "transcode",
        Stage::Publish => "publish",
        Stage::Done => "done",
    }
}
