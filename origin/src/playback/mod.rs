//! The playback paths that edges pull from. The way of one request:
//!
//! ```text
//! parse (the URL grammar) -> find (catalogue) -> admit (gate) -> answer (conditional, range, body)
//! ```
//!
//! Every answer of an asset carries its `Surrogate-Key`; every answer of a gated one the mark `StreamGate-Gate: token`,
//! refusals included, and goes only to a request with the edge key.

mod answer;
mod conditional;
mod key;
mod manifest;
mod object;
pub(crate) mod pictures;
mod range;

use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use durable::AssetId;
use durable::catalogue::{AssetState, Found, Visibility, WhichPicture};
use wire::url::{PlaybackPath, Resource};

use crate::api::problem::{Problem, Refusal};
use crate::house::House;
use crate::limits::{NOT_YET_MAX_AGE_S, UNKNOWN_MAX_AGE_S};

const GATE: HeaderName = HeaderName::from_static("streamgate-gate");
pub(crate) const EDGE_KEY: HeaderName = HeaderName::from_static("streamgate-edge-key");
const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// `GET /v/...`.
pub(crate) async fn play(State(house): State<Arc<House>>, request: Request) -> Response {
    house.counters.playback();
    let Ok(path) = PlaybackPath::parse(request.uri().path()) else {
        return Refusal::UnknownPath.because("Playback addresses look like /v/<asset>/master.m3u8.").into_response();
    };
    let Ok(asset) = path.asset.as_str().parse::<AssetId>() else {
        return no_name().into_response();
    };
    match open(&house, &asset, path.resource, request.headers()).await {
        Ok((visibility, body)) => {
            let answer = answer::answer(body, request.headers()).await;
            if request.method() == Method::GET {
                let is_start = matches!(path.resource, Resource::Master | Resource::Manifest);
                house.counts.add(&asset, is_start, answer.body().size_hint().exact().unwrap_or(0));
            }
            mark(answer, &asset, visibility)
        }
        Err(refused) => refused.answer(&asset),
    }
}

/// `GET /v/<asset>/key`.
pub(crate) async fn key(State(house): State<Arc<House>>, Path(asset): Path<String>, headers: HeaderMap) -> Response {
    house.counters.playback();
    match asset.parse() {
        Ok(asset) => keyed(&asset, key::bytes(&house, &asset, &headers).await),
        Err(_) => no_name().into_response(),
    }
}

/// `POST /v/<asset>/key`.
pub(crate) async fn licence(
    State(house): State<Arc<House>>,
    Path(asset): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    house.counters.playback();
    match asset.parse() {
        Ok(asset) => keyed(&asset, key::licence(&house, &asset, &headers, body).await),
        Err(_) => no_name().into_response(),
    }
}

fn no_name() -> Problem {
    Refusal::UnknownPath.because("This is not an asset's name.")
}

/// A key is gated, whoever may have the rest.
fn keyed(asset: &AssetId, answer: Result<Response, Refused>) -> Response {
    match answer {
        Ok(answer) => mark(answer, asset, Visibility::Gated),
        Err(refused) => refused.answer(asset),
    }
}

/// A refusal with what an edge may do with it.
struct Refused {
    problem: Problem,
    /// How long it may be kept; `None`: not at all.
    max_age_s: Option<u32>,
    /// Whose refusal it is, when there is such an asset.
    visibility: Option<Visibility>,
}

impl Refused {
    /// Of something gated, not to be kept.
    fn gated(problem: Problem) -> Self {
        Self { problem, max_age_s: None, visibility: Some(Visibility::Gated) }
    }

    fn answer(self, asset: &AssetId) -> Response {
        let mut response = self.problem.into_response();
        if let Some(seconds) = self.max_age_s {
            let value = format!("public, max-age={seconds}");
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(header::CACHE_CONTROL, value);
            }
        }
        match self.visibility {
            Some(visibility) => mark(response, asset, visibility),
            None => response,
        }
    }
}

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { problem: error.into(), max_age_s: None, visibility: None }
    }
}

async fn open(
    house: &Arc<House>,
    asset: &AssetId,
    resource: Resource<'_>,
    headers: &HeaderMap,
) -> Result<(Visibility, answer::Body), Refused> {
    let catalogue = &house.store.catalogue;
    match resource {
        Resource::Init(track) => {
            let found = catalogue.find_init(asset, track.as_str()).await?.ok_or_else(|| nobody(asset))?;
            segment(house, headers, found, Refusal::UnknownTrack, object::Kind::Init).await
        }
        Resource::Segment(track, index) => {
            let found = catalogue.find_segment(asset, track.as_str(), index).await?.ok_or_else(|| nobody(asset))?;
            segment(house, headers, found, Refusal::UnknownSegment, object::Kind::Media).await
        }
        Resource::Poster => pictures::one(house, headers, asset, WhichPicture::Poster).await,
        Resource::Sheet(index) => pictures::one(house, headers, asset, WhichPicture::Sheet(index)).await,
        Resource::Storyboard => pictures::cues(house, headers, asset).await,
        // The key has a route of its own.
        Resource::Master | Resource::Manifest | Resource::Media(_) | Resource::Key => {
            let found = catalogue.asset(asset).await?.ok_or_else(|| nobody(asset))?;
            admit(house, found.visibility, headers)?;
            playable(found.playable, found.state, found.visibility)?;
            let body = manifest::write(house, &found, resource).await?;
            let body = body.ok_or_else(|| missing(Refusal::UnknownTrack, found.state, found.visibility))?;
            Ok((found.visibility, body))
        }
    }
}

async fn segment(
    house: &Arc<House>,
    headers: &HeaderMap,
    found: Found,
    otherwise: Refusal,
    kind: object::Kind,
) -> Result<(Visibility, answer::Body), Refused> {
    admit(house, found.visibility, headers)?;
    playable(found.playable, found.state, found.visibility)?;
    let id = found.object.ok_or_else(|| missing(otherwise, found.state, found.visibility))?;
    let body = object::open(&house.store.objects, id, kind, found.picture).await?;
    Ok((found.visibility, body))
}

/// Bytes of gated assets go to edges only: they check the viewer's token.
fn admit(house: &House, visibility: Visibility, headers: &HeaderMap) -> Result<(), Refused> {
    if visibility == Visibility::Open {
        return Ok(());
    }
    let problem = match headers.get(EDGE_KEY) {
        None => Refusal::EdgeKeyMissing.because("This asset is gated. Ask an edge for it, with a playback token."),
        Some(key) if house.keys.edge.is(key.as_bytes()) => return Ok(()),
        Some(_) => Refusal::EdgeKeyWrong.because("Give the edge the key that stands in keys/edge.key of the origin."),
    };
    Err(Refused { problem, max_age_s: None, visibility: Some(visibility) })
}

fn playable(playable: bool, state: AssetState, visibility: Visibility) -> Result<(), Refused> {
    match (playable, state) {
        (true, _) => Ok(()),
        (false, AssetState::Failed) => Err(missing(Refusal::AssetFailed, state, visibility)),
        (false, _) => Err(missing(Refusal::NotYetPlayable, state, visibility)),
    }
}

fn nobody(asset: &AssetId) -> Refused {
    let problem = Refusal::UnknownAsset.because(format!("There is no asset {asset}."));
    Refused { problem, max_age_s: Some(UNKNOWN_MAX_AGE_S), visibility: None }
}

fn missing(refusal: Refusal, state: AssetState, visibility: Visibility) -> Refused {
    let detail = match refusal {
        Refusal::NotYetPlayable => "It is being prepared; ask again in a moment.",
        Refusal::AssetFailed => "Its upload could not be used; the status of the asset says why.",
        Refusal::UnknownTrack => "The playlists name the tracks that there are; more may come while it is encoded.",
        _ => "The playlists name the segments that there are.",
    };
    let growing = matches!(state, AssetState::Queued | AssetState::Running);
    let max_age_s = Some(if growing { NOT_YET_MAX_AGE_S } else { UNKNOWN_MAX_AGE_S });
    Refused { problem: refusal.because(detail), max_age_s, visibility: Some(visibility) }
}

fn mark(mut response: Response, asset: &AssetId, visibility: Visibility) -> Response {
    if let Ok(key) = HeaderValue::from_str(&format!("asset-{asset}")) {
        response.headers_mut().insert(SURROGATE_KEY, key);
    }
    if visibility == Visibility::Gated {
        response.headers_mut().insert(GATE, HeaderValue::from_static("token"));
    }
    response
}
