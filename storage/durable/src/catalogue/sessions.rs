//! Sessions: from a sign-in until it ends. A refresh token is of use once; one that comes back ends its session. The playback tokens that
//! were given in a session end with it.

use super::Catalogue;
use super::grants::{self, TakenBack, Which};
use super::keys::Role;
use super::sql::Tx;
use crate::limits::SESSIONS_AN_ACCOUNT_MAX;
use crate::{StoreError, UnixMs};

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Its name.
    pub id: String,
    /// What the client says it is.
    pub agent: String,
    /// SHA-256 of its refresh token, in hexadecimal.
    pub refresh: String,
    /// When.
    pub created_ms: UnixMs,
    /// It ends then by itself.
    pub expires_ms: UnixMs,
}

/// A row of `sessions`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Session {
    /// Its name.
    pub id: String,
    /// Whose.
    pub account: String,
    /// What the client says it is.
    pub agent: String,
    /// When it began.
    pub created_ms: UnixMs,
    /// When its tokens were last renewed.
    pub used_ms: UnixMs,
    /// It ends then by itself.
    pub expires_ms: UnixMs,
}

/// What became of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The new one is in its place.
    Done(Session),
    /// There is no such token.
    Unknown,
    /// It was used before: its session has ended now.
    Reused(String),
    /// Its session had ended before.
    Ended,
}

const COLUMNS: &str = "id, account, agent, created_ms, used_ms, expires_ms";

impl Catalogue {
    /// The role of whoever has this session, while it goes on.
    pub async fn session_role(&self, id: &str, account: &str, now: UnixMs) -> Result<Option<Role>, StoreError> {
        let sql = "SELECT a.role FROM sessions s JOIN accounts a ON a.id = s.account \
                   WHERE s.id = $1 AND s.account = $2 AND s.ended_ms IS NULL AND s.expires_ms > $3 AND a.banned_ms IS NULL";
        Ok(sqlx::query_scalar(sql).bind(id).bind(account).bind(now).fetch_optional(&self.read).await?)
    }

    /// Puts `fresh` in the place of `old`, both as [`NewSession::refresh`] has them.
    pub async fn refresh(
        &self,
        old: &str,
        fresh: &str,
        expires_ms: UnixMs,
        now: UnixMs,
    ) -> Result<Refreshed, StoreError> {
        let mut tx = self.begin().await?;
        // The one that changes the row wins; of two at once the other finds it used.
        let sql = "UPDATE refresh_tokens SET used_ms = $2 WHERE hash = $1 AND used_ms IS NULL";
        let won = sqlx::query(sql).bind(old).bind(now).execute(&mut *tx).await?.rows_affected() == 1;
        let sql = "SELECT session FROM refresh_tokens WHERE hash = $1";
        let Some(id): Option<String> = sqlx::query_scalar(sql).bind(old).fetch_optional(&mut *tx).await? else {
            return Ok(Refreshed::Unknown);
        };
        if !won {
            end_one(&mut tx, &id, "refresh token used twice", now).await?;
            tx.commit().await?;
            return Ok(Refreshed::Reused(id));
        }
        let sql = sqlx::AssertSqlSafe(format!(
            "UPDATE sessions SET used_ms = $2, expires_ms = $3 WHERE id = $1 AND ended_ms IS NULL AND expires_ms > $2 \
             RETURNING {COLUMNS}"
        ));
        let session: Option<Session> =
            sqlx::query_as(sql).bind(&id).bind(now).bind(expires_ms).fetch_optional(&mut *tx).await?;
        let Some(session) = session else { return Ok(Refreshed::Ended) };
        insert_token(&mut tx, fresh, &id).await?;
        tx.commit().await?;
        Ok(Refreshed::Done(session))
    }

    /// Sessions of an account that go on, youngest first.
    pub async fn sessions(&self, account: &str, now: UnixMs) -> Result<Vec<Session>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM sessions WHERE account = $1 AND ended_ms IS NULL AND expires_ms > $2 \
             ORDER BY created_ms DESC, id"
        ));
        Ok(sqlx::query_as(sql).bind(account).bind(now).fetch_all(&self.read).await?)
    }

    /// Ends one session of an account; `false` when it has no such session that goes on.
    pub async fn end_session(&self, account: &str, id: &str, why: &str, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql =
            "UPDATE sessions SET ended_ms = $3, ended_why = $4 WHERE id = $1 AND account = $2 AND ended_ms IS NULL";
        let done = sqlx::query(sql).bind(id).bind(account).bind(now).bind(why).execute(&mut *tx).await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        grants::revoke(&mut tx, Which::Session(id), TakenBack::Session, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Forgets sessions, with their tokens, that ended before `oldest`. Answers how many.
    pub async fn sweep_sessions(&self, oldest: UnixMs) -> Result<u64, StoreError> {
        let sql = "DELETE FROM sessions WHERE expires_ms < $1 OR ended_ms < $1";
        Ok(sqlx::query(sql).bind(oldest).execute(&self.write).await?.rows_affected())
    }
}

/// Begins a session. Of an account that has as many as may be, the oldest ones end.
pub(super) async fn begin(tx: &mut Tx, account: &str, new: &NewSession) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions (id, account, agent, created_ms, used_ms, expires_ms) \
               VALUES ($1, $2, $3, $4, $4, $5)";
    sqlx::query(sql)
        .bind(&new.id)
        .bind(account)
        .bind(&new.agent)
        .bind(new.created_ms)
        .bind(new.expires_ms)
        .execute(&mut **tx)
        .await?;
    insert_token(tx, &new.refresh, &new.id).await?;
    let sql = "UPDATE sessions SET ended_ms = $2, ended_why = 'too many' WHERE id IN \
               (SELECT id FROM sessions WHERE account = $1 AND ended_ms IS NULL AND expires_ms > $2 AND id <> $4 \
                ORDER BY created_ms DESC, id LIMIT 1000 OFFSET $3) RETURNING id";
    let ended: Vec<String> = sqlx::query_scalar(sql)
        .bind(account)
        .bind(new.created_ms)
        .bind(SESSIONS_AN_ACCOUNT_MAX - 1)
        .bind(&new.id)
        .fetch_all(&mut **tx)
        .await?;
    for id in ended {
        grants::revoke(tx, Which::Session(&id), TakenBack::Session, new.created_ms).await?;
    }
    Ok(())
}

pub(super) async fn end_all(tx: &mut Tx, account: &str, why: &str, now: UnixMs) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET ended_ms = $2, ended_why = $3 WHERE account = $1 AND ended_ms IS NULL";
    sqlx::query(sql).bind(account).bind(now).bind(why).execute(&mut **tx).await?;
    grants::revoke(tx, Which::Account(account), TakenBack::Account, now).await?;
    Ok(())
}

async fn end_one(tx: &mut Tx, id: &str, why: &str, now: UnixMs) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET ended_ms = $2, ended_why = $3 WHERE id = $1 AND ended_ms IS NULL";
    sqlx::query(sql).bind(id).bind(now).bind(why).execute(&mut **tx).await?;
    grants::revoke(tx, Which::Session(id), TakenBack::Session, now).await?;
    Ok(())
}

async fn insert_token(tx: &mut Tx, hash: &str, session: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO refresh_tokens (hash, session) VALUES ($1, $2)";
    sqlx::query(sql).bind(hash).bind(session).execute(&mut **tx).await?;
    Ok(())
}
