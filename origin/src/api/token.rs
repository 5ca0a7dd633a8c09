//! `POST /api/v1/content/{id}/token` with `{ "ttl_seconds"? }`: a playback token for one asset, whatever its rule asks of viewers; where and
//! on whose pages it plays is said by the rule all the same. It is written down
//! as those are that rules give, so that it is taken back by its id, with its asset's, and with the session or key that asked for it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset, watch};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::gate::grants::{Given, NotGiven, give};
use crate::gate::playback_of;
use crate::house::House;
use crate::limits::{TOKEN_TTL_SECONDS, TOKEN_TTL_SECONDS_MAX};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenWanted)]
pub(super) struct Asked {
    ttl_seconds: Option<u64>,
}

pub(super) async fn mint(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let asked: Asked = json::read(&headers, body).await?;
    let ttl = asked.ttl_seconds.unwrap_or(TOKEN_TTL_SECONDS);
    if !(1..=TOKEN_TTL_SECONDS_MAX).contains(&ttl) {
        return Err(Refusal::BadBody.because(format!("ttl_seconds goes from 1 to {TOKEN_TTL_SECONDS_MAX}.")));
    }
    if house.store.catalogue.asset(&id).await?.is_none() {
        return Err(unknown_asset(id.as_str()));
    }
    let by = caller.session.clone().unwrap_or_else(|| durable::catalogue::key_as_session(&caller.key));
    let playback = playback_of(&house, &id).await.map_err(watch::problem)?;
    let given = Given {
        asset: &id,
        account: &caller.owner,
        is_named: false,
        session: Some(&by),
        wallets: &[],
        passwords: &[],
        rule: 0,
        seconds: ttl,
        playback: &playback,
        stream: None,
    };
    let minted = give(&house, &given, now_ms()).await.map_err(|error| match error {
        NotGiven::Mint(error) => Problem::internal(&error),
        NotGiven::Store(error) => error.into(),
    })?;
    Ok(json::answer(StatusCode::CREATED, &watch::shown(&minted, id.as_str())))
}
