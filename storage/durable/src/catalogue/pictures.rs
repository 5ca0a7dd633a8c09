//! The poster and the storyboard of an asset: which objects they are.

use sqlx::{FromRow, Row};

use super::sql::is_there;
use super::{Actor, Catalogue, JobKind, Lease, Stage, Submitted, Visibility, audit, events, jobs, object_id, signed};
use crate::{AssetId, ObjectId, StoreError, UnixMs};

/// A stored picture: a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub object: ObjectId,
    /// Their number.
    pub bytes: u64,
}

/// Which picture of an asset is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichPicture {
    /// The poster.
    Poster,
    /// A sheet, from 0.
    Sheet(u32),
}

impl WhichPicture {
    fn index(self) -> i64 {
        match self {
            Self::Poster => -1,
            Self::Sheet(index) => i64::from(index),
        }
    }
}

/// What stands behind the URL of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPicture {
    /// Who may see it.
    pub visibility: Visibility,
    /// The bytes, when there are any.
    pub object: Option<ObjectId>,
}

impl Catalogue {
    /// Stores the pictures of an asset, whose objects are durable already, in the place of those that it had; `about` is what is told of
    /// them. Answers the objects of those before: release them.
    pub async fn store_pictures(
        &self,
        lease: &Lease,
        about: &str,
        pictures: &[(WhichPicture, Picture)],
        now: UnixMs,
    ) -> Result<Vec<ObjectId>, StoreError> {
        let mut tx = self.begin().await?;
        jobs::hold(&mut tx, lease, now).await?;
        let sql = "DELETE FROM pictures WHERE asset = $1 RETURNING object";
        let former: Vec<String> = sqlx::query_scalar(sql).bind(lease.asset.as_str()).fetch_all(&mut *tx).await?;
        let sql = "UPDATE assets SET pictures = $2, updated_ms = $3 WHERE id = $1";
        sqlx::query(sql).bind(lease.asset.as_str()).bind(about).bind(now).execute(&mut *tx).await?;
        for (which, picture) in pictures {
            sqlx::query("INSERT INTO pictures (asset, idx, object, bytes) VALUES ($1, $2, $3, $4)")
                .bind(lease.asset.as_str())
                .bind(which.index())
                .bind(picture.object.to_string())
                .bind(signed(picture.bytes)?)
                .execute(&mut *tx)
                .await?;
        }
        jobs::made_progress(&mut tx, lease.job).await?;
        events::append(&mut tx, "asset.pictured", &lease.asset, "{}", now).await?;
        tx.commit().await?;
        former.iter().map(|text| object_id(text)).collect()
    }

    /// Queues the pictures of an asset anew, once it is playable; not of sound alone, and not of what is encrypted.
    pub async fn submit_pictures(&self, asset: &AssetId, actor: &Actor, now: UnixMs) -> Result<Submitted, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT 1 FROM assets WHERE id = $1 AND deleted_ms IS NULL AND playable = 1 AND key_id IS NULL AND EXISTS \
                   (SELECT 1 FROM tracks t WHERE t.asset = assets.id AND t.width IS NOT NULL) LIMIT 1";
        if !is_there(&mut tx, sqlx::query(sql).bind(asset.as_str())).await? {
            return Ok(Submitted::Unknown);
        }
        let sql = "SELECT id FROM jobs WHERE unique_key = 'pictures:' || $1 AND state IN ('queued', 'running') LIMIT 1";
        if let Some(job) = sqlx::query_scalar(sql).bind(asset.as_str()).fetch_optional(&mut *tx).await? {
            return Ok(Submitted::Busy(job));
        }
        jobs::insert(&mut tx, JobKind::Pictures, asset, Stage::Transcode, now).await?;
        let sql = "SELECT max(id) FROM jobs WHERE asset = $1 AND kind = 'pictures'";
        let job: i64 = sqlx::query_scalar(sql).bind(asset.as_str()).fetch_one(&mut *tx).await?;
        audit::append(&mut tx, actor, "work.submitted", asset.as_str(), r#"{"kind":"pictures"}"#, now).await?;
        tx.commit().await?;
        Ok(Submitted::Queued(job))
    }

    /// Looks one picture up; `None` when there is no such asset.
    pub async fn find_picture(&self, asset: &AssetId, which: WhichPicture) -> Result<Option<FoundPicture>, StoreError> {
        let sql = "SELECT a.visibility, p.object FROM assets a LEFT JOIN pictures p ON p.asset = a.id AND p.idx = $2 \
                   WHERE a.id = $1 AND a.deleted_ms IS NULL";
        Ok(sqlx::query_as(sql).bind(asset.as_str()).bind(which.index()).fetch_optional(&self.read).await?)
    }
}

impl<'r> FromRow<'r, sqlx::any::AnyRow> for FoundPicture {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let object: Option<&str> = row.try_get("object")?;
        Ok(Self {
            visibility: row.try_get("visibility")?,
            object: object.map(object_id).transpose().map_err(|e| sqlx::Error::Decode(Box::new(e)))?,
        })
    }
}
