//! Answers that are given again: a request that carries the key of an earlier one gets that one's answer.

use sqlx::Row;

use super::Catalogue;
use crate::limits::IDEMPOTENCY_KEYS_A_CALLER_MAX;
use crate::{StoreError, UnixMs};

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: the caller goes on, and tells the answer afterwards.
    New,
    /// The same request is being worked on.
    Running,
    /// Another request had this key.
    Another,
    /// The caller has too many keys in store.
    Full,
    /// This was the answer.
    Answered(KeptAnswer),
}

/// An answer as it went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Its status.
    pub status: u16,
    /// Names and values, JSON.
    pub headers: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Catalogue {
    /// Enters a key, or says what is known of it. `request` is a hash of what is asked; what is older than `oldest` is forgotten.
    pub async fn begin_once(
        &self,
        caller: &str,
        key: &str,
        request: &[u8; 32],
        oldest: UnixMs,
        now: UnixMs,
    ) -> Result<Earlier, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND created_ms < $3";
        sqlx::query(sql).bind(caller).bind(key).bind(oldest).execute(&mut *tx).await?;
        let sql = "SELECT request, status, headers, body FROM idempotency WHERE caller = $1 AND key = $2";
        if let Some(row) = sqlx::query(sql).bind(caller).bind(key).fetch_optional(&mut *tx).await? {
            if row.try_get::<&[u8], _>("request")? != request {
                return Ok(Earlier::Another);
            }
            let Some(status) = row.try_get::<Option<i64>, _>("status")? else { return Ok(Earlier::Running) };
            let status = u16::try_from(status).map_err(|_| StoreError::Damaged(format!("status {status}")))?;
            let (headers, body) = (row.try_get("headers")?, row.try_get("body")?);
            return Ok(Earlier::Answered(KeptAnswer { status, headers, body }));
        }
        let sql = "SELECT count(*) FROM idempotency WHERE caller = $1";
        let count: i64 = sqlx::query_scalar(sql).bind(caller).fetch_one(&mut *tx).await?;
        if count >= IDEMPOTENCY_KEYS_A_CALLER_MAX {
            return Ok(Earlier::Full);
        }
        sqlx::query("INSERT INTO idempotency (caller, key, request, created_ms, headers) VALUES ($1, $2, $3, $4, $5)")
            .bind(caller)
            .bind(key)
            .bind(request.as_slice())
            .bind(now)
            .bind(&self.instance) // until there is an answer: who works on it
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Earlier::New)
    }

    /// Keeps the answer.
    pub async fn answer_once(&self, caller: &str, key: &str, answer: &KeptAnswer) -> Result<(), StoreError> {
        let sql = "UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE caller = $1 AND key = $2";
        sqlx::query(sql)
            .bind(caller)
            .bind(key)
            .bind(i64::from(answer.status))
            .bind(&answer.headers)
            .bind(answer.body.as_slice())
            .execute(&self.write)
            .await?;
        Ok(())
    }

    /// Forgets a key whose request came to nothing: it may be asked again.
    pub async fn forget_once(&self, caller: &str, key: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM idempotency WHERE caller = $1 AND key = $2 AND status IS NULL";
        sqlx::query(sql).bind(caller).bind(key).execute(&self.write).await?;
        Ok(())
    }

    /// Forgets what is older than `oldest`. Answers how many.
    pub async fn sweep_idempotency(&self, oldest: UnixMs) -> Result<u64, StoreError> {
        let sql = "DELETE FROM idempotency WHERE created_ms < $1";
        Ok(sqlx::query(sql).bind(oldest).execute(&self.write).await?.rows_affected())
    }

    /// At start: whatever this data folder's process worked on has no one left who works on it.
    pub async fn forget_unanswered(&self) -> Result<u64, StoreError> {
        let sql = "DELETE FROM idempotency WHERE status IS NULL AND coalesce(headers, '') = $1";
        Ok(sqlx::query(sql).bind(&self.instance).execute(&self.write).await?.rows_affected())
    }
}
