//! What people do with jobs: see them, submit, cancel, and play dead ones again.

use sqlx::{FromRow, Row};

use super::sql::{Sql, is_there};
use super::{Actor, Catalogue, JobKind, JobState, Stage, Tx, audit, events, shares};
use crate::{AssetId, StoreError, UnixMs};

/// A job as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Its number.
    pub id: i64,
    /// What it does.
    pub kind: JobKind,
    /// Whose work it is; `None`: the house's own.
    pub asset: Option<AssetId>,
    /// Of the house's own: what is swept, or what is purged.
    pub body: String,
    /// Whose the asset is.
    pub owner: Option<String>,
    /// Its place in the queue.
    pub state: JobState,
    /// Higher ones go first.
    pub priority: i64,
    /// Times it was taken since it last stored anything.
    pub attempts: u32,
    /// Due at.
    pub run_after_ms: UnixMs,
    /// Its step.
    pub stage: Stage,
    /// 0 to 1.
    pub progress: f64,
    /// Why it was last put back, or given up.
    pub error_code: Option<String>,
    /// See `error_code`.
    pub error_detail: Option<String>,
    /// Jobs that must be done first and are not.
    pub waits_for: Vec<i64>,
    /// When it was queued.
    pub created_ms: UnixMs,
    /// When it last changed.
    pub updated_ms: UnixMs,
}

/// What a listing of jobs is narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<JobKind>,
    /// In this state; the failed ones are the dead letters.
    pub state: Option<JobState>,
    /// Of this asset.
    pub asset: Option<AssetId>,
    /// Of this owner's assets.
    pub owner: Option<String>,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It is queued.
    Queued(i64),
    /// The asset has a job that is not over.
    Busy(i64),
    /// There is no such asset.
    Unknown,
    /// A job that it is to wait for does not exist.
    NoNeed(i64),
}

/// What became of a wish about one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wished {
    /// Done; the asset that it was about.
    Done(Option<AssetId>),
    /// There is no such job.
    Unknown,
    /// It is in a state in which this cannot be.
    NotNow,
}

const SELECT: &str = "SELECT j.*, a.owner AS owner, (SELECT string_agg(CAST(w.needs AS TEXT), ',') FROM job_waits w JOIN jobs n ON \
     n.id = w.needs WHERE w.job = j.id AND n.state <> 'done') AS waits FROM jobs j LEFT JOIN assets a ON a.id = j.asset";

impl Catalogue {
    /// Queues the work on an asset anew, behind the jobs in `needs`.
    pub async fn submit(
        &self,
        asset: &AssetId,
        priority: i64,
        needs: &[i64],
        actor: &Actor,
        now: UnixMs,
    ) -> Result<Submitted, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT 1 FROM assets WHERE id = $1 AND deleted_ms IS NULL LIMIT 1";
        if !is_there(&mut tx, sqlx::query(sql).bind(asset.as_str())).await? {
            return Ok(Submitted::Unknown);
        }
        let sql =
            "SELECT id FROM jobs WHERE asset = $1 AND kind <> 'pictures' AND state IN ('queued', 'running') LIMIT 1";
        if let Some(job) = sqlx::query_scalar(sql).bind(asset.as_str()).fetch_optional(&mut *tx).await? {
            return Ok(Submitted::Busy(job));
        }
        let sql = "INSERT INTO jobs (kind, asset, state, priority, unique_key, run_after_ms, stage, created_ms, updated_ms) \
                   VALUES ('ingest', $1, 'queued', $2, 'ingest:' || $1, $3, 'probe', $3, $3) RETURNING id";
        let job: i64 =
            sqlx::query_scalar(sql).bind(asset.as_str()).bind(priority).bind(now).fetch_one(&mut *tx).await?;
        for need in needs {
            let sql = "INSERT INTO job_waits (job, needs) SELECT $1, id FROM jobs WHERE id = $2 ON CONFLICT DO NOTHING";
            if sqlx::query(sql).bind(job).bind(need).execute(&mut *tx).await?.rows_affected() == 0 {
                return Ok(Submitted::NoNeed(*need));
            }
        }
        requeue_asset(&mut tx, asset.as_str(), now).await?;
        audit::append(&mut tx, actor, "work.submitted", asset.as_str(), "{}", now).await?;
        tx.commit().await?;
        Ok(Submitted::Queued(job))
    }

    /// Ends all work on an asset: queued and running jobs are cancelled, whoever works is fenced off. Answers how many.
    pub async fn cancel_work(&self, asset: &AssetId, actor: &Actor, now: UnixMs) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE jobs SET state = 'cancelled', fence = fence + 1, lease_owner = NULL, lease_until_ms = NULL, \
                   updated_ms = $2 WHERE asset = $1 AND state IN ('queued', 'running') RETURNING kind";
        let kinds: Vec<JobKind> = sqlx::query_scalar(sql).bind(asset.as_str()).bind(now).fetch_all(&mut *tx).await?;
        let jobs = kinds.len() as u64;
        if jobs > 0 {
            shares::forget_of(&mut tx, asset).await?;
        }
        if kinds.iter().any(|kind| kind.carries_asset()) {
            fail_asset(&mut tx, asset, now).await?;
        }
        if jobs > 0 {
            audit::append(&mut tx, actor, "work.cancelled", asset.as_str(), "{}", now).await?;
        }
        tx.commit().await?;
        Ok(jobs)
    }

    /// Cancels one job that is not over.
    pub async fn cancel_job(&self, id: i64, actor: &Actor, now: UnixMs) -> Result<Wished, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE jobs SET state = 'cancelled', fence = fence + 1, lease_owner = NULL, lease_until_ms = NULL, \
                   updated_ms = $2 WHERE id = $1 AND state IN ('queued', 'running') RETURNING asset, kind";
        let row = sqlx::query(sql).bind(id).bind(now).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return self.why_not(&mut tx, id).await };
        let (asset, kind) = (asset_of(&row)?, row.try_get::<JobKind, _>("kind")?);
        shares::forget(&mut tx, id).await?;
        if let Some(asset) = asset.as_ref().filter(|_| kind.carries_asset()) {
            fail_asset(&mut tx, asset, now).await?;
        }
        audit::append(&mut tx, actor, "job.cancelled", &id.to_string(), "{}", now).await?;
        tx.commit().await?;
        Ok(Wished::Done(asset))
    }

    /// Queues a dead or cancelled job again, with all its attempts.
    pub async fn replay_job(&self, id: i64, actor: &Actor, now: UnixMs) -> Result<Wished, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE jobs SET state = 'queued', attempts = 0, fence = fence + 1, run_after_ms = $2, \
                   error_code = NULL, error_detail = NULL, updated_ms = $2 WHERE id = $1 AND state IN ('failed', 'cancelled') \
                   AND (kind = 'pictures' OR NOT EXISTS (SELECT 1 FROM jobs b WHERE b.asset = jobs.asset AND b.kind <> 'pictures' \
                   AND b.state IN ('queued', 'running'))) \
                   AND NOT EXISTS (SELECT 1 FROM jobs b WHERE b.unique_key = jobs.unique_key AND b.state IN ('queued', 'running')) \
                   RETURNING asset, kind";
        let row = sqlx::query(sql).bind(id).bind(now).fetch_optional(&mut *tx).await?;
        let Some(row) = row else { return self.why_not(&mut tx, id).await };
        let (asset, kind) = (asset_of(&row)?, row.try_get::<JobKind, _>("kind")?);
        if let Some(asset) = asset.as_ref().filter(|_| kind.carries_asset()) {
            requeue_asset(&mut tx, asset.as_str(), now).await?;
        }
        audit::append(&mut tx, actor, "job.replayed", &id.to_string(), "{}", now).await?;
        tx.commit().await?;
        Ok(Wished::Done(asset))
    }

    /// One job.
    pub async fn job(&self, id: i64) -> Result<Option<JobRow>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE j.id = $1"));
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(&self.read).await?)
    }

    /// Jobs before `before`, youngest first.
    pub async fn jobs(&self, filter: &JobFilter, before: i64, limit: u32) -> Result<Vec<JobRow>, StoreError> {
        let mut sql = Sql::new(SELECT);
        sql.push(" WHERE j.id < ").push_bind(before);
        if let Some(kind) = filter.kind {
            sql.push(" AND j.kind = ").push_bind(kind);
        }
        if let Some(state) = filter.state {
            sql.push(" AND j.state = ").push_bind(state);
        }
        if let Some(asset) = &filter.asset {
            sql.push(" AND j.asset = ").push_bind(asset.as_str().to_owned());
        }
        if let Some(owner) = &filter.owner {
            sql.push(" AND a.owner = ").push_bind(owner.clone());
        }
        sql.push(" ORDER BY j.id DESC LIMIT ").push_bind(i64::from(limit));
        Ok(sql.build_query_as().fetch_all(&self.read).await?)
    }

    /// Forgets jobs that ended well, or were cancelled, before `oldest`. Answers how many.
    pub async fn sweep_jobs(&self, oldest: UnixMs) -> Result<u64, StoreError> {
        let sql = "DELETE FROM jobs WHERE state IN ('done', 'cancelled') AND updated_ms < $1";
        let mut tx = self.begin().await?;
        let gone = sqlx::query(sql).bind(oldest).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }

    async fn why_not(&self, tx: &mut Tx, id: i64) -> Result<Wished, StoreError> {
        let found = is_there(tx, sqlx::query("SELECT 1 FROM jobs WHERE id = $1 LIMIT 1").bind(id)).await?;
        Ok(if found { Wished::NotNow } else { Wished::Unknown })
    }
}

async fn requeue_asset(tx: &mut Tx, asset: &str, now: UnixMs) -> Result<(), StoreError> {
    let sql =
        "UPDATE assets SET state = 'queued', error_code = NULL, error_detail = NULL, updated_ms = $2 WHERE id = $1";
    sqlx::query(sql).bind(asset).bind(now).execute(&mut **tx).await?;
    Ok(())
}

async fn fail_asset(tx: &mut Tx, asset: &AssetId, now: UnixMs) -> Result<(), StoreError> {
    let sql = "UPDATE assets SET state = 'failed', error_code = 'cancelled', error_detail = \
               'The work on this file was cancelled. It can be submitted again.', updated_ms = $2 WHERE id = $1";
    sqlx::query(sql).bind(asset.as_str()).bind(now).execute(&mut **tx).await?;
    events::append(tx, "asset.failed", asset, r#"{"code":"cancelled"}"#, now).await
}

fn asset_of(row: &sqlx::any::AnyRow) -> Result<Option<AssetId>, StoreError> {
    let asset: Option<&str> = row.try_get("asset")?;
    asset.map(|text| text.parse().map_err(|_| StoreError::Damaged(format!("asset name {text:?}")))).transpose()
}

impl<'r> FromRow<'r, sqlx::any::AnyRow> for JobRow {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let waits: Option<&str> = row.try_get("waits")?;
        Ok(Self {
            id: row.try_get("id")?,
            kind: row.try_get("kind")?,
            asset: asset_of(row).map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
            body: row.try_get("body")?,
            owner: row.try_get("owner")?,
            state: row.try_get("state")?,
            priority: row.try_get("priority")?,
            attempts: super::small(row.try_get("attempts")?)?,
            run_after_ms: row.try_get("run_after_ms")?,
            stage: row.try_get("stage")?,
            progress: row.try_get("progress")?,
            error_code: row.try_get("error_code")?,
            error_detail: row.try_get("error_detail")?,
            waits_for: waits.unwrap_or_default().split(',').filter_map(|id| id.parse().ok()).collect(),
            created_ms: row.try_get("created_ms")?,
            updated_ms: row.try_get("updated_ms")?,
        })
    }
}
