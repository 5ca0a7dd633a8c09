//! What people change: words, labels, visibility; the bin and the way back. Each change raises the asset's version, and one
//! that was made of an older version is refused, so that nobody overwrites what they have not seen.

use sqlx::Row;

use super::sql::is_there;
use super::{Actor, Asset, Catalogue, Tx, Visibility, audit, events, labels, search};
use crate::{AssetId, StoreError, UnixMs};

/// A change asked for by a person; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// New title.
    pub title: Option<String>,
    /// New visibility.
    pub visibility: Option<Visibility>,
    /// New description.
    pub description: Option<String>,
    /// New language, a BCP 47 tag; empty: unknown.
    pub language: Option<String>,
    /// New tags, all of them.
    pub tags: Option<Vec<String>>,
    /// New categories, all of them.
    pub categories: Option<Vec<String>>,
    /// New fields of the client's own, a JSON object.
    pub fields: Option<String>,
    /// Refuse unless the asset is of this version.
    pub version: Option<i64>,
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// As it is now.
    Done(Box<Asset>),
    /// There is no such asset.
    Unknown,
    /// It was changed by someone else; it is of this version.
    Stale(i64),
    /// There is no category of this name.
    NoCategory(String),
}

impl Catalogue {
    /// Changes what a person may change.
    pub async fn update_asset(
        &self,
        id: &AssetId,
        change: &Change,
        actor: &Actor,
        now: UnixMs,
    ) -> Result<Changed, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT version FROM assets WHERE id = $1 AND deleted_ms IS NULL";
        let Some(version) = sqlx::query_scalar::<_, i64>(sql).bind(id.as_str()).fetch_optional(&mut *tx).await? else {
            return Ok(Changed::Unknown);
        };
        if change.version.is_some_and(|wanted| wanted != version) {
            return Ok(Changed::Stale(version));
        }
        if let Some(word) = unknown_category(&mut tx, change.categories.as_deref().unwrap_or_default()).await? {
            return Ok(Changed::NoCategory(word));
        }
        let list = |words: &Option<Vec<String>>| words.clone().map(|words| serde_json::Value::from(words).to_string());
        let asset: Asset = sqlx::query_as(
            "UPDATE assets SET title = coalesce($2, title), visibility = coalesce($3, visibility), \
             description = coalesce($4, description), language = coalesce($5, language), tags = coalesce($6, tags), \
             categories = coalesce($7, categories), fields = coalesce($8, fields), version = version + 1, \
             updated_ms = $9 WHERE id = $1 RETURNING *",
        )
        .bind(id.as_str())
        .bind(change.title.as_deref())
        .bind(change.visibility)
        .bind(change.description.as_deref())
        .bind(change.language.as_deref())
        .bind(list(&change.tags))
        .bind(list(&change.categories))
        .bind(change.fields.as_deref())
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        describe(&mut tx, &asset).await?;
        events::append(&mut tx, "asset.updated", id, "{}", now).await?;
        audit::append(&mut tx, actor, "content.updated", id.as_str(), &names(change), now).await?;
        tx.commit().await?;
        Ok(Changed::Done(Box::new(asset)))
    }

    /// Tells edges to drop what they keep of an asset, which is not changed by it. `false` when there is no such asset.
    pub async fn purge(&self, id: &AssetId, actor: &Actor, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT 1 FROM assets WHERE id = $1 LIMIT 1";
        if !is_there(&mut tx, sqlx::query(sql).bind(id.as_str())).await? {
            return Ok(false);
        }
        // No change of the asset, which webhooks and streams would be told of.
        let target = serde_json::json!({ "tag": format!("asset-{id}") }).to_string();
        events::append(&mut tx, "cache.purge", id, &target, now).await?;
        audit::append(&mut tx, actor, "cache.purged", id.as_str(), "{}", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Puts an asset into the bin: nobody finds or plays it, its work rests, its bytes stay. `false` when there is no such
    /// asset outside of the bin.
    pub async fn bin_asset(&self, id: &AssetId, actor: &Actor, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE assets SET deleted_ms = $2, updated_ms = $2, version = version + 1 WHERE id = $1 AND deleted_ms IS NULL";
        if sqlx::query(sql).bind(id.as_str()).bind(now).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        labels::clear(&mut tx, id).await?;
        search::clear(&mut tx, id).await?;
        // Whoever works on it is fenced off; the job waits in the queue, and is not taken while its asset is in the bin.
        sqlx::query(
            "UPDATE jobs SET state = 'queued', fence = fence + 1, attempts = 0, lease_owner = NULL, \
             lease_until_ms = NULL WHERE asset = $1 AND state = 'running'",
        )
        .bind(id.as_str())
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE assets SET state = 'queued' WHERE id = $1 AND state = 'running'")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await?;
        events::append(&mut tx, "asset.deleted", id, "{}", now).await?;
        audit::append(&mut tx, actor, "content.deleted", id.as_str(), "{}", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Brings an asset back out of the bin; `None` when it is not there.
    pub async fn restore_asset(&self, id: &AssetId, actor: &Actor, now: UnixMs) -> Result<Option<Asset>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE assets SET deleted_ms = NULL, updated_ms = $2, version = version + 1 \
                   WHERE id = $1 AND deleted_ms IS NOT NULL RETURNING *";
        let asset: Option<Asset> = sqlx::query_as(sql).bind(id.as_str()).bind(now).fetch_optional(&mut *tx).await?;
        let Some(asset) = asset else { return Ok(None) };
        describe(&mut tx, &asset).await?;
        events::append(&mut tx, "asset.restored", id, "{}", now).await?;
        audit::append(&mut tx, actor, "content.restored", id.as_str(), "{}", now).await?;
        tx.commit().await?;
        Ok(Some(asset))
    }

    /// Assets that went into the bin before `oldest`: their time is over.
    pub async fn bin_expired(&self, oldest: UnixMs, limit: u32) -> Result<Vec<AssetId>, StoreError> {
        let sql = "SELECT id FROM assets WHERE deleted_ms < $1 ORDER BY deleted_ms LIMIT $2";
        let rows = sqlx::query(sql).bind(oldest).bind(i64::from(limit)).fetch_all(&self.read).await?;
        rows.iter()
            .map(|row| row.try_get::<&str, _>("id")?.parse().map_err(|_| StoreError::Damaged("asset name".into())))
            .collect()
    }
}

/// The first of these that is no category.
pub(super) async fn unknown_category(tx: &mut Tx, words: &[String]) -> Result<Option<String>, StoreError> {
    for word in words {
        let sql = "SELECT 1 FROM categories WHERE id = $1 LIMIT 1";
        if !is_there(tx, sqlx::query(sql).bind(word)).await? {
            return Ok(Some(word.clone()));
        }
    }
    Ok(None)
}

/// Brings the indexes of words and labels up to date.
pub(super) async fn describe(tx: &mut Tx, asset: &Asset) -> Result<(), StoreError> {
    labels::index(tx, &asset.id, asset.created_ms, &asset.meta.tags, &asset.meta.categories).await?;
    search::index(tx, asset).await
}

/// What was changed, for the audit log: the names, and visibility, which decides who may watch.
fn names(change: &Change) -> String {
    let named = [
        ("title", change.title.is_some()),
        ("visibility", change.visibility.is_some()),
        ("description", change.description.is_some()),
        ("language", change.language.is_some()),
        ("tags", change.tags.is_some()),
        ("categories", change.categories.is_some()),
        ("fields", change.fields.is_some()),
    ];
    let names: Vec<&str> = named.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect();
    let visibility = change.visibility.map(|visibility| match visibility {
        Visibility::Open => "open",
        Visibility::Gated => "gated",
    });
    serde_json::json!({ "changed": names, "visibility": visibility }).to_string()
}
