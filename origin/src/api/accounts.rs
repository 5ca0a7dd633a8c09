//! `/api/v1/accounts`: who signed in with a wallet, what they may do, and whether they may at all.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use durable::catalogue::{Account, Session, Wallet};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::keys::RoleWord;
use super::problem::{Problem, Refusal};
use super::{json, page};
use crate::access::{Caller, role_word, session};
use crate::clock::now_ms;
use crate::house::House;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u32>,
    after: Option<String>,
}

/// `GET /api/v1/accounts[?limit=..][&after=..]`.
pub(super) async fn list(State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let asked: Page = json::query(&uri)?;
    let limit = page::limit(asked.limit)?;
    let accounts = house.store.catalogue.accounts(asked.after.as_deref().unwrap_or_default(), limit).await?;
    let next = accounts.last().filter(|_| accounts.len() == limit as usize).map(|account| account.id.clone());
    let items: Vec<Value> = accounts.iter().map(shown).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}

/// `GET /api/v1/accounts/{id}`.
pub(super) async fn one(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let value = whole(&house, &id).await?.ok_or_else(unknown)?;
    Ok(json::answer(StatusCode::OK, &value))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChange)]
pub(super) struct Wanted {
    role: Option<RoleWord>,
    banned: Option<bool>,
}

/// `PATCH /api/v1/accounts/{id}` with `{ "role"?, "banned"? }`; it holds from the next request on.
pub(super) async fn change(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: Wanted = json::read(&headers, body).await?;
    let change = (wanted.role.map(Into::into), wanted.banned);
    let changed = house.store.catalogue.change_account(&id, change, &caller.actor(), now_ms()).await?;
    let account = changed.ok_or_else(unknown)?;
    session::account_changed(&house, &account.id).await;
    tracing::info!(account = account.id, role = role_word(account.role), by = caller.key, "changed an account");
    Ok(json::answer(StatusCode::OK, &shown(&account)))
}

/// An account with its wallets and sessions.
pub(super) async fn whole(house: &House, id: &str) -> Result<Option<Value>, Problem> {
    let catalogue = &house.store.catalogue;
    let Some(account) = catalogue.account(id).await? else { return Ok(None) };
    let mut value = shown(&account);
    value["wallets"] = catalogue.wallets(id).await?.iter().map(shown_wallet).collect();
    value["sessions"] = catalogue.sessions(id, now_ms()).await?.iter().map(shown_session).collect();
    Ok(Some(value))
}

pub(super) fn shown(account: &Account) -> Value {
    json!({
        "id": account.id,
        "role": role_word(account.role),
        "created_ms": account.created_ms,
        "banned_ms": account.banned_ms,
    })
}

pub(super) fn shown_wallet(wallet: &Wallet) -> Value {
    json!({ "chain": wallet.chain, "address": wallet.address, "linked_ms": wallet.linked_ms })
}

pub(super) fn shown_session(session: &Session) -> Value {
    json!({
        "id": session.id,
        "agent": session.agent,
        "created_ms": session.created_ms,
        "used_ms": session.used_ms,
        "expires_ms": session.expires_ms,
    })
}

fn unknown() -> Problem {
    Refusal::UnknownAccount.because("Nobody signed in under this name.")
}
