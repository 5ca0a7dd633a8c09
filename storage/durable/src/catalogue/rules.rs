//! Rules of who may watch: a row a version, the highest one holds.

use super::{Actor, Catalogue, audit, events, grants};
use crate::limits::RULE_VERSIONS_KEPT;
use crate::{AssetId, StoreError, UnixMs};

/// The rule that holds for an asset.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredRule {
    /// 1 for the first.
    pub version: i64,
    /// As it was written, JSON; empty: the rule was taken away.
    pub rule: String,
    /// Since when.
    pub written_ms: UnixMs,
}

/// What became of a rule that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleWritten {
    /// It is of this version.
    Done(i64),
    /// There is no such asset.
    Unknown,
    /// Someone else wrote one; it is of this version, 0 when there is none.
    Stale(i64),
}

impl Catalogue {
    /// The rule of an asset; `None` when there was never one.
    pub async fn rule(&self, asset: &AssetId) -> Result<Option<StoredRule>, StoreError> {
        let sql = "SELECT version, rule, written_ms FROM gating_rules WHERE asset = $1 ORDER BY version DESC LIMIT 1";
        Ok(sqlx::query_as(sql).bind(asset.as_str()).fetch_optional(&self.read).await?)
    }

    /// Writes a new version, and makes the asset a gated one in the same commit: a rule on an open asset would do nothing.
    /// `known`: refuse unless this is the version that holds. An empty `rule` takes the rule away; the asset stays gated.
    pub async fn write_rule(
        &self,
        asset: &AssetId,
        rule: &str,
        known: Option<i64>,
        actor: &Actor,
        now: UnixMs,
    ) -> Result<RuleWritten, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE assets SET visibility = 'gated', version = version + 1, updated_ms = $2 \
                   WHERE id = $1 AND deleted_ms IS NULL";
        if sqlx::query(sql).bind(asset.as_str()).bind(now).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(RuleWritten::Unknown);
        }
        let sql = "SELECT COALESCE(MAX(version), 0) FROM gating_rules WHERE asset = $1";
        let version: i64 = sqlx::query_scalar(sql).bind(asset.as_str()).fetch_one(&mut *tx).await?;
        if known.is_some_and(|known| known != version) {
            return Ok(RuleWritten::Stale(version));
        }
        sqlx::query(
            "INSERT INTO gating_rules (asset, version, rule, written_by, written_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(asset.as_str())
        .bind(version + 1)
        .bind(rule)
        .bind(&actor.owner)
        .bind(now)
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM gating_rules WHERE asset = $1 AND version <= $2")
            .bind(asset.as_str())
            .bind(version + 1 - RULE_VERSIONS_KEPT)
            .execute(&mut *tx)
            .await?;
        events::append(&mut tx, "asset.updated", asset, r#"{"rule":true}"#, now).await?;
        audit::append(&mut tx, actor, "rule.written", asset.as_str(), "{}", now).await?;
        grants::look_at(&mut tx, asset, now).await?;
        tx.commit().await?;
        Ok(RuleWritten::Done(version + 1))
    }
}
