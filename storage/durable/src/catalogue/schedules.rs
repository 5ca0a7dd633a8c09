//! Schedules: jobs of the house that come again and again. When the next one is due is reckoned by the caller, who knows of
//! clocks and zones; here it is only remembered, and queued once.

use super::{Actor, Catalogue, Dialect, JobKind, Submitted, Tx, audit, events};
use crate::limits::SCHEDULES_MAX;
use crate::{StoreError, UnixMs};

/// A row of `schedules`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Schedule {
    /// Its name.
    pub id: String,
    /// What is done: the word of something that is swept, `backup` or `purge`.
    pub what: String,
    /// What it is told beside: JSON, or nothing.
    pub body: String,
    /// Minute, hour, day of month, month, day of week.
    pub cron: String,
    /// An IANA time zone.
    pub zone: String,
    /// When it is due next.
    pub next_ms: UnixMs,
    /// When it was last queued.
    pub last_ms: Option<UnixMs>,
    /// When it was made.
    pub created_ms: UnixMs,
}

/// A job of the house that someone works on.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Chore {
    /// The job.
    pub id: i64,
    /// What is done.
    pub kind: JobKind,
    /// Of a sweep what is swept, a word; of a purge what is purged, JSON.
    pub body: String,
    /// Times it was taken.
    #[sqlx(try_from = "i64")]
    pub attempts: u32,
    /// Every write names it.
    pub fence: i64,
}

impl Catalogue {
    /// Enters a schedule, or changes the one of this name; `false` when there are as many as may be.
    pub async fn put_schedule(&self, new: &Schedule, actor: &Actor) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM schedules").fetch_one(&mut *tx).await?;
        if count >= SCHEDULES_MAX {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO schedules (id, what, cron, zone, next_ms, created_ms, body) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (id) DO UPDATE SET what = $2, cron = $3, zone = $4, next_ms = $5, body = $7",
        )
        .bind(&new.id)
        .bind(&new.what)
        .bind(&new.cron)
        .bind(&new.zone)
        .bind(new.next_ms)
        .bind(new.created_ms)
        .bind(&new.body)
        .execute(&mut *tx)
        .await?;
        audit::append(&mut tx, actor, "schedule.put", &new.id, "{}", new.created_ms).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Enters the house's own schedules at a start, each once for ever: one that somebody ended stays so.
    pub async fn seed_schedules(&self, seeds: &[Schedule]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for new in seeds {
            let sql = "INSERT INTO seeds (schedule) VALUES ($1) ON CONFLICT DO NOTHING";
            if sqlx::query(sql).bind(&new.id).execute(&mut *tx).await?.rows_affected() == 0 {
                continue;
            }
            let sql = "INSERT INTO schedules (id, what, cron, zone, next_ms, created_ms) VALUES ($1, $2, $3, $4, $5, $6) \
                       ON CONFLICT DO NOTHING";
            sqlx::query(sql)
                .bind(&new.id)
                .bind(&new.what)
                .bind(&new.cron)
                .bind(&new.zone)
                .bind(new.next_ms)
                .bind(new.created_ms)
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// All schedules by name; there are few.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM schedules ORDER BY id").fetch_all(&self.read).await?)
    }

    /// Ends a schedule; `false` when there is none of this name.
    pub async fn delete_schedule(&self, id: &str, actor: &Actor, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM schedules WHERE id = $1").bind(id).execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, actor, "schedule.deleted", id, "{}", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Queues the job of a due schedule, unless the one before is not over, and remembers when the next is due, in one commit.
    /// `false`: someone else did.
    pub async fn queue_scheduled(&self, due: &Schedule, next: UnixMs, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE schedules SET next_ms = $3, last_ms = $4 WHERE id = $1 AND next_ms = $2";
        let moved = sqlx::query(sql).bind(&due.id).bind(due.next_ms).bind(next).bind(now).execute(&mut *tx).await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        let (kind, body) = match due.what.as_str() {
            "backup" => (JobKind::Backup, ""),
            "purge" => (JobKind::Purge, due.body.as_str()),
            what => (JobKind::Sweep, what),
        };
        let name = name(kind, body).unwrap_or_else(|| format!("purge:{}", due.id));
        insert(&mut tx, kind, body, Some(&name), now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Queues a job of the house at once: one of a kind of sweep and one backup at a time, and as many purges as are asked for.
    pub async fn submit_chore(
        &self,
        kind: JobKind,
        body: &str,
        actor: &Actor,
        now: UnixMs,
    ) -> Result<Submitted, StoreError> {
        let mut tx = self.begin().await?;
        let name = name(kind, body);
        let Some(job) = insert(&mut tx, kind, body, name.as_deref(), now).await? else {
            let sql = "SELECT id FROM jobs WHERE unique_key = $1 AND state IN ('queued', 'running')";
            return Ok(Submitted::Busy(sqlx::query_scalar(sql).bind(name).fetch_one(&mut *tx).await?));
        };
        audit::append(&mut tx, actor, "work.submitted", &job.to_string(), "{}", now).await?;
        tx.commit().await?;
        Ok(Submitted::Queued(job))
    }

    /// Tells every edge that follows the events what to let go of: a JSON object with one of `url`, `prefix`, `tag`, `group` and `all`.
    pub async fn purge_edges(&self, target: &str, now: UnixMs) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        events::append_named(&mut tx, "cache.purge", "", target, now).await?;
        Ok(tx.commit().await?)
    }

    /// Whether a job of the house is still this worker's: [`StoreError::Fenced`] if it is not.
    pub async fn holds_chore(&self, chore: &Chore) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM jobs WHERE id = $1 AND fence = $2 AND state = 'running' LIMIT 1";
        let held = sqlx::query(sql).bind(chore.id).bind(chore.fence).fetch_optional(&self.read).await?;
        held.map(drop).ok_or(StoreError::Fenced)
    }

    /// Keeps the lease of a job of the house alive that takes its time, and tells how far it has come; that never falls.
    pub async fn beat_chore(&self, chore: &Chore, until: UnixMs, progress: f64, now: UnixMs) -> Result<(), StoreError> {
        let sql = "UPDATE jobs SET lease_until_ms = $3, progress = CASE WHEN progress > $4 THEN progress ELSE $4 END, updated_ms = $5 \
                   WHERE id = $1 AND fence = $2 AND state = 'running'";
        let query = sqlx::query(sql).bind(chore.id).bind(chore.fence).bind(until).bind(progress).bind(now);
        let held = query.execute(&self.write).await?;
        if held.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// Takes the next job of the house that is due, of one of these kinds.
    pub async fn lease_chore(
        &self,
        kinds: &[JobKind],
        owner: &str,
        until: UnixMs,
        now: UnixMs,
    ) -> Result<Option<Chore>, StoreError> {
        let mut tx = self.begin_claim().await?;
        let skip = match self.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
        };
        let list = (4..4 + kinds.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = fence + 1, lease_owner = $1, \
             lease_until_ms = $2, updated_ms = $3 WHERE id = (SELECT id FROM jobs WHERE kind IN ({list}) AND \
             ((state = 'queued' AND run_after_ms <= $3) OR (state = 'running' AND lease_until_ms <= $3)) \
             ORDER BY priority DESC, id LIMIT 1 {skip}) RETURNING id, kind, body, attempts, fence"
        );
        let owner = self.named(owner);
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(owner).bind(until).bind(now);
        let query = kinds.iter().fold(query, |query, kind| query.bind(*kind));
        let chore = query.fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        Ok(chore)
    }

    /// Ends a job of the house. `again`: when it is tried again after a failure, or `None` when it is given up.
    pub async fn end_chore(
        &self,
        chore: &Chore,
        failure: Option<(&str, Option<UnixMs>)>,
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let (state, detail, run_after) = match failure {
            None => ("done", None, now),
            Some((detail, Some(again))) => ("queued", Some(detail), again),
            Some((detail, None)) => ("failed", Some(detail), now),
        };
        let sql = "UPDATE jobs SET state = $3, error_code = CASE WHEN $4 IS NULL THEN NULL ELSE kind || '_failed' END, error_detail = $4, \
                   run_after_ms = $5, lease_owner = NULL, lease_until_ms = NULL, progress = CASE WHEN $4 IS NULL THEN 1 ELSE progress END, \
                   stage = CASE WHEN $4 IS NULL THEN 'done' ELSE stage END, updated_ms = $6 WHERE id = $1 AND fence = $2 AND state = 'running'";
        let ended = sqlx::query(sql)
            .bind(chore.id)
            .bind(chore.fence)
            .bind(state)
            .bind(detail)
            .bind(run_after)
            .bind(now)
            .execute(&self.write)
            .await?;
        if ended.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
    }
}

/// By which name there is one such job at a time; `None`: there may be many.
fn name(kind: JobKind, body: &str) -> Option<String> {
    match kind {
        JobKind::Backup => Some("backup".into()),
        JobKind::Sweep => Some(format!("sweep:{body}")),
        _ => None,
    }
}

/// The job's number; `None` when one of this name is not over.
async fn insert(
    tx: &mut Tx,
    kind: JobKind,
    body: &str,
    name: Option<&str>,
    now: UnixMs,
) -> Result<Option<i64>, StoreError> {
    let sql = "INSERT INTO jobs (kind, state, unique_key, body, run_after_ms, stage, created_ms, updated_ms) \
               VALUES ($1, 'queued', $2, $3, $4, 'probe', $4, $4) ON CONFLICT DO NOTHING RETURNING id";
    Ok(sqlx::query_scalar(sql).bind(kind).bind(name).bind(body).bind(now).fetch_optional(&mut **tx).await?)
}
