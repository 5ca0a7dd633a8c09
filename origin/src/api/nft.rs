//! `/api/v1/nft`: what a contract is, and whether a rule would let wallets in. For people who write rules: nothing here lets anyone in.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::json;
use super::problem::{Problem, Refusal};
use super::watch::{problem, proved};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::gate::rules::{Amount, Member, ProbeError, Rule, Shown, Truth, describe, describe_account, missing, truth};
use crate::gate::{Holder, shared};
use crate::house::House;
use crate::limits::VERIFY_WALLETS_MAX;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    chain: String,
    contract: Member,
    id: Option<Amount>,
}

/// `GET /api/v1/nft?chain=..&contract=..&id=..`: of whoever signed in, what each wallet holds is told as well.
pub(super) async fn one(caller: Caller, State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let named: Named = json::query(&uri)?;
    let holders = proved(&house, &caller).await?;
    let now = now_ms();
    let told = match named.contract {
        Member::Evm(contract) => describe(&house.chains, (&named.chain, contract), named.id, &holders, now).await,
        Member::Solana(key) => {
            describe_account(house.door.accounts(), &house.chains, (&named.chain, key), &holders, now).await
        }
    };
    let value = told.map_err(|error| match error {
        ProbeError::Chain(error) => {
            Refusal::ChainNotRead.because(format!("It cannot be looked at now: {error}.")).after(5)
        }
        error => Refusal::UnknownContract.because(error.to_string()),
    })?;
    Ok(json::answer(StatusCode::OK, &value))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    rule: Rule,
    wallets: Vec<Holder>,
}

/// `POST /api/v1/nft/verify` with `{ "rule": {..as it is written..}, "wallets": [..] }`: how the rule would decide about them now.
pub(super) async fn verify(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Wanted { rule, wallets } = json::read(&headers, body).await?;
    rule.check().map_err(|bad| Refusal::BadRule.because(bad.to_string()))?;
    if wallets.len() > VERIFY_WALLETS_MAX {
        return Err(Refusal::BadBody.because(format!("At most {VERIFY_WALLETS_MAX} wallets are tried at once.")));
    }
    shared(&house).await.map_err(problem)?;
    let leaves =
        house.door.leaves(&rule.rule, Shown { wallets: &wallets, ..Shown::default() }, house.sources(), now_ms()).await;
    let decided = match truth(&rule.rule, &mut leaves.iter().copied()) {
        Truth::Yes => "yes",
        Truth::No => "no",
        Truth::Doubt(_) => "in-doubt",
    };
    let value = json!({ "lets_in": decided == "yes", "decided": decided, "missing": missing(&rule.rule, &leaves) });
    Ok(json::answer(StatusCode::OK, &value))
}
