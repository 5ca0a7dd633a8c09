//! Assets: what was uploaded, who may see it, and how far it has come.

use sqlx::{FromRow, Row};

use super::{Catalogue, JobKind, Stage, events, object_id, signed, unsigned};
use crate::limits::PAGE_ROWS_MAX;
use crate::{AssetId, ObjectId, StoreError, UnixMs};

/// Who may watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub enum Visibility {
    /// Anybody.
    Open,
    /// Whoever holds a token.
    Gated,
}

/// How far the work on an asset has come. Whether it can be played is a second question: [`Asset::playable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::Type)]
#[sqlx(rename_all = "snake_case")]
pub enum AssetState {
    /// Waits for a worker.
    Queued,
    /// Is worked on.
    Running,
    /// Everything that was planned is published.
    Ready,
    /// Work ended early; see [`Asset::failure`].
    Failed,
}

/// Why work on an asset ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable word, `snake_case`.
    pub code: String,
    /// A sentence for a person.
    pub detail: String,
}

/// A row of `assets`.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// Its name in URLs.
    pub id: AssetId,
    /// Shown to people.
    pub title: String,
    /// The name of the uploaded file.
    pub file_name: String,
    /// Who uploaded it: the owner of the key it was uploaded with.
    pub owner: String,
    /// Who may watch.
    pub visibility: Visibility,
    /// How far the work has come.
    pub state: AssetState,
    /// At least one picture track (or, without pictures, a sound track) is published.
    pub playable: bool,
    /// Set when `state` is `Failed`.
    pub failure: Option<Failure>,
    /// The uploaded bytes.
    pub source: ObjectId,
    /// Their number.
    pub source_bytes: u64,
    /// What the probe found, JSON.
    pub source_info: Option<String>,
    /// What is to be made of it, JSON.
    pub plan: Option<String>,
    /// Length of the presentation.
    pub duration_us: Option<u64>,
    /// When the row was made.
    pub created_ms: UnixMs,
    /// When it last changed.
    pub updated_ms: UnixMs,
    /// When the last byte of the upload had arrived.
    pub uploaded_ms: UnixMs,
    /// When it became playable, in milliseconds after `uploaded_ms`.
    pub playable_ms: Option<UnixMs>,
}

/// What an upload says of itself.
#[derive(Debug, Clone)]
pub struct NewAsset {
    /// Its name to be.
    pub id: AssetId,
    /// Shown to people.
    pub title: String,
    /// The name of the uploaded file.
    pub file_name: String,
    /// Whose it will be.
    pub owner: String,
    /// Who may watch.
    pub visibility: Visibility,
    /// The uploaded bytes; already durable and still pinned.
    pub source: ObjectId,
    /// Their number.
    pub source_bytes: u64,
    /// When the last byte had arrived.
    pub uploaded_ms: UnixMs,
}

/// A change asked for by a person; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// New title.
    pub title: Option<String>,
    /// New visibility.
    pub visibility: Option<Visibility>,
}

/// Where a page of a listing ended: the last row's age and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// `created_ms` of the last row.
    pub created_ms: UnixMs,
    /// Its name.
    pub id: AssetId,
}

const COLUMNS: &str = "SELECT id, title, file_name, owner, visibility, state, playable, error_code, error_detail, \
     source_object, source_bytes, source_info, plan, duration_us, created_ms, updated_ms, uploaded_ms, playable_ms \
     FROM assets";

impl Catalogue {
    /// Enters an upload and queues the work on it, in one commit.
    pub async fn create_asset(&self, new: &NewAsset, now: UnixMs) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO assets (id, title, file_name, visibility, state, source_object, source_bytes, \
             created_ms, updated_ms, uploaded_ms, owner) VALUES (?1, ?2, ?3, ?4, 'queued', ?5, ?6, ?7, ?7, ?8, ?9)",
        )
        .bind(new.id.as_str())
        .bind(&new.title)
        .bind(&new.file_name)
        .bind(new.visibility)
        .bind(new.source.to_string())
        .bind(signed(new.source_bytes)?)
        .bind(now)
        .bind(new.uploaded_ms)
        .bind(&new.owner)
        .execute(&mut *tx)
        .await?;
        super::jobs::insert(&mut tx, JobKind::Ingest, &new.id, Stage::Probe, now).await?;
        events::append(&mut tx, "asset.created", &new.id, "{}", now).await?;
        Ok(tx.commit().await?)
    }

    /// One asset.
    pub async fn asset(&self, id: &AssetId) -> Result<Option<Asset>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = ?1"));
        Ok(sqlx::query_as(sql).bind(id.as_str()).fetch_optional(&self.read).await?)
    }

    /// Up to `limit` assets, youngest first, after a cursor.
    pub async fn assets(&self, after: Option<&Cursor>, limit: u32) -> Result<Vec<Asset>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE (created_ms, id) < (?1, ?2) ORDER BY created_ms DESC, id DESC LIMIT ?3"
        ));
        // '~' sorts behind every name.
        let (created_ms, id) = after.map_or((i64::MAX, "~"), |c| (c.created_ms, c.id.as_str()));
        Ok(sqlx::query_as(sql).bind(created_ms).bind(id).bind(limit.min(PAGE_ROWS_MAX)).fetch_all(&self.read).await?)
    }

    /// Changes title or visibility; `None` when there is no such asset.
    pub async fn update_asset(&self, id: &AssetId, change: &Change, now: UnixMs) -> Result<Option<Asset>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = sqlx::AssertSqlSafe(format!(
            "UPDATE assets SET title = coalesce(?2, title), visibility = coalesce(?3, visibility), updated_ms = ?4 \
             WHERE id = ?1 RETURNING {}",
            COLUMNS.trim_start_matches("SELECT ").trim_end_matches(" FROM assets")
        ));
        let asset: Option<Asset> = sqlx::query_as(sql)
            .bind(id.as_str())
            .bind(change.title.as_deref())
            .bind(change.visibility)
            .bind(now)
            .fetch_optional(&mut *tx)
            .await?;
        if asset.is_some() {
            events::append(&mut tx, "asset.updated", id, "{}", now).await?;
        }
        tx.commit().await?;
        Ok(asset)
    }

    /// Removes an asset with its tracks, segments and jobs, and answers which objects it named; `None` when there is
    /// no such asset. Release the objects afterwards.
    pub(crate) async fn delete_asset(&self, id: &AssetId, now: UnixMs) -> Result<Option<Vec<ObjectId>>, StoreError> {
        let mut tx = self.begin().await?;
        let named: Vec<String> = sqlx::query_scalar(
            "SELECT source_object FROM assets WHERE id = ?1 \
             UNION SELECT init_object FROM tracks WHERE asset = ?1 AND init_object IS NOT NULL \
             UNION SELECT object FROM segments WHERE asset = ?1",
        )
        .bind(id.as_str())
        .fetch_all(&mut *tx)
        .await?;
        let gone = sqlx::query("DELETE FROM assets WHERE id = ?1").bind(id.as_str()).execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            return Ok(None);
        }
        events::append(&mut tx, "asset.deleted", id, "{}", now).await?;
        tx.commit().await?;
        named.iter().map(|text| object_id(text)).collect::<Result<_, _>>().map(Some)
    }
}

impl<'r> FromRow<'r, sqlx::sqlite::SqliteRow> for Asset {
    fn from_row(row: &'r sqlx::sqlite::SqliteRow) -> Result<Self, sqlx::Error> {
        let damaged = |e: StoreError| sqlx::Error::Decode(Box::new(e));
        let id: String = row.try_get("id")?;
        let code: Option<String> = row.try_get("error_code")?;
        let detail: Option<String> = row.try_get("error_detail")?;
        let duration_us: Option<i64> = row.try_get("duration_us")?;
        Ok(Self {
            id: id.parse().map_err(|_| damaged(StoreError::Damaged(format!("asset name {id:?}"))))?,
            title: row.try_get("title")?,
            file_name: row.try_get("file_name")?,
            owner: row.try_get("owner")?,
            visibility: row.try_get("visibility")?,
            state: row.try_get("state")?,
            playable: row.try_get("playable")?,
            failure: code.map(|code| Failure { code, detail: detail.unwrap_or_default() }),
            source: object_id(row.try_get("source_object")?).map_err(damaged)?,
            source_bytes: unsigned(row.try_get("source_bytes")?).map_err(damaged)?,
            source_info: row.try_get("source_info")?,
            plan: row.try_get("plan")?,
            duration_us: duration_us.map(unsigned).transpose().map_err(damaged)?,
            created_ms: row.try_get("created_ms")?,
            updated_ms: row.try_get("updated_ms")?,
            uploaded_ms: row.try_get("uploaded_ms")?,
            playable_ms: row.try_get("playable_ms")?,
        })
    }
}
