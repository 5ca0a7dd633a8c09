//! Schedules: jobs of the house that come again and again. When the next one is due is reckoned by the caller, who knows of
//! clocks and zones; here it is only remembered, and queued once.

use super::{Actor, Catalogue, Dialect, audit};
use crate::limits::SCHEDULES_MAX;
use crate::{StoreError, UnixMs};

/// A row of `schedules`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Schedule {
    /// Its name.
    pub id: String,
    /// What is swept, a word.
    pub what: String,
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
    /// What is swept, a word.
    pub what: String,
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
            "INSERT INTO schedules (id, what, cron, zone, next_ms, created_ms) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO UPDATE SET what = $2, cron = $3, zone = $4, next_ms = $5",
        )
        .bind(&new.id)
        .bind(&new.what)
        .bind(&new.cron)
        .bind(&new.zone)
        .bind(new.next_ms)
        .bind(new.created_ms)
        .execute(&mut *tx)
        .await?;
        audit::append(&mut tx, actor, "schedule.put", &new.id, "{}", new.created_ms).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Enters schedules that are not there yet, at a start.
    pub async fn seed_schedules(&self, seeds: &[Schedule]) -> Result<(), StoreError> {
        for new in seeds {
            let sql = "INSERT INTO schedules (id, what, cron, zone, next_ms, created_ms) VALUES ($1, $2, $3, $4, $5, $6) \
                       ON CONFLICT DO NOTHING";
            sqlx::query(sql)
                .bind(&new.id)
                .bind(&new.what)
                .bind(&new.cron)
                .bind(&new.zone)
                .bind(new.next_ms)
                .bind(new.created_ms)
                .execute(&self.write)
                .await?;
        }
        Ok(())
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
        let sql = "INSERT INTO jobs (kind, state, unique_key, body, run_after_ms, stage, created_ms, updated_ms) \
                   VALUES ('sweep', 'queued', 'sweep:' || $1, $1, $2, 'probe', $2, $2) ON CONFLICT DO NOTHING";
        sqlx::query(sql).bind(&due.what).bind(now).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Takes the next job of the house that is due.
    pub async fn lease_chore(&self, owner: &str, until: UnixMs, now: UnixMs) -> Result<Option<Chore>, StoreError> {
        let mut tx = self.begin_claim().await?;
        let skip = match self.dialect {
            Dialect::Sqlite => "",
            Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
        };
        let sql = format!(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = fence + 1, lease_owner = $1, \
             lease_until_ms = $2, updated_ms = $3 WHERE id = (SELECT id FROM jobs WHERE kind = 'sweep' AND \
             ((state = 'queued' AND run_after_ms <= $3) OR (state = 'running' AND lease_until_ms <= $3)) \
             ORDER BY priority DESC, id LIMIT 1 {skip}) RETURNING id, body AS what, attempts, fence"
        );
        let owner = self.named(owner);
        let chore =
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(owner).bind(until).bind(now).fetch_optional(&mut *tx).await?;
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
        let sql = "UPDATE jobs SET state = $3, error_code = CASE WHEN $4 IS NULL THEN NULL ELSE 'sweep_failed' END, error_detail = $4, \
                   run_after_ms = $5, lease_owner = NULL, lease_until_ms = NULL, progress = CASE WHEN $4 IS NULL THEN 1 ELSE 0 END, \
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
