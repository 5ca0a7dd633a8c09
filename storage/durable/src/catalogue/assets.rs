//! Assets: what was uploaded, who may see it, and how far it has come.

use sqlx::{FromRow, Row};

use super::sql::words;
use super::{Actor, Catalogue, JobKind, Stage, Tx, audit, edits, events, object_id, search, signed, unsigned};
use crate::{AssetId, ObjectId, StoreError, UnixMs};

/// Who may watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// Anybody.
    Open,
    /// Whoever holds a token.
    Gated,
}

words!(Visibility { Open = "open", Gated = "gated" });

/// How far the work on an asset has come. Whether it can be played is a second question: [`Asset::playable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

words!(AssetState { Queued = "queued", Running = "running", Ready = "ready", Failed = "failed" });

/// Why work on an asset ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable word, `snake_case`.
    pub code: String,
    /// A sentence for a person.
    pub detail: String,
}

/// The key of an encrypted asset's media, as it is kept: only who has what it was sealed with can use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// Its public name, 32 hex digits.
    pub id: String,
    /// The key, sealed.
    pub sealed: String,
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
    /// What people say of it.
    pub meta: Meta,
    /// Raised with every change that a person makes.
    pub version: i64,
    /// When it went into the bin, if it did.
    pub deleted_ms: Option<UnixMs>,
    /// Who may watch.
    pub visibility: Visibility,
    /// What its media is encrypted with, if it is.
    pub key: Option<SealedKey>,
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
    /// What was drawn of it, JSON.
    pub pictures: Option<String>,
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
    /// What is said of it.
    pub meta: Meta,
    /// Who may watch.
    pub visibility: Visibility,
    /// The uploaded bytes; already durable and still pinned.
    pub source: ObjectId,
    /// Their number.
    pub source_bytes: u64,
    /// When the last byte had arrived.
    pub uploaded_ms: UnixMs,
    /// What its media will be encrypted with, if it is.
    pub key: Option<SealedKey>,
}

/// What people say of an asset.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// As long as they like, within a bound.
    pub description: String,
    /// A BCP 47 tag; empty: unknown.
    pub language: String,
    /// Words that anybody makes up.
    pub tags: Vec<String>,
    /// Names of categories, which operators offer.
    pub categories: Vec<String>,
    /// The client's own, a JSON object.
    pub fields: String,
}

impl Default for Meta {
    fn default() -> Self {
        let (description, language) = Default::default();
        Self { description, language, tags: Vec::new(), categories: Vec::new(), fields: "{}".into() }
    }
}

impl Catalogue {
    /// Enters an upload and queues the work on it, in one commit. Answers the first of its categories that does not exist; then
    /// nothing was entered.
    pub async fn create_asset(&self, new: &NewAsset, now: UnixMs) -> Result<Option<String>, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(word) = edits::unknown_category(&mut tx, &new.meta.categories).await? {
            return Ok(Some(word));
        }
        insert(&mut tx, new, now).await?;
        tx.commit().await?;
        Ok(None)
    }

    /// One asset that is not in the bin.
    pub async fn asset(&self, id: &AssetId) -> Result<Option<Asset>, StoreError> {
        let sql = "SELECT * FROM assets WHERE id = $1 AND deleted_ms IS NULL";
        Ok(sqlx::query_as(sql).bind(id.as_str()).fetch_optional(&self.read).await?)
    }

    /// Removes an asset with its tracks, segments and jobs, and answers which objects it named; `None` when there is
    /// no such asset. Release the objects afterwards.
    pub(crate) async fn delete_asset(
        &self,
        id: &AssetId,
        actor: &Actor,
        now: UnixMs,
    ) -> Result<Option<Vec<ObjectId>>, StoreError> {
        let mut tx = self.begin().await?;
        let named: Vec<String> = sqlx::query_scalar(
            "SELECT source_object FROM assets WHERE id = $1 \
             UNION SELECT init_object FROM tracks WHERE asset = $1 AND init_object IS NOT NULL \
             UNION SELECT object FROM segments WHERE asset = $1 \
             UNION SELECT object FROM pictures WHERE asset = $1",
        )
        .bind(id.as_str())
        .fetch_all(&mut *tx)
        .await?;
        let gone = sqlx::query("DELETE FROM assets WHERE id = $1").bind(id.as_str()).execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            return Ok(None);
        }
        search::clear(&mut tx, id).await?;
        events::append(&mut tx, "asset.deleted", id, "{}", now).await?;
        audit::append(&mut tx, actor, "content.purged", id.as_str(), "{}", now).await?;
        tx.commit().await?;
        named.iter().map(|text| object_id(text)).collect::<Result<_, _>>().map(Some)
    }
}

pub(super) async fn insert(tx: &mut Tx, new: &NewAsset, now: UnixMs) -> Result<(), StoreError> {
    let list = |words: &[String]| serde_json::Value::from(words.to_vec()).to_string();
    let asset: Asset = sqlx::query_as(
        "INSERT INTO assets (id, title, file_name, visibility, state, source_object, source_bytes, \
         created_ms, updated_ms, uploaded_ms, owner, description, language, tags, categories, fields, \
         key_id, sealed_key) \
         VALUES ($1, $2, $3, $4, 'queued', $5, $6, $7, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) RETURNING *",
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
    .bind(&new.meta.description)
    .bind(&new.meta.language)
    .bind(list(&new.meta.tags))
    .bind(list(&new.meta.categories))
    .bind(&new.meta.fields)
    .bind(new.key.as_ref().map(|key| &key.id))
    .bind(new.key.as_ref().map(|key| &key.sealed))
    .fetch_one(&mut **tx)
    .await?;
    edits::describe(tx, &asset).await?;
    super::jobs::insert(tx, JobKind::Ingest, &new.id, Stage::Probe, now).await?;
    events::append(tx, "asset.created", &new.id, "{}", now).await
}

impl<'r> FromRow<'r, sqlx::any::AnyRow> for Asset {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let damaged = |e: StoreError| sqlx::Error::Decode(Box::new(e));
        let id: String = row.try_get("id")?;
        let code: Option<String> = row.try_get("error_code")?;
        let detail: Option<String> = row.try_get("error_detail")?;
        let duration_us: Option<i64> = row.try_get("duration_us")?;
        let (key, sealed): (Option<String>, Option<String>) = (row.try_get("key_id")?, row.try_get("sealed_key")?);
        Ok(Self {
            id: id.parse().map_err(|_| damaged(StoreError::Damaged(format!("asset name {id:?}"))))?,
            title: row.try_get("title")?,
            file_name: row.try_get("file_name")?,
            owner: row.try_get("owner")?,
            meta: Meta {
                description: row.try_get("description")?,
                language: row.try_get("language")?,
                tags: words(row.try_get("tags")?).map_err(damaged)?,
                categories: words(row.try_get("categories")?).map_err(damaged)?,
                fields: row.try_get("fields")?,
            },
            version: row.try_get("version")?,
            deleted_ms: row.try_get("deleted_ms")?,
            visibility: row.try_get("visibility")?,
            key: key.zip(sealed).map(|(id, sealed)| SealedKey { id, sealed }),
            state: row.try_get("state")?,
            playable: row.try_get::<i64, _>("playable")? != 0,
            failure: code.map(|code| Failure { code, detail: detail.unwrap_or_default() }),
            source: object_id(row.try_get("source_object")?).map_err(damaged)?,
            source_bytes: unsigned(row.try_get("source_bytes")?).map_err(damaged)?,
            source_info: row.try_get("source_info")?,
            plan: row.try_get("plan")?,
            pictures: row.try_get("pictures")?,
            duration_us: duration_us.map(unsigned).transpose().map_err(damaged)?,
            created_ms: row.try_get("created_ms")?,
            updated_ms: row.try_get("updated_ms")?,
            uploaded_ms: row.try_get("uploaded_ms")?,
            playable_ms: row.try_get("playable_ms")?,
        })
    }
}

fn words(text: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged(format!("list of words {text:?}")))
}
