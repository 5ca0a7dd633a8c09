//! Publishing: tracks become visible to players, whole or not at all, several in one commit.

use sqlx::Row;

use super::sql::is_there;
use super::{Catalogue, JobKind, Lease, Stage, Tx, events, jobs};
use crate::{StoreError, UnixMs};

/// What publishing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The asset became playable by it.
    pub first: bool,
    /// Milliseconds from the end of the upload until it was playable.
    pub playable_ms: UnixMs,
}

impl Catalogue {
    /// Publishes tracks together. Each must have all its segments in an unbroken run from zero, and there must be one.
    pub async fn publish(&self, lease: &Lease, tracks: &[&str], now: UnixMs) -> Result<Published, StoreError> {
        let mut tx = self.begin().await?;
        jobs::hold(&mut tx, lease, now).await?;
        for track in tracks {
            publish_track(&mut tx, lease, track, now).await?;
        }
        let row = sqlx::query(
            "UPDATE assets SET playable = 1, playable_ms = coalesce(playable_ms, CASE WHEN $2 > uploaded_ms THEN $2 - uploaded_ms ELSE 0 END), \
             updated_ms = $2 WHERE id = $1 RETURNING playable_ms, \
             (SELECT count(*) FROM tracks t WHERE t.asset = assets.id AND t.state = 'published') AS published",
        )
        .bind(lease.asset.as_str())
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        let published: i64 = row.try_get("published")?;
        let first = usize::try_from(published).is_ok_and(|n| n == tracks.len());
        if first {
            events::append(&mut tx, "asset.playable", &lease.asset, "{}", now).await?;
            let sql = "SELECT 1 FROM assets a JOIN tracks t ON t.asset = a.id \
                       WHERE a.id = $1 AND a.key_id IS NULL AND t.width IS NOT NULL LIMIT 1";
            if is_there(&mut tx, sqlx::query(sql).bind(lease.asset.as_str())).await? {
                jobs::insert(&mut tx, JobKind::Pictures, &lease.asset, Stage::Transcode, now).await?;
            }
        }
        tx.commit().await?;
        Ok(Published { first, playable_ms: row.try_get("playable_ms")? })
    }
}

async fn publish_track(tx: &mut Tx, lease: &Lease, track: &str, now: UnixMs) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT (SELECT segments_planned FROM tracks WHERE asset = $1 AND name = $2) AS planned, \
         count(idx) AS stored, coalesce(max(idx) + 1, 0) AS reach FROM segments WHERE asset = $1 AND track = $2",
    )
    .bind(lease.asset.as_str())
    .bind(track)
    .fetch_one(&mut **tx)
    .await?;
    let planned = row.try_get::<Option<i64>, _>("planned")?.map(super::small).transpose()?;
    let (stored, reach) = (super::small(row.try_get("stored")?)?, super::small(row.try_get("reach")?)?);
    if stored == 0 || Some(stored) != planned || stored != reach {
        return Err(StoreError::NotWhole { track: track.to_owned(), stored, planned: planned.unwrap_or(0) });
    }
    sqlx::query("UPDATE tracks SET state = 'published' WHERE asset = $1 AND name = $2")
        .bind(lease.asset.as_str())
        .bind(track)
        .execute(&mut **tx)
        .await?;
    let body = serde_json::json!({ "track": track }).to_string();
    events::append(tx, "track.published", &lease.asset, &body, now).await
}
