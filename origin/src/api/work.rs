//! Jobs as people see and steer them: `/api/v1/transcode/{submit,cancel,tasks,profiles}` for owners, `/api/v1/worker/...` for
//! operators.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use durable::catalogue::{JobFilter, JobKind, JobRow, JobState, Role, Schedule, Submitted, Wished};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::chores::may_back_up;
use super::problem::{Problem, Refusal};
use super::purge::Purge;
use super::status::stage_word;
use super::{asset_id, json, page, unknown_asset};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{NEEDS_MAX, PRIORITY_MAX};
use crate::work::{BACKUP, Cron, PURGE, SWEEPS, Why, zone};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = JobWanted)]
pub(super) struct Wanted {
    asset: String,
    /// Higher goes first; uploads have 0.
    #[serde(default)]
    priority: i64,
    /// Jobs that must be done before.
    #[serde(default)]
    needs: Vec<i64>,
}

/// `POST /api/v1/transcode/submit`: the work on an asset anew. What is stored already is not made again.
pub(super) async fn submit(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: Wanted = json::read(&headers, body).await?;
    let id = asset_id(&wanted.asset)?;
    if wanted.priority.abs() > PRIORITY_MAX || wanted.needs.len() > NEEDS_MAX {
        let rule =
            format!("priority goes from -{PRIORITY_MAX} to {PRIORITY_MAX}, and needs names {NEEDS_MAX} jobs at most.");
        return Err(Refusal::BadBody.because(rule));
    }
    let catalogue = &house.store.catalogue;
    // The body names it, not the path: the guard has not seen whose it is.
    let owner = catalogue.asset_owner(&id).await?.ok_or_else(|| unknown_asset(id.as_str()))?;
    if owner != caller.owner && caller.role < Role::Operator {
        return Err(Refusal::NotYours.because("Only its owner and operators submit work on it."));
    }
    match catalogue.submit(&id, wanted.priority, &wanted.needs, &caller.actor(), now_ms()).await? {
        Submitted::Queued(job) => {
            house.bells.of(JobKind::Ingest).notify_one();
            let value = json!({ "job": job, "status_url": format!("/api/v1/transcode/status/{id}") });
            Ok(json::answer(StatusCode::ACCEPTED, &value))
        }
        Submitted::Busy(job) => Err(Refusal::WorkUnderWay.because(format!("Job {job} works on it; cancel it first."))),
        Submitted::Unknown => Err(unknown_asset(id.as_str())),
        Submitted::NoNeed(job) => Err(Refusal::UnknownJob.because(format!("There is no job {job} to wait for."))),
    }
}

/// `POST /api/v1/transcode/cancel/{id}`: ends the work on an asset. What is published stays.
pub(super) async fn cancel(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = asset_id(&id)?;
    if house.store.catalogue.asset(&id).await?.is_none() {
        return Err(unknown_asset(id.as_str()));
    }
    let jobs = house.store.catalogue.cancel_work(&id, &caller.actor(), now_ms()).await?;
    house.board.cancel(&id, Why::Cancelled);
    Ok(json::answer(StatusCode::OK, &json!({ "cancelled": jobs })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<u32>,
    after: Option<String>,
    kind: Option<String>,
    state: Option<String>,
    asset: Option<String>,
}

/// `GET /api/v1/transcode/tasks`: the jobs of the caller's assets; an operator's are everybody's.
pub(super) async fn tasks(caller: Caller, State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let owner = (caller.role < Role::Operator).then_some(caller.owner);
    list(&house, owner, &uri).await
}

/// `GET /api/v1/worker/jobs`: all jobs; `state=failed` are the dead letters.
pub(super) async fn jobs(State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    list(&house, None, &uri).await
}

/// What a word of the query stands for.
fn named<T>(name: &str, word: Option<&str>, read: fn(&str) -> Option<T>, words: &[&str]) -> Result<Option<T>, Problem> {
    let Some(word) = word else { return Ok(None) };
    let known =
        read(word).ok_or_else(|| Refusal::BadQuery.because(format!("{name} is one of {}.", words.join(", "))))?;
    Ok(Some(known))
}

async fn list(house: &House, owner: Option<String>, uri: &Uri) -> Result<Response, Problem> {
    let asked: Asked = json::query(uri)?;
    let limit = page::limit(asked.limit)?;
    let before = page::open(asked.after.as_deref(), |text| text.parse().ok())?.unwrap_or(i64::MAX);
    let filter = JobFilter {
        kind: named("kind", asked.kind.as_deref(), JobKind::from_word, JobKind::WORDS)?,
        state: named("state", asked.state.as_deref(), JobState::from_word, JobState::WORDS)?,
        asset: asked.asset.as_deref().map(asset_id).transpose()?,
        owner,
    };
    let jobs = house.store.catalogue.jobs(&filter, before, limit).await?;
    let next = jobs.last().filter(|_| jobs.len() == limit as usize).map(|job| page::seal(&job.id.to_string()));
    let items: Vec<Value> = jobs.iter().map(shown).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}

/// `GET /api/v1/worker/jobs/{id}`.
pub(super) async fn job(State(house): State<Arc<House>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let job = house.store.catalogue.job(number(&id)?).await?.ok_or_else(unknown_job)?;
    Ok(json::answer(StatusCode::OK, &shown(&job)))
}

/// `POST /api/v1/worker/jobs/{id}/replay`: a dead letter, or a cancelled job, from the start of its attempts.
pub(super) async fn replay(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let wished = house.store.catalogue.replay_job(number(&id)?, &caller.actor(), now_ms()).await?;
    let answer =
        wish(wished, "Only a job that failed or was cancelled is played again, while no other works on its asset.");
    house.bells.all();
    answer.map(|_| StatusCode::ACCEPTED.into_response())
}

/// `POST /api/v1/worker/jobs/{id}/cancel`.
pub(super) async fn cancel_job(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (catalogue, id) = (&house.store.catalogue, number(&id)?);
    let kind = catalogue.job(id).await?.ok_or_else(unknown_job)?.kind;
    let wished = catalogue.cancel_job(id, &caller.actor(), now_ms()).await?;
    if let Some(asset) = wish(wished, "Only a job that waits or runs can be cancelled.")? {
        house.board.cancel_one(&asset, kind, Why::Cancelled);
    }
    Ok(StatusCode::ACCEPTED.into_response())
}

/// `GET /api/v1/transcode/profiles`: what is made of an upload.
pub(super) async fn profiles(State(house): State<Arc<House>>) -> Response {
    let ladder = &house.config.ladder;
    let value = json!({
        "passthrough": ["h264", "aac", "opus"],
        "ladder": { "codec": "av1", "heights": ladder.heights, "speed": ladder.av1_speed },
    });
    json::answer(StatusCode::OK, &value)
}

/// `GET /api/v1/worker/schedule`: what comes again and again.
pub(super) async fn schedules(State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let all = house.store.catalogue.schedules().await?;
    let items: Vec<Value> = all
        .iter()
        .map(|s| json!({ "id": s.id, "what": s.what, "purge": told(&s.body), "cron": s.cron, "zone": s.zone, "next_ms": s.next_ms, "last_ms": s.last_ms }))
        .collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items })))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleWanted {
    id: String,
    /// What is swept (objects, sessions, uploads, idempotency, bin or jobs), backup, or purge.
    what: String,
    /// Of a purge: what edges are to let go of.
    purge: Option<Purge>,
    /// Minute, hour, day of month, month, day of week.
    cron: String,
    /// An IANA time zone; UTC when it is not said.
    zone: Option<String>,
}

/// `POST /api/v1/worker/schedule`: makes a schedule, or changes the one of this name.
pub(super) async fn schedule(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let ScheduleWanted { id, what, purge, cron, zone: name } = json::read(&headers, body).await?;
    let bad = |rule: String| Refusal::BadBody.because(rule);
    let plain = id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !(1..=64).contains(&id.len()) || !plain {
        return Err(bad("The id of a schedule is 1 to 64 of a-z, 0-9 and -.".into()));
    }
    if !SWEEPS.iter().map(|(known, _)| *known).chain([BACKUP, PURGE]).any(|known| known == what) {
        let sweeps = SWEEPS.map(|(known, _)| known).join(", ");
        return Err(bad(format!("what is one of {sweeps}, {BACKUP} and {PURGE}.")));
    }
    if what == BACKUP {
        may_back_up(&house)?;
    }
    let body = match (what == PURGE, purge) {
        (true, Some(purge)) => purge.checked().map_err(bad)?,
        (false, None) => String::new(),
        _ => return Err(bad(format!("purge goes with what = {PURGE}, and only with it."))),
    };
    let name = name.unwrap_or_else(|| "UTC".into());
    let zone = zone(&name).ok_or_else(|| bad("zone is the IANA name of a time zone, such as Asia/Tokyo.".into()))?;
    let now = now_ms();
    let next = Cron::parse(&cron).map_err(bad)?.next(now, &zone);
    let next_ms = next.ok_or_else(|| bad("There is no such day.".into()))?;
    let new = Schedule { id, what, body, cron, zone: name, next_ms, last_ms: None, created_ms: now };
    if !house.store.catalogue.put_schedule(&new, &caller.actor()).await? {
        return Err(bad("There are as many schedules as may be.".into()));
    }
    Ok(json::answer(StatusCode::CREATED, &json!({ "id": new.id, "next_ms": next_ms })))
}

/// `DELETE /api/v1/worker/schedule/{id}`, one of the house's own as well.
pub(super) async fn unschedule(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    if !house.store.catalogue.delete_schedule(&id, &caller.actor(), now_ms()).await? {
        return Err(Refusal::UnknownJob.because("There is no schedule of this name."));
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a purge is told; `null` of any other job.
fn told(body: &str) -> Option<Value> {
    serde_json::from_str(body).ok()
}

fn shown(job: &JobRow) -> Value {
    json!({
        "id": job.id,
        "kind": job.kind.word(),
        "asset": job.asset.as_ref().map(durable::AssetId::as_str),
        "what": (job.kind == JobKind::Sweep).then_some(&job.body),
        "purge": told(&job.body),
        "owner": job.owner,
        "state": job.state.word(),
        "priority": job.priority,
        "attempts": job.attempts,
        "run_after_ms": job.run_after_ms,
        "stage": stage_word(job.stage),
        "progress": job.progress,
        "waits_for": job.waits_for,
        "error": job.error_code.as_ref().map(|code| json!({ "code": code, "detail": job.error_detail })),
        "created_ms": job.created_ms,
        "updated_ms": job.updated_ms,
    })
}

fn wish(wished: Wished, rule: &str) -> Result<Option<durable::AssetId>, Problem> {
    match wished {
        Wished::Done(asset) => Ok(asset),
        Wished::Unknown => Err(unknown_job()),
        Wished::NotNow => Err(Refusal::NotNow.because(rule)),
    }
}

fn number(id: &str) -> Result<i64, Problem> {
    id.parse().map_err(|_| unknown_job())
}

fn unknown_job() -> Problem {
    Refusal::UnknownJob.because("There is no such job; those that ended well are forgotten after 30 days.")
}
