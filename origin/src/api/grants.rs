//! `/api/v1/content/{id}/grants`: tokens of the asset that its rule has given, or whoever may, and that have not expired; and taking them back.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use durable::catalogue::{Grant, TakenBack, Which};
use serde_json::{Value, json};

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::GRANTS_LISTED_MAX;

/// Youngest first.
pub(super) async fn list(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    if house.store.catalogue.asset(&id).await?.is_none() {
        return Err(unknown_asset(id.as_str()));
    }
    let grants = house.store.catalogue.grants(&id, now_ms(), GRANTS_LISTED_MAX).await?;
    let items: Vec<Value> = grants.iter().map(shown).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items })))
}

/// Takes all of them back. Who meets the rule may ask for another one.
pub(super) async fn revoke_all(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let revoked = house.store.catalogue.revoke_grants(Which::Asset(&id), TakenBack::Operator, now_ms()).await?;
    Ok(json::answer(StatusCode::OK, &json!({ "revoked": revoked })))
}

/// Takes one back.
pub(super) async fn revoke(
    State(house): State<Arc<House>>,
    Path((id, cti)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (id, now) = (asset_id(&id)?, now_ms());
    // Its asset is what the guard has looked at.
    let is_here = house.store.catalogue.grant_of(&cti, &id, now).await?;
    if !is_here {
        return Err(Refusal::UnknownGrant.because("No such token was given for this asset, or it has expired."));
    }
    house.store.catalogue.revoke_grants(Which::One(&cti), TakenBack::Operator, now).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn shown(grant: &Grant) -> Value {
    json!({
        "id": grant.cti,
        "account": grant.account,
        "wallets": serde_json::from_str::<Value>(&grant.wallets).unwrap_or_default(),
        "rule_version": grant.rule,
        "made_ms": grant.made_ms,
        "expires_ms": grant.expires_ms,
        "revoked_ms": grant.revoked_ms,
        "why": grant.why,
    })
}
