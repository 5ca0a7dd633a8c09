//! Shares: several workers encode the chunks of one job, each chunk one of them. Whoever holds the job's lease *leads*: it alone takes over
//! chunks whose holder fell silent, publishes, and ends the job. Others *help*. A chunk that has a row here is somebody's, or stored; rows
//! are forgotten when the job is over.
//!
//! What takes its worker down with it is so left to the leader, whose attempts are counted.

use super::{Catalogue, JobKind, Lease, StoredChunk, Tx, chunks, jobs};
use crate::{AssetId, StoreError, UnixMs};

/// A worker's part in a job whose chunks several encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The job.
    pub job: i64,
    /// Whose work it is.
    pub asset: AssetId,
    /// This run's name, unlike all others'.
    holder: String,
    /// The fence of a leader; helpers outlive their leaders.
    fence: Option<i64>,
}

/// A chunk that has its worker, or had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Claim {
    /// Cell of the grid.
    #[sqlx(rename = "idx", try_from = "i64")]
    pub index: u32,
    /// Until when its holder has it, unless it says again that it lives; `None`: stored.
    pub until_ms: Option<UnixMs>,
}

impl Share {
    /// Whether its holder leads the job.
    pub fn leads(&self) -> bool {
        self.fence.is_some()
    }

    /// Compared with the job's fence, which only rises.
    fn fence_max(&self) -> i64 {
        self.fence.unwrap_or(i64::MAX)
    }
}

impl Catalogue {
    /// The leader's share in its job. `owner` names the process, `chance` the run.
    pub fn lead(&self, lease: &Lease, owner: &str, chance: u64) -> Share {
        Share { fence: Some(lease.fence), ..self.help(lease, owner, chance) }
    }

    /// A helper's share in a job that another one leads.
    pub fn help(&self, lease: &Lease, owner: &str, chance: u64) -> Share {
        let holder = self.named(&format!("{owner}-{chance:016x}"));
        Share { job: lease.job, asset: lease.asset.clone(), holder, fence: None }
    }

    /// Jobs of a kind that run, the first `limit` in the order of their turn, each as the lease of whoever has it.
    pub async fn running(&self, kind: JobKind, limit: u32) -> Result<Vec<Lease>, StoreError> {
        let sql = "SELECT j.id, j.asset, j.kind, j.attempts, j.fence FROM jobs j JOIN assets a ON a.id = j.asset \
                   WHERE j.kind = $1 AND j.state = 'running' AND a.deleted_ms IS NULL ORDER BY j.priority DESC, j.id LIMIT $2";
        Ok(sqlx::query_as(sql).bind(kind).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }

    /// The chunks of a job that are somebody's, or stored since the job began.
    pub async fn claims(&self, job: i64) -> Result<Vec<Claim>, StoreError> {
        let sql = "SELECT idx, until_ms FROM chunk_claims WHERE job = $1";
        Ok(sqlx::query_as(sql).bind(job).fetch_all(&self.read).await?)
    }

    /// Takes a chunk, of which `track` is one rendition: one that nobody has; a leader also one whose holder fell silent. Whether it is
    /// this share's now; that it was before, by a claim whose answer was lost, is a yes. `false` also when the job is over, or another's
    /// to lead.
    pub async fn claim(
        &self,
        share: &Share,
        track: &str,
        index: u32,
        until: UnixMs,
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        let sql = "INSERT INTO chunk_claims (job, idx, holder, until_ms) SELECT j.id, $2, $3, $4 FROM jobs j WHERE j.id = $1 \
                   AND j.state = 'running' AND j.fence <= $7 \
                   AND NOT EXISTS (SELECT 1 FROM segments s WHERE s.asset = j.asset AND s.track = $5 AND s.idx = $2) \
                   ON CONFLICT (job, idx) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms \
                   WHERE chunk_claims.until_ms <= $6 OR (chunk_claims.holder = excluded.holder AND chunk_claims.until_ms IS NOT NULL)";
        // No time has passed for a helper.
        let silent_since = if share.leads() { now } else { -1 };
        let claimed = sqlx::query(sql)
            .bind(share.job)
            .bind(i64::from(index))
            .bind(&share.holder)
            .bind(until)
            .bind(track)
            .bind(silent_since)
            .bind(share.fence_max())
            .execute(&self.write)
            .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Keeps what a share has.
    pub async fn keep_claims(&self, share: &Share, until: UnixMs) -> Result<(), StoreError> {
        let sql = "UPDATE chunk_claims SET until_ms = $3 WHERE job = $1 AND holder = $2 AND until_ms > 0";
        // Several rows, of which others want some: alone, so that no two wait for each other.
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(share.job).bind(&share.holder).bind(until).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Whether there is still something to help with; [`StoreError::Fenced`] when the job is over.
    pub async fn goes_on(&self, share: &Share) -> Result<(), StoreError> {
        let sql = "SELECT 1 FROM jobs WHERE id = $1 AND state IN ('queued', 'running') LIMIT 1";
        let found = sqlx::query(sql).bind(share.job).fetch_optional(&self.read).await?;
        found.map(drop).ok_or(StoreError::Fenced)
    }

    /// Lets go of what a share has not stored: to anyone, or, when it failed at it, to the leader.
    pub async fn give_back(&self, share: &Share, failed: bool) -> Result<(), StoreError> {
        let sql = match failed {
            true => "UPDATE chunk_claims SET until_ms = 0 WHERE job = $1 AND holder = $2 AND until_ms IS NOT NULL",
            false => "DELETE FROM chunk_claims WHERE job = $1 AND holder = $2 AND until_ms IS NOT NULL",
        };
        let mut tx = self.begin().await?;
        sqlx::query(sql).bind(share.job).bind(&share.holder).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Stores a chunk of a share in one commit; refused with [`StoreError::Fenced`] when another has it now, when the job is over, and when
    /// another leads what this one led. Its objects are durable already.
    pub async fn store_shared(&self, share: &Share, index: u32, chunk: &[StoredChunk]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE chunk_claims SET until_ms = NULL WHERE job = $1 AND idx = $2 AND holder = $3 AND EXISTS \
                   (SELECT 1 FROM jobs j WHERE j.id = $1 AND j.state IN ('queued', 'running') AND j.fence <= $4)";
        let held = sqlx::query(sql)
            .bind(share.job)
            .bind(i64::from(index))
            .bind(&share.holder)
            .bind(share.fence_max())
            .execute(&mut *tx)
            .await?;
        if held.rows_affected() == 0 {
            return Err(StoreError::Fenced);
        }
        for part in chunk {
            chunks::store(&mut tx, &share.asset, part).await?;
        }
        jobs::made_progress(&mut tx, share.job).await?;
        Ok(tx.commit().await?)
    }
}

/// Whoever held chunks by the names that are `LIKE` this is dead.
pub(super) async fn reclaim(tx: &mut Tx, holders: &str) -> Result<(), StoreError> {
    let sql = "UPDATE chunk_claims SET until_ms = 0 WHERE holder LIKE $1 AND until_ms > 0";
    sqlx::query(sql).bind(holders).execute(&mut **tx).await?;
    Ok(())
}

/// The job is over. Nobody shares where nobody else is.
pub(super) async fn forget(tx: &mut Tx, job: i64) -> Result<(), StoreError> {
    if tx.dialect == super::Dialect::Postgres {
        sqlx::query("DELETE FROM chunk_claims WHERE job = $1").bind(job).execute(&mut **tx).await?;
    }
    Ok(())
}

/// All jobs of an asset are over.
pub(super) async fn forget_of(tx: &mut Tx, asset: &AssetId) -> Result<(), StoreError> {
    if tx.dialect == super::Dialect::Postgres {
        let sql = "DELETE FROM chunk_claims WHERE job IN (SELECT id FROM jobs WHERE asset = $1)";
        sqlx::query(sql).bind(asset.as_str()).execute(&mut **tx).await?;
    }
    Ok(())
}
