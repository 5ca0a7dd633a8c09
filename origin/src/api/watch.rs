//! `POST /api/v1/content/{id}/watch`: a playback token, or what is missing. The query is not read, and of the body `password` alone:
//! nothing that a client says names a contract, a chain or a token. `StreamGate-Stream` names the stream that goes on with another token.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::StoreError;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::access::{Caller, Peer};
use crate::clock::now_ms;
use crate::gate::{Holder, Minted, NotLetIn, Plain, Viewer, watch as let_in};
use crate::house::House;
use crate::limits::AWAY_S;

/// What else there is in the body is nobody's business.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = WatchWanted)]
pub(super) struct Asked {
    /// A password of the rule, or the secret of a link.
    #[schema(value_type = Option<String>)]
    password: Option<Plain>,
}

pub(super) async fn watch(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let asked: Asked = json::read(&headers, body).await?;
    let from = peer.map(|Extension(Peer(address))| address);
    let wallets = proved(&house, &caller).await.map_err(|error| problem(NotLetIn::Store(error)))?;
    let stream = stream(&headers)?;
    let (account, session) = (Some(caller.owner), caller.session);
    let viewer = Viewer { wallets, account, session, secret: asked.password, from, stream };
    let minted = let_in(&house, &id, viewer, now_ms()).await.map_err(|refused| match refused {
        NotLetIn::Unknown => unknown_asset(id.as_str()),
        refused => problem(refused),
    })?;
    Ok(json::answer(StatusCode::CREATED, &shown(&minted, id.as_str())))
}

/// The stream that goes on with another token, as the answer before has named it.
fn stream(headers: &HeaderMap) -> Result<Option<[u8; 16]>, Problem> {
    let Some(value) = headers.get("streamgate-stream") else { return Ok(None) };
    let decoded = URL_SAFE_NO_PAD.decode(value.as_bytes()).ok().and_then(|id| id.try_into().ok());
    decoded
        .map(Some)
        .ok_or_else(|| Refusal::BadQuery.because("StreamGate-Stream is a stream's name as an answer has given it."))
}

/// The wallets that have proved themselves to whoever asks. An API key is no wallet: it meets only what asks for none.
pub(super) async fn proved(house: &House, caller: &Caller) -> Result<Vec<Holder>, StoreError> {
    if caller.session.is_none() {
        return Ok(Vec::new());
    }
    let linked = house.store.catalogue.wallets(&caller.owner).await?;
    let holder = |wallet: &durable::catalogue::Wallet| match wallet.chain.as_str() {
        "eip155" => wallet.address.parse().ok(),
        // A contract's own signature holds on its chain alone.
        chain => format!("{chain}:{}", wallet.address).parse().ok(),
    };
    Ok(linked.iter().filter_map(holder).collect())
}

/// A token as it is answered.
pub(super) fn shown(minted: &Minted, id: &str) -> serde_json::Value {
    let token = &minted.token;
    let mut value = json!({
        "id": URL_SAFE_NO_PAD.encode(minted.cti),
        "token": token,
        "expires": minted.expires,
        "prefix": minted.prefix,
        "playback": {
            "hls": format!("/p/{token}/v/{id}/master.m3u8"),
            "dash": format!("/p/{token}/v/{id}/manifest.mpd"),
        },
    });
    if let Some(stream) = &minted.stream {
        value["stream"] = stream.as_str().into();
    }
    value
}

pub(super) fn problem(refused: NotLetIn) -> Problem {
    match refused {
        NotLetIn::Unknown => Refusal::UnknownAsset.because("There is no such asset."),
        NotLetIn::NoRule => Refusal::NoRule.because("Nobody has said who may watch this. Its owner can."),
        NotLetIn::Unreadable => {
            Refusal::NoRule.because("The rule of this asset cannot be read; its owner can write it anew.")
        }
        NotLetIn::NotMet(missing) => Refusal::RuleNotMet
            .because("The wallets that have signed in do not meet the rule; \"missing\" says what is.")
            .with_missing(missing),
        NotLetIn::SecretNeeded(missing) => Refusal::PasswordNeeded
            .because("Send it as \"password\" in the body; \"missing\" says what else would do.")
            .with_missing(missing),
        NotLetIn::SecretWrong(missing) => Refusal::PasswordWrong
            .because("Nothing is missing but the password, and this is another one.")
            .with_missing(missing),
        NotLetIn::TooOften(seconds) => Refusal::TooManyRequests
            .because(format!("Passwords of this asset were tried too often from here. Try again in {seconds} s."))
            .after(seconds),
        NotLetIn::NotRead(missing) => Refusal::ChainNotRead
            .because("Who holds what cannot be read now, and so nobody is let in. Try again in a moment.")
            .with_missing(missing)
            .after(5),
        NotLetIn::Unshared => Refusal::RedisAway
            .because("The Redis that counts tries for all gateways does not answer, and so nobody is let in. Try again in a moment.")
            .after(AWAY_S),
        NotLetIn::Store(error) => {
            tracing::error!(%error, "the catalogue did not answer: nobody is let in");
            Refusal::GateClosed.because("The server cannot look the rule up now, and so nobody is let in.").after(5)
        }
        NotLetIn::Mint(error) => Problem::internal(&error),
    }
}
