//! `/api/v1/keys`: API keys. The text of one is in the answer that makes it and nowhere else.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use durable::catalogue::{ApiKey, Role};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{json, page};
use crate::access::{Caller, Fresh, Scope, role_word};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{KEY_TTL_SECONDS_MAX, NAME_CHARS_MAX, OWNER_BYTES_MAX};

/// A role as it is written.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
pub(super) enum RoleWord {
    Viewer,
    Creator,
    Operator,
    Admin,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Viewer => Self::Viewer,
            RoleWord::Creator => Self::Creator,
            RoleWord::Operator => Self::Operator,
            RoleWord::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(super) struct Wanted {
    name: String,
    role: RoleWord,
    /// As whom it acts; the caller's own when it is not said.
    owner: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    expires_in_seconds: Option<u64>,
}

/// `POST /api/v1/keys` with `{ "name", "role", "owner"?, "scopes"?, "expires_in_seconds"? }`.
pub(super) async fn create(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: Wanted = json::read(&headers, body).await?;
    let fresh = Fresh::make()?;
    let row = row(wanted, &fresh, &caller).map_err(|rule| Refusal::BadBody.because(rule))?;
    if !house.store.catalogue.create_key(&row).await? {
        return Err(Refusal::TooManyKeys.because("Revoke keys that nobody uses; they leave the list after 90 days."));
    }
    house.store.catalogue.note(&caller.actor(), "key.created", &row.id, now_ms()).await?;
    tracing::info!(key = row.id, owner = row.owner, role = role_word(row.role), by = caller.key, "made an API key");
    let mut value = shown(&row);
    value["key"] = fresh.text.into();
    let mut response = json::answer(StatusCode::CREATED, &value);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/keys/{}", row.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
    after: Option<String>,
}

/// `GET /api/v1/keys[?limit=..][&after=..]`: all keys, revoked ones for 90 days; `next` is the next page's `after`.
pub(super) async fn list(State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let asked: Page = json::query(&uri)?;
    let limit = page::limit(asked.limit)?;
    let keys = house.store.catalogue.keys(asked.after.as_deref().unwrap_or_default(), limit).await?;
    let next = keys.last().filter(|_| keys.len() == limit as usize).map(|key| key.id.clone());
    let items: Vec<Value> = keys.iter().map(shown).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}

/// `GET /api/v1/keys/{id}`.
pub(super) async fn one(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let key = house.store.catalogue.key(&id).await?.ok_or_else(unknown)?;
    Ok(json::answer(StatusCode::OK, &shown(&key)))
}

/// `DELETE /api/v1/keys/{id}`: from the next request on it is of no use.
pub(super) async fn revoke(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    if !house.store.catalogue.revoke_key(&id, now_ms()).await? {
        return Err(unknown());
    }
    house.store.catalogue.note(&caller.actor(), "key.revoked", &id, now_ms()).await?;
    tracing::info!(key = id, by = caller.key, "revoked an API key");
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn row(wanted: Wanted, fresh: &Fresh, caller: &Caller) -> Result<ApiKey, String> {
    let name = wanted.name.trim().to_owned();
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX || name.contains(char::is_control) {
        return Err(format!("A name has 1 to {NAME_CHARS_MAX} characters and no control characters."));
    }
    let owner = wanted.owner.unwrap_or_else(|| caller.owner.clone());
    let plain = owner.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@:".contains(&b));
    if owner.is_empty() || owner.len() > OWNER_BYTES_MAX || !plain {
        return Err(format!("An owner has 1 to {OWNER_BYTES_MAX} letters, digits or -_.@: signs."));
    }
    let words = Scope::ALL.map(Scope::word);
    if wanted.scopes.len() > words.len() || wanted.scopes.iter().any(|scope| !words.contains(&scope.as_str())) {
        return Err(format!("The scopes are {}.", words.join(", ")));
    }
    let seconds = wanted.expires_in_seconds;
    if seconds.is_some_and(|seconds| !(1..=KEY_TTL_SECONDS_MAX).contains(&seconds)) {
        return Err(format!("expires_in_seconds goes from 1 to {KEY_TTL_SECONDS_MAX}; without it a key does not end."));
    }
    let now = now_ms();
    Ok(ApiKey {
        id: fresh.id.clone(),
        name,
        owner,
        role: wanted.role.into(),
        scopes: wanted.scopes,
        hash: fresh.hash,
        created_ms: now,
        expires_ms: seconds.map(|seconds| now.saturating_add_unsigned(seconds * 1000)),
        revoked_ms: None,
        used_ms: None,
    })
}

fn shown(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "owner": key.owner,
        "role": role_word(key.role),
        "scopes": key.scopes,
        "created_ms": key.created_ms,
        "expires_ms": key.expires_ms,
        "revoked_ms": key.revoked_ms,
        "used_ms": key.used_ms,
    })
}

fn unknown() -> Problem {
    Refusal::UnknownKey.because("There is no key of this name, or it was revoked long ago.")
}
