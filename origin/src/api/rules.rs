//! `/api/v1/content/{id}/gating-rules`: the rule of an asset. `ETag` is its version; a PUT with `If-Match` changes only what its
//! writer has read. `docs/formats/rules.md`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use durable::catalogue::RuleWritten;
use serde_json::json;

use super::problem::{Problem, Refusal};
use super::{asset_id, json, unknown_asset};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::gate::rules::{Made, ProbeError, Rule, SealError, probe, seal};
use crate::house::House;

/// The rule that holds.
pub(super) async fn read(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    if house.store.catalogue.asset(&id).await?.is_none() {
        return Err(unknown_asset(id.as_str()));
    }
    let stored = house.store.catalogue.rule(&id).await?.filter(|stored| !stored.rule.is_empty());
    let stored = stored.ok_or_else(|| Refusal::UnknownRule.because("This asset has no rule."))?;
    let rule: Rule = serde_json::from_str(&stored.rule).map_err(|e| Problem::internal(&e))?;
    let mut value = serde_json::to_value(rule.without_secrets()).map_err(|e| Problem::internal(&e))?;
    value["version"] = stored.version.into();
    value["written_ms"] = stored.written_ms.into();
    Ok(tagged(json::answer(StatusCode::OK, &value), stored.version))
}

/// Checks a rule, looks at the contracts that it names, and writes it. The asset is a gated one from then on.
pub(super) async fn write(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let known = if_match(&headers)?;
    let rule: Rule = json::read(&headers, body).await?;
    rule.check().map_err(|bad| Refusal::BadRule.because(bad.to_string()))?;
    probe(&rule, &house.chains, now_ms()).await.map_err(|error| match error {
        ProbeError::Chain(error) => {
            let sentence = format!("The contracts cannot be looked at now: {error}. Nothing was changed.");
            Refusal::ChainNotRead.because(sentence).after(5)
        }
        error => Refusal::BadRule.because(error.to_string()),
    })?;
    let (rule, made) = sealed(&house, &id, rule).await?;
    let text = serde_json::to_string(&rule).map_err(|e| Problem::internal(&e))?;
    done(house.store.catalogue.write_rule(&id, &text, known, &caller.actor(), now_ms()).await?, id.as_str(), &made)
}

/// The rule as it is stored, and the links that were made for it.
async fn sealed(house: &House, id: &durable::AssetId, mut rule: Rule) -> Result<(Rule, Vec<Made>), Problem> {
    if rule.rule.passwords().is_empty() {
        return Ok((rule, Vec::new()));
    }
    let stored = house.store.catalogue.rule(id).await?;
    let before: Option<Rule> = stored.and_then(|stored| serde_json::from_str(&stored.rule).ok());
    let _turn = house.guesses.acquire().await.map_err(|e| Problem::internal(&e))?;
    let sealing = tokio::task::spawn_blocking(move || seal(&mut rule, before.as_ref()).map(|made| (rule, made)));
    sealing.await.map_err(|e| Problem::internal(&e))?.map_err(|error| match error {
        SealError::Unknown(_) => Refusal::BadRule.because(error.to_string()),
        error => Problem::internal(&error),
    })
}

/// Takes the rule away. The asset stays gated: nobody is let in until there is another one.
pub(super) async fn remove(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    let known = if_match(&headers)?;
    done(house.store.catalogue.write_rule(&id, "", known, &caller.actor(), now_ms()).await?, id.as_str(), &[])
}

fn done(written: RuleWritten, id: &str, made: &[Made]) -> Result<Response, Problem> {
    match written {
        RuleWritten::Done(version) => {
            let mut said = json!({ "version": version });
            if !made.is_empty() {
                said["links"] = made.iter().map(Made::shown).collect();
            }
            Ok(tagged(json::answer(StatusCode::OK, &said), version))
        }
        RuleWritten::Unknown => Err(unknown_asset(id)),
        RuleWritten::Stale(version) => {
            Err(Refusal::Stale.because(format!("The rule is of version {version} now. Read it and decide again.")))
        }
    }
}

/// The version in `If-Match` (RFC 9110 section 13.1.1).
fn if_match(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let version = value.to_str().ok().and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    version.map(Some).ok_or_else(|| Refusal::Stale.because("If-Match takes the ETag of an earlier answer."))
}

fn tagged(mut answer: Response, version: i64) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    answer.into_response()
}
