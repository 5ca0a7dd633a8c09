//! `/api/v1/auth`: signing in with a wallet, the session that follows, and the wallets of an account.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use durable::catalogue::{Linked, NewSession, Refreshed, Role, SignedIn, Unlinked};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::accounts::{self, shown_session, shown_wallet};
use super::json;
use super::problem::{Problem, Refusal};
use crate::access::{Caller, role_word, session as session_cache};
use crate::clock::now_ms;
use crate::gate::KeyFileError;
use crate::gate::signin::{self, Proven, Purpose, Refresh, Shown};
pub(super) use crate::gate::signin::{Asked as ChallengeWanted, Proof};
use crate::house::House;
use crate::limits::{AGENT_CHARS_MAX, JWKS_MAX_AGE_S};

/// `GET /.well-known/jwks.json`.
pub(super) async fn jwks(State(house): State<Arc<House>>) -> Response {
    let text = house.keys.signin.jwks(now_ms()).to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json".to_owned()),
        (header::CACHE_CONTROL, format!("max-age={JWKS_MAX_AGE_S}")),
    ];
    (headers, text).into_response()
}

/// `POST /api/v1/auth/challenge` with `{ "address", "chain"?, "format"?, "domain"? }`.
pub(super) async fn challenge(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    put(&house, &headers, body, Purpose::SignIn).await
}

/// `POST /api/v1/auth/wallets/challenge`, the same for a wallet that is to be linked.
pub(super) async fn link_challenge(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (account, _) = session(&caller)?;
    put(&house, &headers, body, Purpose::Link(account)).await
}

async fn put(house: &House, headers: &HeaderMap, body: Body, purpose: Purpose<'_>) -> Result<Response, Problem> {
    let asked: ChallengeWanted = json::read(headers, body).await?;
    let with = (&house.config.signin, &house.keys.signin);
    let value = signin::challenge(&asked, host(headers), purpose, with, now_ms())?;
    Ok(json::answer(StatusCode::OK, &value))
}

/// `POST /api/v1/auth/login` with `{ "message", "signature" }`; see [`Proof`].
pub(super) async fn login(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let proven = prove(&house, &headers, body, Purpose::SignIn).await?;
    let (now, refresh, config) = (now_ms(), Refresh::make()?, &house.config.signin);
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let new = NewSession {
        id: name()?,
        agent: agent.chars().take(AGENT_CHARS_MAX).collect(),
        refresh: refresh.hash,
        created_ms: now,
        expires_ms: now.saturating_add_unsigned(millis(config.refresh)),
    };
    let role = if config.new_are_creators { Role::Creator } else { Role::Viewer };
    let (id, wallet) = (name()?, (proven.chain.as_str(), proven.address.as_str()));
    let account = match house.store.catalogue.sign_in(&proven.answered, wallet, (&id, role), &new).await? {
        SignedIn::Done(account) => account,
        SignedIn::Used => return Err(used()),
        SignedIn::Banned => return Err(Refusal::AccountBanned.because("An admin has shut this account out.")),
    };
    tracing::info!(account = account.id, session = new.id, chain = proven.chain, "signed in");
    let mut value = tokens(&house, (&account.id, &new.id), &refresh.text, new.expires_ms)?;
    value["account"] = accounts::shown(&account);
    Ok(json::answer(StatusCode::OK, &value))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefreshWanted)]
pub(super) struct RefreshWanted {
    refresh_token: String,
}

/// `POST /api/v1/auth/refresh` with `{ "refresh_token" }`.
pub(super) async fn refresh(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: RefreshWanted = json::read(&headers, body).await?;
    let wrong = || Refusal::RefreshTokenWrong.because("No session has or had this token.");
    let old = Refresh::hash(&wanted.refresh_token).ok_or_else(wrong)?;
    let (now, fresh) = (now_ms(), Refresh::make()?);
    let expires = now.saturating_add_unsigned(millis(house.config.signin.refresh));
    match house.store.catalogue.refresh(&old, &fresh.hash, expires, now).await? {
        Refreshed::Done(session) => {
            let value = tokens(&house, (&session.account, &session.id), &fresh.text, session.expires_ms)?;
            Ok(json::answer(StatusCode::OK, &value))
        }
        Refreshed::Unknown => Err(wrong()),
        Refreshed::Ended => Err(Refusal::SessionEnded.because("It was ended, or its time is over. Sign in again.")),
        Refreshed::Reused(id) => {
            session_cache::ended(&house, &id).await;
            tracing::warn!(session = id, "a refresh token was used twice: its session has ended");
            Err(Refusal::RefreshTokenReused
                .because("Someone else may have it, so the session has ended. Sign in again."))
        }
    }
}

/// `POST /api/v1/auth/logout`.
pub(super) async fn logout(caller: Caller, State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let (account, id) = session(&caller)?;
    house.store.catalogue.end_session(account, id, "logout", now_ms()).await?;
    session_cache::ended(&house, id).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/auth/verify`: what the guard found out.
pub(super) async fn verify(caller: Caller) -> Result<Response, Problem> {
    let (account, id) = session(&caller)?;
    let value = json!({ "account": account, "session": id, "role": role_word(caller.role) });
    Ok(json::answer(StatusCode::OK, &value))
}

/// `GET /api/v1/auth/profile`.
pub(super) async fn profile(caller: Caller, State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let (account, id) = session(&caller)?;
    let mut value = accounts::whole(&house, account).await?.unwrap_or_default();
    value["session"] = id.into();
    Ok(json::answer(StatusCode::OK, &value))
}

/// `GET /api/v1/auth/sessions`.
pub(super) async fn sessions(caller: Caller, State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let (account, current) = session(&caller)?;
    let sessions = house.store.catalogue.sessions(account, now_ms()).await?;
    let items: Vec<Value> = sessions.iter().map(shown_session).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "current": current })))
}

/// `DELETE /api/v1/auth/sessions/{id}`.
pub(super) async fn end_session(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (account, _) = session(&caller)?;
    if !house.store.catalogue.end_session(account, &id, "ended by its owner", now_ms()).await? {
        return Err(Refusal::UnknownSession.because("The account has no such session, or it has ended."));
    }
    session_cache::ended(&house, &id).await;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `GET /api/v1/auth/wallets`.
pub(super) async fn wallets(caller: Caller, State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let (account, _) = session(&caller)?;
    shown_wallets(&house, account).await
}

/// `POST /api/v1/auth/wallets`: as a login, with a challenge of `POST /api/v1/auth/wallets/challenge`.
pub(super) async fn link(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (account, _) = session(&caller)?;
    let proven = prove(&house, &headers, body, Purpose::Link(account)).await?;
    let wallet = (proven.chain.as_str(), proven.address.as_str());
    match house.store.catalogue.link_wallet(&proven.answered, wallet, account, now_ms()).await? {
        Linked::Done => shown_wallets(&house, account).await,
        Linked::Used => Err(used()),
        Linked::Taken => Err(Refusal::WalletTaken.because("Sign in with it and let it go there first.")),
        Linked::TooMany => Err(Refusal::TooManyWallets.because("Let one go first.")),
    }
}

/// `DELETE /api/v1/auth/wallets/{address}`.
pub(super) async fn unlink(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(address): Path<String>,
) -> Result<Response, Problem> {
    let (account, _) = session(&caller)?;
    match house.store.catalogue.unlink_wallet(account, &address, now_ms()).await? {
        Unlinked::Done => Ok(StatusCode::NO_CONTENT.into_response()),
        Unlinked::Unknown => Err(Refusal::UnknownWallet.because("Name it as the list of wallets writes it.")),
        Unlinked::Last => Err(Refusal::LastWallet.because("Without it nobody could sign in to the account again.")),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RotateWanted)]
pub(super) struct RotateWanted {
    /// Sign with it from now on, and not only when others have read of it.
    #[serde(default)]
    at_once: bool,
}

/// `POST /api/v1/auth/keys/rotate`.
pub(super) async fn rotate(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: RotateWanted = json::read(&headers, body).await?;
    let kid = house.keys.signin.rotate(wanted.at_once, now_ms()).map_err(|error| match error {
        KeyFileError::FromSecret => {
            Refusal::KeysShared.because("Give all processes another roles.secret; everyone signs in again then.")
        }
        error => Problem::internal(&error),
    })?;
    house.store.catalogue.note(&caller.actor(), "session-key.made", &kid, now_ms()).await?;
    Ok(json::answer(StatusCode::OK, &json!({ "kid": kid })))
}

async fn shown_wallets(house: &House, account: &str) -> Result<Response, Problem> {
    let items: Vec<Value> = house.store.catalogue.wallets(account).await?.iter().map(shown_wallet).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items })))
}

async fn prove(house: &House, headers: &HeaderMap, body: Body, purpose: Purpose<'_>) -> Result<Proven, Problem> {
    let proof: Proof = json::read(headers, body).await?;
    match signin::prove(&proof, host(headers), purpose, (&house.config.signin, &house.keys.signin), now_ms())? {
        Shown::Proven(proven) => Ok(proven),
        Shown::Claimed(claim) => signin::judge(house, claim, now_ms()).await,
    }
}

fn tokens(
    house: &House,
    (account, session): (&str, &str),
    refresh: &str,
    refresh_expires_ms: i64,
) -> Result<Value, Problem> {
    let lifetime = house.config.signin.access;
    let lifetime_ms = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    let token = signin::access_token(&house.keys.signin, (account, session), lifetime_ms, now_ms())?;
    Ok(json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
        "refresh_token": refresh,
        "refresh_expires_ms": refresh_expires_ms,
        "session": session,
    }))
}

/// Account and session of whoever signed in.
fn session(caller: &Caller) -> Result<(&str, &str), Problem> {
    let session = caller.session.as_deref();
    session.map(|session| (caller.owner.as_str(), session)).ok_or_else(|| {
        Refusal::SessionNeeded.because("An API key has no account; sign in with a wallet and show the access token.")
    })
}

fn used() -> Problem {
    Refusal::SignInUsed.because("A challenge is of use once. Ask for a new one.")
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::HOST).map(HeaderValue::to_str)?.ok()
}

fn name() -> Result<String, Problem> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(|error| Problem::internal(&error))?;
    Ok(durable::random_name(bytes))
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
