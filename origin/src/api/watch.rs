//! `POST /api/v1/content/{id}/watch`: a playback token, or what is missing. The body and the query are not read: nothing that a
//! client says names a contract, a chain or a token.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use durable::StoreError;
use serde_json::json;

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::gate::{Holder, Minted, NotLetIn, Viewer, watch as let_in};
use crate::house::House;

pub(super) async fn watch(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let wallets = proved(&house, &caller).await.map_err(|error| problem(NotLetIn::Store(error)))?;
    let viewer = Viewer { wallets, account: Some(caller.owner), session: caller.session };
    let minted = let_in(&house, &id, viewer, now_ms()).await.map_err(|refused| match refused {
        NotLetIn::Unknown => unknown_asset(id.as_str()),
        refused => problem(refused),
    })?;
    Ok(json::answer(StatusCode::CREATED, &shown(&minted, id.as_str())))
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

fn shown(minted: &Minted, id: &str) -> serde_json::Value {
    let token = &minted.token;
    json!({
        "token": token,
        "expires": minted.expires,
        "prefix": minted.prefix,
        "playback": {
            "hls": format!("/p/{token}/v/{id}/master.m3u8"),
            "dash": format!("/p/{token}/v/{id}/manifest.mpd"),
        },
    })
}

fn problem(refused: NotLetIn) -> Problem {
    match refused {
        NotLetIn::Unknown => Refusal::UnknownAsset.because("There is no such asset."),
        NotLetIn::NoRule => Refusal::NoRule.because("Nobody has said who may watch this. Its owner can."),
        NotLetIn::Unreadable => {
            Refusal::NoRule.because("The rule of this asset cannot be read; its owner can write it anew.")
        }
        NotLetIn::NotMet(missing) => Refusal::RuleNotMet
            .because("The wallets that have signed in do not meet the rule; \"missing\" says what is.")
            .with_missing(missing),
        NotLetIn::NotRead(missing) => Refusal::ChainNotRead
            .because("Who holds what cannot be read now, and so nobody is let in. Try again in a moment.")
            .with_missing(missing)
            .after(5),
        NotLetIn::Store(error) => {
            tracing::error!(%error, "the catalogue did not answer: nobody is let in");
            Refusal::GateClosed.because("The server cannot look the rule up now, and so nobody is let in.").after(5)
        }
        NotLetIn::Mint(error) => Problem::internal(&error),
    }
}
