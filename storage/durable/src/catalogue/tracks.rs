//! Tracks and their segments: what was planned for an asset, and what of it is stored.

use sqlx::{FromRow, Row};

use super::sql::words;
use super::{Catalogue, Lease, jobs, object_id, signed, unsigned};
use crate::{AssetId, ObjectId, StoreError, UnixMs};

/// How far a track has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackState {
    /// Planned.
    Waiting,
    /// Some segments are stored; nobody sees them yet.
    Encoding,
    /// Whole and offered to players.
    Published,
}

words!(TrackState { Waiting = "waiting", Encoding = "encoding", Published = "published" });

/// A track that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Stands in the URL.
    pub name: String,
    /// The family (`h264`, `av1`, `aac`, `opus`) until the decoder configuration is known.
    pub codec: String,
    /// Coded width and height of a picture track.
    pub size: Option<(u32, u32)>,
    /// How many segments it will have.
    pub segments: u32,
}

/// The initialisation segment of a track, with the head of the presentation model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The track without its segments, JSON.
    pub head: String,
    /// RFC 6381 codecs parameter.
    pub codec: String,
    /// The initialisation segment's bytes.
    pub object: ObjectId,
    /// Their number.
    pub bytes: u64,
}

/// One stored segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRow {
    /// Its place, from 0.
    pub index: u32,
    /// Its bytes.
    pub object: ObjectId,
    /// Presentation time of its first sample, in ticks of the track.
    pub start: u64,
    /// Sum of its samples' durations, in ticks of the track.
    pub duration: u64,
    /// Size.
    pub bytes: u64,
}

/// A row of `tracks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Stands in the URL.
    pub name: String,
    /// Family, or RFC 6381 codecs parameter once it is known.
    pub codec: String,
    /// Coded width and height of a picture track.
    pub size: Option<(u32, u32)>,
    /// How many segments it will have.
    pub segments_planned: u32,
    /// How many are stored.
    pub segments_stored: u32,
    /// Set unless the track still waits.
    pub init: Option<Init>,
    /// How far it has come.
    pub state: TrackState,
}

impl Track {
    /// All of its segments are stored.
    pub fn is_whole(&self) -> bool {
        self.init.is_some() && self.segments_stored >= self.segments_planned
    }
}

impl Catalogue {
    /// Writes down what the probe found and what is to be made of it. Tracks of an earlier plan are forgotten, so that
    /// a job which failed before it published can be planned anew.
    pub async fn record_plan(
        &self,
        lease: &Lease,
        source_info: &str,
        plan: &str,
        duration_us: u64,
        tracks: &[Planned],
        now: UnixMs,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        jobs::hold(&mut tx, lease, now).await?;
        sqlx::query("UPDATE assets SET source_info = $2, plan = $3, duration_us = $4, updated_ms = $5 WHERE id = $1")
            .bind(lease.asset.as_str())
            .bind(source_info)
            .bind(plan)
            .bind(signed(duration_us)?)
            .bind(now)
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM tracks WHERE asset = $1").bind(lease.asset.as_str()).execute(&mut *tx).await?;
        for (position, track) in (0i64..).zip(tracks) {
            sqlx::query(
                "INSERT INTO tracks (asset, name, position, codec, width, height, segments_planned, state) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting')",
            )
            .bind(lease.asset.as_str())
            .bind(&track.name)
            .bind(position)
            .bind(&track.codec)
            .bind(track.size.map(|s| i64::from(s.0)))
            .bind(track.size.map(|s| i64::from(s.1)))
            .bind(i64::from(track.segments))
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// The tracks of an asset in the order in which they are offered.
    pub async fn tracks(&self, asset: &AssetId) -> Result<Vec<Track>, StoreError> {
        let sql = "SELECT name, codec, width, height, segments_planned, head, init_object, init_bytes, state, \
                   (SELECT count(*) FROM segments s WHERE s.asset = t.asset AND s.track = t.name) AS stored \
                   FROM tracks t WHERE asset = $1 ORDER BY position";
        Ok(sqlx::query_as(sql).bind(asset.as_str()).fetch_all(&self.read).await?)
    }

    /// The stored segments of a track, in order.
    pub async fn segments(&self, asset: &AssetId, track: &str) -> Result<Vec<SegmentRow>, StoreError> {
        let sql =
            "SELECT idx, object, start, duration, bytes FROM segments WHERE asset = $1 AND track = $2 ORDER BY idx";
        Ok(sqlx::query_as(sql).bind(asset.as_str()).bind(track).fetch_all(&self.read).await?)
    }
}

impl<'r> FromRow<'r, sqlx::any::AnyRow> for Track {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let damaged = |e: StoreError| sqlx::Error::Decode(Box::new(e));
        let codec: String = row.try_get("codec")?;
        let side = |name: &str| row.try_get::<Option<i64>, _>(name)?.map(super::small).transpose().map_err(damaged);
        let (width, height) = (side("width")?, side("height")?);
        let head: Option<String> = row.try_get("head")?;
        let init = match head {
            None => None,
            Some(head) => Some(Init {
                head,
                codec: codec.clone(),
                object: object_id(row.try_get("init_object")?).map_err(damaged)?,
                bytes: unsigned(row.try_get("init_bytes")?).map_err(damaged)?,
            }),
        };
        Ok(Self {
            name: row.try_get("name")?,
            codec,
            size: width.zip(height),
            segments_planned: super::small(row.try_get("segments_planned")?).map_err(damaged)?,
            segments_stored: super::small(row.try_get("stored")?).map_err(damaged)?,
            init,
            state: row.try_get("state")?,
        })
    }
}

impl<'r> FromRow<'r, sqlx::any::AnyRow> for SegmentRow {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let damaged = |e: StoreError| sqlx::Error::Decode(Box::new(e));
        Ok(Self {
            index: super::small(row.try_get("idx")?).map_err(damaged)?,
            object: object_id(row.try_get("object")?).map_err(damaged)?,
            start: unsigned(row.try_get("start")?).map_err(damaged)?,
            duration: unsigned(row.try_get("duration")?).map_err(damaged)?,
            bytes: unsigned(row.try_get("bytes")?).map_err(damaged)?,
        })
    }
}
