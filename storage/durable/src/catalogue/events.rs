//! The outbox: every change of an asset leaves a row here in the same commit, in one order.

use super::{Catalogue, Tx};
use crate::limits::{EVENTS_A_PRUNING, EVENTS_KEPT};
use crate::{AssetId, StoreError, UnixMs};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// Grows by at least one with every event, never reused.
    pub seq: i64,
    /// When.
    pub at_ms: UnixMs,
    /// `asset.created`, `asset.updated`, `asset.playable`, `track.published`, `asset.ready`, `asset.failed`,
    /// `asset.deleted`, `token.revoked`, `token.restored`, `subject.revoked`, `asset.revoked`, `cache.purge`.
    pub kind: String,
    /// To whom; empty for what is about none.
    pub asset: String,
    /// More about it, a JSON object.
    pub body: String,
}

impl Catalogue {
    /// Events after `seq`, oldest first.
    pub async fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let sql = "SELECT seq, at_ms, kind, asset, body FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";
        Ok(sqlx::query_as(sql).bind(seq).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }

    /// Numbers of the oldest event that is kept and of the last one; 0 and 0 before the first.
    pub async fn event_bounds(&self) -> Result<(i64, i64), StoreError> {
        let sql = "SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM events";
        Ok(sqlx::query_as(sql).fetch_one(&self.read).await?)
    }
}

pub(super) async fn append(
    tx: &mut Tx,
    kind: &str,
    asset: &AssetId,
    body: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    append_named(tx, kind, asset.as_str(), body, now).await
}

/// The same, of an asset that a row names.
pub(super) async fn append_named(
    tx: &mut Tx,
    kind: &str,
    asset: &str,
    body: &str,
    now: UnixMs,
) -> Result<(), StoreError> {
    let seq: i64 =
        sqlx::query_scalar("INSERT INTO events (at_ms, kind, asset, body) VALUES ($1, $2, $3, $4) RETURNING seq")
            .bind(now)
            .bind(kind)
            .bind(asset)
            .bind(body)
            .fetch_one(&mut **tx)
            .await?;
    // Not each time: in a commit of a few statements that is one too many.
    if seq % EVENTS_A_PRUNING == 0 {
        sqlx::query("DELETE FROM events WHERE seq <= $1").bind(seq - EVENTS_KEPT).execute(&mut **tx).await?;
    }
    Ok(())
}
