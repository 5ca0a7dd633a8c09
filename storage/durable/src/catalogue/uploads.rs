//! Uploads that go on over several requests and processes. How many bytes there are is not here but the file's length.

use sqlx::{FromRow, Row};

use super::{Catalogue, NewAsset, assets, edits, signed, unsigned};
use crate::limits::UPLOADS_AN_OWNER_MAX;
use crate::{AssetId, StoreError, UnixMs};

/// A row of `uploads`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name in URLs.
    pub id: String,
    /// Whose it is.
    pub owner: String,
    /// Bytes it will have; unknown: the client tells later.
    pub length: Option<u64>,
    /// A part of one that is put together later (tus concatenation).
    pub part: bool,
    /// `Upload-Concat` of one that was put together of parts.
    pub joined: Option<String>,
    /// What is said of the asset to be, JSON.
    pub about: String,
    /// `Upload-Metadata` as it came, to be given back.
    pub metadata: String,
    /// What an S3 calls it, when the client sends its parts there.
    pub multipart: Option<String>,
    /// Bytes beyond this one are of a request whose checksum is not known to hold: they do not count.
    pub floor: Option<u64>,
    /// When it began.
    pub created_ms: UnixMs,
    /// When it is removed, unless it goes on.
    pub expires_ms: UnixMs,
    /// The asset that it became.
    pub asset: Option<AssetId>,
    /// The data folder that has its bytes, see [`crate::Store::instance`]. Unknown of those that began before this was written down.
    pub instance: Option<String>,
}

impl Upload {
    /// The data folder without which it cannot go on; `None`: any process can answer.
    pub fn bytes_at(&self) -> Option<&str> {
        let is_elsewhere = self.asset.is_some() || self.multipart.is_some();
        self.instance.as_deref().filter(|_| !is_elsewhere)
    }
}

/// What became of a new upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// It is there.
    Done,
    /// It would take more than the owner may.
    OverQuota,
    /// Its owner has as many open as may be.
    TooMany,
}

impl Catalogue {
    /// Enters an upload. `quota`: bytes that its owner may take, assets and announced uploads together.
    pub async fn create_upload(&self, upload: &Upload, quota: Option<u64>) -> Result<Entered, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT count(*) FROM uploads WHERE owner = $1 AND asset IS NULL";
        let open: i64 = sqlx::query_scalar(sql).bind(&upload.owner).fetch_one(&mut *tx).await?;
        if open >= UPLOADS_AN_OWNER_MAX {
            return Ok(Entered::TooMany);
        }
        if let Some(quota) = quota {
            let taken: i64 = sqlx::query_scalar(TAKEN).bind(&upload.owner).fetch_one(&mut *tx).await?;
            if unsigned(taken)?.saturating_add(upload.length.unwrap_or(0)) > quota {
                return Ok(Entered::OverQuota);
            }
        }
        sqlx::query(
            "INSERT INTO uploads (id, owner, length, part, about, metadata, created_ms, expires_ms, joined, multipart, \
             instance) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&upload.id)
        .bind(&upload.owner)
        .bind(upload.length.map(signed).transpose()?)
        .bind(i64::from(upload.part))
        .bind(&upload.about)
        .bind(&upload.metadata)
        .bind(upload.created_ms)
        .bind(upload.expires_ms)
        .bind(upload.joined.as_deref())
        .bind(upload.multipart.as_deref())
        .bind(upload.instance.as_deref())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Entered::Done)
    }

    /// One upload.
    pub async fn upload(&self, id: &str) -> Result<Option<Upload>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM uploads WHERE id = $1").bind(id).fetch_optional(&self.read).await?)
    }

    /// Bytes of an owner's assets, those in the bin included, and of the uploads that it has announced.
    pub async fn taken_bytes(&self, owner: &str) -> Result<u64, StoreError> {
        unsigned(sqlx::query_scalar(TAKEN).bind(owner).fetch_one(&self.read).await?)
    }

    /// Tells the length of an upload that began without; `false` when it has one.
    pub async fn set_upload_length(&self, id: &str, length: u64) -> Result<bool, StoreError> {
        let sql = "UPDATE uploads SET length = $2 WHERE id = $1 AND length IS NULL";
        Ok(sqlx::query(sql).bind(id).bind(signed(length)?).execute(&self.write).await?.rows_affected() == 1)
    }

    /// See [`Upload::floor`].
    pub async fn set_upload_floor(&self, id: &str, floor: Option<u64>) -> Result<(), StoreError> {
        let floor = floor.map(signed).transpose()?;
        sqlx::query("UPDATE uploads SET floor = $2 WHERE id = $1").bind(id).bind(floor).execute(&self.write).await?;
        Ok(())
    }

    /// Moves the end of an upload that goes on.
    pub async fn keep_upload(&self, id: &str, expires: UnixMs) -> Result<(), StoreError> {
        let sql = "UPDATE uploads SET expires_ms = $2 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(expires).execute(&self.write).await?;
        Ok(())
    }

    /// Makes an asset of an upload, in one commit: there is one of it, or none. Answers the first of its categories that does
    /// not exist any more; then nothing was done.
    pub async fn finish_upload(&self, id: &str, new: &NewAsset, now: UnixMs) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(word) = edits::unknown_category(&mut tx, &new.meta.categories).await? {
            return Ok(Some(word));
        }
        let sql = "UPDATE uploads SET asset = $2, length = $3 WHERE id = $1 AND asset IS NULL";
        let done =
            sqlx::query(sql).bind(id).bind(new.id.as_str()).bind(signed(new.source_bytes)?).execute(&mut *tx).await?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Fenced);
        }
        assets::insert(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// Ends an upload; `false` when there is none. Its file goes afterwards.
    pub async fn delete_upload(&self, id: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM uploads WHERE id = $1";
        Ok(sqlx::query(sql).bind(id).execute(&self.write).await?.rows_affected() == 1)
    }

    /// Uploads whose time is over.
    pub async fn expired_uploads(&self, now: UnixMs, limit: u32) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT id FROM uploads WHERE expires_ms <= $1 ORDER BY expires_ms LIMIT $2";
        Ok(sqlx::query_scalar(sql).bind(now).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }

    /// Uploads of a known length that did not become an asset yet.
    pub async fn open_uploads(&self, after: &str, limit: u32) -> Result<Vec<Upload>, StoreError> {
        let sql = "SELECT * FROM uploads WHERE asset IS NULL AND length IS NOT NULL AND part = 0 AND id > $1 \
                   ORDER BY id LIMIT $2";
        Ok(sqlx::query_as(sql).bind(after).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }
}

const TAKEN: &str = "SELECT CAST((SELECT coalesce(sum(source_bytes), 0) FROM assets WHERE owner = $1) + \
     (SELECT coalesce(sum(length), 0) FROM uploads WHERE owner = $1 AND asset IS NULL) AS BIGINT)";

impl<'r> FromRow<'r, sqlx::any::AnyRow> for Upload {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let damaged = |e: StoreError| sqlx::Error::Decode(Box::new(e));
        let number = |name: &str| row.try_get::<Option<i64>, _>(name)?.map(unsigned).transpose().map_err(damaged);
        let asset: Option<String> = row.try_get("asset")?;
        let name =
            |text: String| text.parse().map_err(|_| damaged(StoreError::Damaged(format!("asset name {text:?}"))));
        Ok(Self {
            id: row.try_get("id")?,
            owner: row.try_get("owner")?,
            length: number("length")?,
            part: row.try_get::<i64, _>("part")? != 0,
            joined: row.try_get("joined")?,
            about: row.try_get("about")?,
            metadata: row.try_get("metadata")?,
            multipart: row.try_get("multipart")?,
            floor: number("floor")?,
            created_ms: row.try_get("created_ms")?,
            expires_ms: row.try_get("expires_ms")?,
            asset: asset.map(name).transpose()?,
            instance: row.try_get("instance")?,
        })
    }
}
