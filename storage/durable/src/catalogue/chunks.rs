//! Chunks: the segments of one cell of the grid, of all renditions encoded together. They are stored in one commit and
//! never encoded again; a track is not offered to players before all of its segments are there.

use sqlx::Row;

use super::{Catalogue, Init, Lease, SegmentRow, Tx, jobs, object_id, signed};
use crate::{AssetId, StoreError, UnixMs};

/// What one rendition gained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredChunk {
    /// The track.
    pub track: String,
    /// Its initialisation segment; the first one stored stays.
    pub init: Init,
    /// Its segments; one of a chunk, all of a repackaged track.
    pub segments: Vec<SegmentRow>,
    /// These are all the segments the track will ever have, whatever the plan expected.
    pub whole: bool,
}

impl Catalogue {
    /// Stores segments of several tracks in one commit. Their objects are durable already.
    pub async fn store_chunk(&self, lease: &Lease, chunk: &[StoredChunk], now: UnixMs) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        jobs::hold(&mut tx, lease, now).await?;
        for part in chunk {
            store(&mut tx, &lease.asset, part).await?;
        }
        jobs::made_progress(&mut tx, lease.job).await?;
        Ok(tx.commit().await?)
    }

    /// The segments that a track still lacks, by index.
    pub async fn missing(&self, asset: &AssetId, track: &str) -> Result<Vec<u32>, StoreError> {
        let planned: Option<i64> =
            sqlx::query_scalar("SELECT segments_planned FROM tracks WHERE asset = $1 AND name = $2")
                .bind(asset.as_str())
                .bind(track)
                .fetch_optional(&self.read)
                .await?;
        let stored: Vec<i64> =
            sqlx::query_scalar("SELECT idx FROM segments WHERE asset = $1 AND track = $2 ORDER BY idx")
                .bind(asset.as_str())
                .bind(track)
                .fetch_all(&self.read)
                .await?;
        Ok((0..super::small(planned.unwrap_or(0))?)
            .filter(|index| stored.binary_search(&i64::from(*index)).is_err())
            .collect())
    }
}

/// One rendition's part.
pub(super) async fn store(tx: &mut Tx, asset: &AssetId, part: &StoredChunk) -> Result<(), StoreError> {
    let row = sqlx::query("SELECT init_object FROM tracks WHERE asset = $1 AND name = $2")
        .bind(asset.as_str())
        .bind(&part.track)
        .fetch_optional(&mut **tx)
        .await?
        .ok_or_else(|| StoreError::Damaged(format!("no track {} in the plan", part.track)))?;
    match row.try_get::<Option<String>, _>("init_object")? {
        None => set_init(tx, asset, part).await?,
        Some(init) if object_id(&init)? == part.init.object => {}
        // Segments that were encoded before would no longer decode with the track's head.
        Some(_) => return Err(StoreError::Damaged(format!("track {} changed its initialisation", part.track))),
    }
    for segment in &part.segments {
        sqlx::query(
            "INSERT INTO segments (asset, track, idx, object, start, duration, bytes) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(asset.as_str())
        .bind(&part.track)
        .bind(i64::from(segment.index))
        .bind(segment.object.to_string())
        .bind(signed(segment.start)?)
        .bind(signed(segment.duration)?)
        .bind(signed(segment.bytes)?)
        .execute(&mut **tx)
        .await?;
    }
    if part.whole {
        let all = u32::try_from(part.segments.len()).unwrap_or(u32::MAX);
        let sql = "UPDATE tracks SET segments_planned = $3 WHERE asset = $1 AND name = $2";
        sqlx::query(sql).bind(asset.as_str()).bind(&part.track).bind(i64::from(all)).execute(&mut **tx).await?;
    }
    Ok(())
}

async fn set_init(tx: &mut Tx, asset: &AssetId, part: &StoredChunk) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE tracks SET codec = $3, head = $4, init_object = $5, init_bytes = $6, state = 'encoding' \
         WHERE asset = $1 AND name = $2",
    )
    .bind(asset.as_str())
    .bind(&part.track)
    .bind(&part.init.codec)
    .bind(&part.init.head)
    .bind(part.init.object.to_string())
    .bind(signed(part.init.bytes)?)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
