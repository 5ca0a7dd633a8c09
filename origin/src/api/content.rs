//! `/api/v1/content`: the assets, one or many.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use durable::AssetId;
use durable::catalogue::{Asset, AssetState, Changed, Cursor, Filter, Role, Track, TrackState, Visibility};
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::{Problem, Refusal};
use super::{asset_id, json, meta, page, unknown_asset};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::TITLE_CHARS_MAX;
use crate::playback;
use crate::work::Why;

/// `open` or `gated`.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Visibility)]
pub(crate) enum VisibilityWord {
    Open,
    Gated,
}

impl From<VisibilityWord> for Visibility {
    fn from(word: VisibilityWord) -> Self {
        match word {
            VisibilityWord::Open => Self::Open,
            VisibilityWord::Gated => Self::Gated,
        }
    }
}

/// How far the work has come.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateWord {
    Queued,
    Running,
    Ready,
    Failed,
}

/// What a listing is narrowed to, as it is written.
#[derive(Debug)]
pub(super) struct FilterWords {
    pub(super) owner: Option<String>,
    pub(super) state: Option<StateWord>,
    pub(super) visibility: Option<VisibilityWord>,
    pub(super) language: Option<String>,
    pub(super) tag: Option<String>,
    pub(super) category: Option<String>,
    pub(super) from_ms: Option<i64>,
    pub(super) until_ms: Option<i64>,
}

impl FilterWords {
    /// As the catalogue takes it.
    pub(super) fn filter(self) -> Result<Filter, Problem> {
        Ok(Filter {
            owner: self.owner,
            state: self.state.map(|word| match word {
                StateWord::Queued => AssetState::Queued,
                StateWord::Running => AssetState::Running,
                StateWord::Ready => AssetState::Ready,
                StateWord::Failed => AssetState::Failed,
            }),
            visibility: self.visibility.map(Into::into),
            language: self.language.map(meta::language).transpose().map_err(|rule| Refusal::BadQuery.because(rule))?,
            tag: self.tag.map(|tag| tag.trim().to_lowercase()),
            category: self.category,
            from_ms: self.from_ms,
            until_ms: self.until_ms,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
    after: Option<String>,
    owner: Option<String>,
    state: Option<StateWord>,
    visibility: Option<VisibilityWord>,
    language: Option<String>,
    tag: Option<String>,
    category: Option<String>,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
    #[serde(default)]
    deleted: bool,
}

/// `GET /api/v1/content`: youngest first; `next` is the next page's `after`. With `deleted=true` what is in the bin, to an
/// operator everybody's.
pub(super) async fn list(caller: Caller, State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let asked: Page = json::query(&uri)?;
    let limit = page::limit(asked.limit)?;
    let after = page::open(asked.after.as_deref(), cursor)?;
    let catalogue = &house.store.catalogue;
    let assets = if asked.deleted {
        let owner = if caller.role >= Role::Operator { asked.owner } else { Some(caller.owner) };
        catalogue.bin(owner.as_deref(), after.as_ref(), limit).await?
    } else {
        let Page { owner, state, visibility, language, tag, category, from_ms, until_ms, .. } = asked;
        let words = FilterWords { owner, state, visibility, language, tag, category, from_ms, until_ms };
        catalogue.assets(&words.filter()?, after.as_ref(), limit).await?
    };
    let full = assets.len() == limit as usize;
    let next = assets.last().filter(|_| full).map(|last| page::seal(&format!("{}.{}", last.created_ms, last.id)));
    let items: Vec<Value> = assets.iter().map(summary).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}

/// `GET /api/v1/content/{id}`.
pub(super) async fn one(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let asset = house.store.catalogue.asset(&id).await?.ok_or_else(|| unknown_asset(id.as_str()))?;
    let tracks = house.store.catalogue.tracks(&id).await?;
    Ok(tagged(&asset, &whole(&asset, &tracks)))
}

/// `PATCH /api/v1/content/{id}` (POST does the same) with what is to be changed; `null` empties (RFC 7396).
pub(super) async fn update(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let version = expected_version(&headers)?;
    let wanted: meta::Wanted = json::read(&headers, body).await?;
    let change = wanted.change(version).map_err(|rule| Refusal::BadBody.because(rule))?;
    let catalogue = &house.store.catalogue;
    match catalogue.update_asset(&id, &change, &caller.actor(), now_ms()).await? {
        Changed::Done(asset) => {
            let tracks = catalogue.tracks(&id).await?;
            Ok(tagged(&asset, &whole(&asset, &tracks)))
        }
        Changed::Unknown => Err(unknown_asset(id.as_str())),
        Changed::Stale(version) => Err(stale(version)),
        Changed::NoCategory(word) => Err(no_category(&word)),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    #[serde(default)]
    purge: bool,
}

/// `DELETE /api/v1/content/{id}`: into the bin. With `purge=true` the asset, its jobs, and all bytes that only it named end
/// at once.
pub(super) async fn delete(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let End { purge } = json::query(&uri)?;
    let actor = caller.actor();
    let is_done = if purge {
        house.board.cancel(&id, Why::Deleted);
        house.store.delete_asset(&id, &actor, now_ms()).await?
    } else {
        house.store.catalogue.bin_asset(&id, &actor, now_ms()).await?
    };
    if !is_done {
        return Err(unknown_asset(id.as_str()));
    }
    // Whoever works on it has lost the lease, and stops at its next step.
    house.board.cancel(&id, Why::Deleted);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST /api/v1/content/{id}/restore`: out of the bin, as it was.
pub(super) async fn restore(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let restored = house.store.catalogue.restore_asset(&id, &caller.actor(), now_ms()).await?;
    let asset = restored.ok_or_else(|| Refusal::UnknownAsset.because("There is no such asset in the bin."))?;
    house.bells.all();
    let tracks = house.store.catalogue.tracks(&id).await?;
    Ok(tagged(&asset, &whole(&asset, &tracks)))
}

/// The version in `If-Match` (RFC 9110 section 13.1.1); a weak tag matches nothing, a list is not understood.
fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    if value == "*" {
        return Ok(None);
    }
    let text = value.to_str().ok();
    let version = text.and_then(|text| text.strip_prefix("\"v")?.strip_suffix('"')?.parse().ok());
    version.map(Some).ok_or_else(|| Refusal::Stale.because("If-Match takes the ETag of an earlier answer, or *."))
}

/// An answer with the version as its tag. It stands for what people change, not for how far the work has come.
fn tagged(asset: &Asset, value: &Value) -> Response {
    let mut response = json::answer(StatusCode::OK, value);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"v{}\"", asset.version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn stale(version: i64) -> Problem {
    Refusal::Stale.because(format!("It was changed meanwhile and is of version {version}. Read it again."))
}

pub(crate) fn no_category(word: &str) -> Problem {
    let shown: String = word.chars().take(64).collect();
    Refusal::UnknownCategory.because(format!("There is no category {shown}; an operator makes them."))
}

/// A title as people may write it.
pub(crate) fn checked_title(title: String) -> Result<String, String> {
    let title = title.trim();
    let chars = title.chars().count();
    if chars == 0 || chars > TITLE_CHARS_MAX || title.contains(char::is_control) {
        return Err(format!("A title has 1 to {TITLE_CHARS_MAX} characters and no control characters."));
    }
    Ok(title.to_owned())
}

/// Where players look.
pub(super) fn playback_urls(id: &AssetId) -> Value {
    json!({ "hls": format!("/v/{id}/master.m3u8"), "dash": format!("/v/{id}/manifest.mpd") })
}

/// The word of a state.
pub(super) fn state_word(state: AssetState) -> &'static str {
    match state {
        AssetState::Queued => "queued",
        AssetState::Running => "running",
        AssetState::Ready => "ready",
        AssetState::Failed => "failed",
    }
}

/// The word of a track's state.
pub(super) fn track_word(state: TrackState) -> &'static str {
    match state {
        TrackState::Waiting => "waiting",
        TrackState::Encoding => "encoding",
        TrackState::Published => "published",
    }
}

/// `error` of an asset.
pub(super) fn error(asset: &Asset) -> Value {
    asset.failure.as_ref().map_or(Value::Null, |f| json!({ "code": f.code, "detail": f.detail }))
}

/// An asset in a listing.
pub(super) fn summary(asset: &Asset) -> Value {
    let visibility = match asset.visibility {
        Visibility::Open => "open",
        Visibility::Gated => "gated",
    };
    json!({
        "id": asset.id.as_str(),
        "version": asset.version,
        "title": asset.title,
        "description": asset.meta.description,
        "language": asset.meta.language,
        "tags": asset.meta.tags,
        "categories": asset.meta.categories,
        "fields": serde_json::from_str::<Value>(&asset.meta.fields).unwrap_or_default(),
        "deleted_ms": asset.deleted_ms,
        "name": asset.file_name,
        "owner": asset.owner,
        "visibility": visibility,
        "encryption": if asset.key.is_some() { "cbcs" } else { "none" },
        "state": state_word(asset.state),
        "playable": asset.playable,
        "duration_ms": asset.duration_us.map(|us| us / 1000),
        "bytes": asset.source_bytes,
        "sha256": asset.source.to_string(),
        "created_ms": asset.created_ms,
        "updated_ms": asset.updated_ms,
        "error": error(asset),
        "playback": playback_urls(&asset.id),
        "pictures": pictures(asset),
    })
}

/// A track of an asset.
pub(super) fn track(track: &Track) -> Value {
    json!({
        "name": track.name,
        "codec": track.codec,
        "width": track.size.map(|s| s.0),
        "height": track.size.map(|s| s.1),
        "state": track_word(track.state),
    })
}

/// The poster and the storyboard, when they are made: addresses as those of `playback`.
pub(super) fn pictures(asset: &Asset) -> Value {
    let id = &asset.id;
    playback::pictures::told(asset).map_or(Value::Null, |told| {
        json!({
            "poster": format!("/v/{id}/poster.jpg"),
            "width": told.poster_width,
            "height": told.poster_height,
            "storyboard": format!("/v/{id}/storyboard.vtt"),
            "tiles": told.storyboard.tiles,
            "interval_ms": told.storyboard.interval_us / 1000,
        })
    })
}

fn whole(asset: &Asset, tracks: &[Track]) -> Value {
    let mut value = summary(asset);
    value["tracks"] = tracks.iter().map(track).collect();
    value["source"] = asset.source_info.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    value
}

fn cursor(text: &str) -> Option<Cursor> {
    let (created_ms, id) = text.split_once('.')?;
    Some(Cursor { created_ms: created_ms.parse().ok()?, id: id.parse().ok()? })
}
