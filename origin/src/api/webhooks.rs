//! `/api/v1/webhooks`: who is told of events. A secret is in the answer that makes it and nowhere else.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use durable::catalogue::{Delivery, DeliveryState, Webhook, WebhookChange};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{json, page};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::hooks::{self, Key};
use crate::house::House;
use crate::limits::{
    DESCRIPTION_CHARS_MAX, HOOK_KINDS_MAX, HOOK_OLD_SECONDS, HOOK_OLD_SECONDS_MAX, HOOK_URL_BYTES_MAX,
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhook)]
pub(super) struct Wanted {
    /// Where messages are sent, https:// or http://.
    url: String,
    #[serde(default)]
    description: String,
    /// Kinds of events, `asset.*` for all that begin so; none: all.
    #[serde(default)]
    kinds: Vec<String>,
}

/// `POST /api/v1/webhooks`: told of what happens from now on.
pub(super) async fn create(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: Wanted = json::read(&headers, body).await?;
    let bad = |rule: String| Refusal::BadBody.because(rule);
    let mut name = [0; 10];
    getrandom::fill(&mut name).map_err(|e| Problem::internal(&e))?;
    let (key, now) = (fresh()?, now_ms());
    let new = Webhook {
        id: durable::random_name(name),
        url: checked_url(&house, wanted.url)?,
        description: checked_description(wanted.description).map_err(bad)?,
        kinds: checked_kinds(wanted.kinds).map_err(bad)?,
        enabled: true,
        secret: key.text(),
        old_secret: None,
        old_until_ms: None,
        after_seq: 0,
        created_ms: now,
        updated_ms: now,
    };
    if !house.store.catalogue.create_webhook(&new, &caller.actor()).await? {
        return Err(Refusal::TooManyWebhooks.because("Delete webhooks that nobody listens at."));
    }
    let mut value = shown(&new);
    value["secret"] = new.secret.into();
    let mut response = json::answer(StatusCode::CREATED, &value);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/webhooks/{}", new.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /api/v1/webhooks`: all of them.
pub(super) async fn list(State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let items: Vec<Value> = house.store.catalogue.webhooks().await?.iter().map(shown).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items })))
}

/// `GET /api/v1/webhooks/{id}`.
pub(super) async fn one(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let webhook = house.store.catalogue.webhook(&id).await?.ok_or_else(unknown)?;
    Ok(json::answer(StatusCode::OK, &shown(&webhook)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChange)]
pub(super) struct Change {
    url: Option<String>,
    description: Option<String>,
    kinds: Option<Vec<String>>,
    /// One that is not enabled is not told; it learns what it missed when it is again.
    enabled: Option<bool>,
}

/// `PATCH /api/v1/webhooks/{id}` with what is to be changed.
pub(super) async fn update(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: Change = json::read(&headers, body).await?;
    let bad = |rule: String| Refusal::BadBody.because(rule);
    let change = WebhookChange {
        url: wanted.url.map(|url| checked_url(&house, url)).transpose()?,
        description: wanted.description.map(checked_description).transpose().map_err(bad)?,
        kinds: wanted.kinds.map(checked_kinds).transpose().map_err(bad)?,
        enabled: wanted.enabled,
    };
    let changed = house.store.catalogue.update_webhook(&id, &change, &caller.actor(), now_ms()).await?;
    house.bells.hooks().notify_one();
    Ok(json::answer(StatusCode::OK, &shown(&changed.ok_or_else(unknown)?)))
}

/// `DELETE /api/v1/webhooks/{id}`: with all of its deliveries.
pub(super) async fn delete(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let is_gone = house.store.catalogue.delete_webhook(&id, &caller.actor(), now_ms()).await?;
    is_gone.then(|| StatusCode::NO_CONTENT.into_response()).ok_or_else(unknown)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookRotation)]
pub(super) struct Rotation {
    /// How long the present secret signs as well; a day when it is not said.
    keep_old_seconds: Option<u64>,
}

/// `POST /api/v1/webhooks/{id}/rotate`: another secret; messages carry both signatures for a while.
pub(super) async fn rotate(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Rotation { keep_old_seconds } = json::read(&headers, body).await?;
    let seconds = keep_old_seconds.unwrap_or(HOOK_OLD_SECONDS);
    if seconds > HOOK_OLD_SECONDS_MAX {
        return Err(Refusal::BadBody.because(format!("keep_old_seconds is at most {HOOK_OLD_SECONDS_MAX}.")));
    }
    let (key, now) = (fresh()?, now_ms());
    let until = now.saturating_add_unsigned(seconds * 1000);
    let changed = house.store.catalogue.rotate_webhook(&id, &key.text(), until, &caller.actor(), now).await?;
    let mut value = shown(&changed.ok_or_else(unknown)?);
    value["secret"] = key.text().into();
    Ok(json::answer(StatusCode::OK, &value))
}

/// `POST /api/v1/webhooks/{id}/test`: queues a message that tells nothing.
pub(super) async fn test(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let mut name = [0; 10];
    getrandom::fill(&mut name).map_err(|e| Problem::internal(&e))?;
    let message = hooks::test(&durable::random_name(name), now_ms());
    let queued = house.store.catalogue.queue_delivery(&id, &message, now_ms()).await?;
    let delivery = queued.ok_or_else(unknown)?;
    house.bells.hooks().notify_one();
    Ok(json::answer(StatusCode::ACCEPTED, &json!({ "delivery": delivery, "message": message.message })))
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StateWord {
    Queued,
    Done,
    Failed,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
    after: Option<String>,
    state: Option<StateWord>,
}

/// `GET /api/v1/webhooks/{id}/deliveries[?state=failed]`: youngest first; those that are over for 30 days.
pub(super) async fn deliveries(
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked: Page = json::query(&uri)?;
    let limit = page::limit(asked.limit)?;
    let before = page::open(asked.after.as_deref(), |text| text.parse().ok())?.unwrap_or(i64::MAX);
    let state = asked.state.map(|word| match word {
        StateWord::Queued => DeliveryState::Queued,
        StateWord::Done => DeliveryState::Done,
        StateWord::Failed => DeliveryState::Failed,
    });
    let catalogue = &house.store.catalogue;
    catalogue.webhook(&id).await?.ok_or_else(unknown)?;
    let rows = catalogue.deliveries(&id, state, before, limit).await?;
    let next = rows.last().filter(|_| rows.len() == limit as usize).map(|row| page::seal(&row.id.to_string()));
    let items: Vec<Value> = rows.iter().map(shown_delivery).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}

/// `POST /api/v1/webhooks/{id}/replay`: all that failed, again and in order.
pub(super) async fn replay_failed(
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    house.store.catalogue.webhook(&id).await?.ok_or_else(unknown)?;
    let queued = house.store.catalogue.replay_deliveries(&id, None, now_ms()).await?;
    house.bells.hooks().notify_one();
    Ok(json::answer(StatusCode::ACCEPTED, &json!({ "queued": queued })))
}

/// `POST /api/v1/webhooks/{id}/deliveries/{delivery}/replay`: one that is over, under the same name.
pub(super) async fn replay(
    State(house): State<Arc<House>>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let none = || Refusal::UnknownDelivery.because("There is no such delivery of this webhook that is over.");
    let number = delivery.parse().map_err(|_| none())?;
    if house.store.catalogue.replay_deliveries(&id, Some(number), now_ms()).await? == 0 {
        return Err(none());
    }
    house.bells.hooks().notify_one();
    Ok(json::answer(StatusCode::ACCEPTED, &json!({ "queued": 1 })))
}

fn fresh() -> Result<Key, Problem> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|e| Problem::internal(&e))?;
    Ok(Key::of(random))
}

/// An absolute address without names or passwords in it. Where it leads is looked at each time it is connected to; one that is
/// written as an address inside is refused here already.
fn checked_url(house: &House, url: String) -> Result<String, Problem> {
    let bad = || {
        let rule = "A webhook's url is an absolute https:// or http:// address without user, password and fragment";
        Refusal::BadBody.because(format!("{rule}, of {HOOK_URL_BYTES_MAX} bytes at most."))
    };
    if url.len() > HOOK_URL_BYTES_MAX || url.contains('#') {
        return Err(bad());
    }
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let host = uri.host().filter(|host| !host.is_empty() && plain).ok_or_else(bad)?;
    if !matches!(uri.scheme_str(), Some("https" | "http")) {
        return Err(bad());
    }
    let literal = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    if literal.is_ok_and(|ip| !house.config.hook_reach().allows(ip)) {
        return Err(Refusal::PrivateAddress.because("Only public addresses are told, and those in webhooks.private."));
    }
    Ok(url)
}

fn checked_description(text: String) -> Result<String, String> {
    if text.chars().count() > DESCRIPTION_CHARS_MAX || text.contains(char::is_control) {
        return Err(format!("A description has at most {DESCRIPTION_CHARS_MAX} characters and no control characters."));
    }
    Ok(text)
}

fn checked_kinds(kinds: Vec<String>) -> Result<String, String> {
    let fits = |kind: &String| {
        let stem = kind.strip_suffix('*').unwrap_or(kind);
        (1..=64).contains(&kind.len()) && stem.bytes().all(|b| matches!(b, b'a'..=b'z' | b'.' | b'_'))
    };
    if kinds.len() > HOOK_KINDS_MAX || !kinds.iter().all(fits) {
        return Err(format!("kinds names at most {HOOK_KINDS_MAX} kinds such as \"asset.ready\" or \"asset.*\"."));
    }
    Ok(Value::from(kinds).to_string())
}

fn shown(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "description": webhook.description,
        "kinds": serde_json::from_str::<Value>(&webhook.kinds).unwrap_or_default(),
        "enabled": webhook.enabled,
        "old_secret_until_ms": webhook.old_until_ms,
        "after": webhook.after_seq,
        "created_ms": webhook.created_ms,
        "updated_ms": webhook.updated_ms,
    })
}

fn shown_delivery(row: &Delivery) -> Value {
    let state = match row.state {
        DeliveryState::Queued => "queued",
        DeliveryState::Done => "done",
        DeliveryState::Failed => "failed",
    };
    json!({
        "id": row.id,
        "message": row.message,
        "kind": row.kind,
        "state": state,
        "attempts": row.attempts,
        "due_ms": row.due_ms,
        "status": row.status,
        "error": row.error,
        "body": serde_json::from_str::<Value>(&row.body).unwrap_or_default(),
        "created_ms": row.created_ms,
        "updated_ms": row.updated_ms,
    })
}

fn unknown() -> Problem {
    Refusal::UnknownWebhook.because("There is no webhook of this name.")
}
