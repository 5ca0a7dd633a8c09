//! The audit log: who did what to which thing, written in the commit of what was done.

use super::{Catalogue, Tx};
use crate::limits::AUDIT_KEPT;
use crate::{StoreError, UnixMs};

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The owner that the key acts as.
    pub owner: String,
    /// The public half of the key.
    pub key: String,
}

/// A row of `audit`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Deed {
    /// Its place in the order of all.
    pub seq: i64,
    /// When.
    pub at_ms: UnixMs,
    /// By whom.
    pub actor: String,
    /// With which key.
    pub key: String,
    /// What: `content.updated`, `key.revoked`.
    pub action: String,
    /// To which thing.
    pub object: String,
    /// What changed, a JSON object.
    pub body: String,
}

impl Catalogue {
    /// Notes something that has no row of its own to change.
    pub async fn note(&self, actor: &Actor, action: &str, object: &str, now: UnixMs) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        append(&mut tx, actor, action, object, "{}", now).await?;
        Ok(tx.commit().await?)
    }

    /// What was done before `before`, youngest first; to one thing, or to all.
    pub async fn audit(&self, object: Option<&str>, before: i64, limit: u32) -> Result<Vec<Deed>, StoreError> {
        const COLUMNS: &str = "SELECT seq, at_ms, actor, key, action, object, body FROM audit WHERE seq < $1";
        let (of_one, of_all) = (" AND object = $3 ORDER BY seq DESC LIMIT $2", " ORDER BY seq DESC LIMIT $2");
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS}{}", if object.is_some() { of_one } else { of_all }));
        let query = sqlx::query_as(sql).bind(before).bind(i64::from(limit));
        let query = if let Some(object) = object { query.bind(object) } else { query };
        Ok(query.fetch_all(&self.read).await?)
    }
}

pub(super) async fn append(
    tx: &mut Tx,
    actor: &Actor,
    action: &str,
    object: &str,
    body: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO audit (at_ms, actor, key, action, object, body) VALUES ($1, $2, $3, $4, $5, $6) RETURNING seq";
    let seq: i64 = sqlx::query_scalar(sql)
        .bind(now)
        .bind(&actor.owner)
        .bind(&actor.key)
        .bind(action)
        .bind(object)
        .bind(body)
        .fetch_one(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM audit WHERE seq <= $1").bind(seq - AUDIT_KEPT).execute(&mut **tx).await?;
    Ok(())
}
