//! API keys: who holds one may act as its owner, within its role and scopes. The secret itself is never stored.

use sqlx::{FromRow, Row};

use super::Catalogue;
use super::grants::{self, TakenBack, Which, key_as_session};
use super::sql::words;
use crate::limits::{KEYS_MAX, REVOKED_KEYS_KEPT_MS};
use crate::{AssetId, StoreError, UnixMs};

/// What a key may do at most; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Reads the catalogue.
    Viewer,
    /// Uploads, and changes what is its own.
    Creator,
    /// Changes what is anybody's, and runs the place.
    Operator,
    /// Makes and revokes keys.
    Admin,
}

words!(Role { Viewer = "viewer", Creator = "creator", Operator = "operator", Admin = "admin" });

/// A row of `api_keys`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public half.
    pub id: String,
    /// For people.
    pub name: String,
    /// As whom its holder acts.
    pub owner: String,
    /// See [`Role`].
    pub role: Role,
    /// Narrows the role to these; empty: to nothing.
    pub scopes: Vec<String>,
    /// SHA-256 of its secret half.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_ms: UnixMs,
    /// From when on it is of no use.
    pub expires_ms: Option<UnixMs>,
    /// When it was taken back.
    pub revoked_ms: Option<UnixMs>,
    /// When it was last used, to the minute.
    pub used_ms: Option<UnixMs>,
}

const COLUMNS: &str = "id, name, owner, role, scopes, hash, created_ms, expires_ms, revoked_ms, used_ms";

impl Catalogue {
    /// Enters a key; `false` when there are as many as may be. Keys that were revoked long ago leave on the way.
    pub async fn create_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM api_keys WHERE revoked_ms < $1")
            .bind(key.created_ms - REVOKED_KEYS_KEPT_MS)
            .execute(&mut *tx)
            .await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM api_keys").fetch_one(&mut *tx).await?;
        if count >= KEYS_MAX {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO api_keys (id, name, owner, role, scopes, hash, created_ms, expires_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&key.id)
        .bind(&key.name)
        .bind(&key.owner)
        .bind(key.role)
        .bind(serde_json::Value::from(key.scopes.clone()).to_string())
        .bind(key.hash.as_slice())
        .bind(key.created_ms)
        .bind(key.expires_ms)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// One key, whether or not it is still of use.
    pub async fn key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM api_keys WHERE id = $1"));
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(&self.read).await?)
    }

    /// Up to `limit` keys by name of their public half, after `after`.
    pub async fn keys(&self, after: &str, limit: u32) -> Result<Vec<ApiKey>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2"));
        Ok(sqlx::query_as(sql).bind(after).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }

    /// Takes a key back, at once and for ever; `false` when there is none of this name.
    pub async fn revoke_key(&self, id: &str, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE api_keys SET revoked_ms = coalesce(revoked_ms, $2) WHERE id = $1";
        let is_there = sqlx::query(sql).bind(id).bind(now).execute(&mut *tx).await?.rows_affected() == 1;
        grants::revoke(&mut tx, Which::Session(&key_as_session(id)), TakenBack::Key, now).await?;
        tx.commit().await?;
        Ok(is_there)
    }

    /// Notes that a key was used.
    pub async fn touch_key(&self, id: &str, now: UnixMs) -> Result<(), StoreError> {
        let sql = "UPDATE api_keys SET used_ms = $2 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(now).execute(&self.write).await?;
        Ok(())
    }

    /// Whose an asset is; `None` when there is no such asset.
    pub async fn asset_owner(&self, id: &AssetId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT owner FROM assets WHERE id = $1";
        Ok(sqlx::query_scalar(sql).bind(id.as_str()).fetch_optional(&self.read).await?)
    }
}

impl<'r> FromRow<'r, sqlx::any::AnyRow> for ApiKey {
    fn from_row(row: &'r sqlx::any::AnyRow) -> Result<Self, sqlx::Error> {
        let damaged = |what: &str| sqlx::Error::Decode(Box::new(StoreError::Damaged(format!("{what} of an API key"))));
        let hash: &[u8] = row.try_get("hash")?;
        Ok(Self {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            owner: row.try_get("owner")?,
            role: row.try_get("role")?,
            scopes: serde_json::from_str(row.try_get("scopes")?).map_err(|_| damaged("scopes"))?,
            hash: hash.try_into().map_err(|_| damaged("hash"))?,
            created_ms: row.try_get("created_ms")?,
            expires_ms: row.try_get("expires_ms")?,
            revoked_ms: row.try_get("revoked_ms")?,
            used_ms: row.try_get("used_ms")?,
        })
    }
}
