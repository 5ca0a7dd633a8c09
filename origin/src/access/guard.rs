//! guard: stands before every handler. What it lets through carries its [`Caller`].

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use durable::catalogue::Role;

use super::decide::{Asking, Caller, decide};
use super::key;
use super::peer::Peer;
use super::rate::{Rate, Standing, Whom, take_shared};
use super::session;
use super::table::{self, Object, Rule, Who};
use crate::api::once;
use crate::api::problem::{Problem, Refusal};
use crate::clock::{now_ms, now_us};
use crate::gate::same;
use crate::gate::signin::{AccessError, read_access_token};
use crate::house::House;
use crate::limits::KEY_USE_NOTED_MS;
use crate::playback::EDGE_KEY;
use crate::roles::{Clue, forward, vouched};

/// The whole check of one request.
pub(crate) async fn guard(
    State(house): State<Arc<House>>,
    path: MatchedPath,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(rule) = table::find(request.method().as_str(), path.as_str()) else {
        return wrong_method(path.as_str());
    };
    let peer = request.extensions().get::<Peer>().copied();
    let admitted = admit(&house, rule, &params, request.headers(), peer).await;
    let (mut answer, standing) = match (admitted, house.config.elsewhere(rule.method, rule.path)) {
        (Err(problem), _) => (problem.into_response(), None),
        (Ok((asking, standing)), Some(role)) => {
            let caller = if let Asking::Caller(caller) = &asking { Some(caller) } else { None };
            let clue = Clue { upload: (rule.object == Object::Upload).then(|| named(&params)) };
            (forward(&house, role, clue, caller, request).await, standing)
        }
        (Ok((Asking::Caller(caller), standing)), None) => {
            request.extensions_mut().insert(caller.clone());
            let answer = if table::takes_idempotency_key(rule) {
                once(&house, &caller, request, move |request| next.run(request)).await
            } else {
                next.run(request).await
            };
            (answer, standing)
        }
        (Ok((_, standing)), None) => (next.run(request).await, standing),
    };
    if let Some(standing) = standing {
        standing.write(answer.headers_mut());
    }
    answer
}

async fn admit(
    house: &Arc<House>,
    rule: &Rule,
    params: &RawPathParams,
    headers: &HeaderMap,
    peer: Option<Peer>,
) -> Result<(Asking, Option<Standing>), Problem> {
    if rule.who == Who::Anyone {
        return Ok((Asking::Nobody, None));
    }
    let secret = house.config.role_secret.as_ref().map(|secret| secret.text());
    let vouched = vouched(headers, secret).map_err(|_| {
        Refusal::KeyWrong.because("Whoever speaks for a gateway has the secret of this installation's roles.")
    })?;
    if let Some(caller) = vouched {
        // Its rate was taken there, and whose the thing is is asked here again.
        let asking = caller.map_or(Asking::Nobody, Asking::Caller);
        return decided(house, rule, params, asking).await.map(|asking| (asking, None));
    }
    let is_edge = matches!(rule.who, Who::Edge(_)) && headers.contains_key(EDGE_KEY);
    // Before the key is looked at, so that guesses are bounded. Edges follow the events all the time.
    let by_address = peer.filter(|_| !is_edge).map(|peer| Whom::address(peer.0));
    let mut standing = take(house, house.config.address_rate, by_address).await?;
    if rule.who == Who::Visitor {
        return Ok((Asking::Nobody, standing));
    }
    let asking = who(house, rule, headers).await?;
    if let Asking::Caller(caller) = &asking {
        let by_key = take(house, house.config.key_rate, Some(Whom::Key(caller.key.clone()))).await?;
        standing = by_key.or(standing);
    }
    decided(house, rule, params, asking).await.map(|asking| (asking, standing))
}

/// Whoever asks, when they may.
async fn decided(house: &House, rule: &Rule, params: &RawPathParams, asking: Asking) -> Result<Asking, Problem> {
    let is_own = match &asking {
        Asking::Caller(caller) => is_own(house, rule, params, caller).await?,
        Asking::Nobody | Asking::Edge => true,
    };
    decide(rule, &asking, is_own)?;
    Ok(asking)
}

async fn take(house: &House, rate: Option<Rate>, whom: Option<Whom>) -> Result<Option<Standing>, Problem> {
    let (Some(rate), Some(whom)) = (rate, whom) else { return Ok(None) };
    let shared = match house.cache.remote() {
        Some(remote) => take_shared(remote, rate, &whom).await,
        None => None,
    };
    shared.unwrap_or_else(|| house.rates.take(rate, whom, now_us())).map(Some).map_err(|seconds| {
        let sentence = format!("Ask again in {seconds} s; {} requests a second are answered.", rate.per_second);
        Refusal::TooManyRequests.because(sentence).after(seconds)
    })
}

async fn who(house: &Arc<House>, rule: &Rule, headers: &HeaderMap) -> Result<Asking, Problem> {
    if let (Who::Edge(_), Some(key)) = (rule.who, headers.get(EDGE_KEY)) {
        let wrong = || Refusal::EdgeKeyWrong.because("Give the edge the key in keys/edge.key of the origin.");
        return house.keys.edge.is(key.as_bytes()).then_some(Asking::Edge).ok_or_else(wrong);
    }
    let Some(given) = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes) else {
        return Ok(Asking::Nobody);
    };
    let Some(given) = bearer(given) else { return Ok(Asking::Nobody) };
    if house.keys.api.is(given) {
        let owner = "admin".to_owned();
        return Ok(Asking::Caller(Caller {
            key: owner.clone(),
            owner,
            role: Role::Admin,
            scopes: Vec::new(),
            session: None,
        }));
    }
    // A key has no dots, a JWT has two.
    if given.contains(&b'.') {
        return signed_in(house, given).await.map(Asking::Caller);
    }
    caller(house, given).await.map(Asking::Caller)
}

/// Whoever shows an access token: the session is looked up, so that one that ended is of no use from then on.
async fn signed_in(house: &Arc<House>, given: &[u8]) -> Result<Caller, Problem> {
    let now = now_ms();
    let claims = read_access_token(&house.keys.signin, given, now).map_err(|error| match error {
        AccessError::Wrong => Refusal::AccessTokenWrong.because("No session of this origin has such a token."),
        AccessError::Expired => Refusal::AccessTokenExpired.because("Renew it with POST /api/v1/auth/refresh."),
    })?;
    let role = session::role(house, &claims.sid, &claims.sub, now).await?;
    let role =
        role.ok_or_else(|| Refusal::SessionEnded.because("It was ended, or its time is over. Sign in again."))?;
    let key = format!("session:{}", claims.sid);
    Ok(Caller { key, owner: claims.sub, role, scopes: Vec::new(), session: Some(claims.sid) })
}

async fn caller(house: &Arc<House>, given: &[u8]) -> Result<Caller, Problem> {
    let wrong = || Refusal::KeyWrong.because("No key of this origin reads so. The first one stands in keys/api.key.");
    let (id, hash) = key::parse(given).ok_or_else(wrong)?;
    let row = house.store.catalogue.key(id).await?.ok_or_else(wrong)?;
    if !same(&hash, &row.hash) {
        return Err(wrong());
    }
    let now = now_ms();
    if row.revoked_ms.is_some() || row.expires_ms.is_some_and(|end| end <= now) {
        return Err(Refusal::KeyEnded.because("This key was revoked, or its time is over. Ask for another one."));
    }
    if row.used_ms.is_none_or(|used| used < now - KEY_USE_NOTED_MS) {
        house.store.catalogue.touch_key(id, now).await?;
    }
    Ok(Caller { key: row.id, owner: row.owner, role: row.role, scopes: row.scopes, session: None })
}

/// Whether what the path names is the caller's. What is nobody's is, too: the handler says that there is none.
async fn is_own(house: &House, rule: &Rule, params: &RawPathParams, caller: &Caller) -> Result<bool, Problem> {
    if !matches!(rule.who, Who::Owner(..)) {
        return Ok(true);
    }
    let id = named(params);
    let owner = match rule.object {
        Object::Nothing => None,
        Object::Upload => house.store.catalogue.upload(id).await?.map(|upload| upload.owner),
        Object::Asset => match id.parse() {
            Ok(id) => house.store.catalogue.asset_owner(&id).await?,
            Err(_) => None,
        },
    };
    Ok(owner.is_none_or(|owner| owner == caller.owner))
}

/// The `{id}` of a path.
fn named(params: &RawPathParams) -> &str {
    params.iter().find_map(|(name, value)| (name == "id").then_some(value)).unwrap_or_default()
}

fn wrong_method(path: &str) -> Response {
    let problem = Refusal::WrongMethod.because("The header Allow names the methods that this address takes.");
    let mut response = problem.into_response();
    if let Ok(value) = HeaderValue::from_str(&table::allowed(path)) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

/// The credentials of the scheme `Bearer` (RFC 6750 section 2.1), whose name is case-insensitive.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, key) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Behind a line of the table that asks for no key there is no caller: such a handler must not ask for one.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a handler without a key asks who calls");
            Refusal::KeyMissing.because("Send the header \"Authorization: Bearer <key>\".")
        })
    }
}
