//! Playback, counted by asset and day: what the origin answered itself, and what edges report of theirs.

use super::Catalogue;
use super::sql::words;
use crate::{AssetId, StoreError, UnixMs};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Who counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountSource {
    /// This origin: mostly what edges fetched.
    Origin,
    /// An edge: what viewers fetched.
    Edge,
}

words!(CountSource { Origin = "origin", Edge = "edge" });

/// What was counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Top-level playlists: about one a viewer who begins.
    pub starts: u64,
    /// All requests.
    pub requests: u64,
    /// Bytes of all bodies.
    pub bytes: u64,
}

/// One day of one asset.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Day {
    /// Days since 1970 UTC.
    pub day: i64,
    /// Who counted.
    pub source: CountSource,
    /// See [`Count`].
    pub starts: i64,
    /// See [`Count`].
    pub requests: i64,
    /// See [`Count`].
    pub bytes: i64,
}

impl Catalogue {
    /// Adds up. Counts of assets that are gone are dropped.
    pub async fn count(&self, counts: &[(AssetId, Count)], source: CountSource, now: UnixMs) -> Result<(), StoreError> {
        if counts.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (asset, count) in counts {
            let small = |n: u64| i64::try_from(n).unwrap_or(i64::MAX / 2);
            sqlx::query(
                "INSERT INTO playback_days (asset, day, source, starts, requests, bytes) \
                 SELECT id, $2, $3, $4, $5, $6 FROM assets WHERE id = $1 \
                 ON CONFLICT (asset, day, source) DO UPDATE SET starts = playback_days.starts + excluded.starts, \
                 requests = playback_days.requests + excluded.requests, bytes = playback_days.bytes + excluded.bytes",
            )
            .bind(asset.as_str())
            .bind(now.div_euclid(DAY_MS))
            .bind(source)
            .bind(small(count.starts))
            .bind(small(count.requests))
            .bind(small(count.bytes))
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The days of one asset, youngest first.
    pub async fn days(&self, asset: &AssetId, limit: u32) -> Result<Vec<Day>, StoreError> {
        let sql = "SELECT day, source, starts, requests, bytes FROM playback_days WHERE asset = $1 \
                   ORDER BY day DESC, source LIMIT $2";
        Ok(sqlx::query_as(sql).bind(asset.as_str()).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }
}
