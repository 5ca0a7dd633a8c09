//! Jobs: a leased table. A worker takes the next job that is due, keeps its lease alive with heartbeats, and writes
//! results only while its *fence* is the row's: whoever takes a job over raises the fence, and what the former holder
//! still writes is refused with [`StoreError::Fenced`].

use sqlx::{FromRow, Row};

use super::sql::{Sql, words};
use super::{AssetState, Catalogue, Dialect, Tx, events, shares};
use crate::{AssetId, StoreError, UnixMs};

/// What a job does. Each kind has its own workers, so that hours of encoding never hold up the next upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Probe, plan, repackage what needs no encoding.
    Ingest,
    /// Encode the H.264 rendition of a source that has none.
    Fallback,
    /// Encode the ladder.
    Ladder,
    /// Make the poster and the storyboard: beside the others, and of no weight for the state of the asset.
    Pictures,
    /// Work of the house itself, of no asset: remove what nobody needs any more.
    Sweep,
    /// Of no asset: copy everything to a folder.
    Backup,
    /// Of no asset: tell edges to let go of what they keep.
    Purge,
}

words!(JobKind {
    Ingest = "ingest",
    Fallback = "fallback",
    Ladder = "ladder",
    Pictures = "pictures",
    Sweep = "sweep",
    Backup = "backup",
    Purge = "purge"
});

impl JobKind {
    /// The state of the asset is how far this job has come.
    pub fn carries_asset(self) -> bool {
        matches!(self, Self::Ingest | Self::Fallback | Self::Ladder)
    }
}

/// A job's place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Waits until it is due.
    Queued,
    /// Leased.
    Running,
    /// Done.
    Done,
    /// Given up: a dead letter, with its reason.
    Failed,
    /// Ended by a person.
    Cancelled,
}

words!(JobState { Queued = "queued", Running = "running", Done = "done", Failed = "failed", Cancelled = "cancelled" });

/// The step a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading what the upload is.
    Probe,
    /// Repackaging without encoding.
    Package,
    /// Encoding.
    Transcode,
    /// Making tracks visible.
    Publish,
    /// Nothing is left.
    Done,
}

words!(Stage { Probe = "probe", Package = "package", Transcode = "transcode", Publish = "publish", Done = "done" });

/// The right to work on a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: i64,
    /// Whose work it is.
    pub asset: AssetId,
    /// What to do.
    pub kind: JobKind,
    /// Times it was taken since it last stored anything.
    pub attempts: u32,
    /// Every write names it.
    pub fence: i64,
}

/// A row of `jobs`.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What it does.
    pub kind: JobKind,
    /// Its place in the queue.
    pub state: JobState,
    /// Times it was taken since it last stored anything.
    #[sqlx(try_from = "i64")]
    pub attempts: u32,
    /// Due at.
    pub run_after_ms: UnixMs,
    /// Its step.
    pub stage: Stage,
    /// 0 to 1, as of the last heartbeat.
    pub progress: f64,
    /// Why it was last put back, or given up.
    pub error_code: Option<String>,
    /// See `error_code`.
    pub error_detail: Option<String>,
}

/// How many jobs wait and run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueDepth {
    /// Waiting.
    pub queued: u64,
    /// Leased.
    pub running: u64,
}

impl Catalogue {
    /// Takes the next due job of a kind: a queued one, or a running one whose lease ran out. Of the highest
    /// priority the oldest first; one that waits for others not before they are done.
    pub async fn lease(
        &self,
        kind: JobKind,
        owner: &str,
        until: UnixMs,
        now: UnixMs,
    ) -> Result<Option<Lease>, StoreError> {
        let mut tx = self.begin_claim().await?;
        let (overdue, due) = match self.dialect {
            Dialect::Sqlite => (OVERDUE.to_owned(), DUE.to_owned()),
            // The asset's row as well: whoever ends the work of an asset has that first, and its jobs then.
            Dialect::Postgres => (format!("{OVERDUE} {SKIP}"), format!("{DUE} {SKIP}")),
        };
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = fence + 1, lease_owner = $2, \
             lease_until_ms = $3, updated_ms = $4 WHERE id = coalesce(({overdue}), ({due})) \
             RETURNING id, asset, kind, attempts, fence"
        );
        let lease: Option<Lease> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(kind)
            .bind(self.named(owner))
            .bind(until)
            .bind(now)
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(lease) = lease.as_ref().filter(|lease| lease.kind.carries_asset()) {
            set_asset_state(&mut tx, &lease.asset, AssetState::Running, now).await?;
        }
        tx.commit().await?;
        Ok(lease)
    }

    /// How the database would look for the next due job, a line a step: for tests.
    pub async fn lease_plan(&self, kind: JobKind) -> Result<Vec<String>, StoreError> {
        let (kind_at, now_at) = DUE.split_once("$1").expect("it names the kind first");
        let (middle, rest) = now_at.split_once("$4").expect("and then the time");
        let mut sql = Sql::new(self.explain());
        sql.push(kind_at).push_bind(kind).push(middle).push_bind(1_i64).push(rest);
        self.plan(sql).await
    }

    /// Whether a job is still its holder's; [`StoreError::Fenced`] when it is not.
    pub async fn holds(&self, lease: &Lease) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND state = 'running' LIMIT 1";
        let held = sqlx::query(sql).bind(lease.job).bind(lease.fence).fetch_optional(&self.read).await?;
        held.map(drop).ok_or(StoreError::Fenced)
    }

    /// Keeps a lease alive and tells how far the job has come; that never falls, whoever goes on with it.
    pub async fn heartbeat(
        &self,
        lease: &Lease,
        until: UnixMs,
        stage: Stage,
        progress: f64,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE jobs SET updated_ms = $3, lease_until_ms = $4, stage = $5, \
                   progress = CASE WHEN progress > $6 THEN progress ELSE $6 END WHERE id = $1 AND fence = $2 AND state = 'running'";
        let held = sqlx::query(sql)
            .bind(lease.job)
            .bind(lease.fence)
            .bind(now)
            .bind(until)
            .bind(stage)
            .bind(progress)
            .execute(&self.write)
            .await?;
        if held.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// Gives a job up at a stage. What is published stays published.
    pub async fn fail_job(
        &self,
        lease: &Lease,
        stage: Stage,
        code: &str,
        detail: &str,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        hold(&mut tx, lease, now).await?;
        sqlx::query(
            "UPDATE jobs SET state = 'failed', lease_owner = NULL, lease_until_ms = NULL, error_code = $2, \
             error_detail = $3, stage = $4 WHERE id = $1",
        )
        .bind(lease.job)
        .bind(code)
        .bind(detail)
        .bind(stage)
        .execute(&mut *tx)
        .await?;
        shares::forget(&mut tx, lease.job).await?;
        if !lease.kind.carries_asset() {
            return Ok(tx.commit().await?);
        }
        sqlx::query(
            "UPDATE assets SET state = 'failed', error_code = $2, error_detail = $3, updated_ms = $4 WHERE id = $1",
        )
        .bind(lease.asset.as_str())
        .bind(code)
        .bind(detail)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        let body = serde_json::json!({ "code": code }).to_string();
        events::append(&mut tx, "asset.failed", &lease.asset, &body, now).await?;
        Ok(tx.commit().await?)
    }

    /// Puts a job back to be tried again at `run_after`.
    pub async fn retry_job(
        &self,
        lease: &Lease,
        run_after: UnixMs,
        code: &str,
        detail: &str,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        self.put_back(lease, run_after, 0, Some((code, detail)), now).await
    }

    /// Puts a job back because this process ends; that is no attempt.
    pub async fn release_job(&self, lease: &Lease, now: UnixMs) -> Result<(), StoreError> {
        self.put_back(lease, now, 1, None, now).await
    }

    /// At start: nobody else has this data folder, so whoever held a lease by its name is dead. Answers how many jobs that were.
    pub async fn reclaim_jobs(&self, now: UnixMs) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until_ms = NULL, run_after_ms = $1, \
                   fence = fence + 1, updated_ms = $1 WHERE state = 'running' AND lease_owner LIKE $2";
        let mine = self.named("%");
        let jobs = sqlx::query(sql).bind(now).bind(&mine).execute(&mut *tx).await?.rows_affected();
        shares::reclaim(&mut tx, &mine).await?;
        let sql = "UPDATE assets SET state = 'queued' WHERE state = 'running' AND NOT EXISTS \
                   (SELECT 1 FROM jobs j WHERE j.asset = assets.id AND j.state = 'running' AND j.kind <> 'pictures')";
        sqlx::query(sql).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(jobs)
    }

    /// When the next job of a kind is due, to sleep until then; `None` when there is none.
    pub async fn next_due(&self, kind: JobKind) -> Result<Option<UnixMs>, StoreError> {
        let sql = "SELECT min(CASE state WHEN 'queued' THEN run_after_ms ELSE lease_until_ms END) FROM jobs \
                   WHERE kind = $1 AND state IN ('queued', 'running') AND NOT EXISTS (SELECT 1 FROM job_waits w \
                   JOIN jobs n ON n.id = w.needs WHERE w.job = jobs.id AND n.state <> 'done') AND NOT EXISTS (SELECT 1 FROM assets a WHERE a.id = jobs.asset AND a.deleted_ms IS NOT NULL)";
        Ok(sqlx::query_scalar(sql).bind(kind).fetch_one(&self.read).await?)
    }

    /// The asset's youngest job, but for its pictures: the one whose progress a person wants to see.
    pub async fn latest_job(&self, asset: &AssetId) -> Result<Option<Job>, StoreError> {
        let sql = "SELECT id, kind, state, attempts, run_after_ms, stage, progress, error_code, error_detail \
                   FROM jobs WHERE asset = $1 AND kind <> 'pictures' ORDER BY id DESC LIMIT 1";
        Ok(sqlx::query_as(sql).bind(asset.as_str()).fetch_optional(&self.read).await?)
    }

    /// How long the queue is.
    pub async fn queue_depth(&self) -> Result<QueueDepth, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'running') \
                   FROM jobs WHERE state IN ('queued', 'running')";
        let (queued, running): (i64, i64) = sqlx::query_as(sql).fetch_one(&self.read).await?;
        Ok(QueueDepth { queued: super::unsigned(queued)?, running: super::unsigned(running)? })
    }

    /// A worker of this data folder, among those of all.
    pub(super) fn named(&self, owner: &str) -> String {
        if self.instance.is_empty() { owner.to_owned() } else { format!("{}:{owner}", self.instance) }
    }

    async fn put_back(
        &self,
        lease: &Lease,
        run_after: UnixMs,
        attempts_forgiven: i64,
        error: Option<(&str, &str)>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        hold(&mut tx, lease, now).await?;
        sqlx::query(
            "UPDATE jobs SET state = 'queued', lease_owner = NULL, lease_until_ms = NULL, run_after_ms = $2, \
             attempts = CASE WHEN attempts > $3 THEN attempts - $3 ELSE 0 END, error_code = $4, error_detail = $5 WHERE id = $1",
        )
        .bind(lease.job)
        .bind(run_after)
        .bind(attempts_forgiven)
        .bind(error.map(|e| e.0))
        .bind(error.map(|e| e.1))
        .execute(&mut *tx)
        .await?;
        if lease.kind.carries_asset() {
            set_asset_state(&mut tx, &lease.asset, AssetState::Queued, now).await?;
        }
        Ok(tx.commit().await?)
    }
}

/// Of the jobs of the kind $1 whose lease ran out by $4, the next.
const OVERDUE: &str = "SELECT j.id FROM jobs j JOIN assets a ON a.id = j.asset WHERE j.kind = $1 AND j.state = 'running' \
     AND j.lease_until_ms <= $4 ORDER BY j.priority DESC, j.id LIMIT 1";

/// Of those that wait, are due and wait for no other, the next.
const DUE: &str = "SELECT j.id FROM jobs j JOIN assets a ON a.id = j.asset WHERE j.kind = $1 AND j.state = 'queued' \
     AND j.run_after_ms <= $4 AND a.deleted_ms IS NULL AND NOT EXISTS (SELECT 1 FROM job_waits w JOIN jobs n ON n.id = w.needs \
     WHERE w.job = j.id AND n.state <> 'done') ORDER BY j.priority DESC, j.id LIMIT 1";

/// What another worker is taking at this moment is passed over.
const SKIP: &str = "FOR UPDATE OF j, a SKIP LOCKED";

/// Every write of a worker begins with this: is the job still mine?
pub(super) async fn hold(tx: &mut Tx, lease: &Lease, now: UnixMs) -> Result<(), StoreError> {
    let held = sqlx::query("UPDATE jobs SET updated_ms = $3 WHERE id = $1 AND fence = $2 AND state = 'running'")
        .bind(lease.job)
        .bind(lease.fence)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    if held.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

/// Something lasting was stored: the attempts so far were not in vain, and count no more.
pub(super) async fn made_progress(tx: &mut Tx, job: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE jobs SET attempts = 0 WHERE id = $1").bind(job).execute(&mut **tx).await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut Tx,
    kind: JobKind,
    asset: &AssetId,
    stage: Stage,
    now: UnixMs,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO jobs (kind, asset, state, run_after_ms, stage, created_ms, updated_ms, unique_key, priority) \
               VALUES ($1, $2, 'queued', $4, $3, $4, $4, $1 || ':' || $2, \
               coalesce((SELECT priority FROM jobs WHERE asset = $2 ORDER BY id DESC LIMIT 1), 0)) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(kind).bind(asset.as_str()).bind(stage).bind(now).execute(&mut **tx).await?;
    Ok(())
}

/// A job did its part; `next` is queued. Without a next one the asset is ready. [`StoreError::Fenced`] comes before anything is written.
pub(super) async fn finish(tx: &mut Tx, lease: &Lease, next: Option<JobKind>, now: UnixMs) -> Result<(), StoreError> {
    end(tx, lease, now).await?;
    shares::forget(tx, lease.job).await?;
    match next {
        Some(kind) => {
            insert(tx, kind, &lease.asset, Stage::Transcode, now).await?;
            set_asset_state(tx, &lease.asset, AssetState::Queued, now).await
        }
        None if !lease.kind.carries_asset() => Ok(()),
        None => {
            set_asset_state(tx, &lease.asset, AssetState::Ready, now).await?;
            events::append(tx, "asset.ready", &lease.asset, "{}", now).await
        }
    }
}

/// Done, when it is still this worker's.
async fn end(tx: &mut Tx, lease: &Lease, now: UnixMs) -> Result<(), StoreError> {
    let sql = "UPDATE jobs SET state = 'done', stage = 'done', progress = 1, lease_owner = NULL, lease_until_ms = NULL, \
               error_code = NULL, error_detail = NULL, updated_ms = $3 WHERE id = $1 AND fence = $2 AND state = 'running'";
    let ended = sqlx::query(sql).bind(lease.job).bind(lease.fence).bind(now).execute(&mut **tx).await?;
    if ended.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
}

async fn set_asset_state(tx: &mut Tx, asset: &AssetId, state: AssetState, now: UnixMs) -> Result<(), StoreError> {
    let sql = "UPDATE assets SET state = $2, updated_ms = $3 WHERE id = $1";
    sqlx::query(sql).bind(asset.as_str()).bind(state).bind(now).execute(&mut **tx).await?;
    Ok(())
}

impl<'r> FromRow<'r, sqlx::any::AnyRow> for Lease {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let asset: String = row.try_get("asset")?;
        let damaged = |_| sqlx::Error::Decode(Box::new(StoreError::Damaged(format!("asset name {asset:?}"))));
        Ok(Self {
            job: row.try_get("id")?,
            asset: asset.parse().map_err(damaged)?,
            kind: row.try_get("kind")?,
            attempts: super::small(row.try_get("attempts")?)?,
            fence: row.try_get("fence")?,
        })
    }
}
