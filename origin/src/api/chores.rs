//! `POST /api/v1/worker/jobs`: work that is queued by hand.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use durable::catalogue::{JobKind, Submitted};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::problem::{Problem, Refusal};
use super::purge::Purge;
use super::{asset_id, json};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::house::House;
use crate::work::SWEEPS;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChoreWanted)]
pub(super) struct Wanted {
    kind: Kind,
    /// Of pictures: whose.
    asset: Option<String>,
    /// Of a sweep: what is swept, one of objects, sessions, uploads, idempotency, bin and jobs.
    what: Option<String>,
    /// Of a purge: what edges are to let go of.
    purge: Option<Purge>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChoreKind)]
enum Kind {
    Pictures,
    Sweep,
    Backup,
    Purge,
}

/// `POST /api/v1/worker/jobs`.
pub(super) async fn queue(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Wanted { kind, asset, what, purge } = json::read(&headers, body).await?;
    let (catalogue, actor, now) = (&house.store.catalogue, caller.actor(), now_ms());
    let (submitted, kind) = match (kind, asset, what, purge) {
        (Kind::Pictures, Some(asset), None, None) => {
            (catalogue.submit_pictures(&asset_id(&asset)?, &actor, now).await?, JobKind::Pictures)
        }
        (Kind::Sweep, None, Some(what), None) => {
            if !SWEEPS.iter().any(|(known, _)| *known == what) {
                return Err(bad(format!("what is one of {}.", SWEEPS.map(|(known, _)| known).join(", "))));
            }
            (catalogue.submit_chore(JobKind::Sweep, &what, &actor, now).await?, JobKind::Sweep)
        }
        (Kind::Backup, None, None, None) => {
            may_back_up(&house)?;
            (catalogue.submit_chore(JobKind::Backup, "", &actor, now).await?, JobKind::Backup)
        }
        (Kind::Purge, None, None, Some(purge)) => {
            let body = purge.checked().map_err(bad)?;
            (catalogue.submit_chore(JobKind::Purge, &body, &actor, now).await?, JobKind::Purge)
        }
        _ => {
            return Err(bad("Pictures name an asset, a sweep says what, a purge says purge; none says more.".into()));
        }
    };
    match submitted {
        Submitted::Queued(job) => {
            house.bells.of(kind).notify_one();
            Ok(json::answer(StatusCode::ACCEPTED, &json!({ "job": job })))
        }
        Submitted::Busy(job) => Err(Refusal::WorkUnderWay.because(format!("Job {job} does that; it is not over."))),
        Submitted::Unknown | Submitted::NoNeed(_) => {
            Err(Refusal::UnknownAsset.because("There is no such asset that plays pictures."))
        }
    }
}

/// Refuses a backup that would go nowhere.
pub(super) fn may_back_up(house: &House) -> Result<(), Problem> {
    let nowhere = || bad("Backups go nowhere yet: name a folder with work.backup_folder.".into());
    house.config.backups.as_ref().map(drop).ok_or_else(nowhere)
}

fn bad(rule: String) -> Problem {
    Refusal::BadBody.because(rule)
}
