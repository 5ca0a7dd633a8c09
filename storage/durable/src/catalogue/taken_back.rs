//! What was taken back as a whole: every token of a subject or of an asset that was made by then, also those that no row names. An event
//! for the edges is in the same commit.

use serde_json::json;

use super::sql::Tx;
use super::{Catalogue, events};
use crate::limits::TAKEN_BACK_MAX;
use crate::{AssetId, StoreError, UnixMs};

/// A playback token lives for a year at most, as `streamgate token mint` makes them.
const TOKEN_LIFE_MS_MAX: i64 = 366 * 24 * 3600 * 1000;

/// What is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole<'a> {
    /// Every token that names this subject.
    Subject(&'a str),
    /// Every token for this asset.
    Asset(&'a str),
}

/// A row of `taken_back`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct TakenWhole {
    /// `subject` or `asset`.
    pub kind: String,
    /// Which one.
    pub name: String,
    /// Tokens that were made by then.
    pub made_ms: UnixMs,
    /// The last of them has expired by then.
    pub until_ms: UnixMs,
}

impl Catalogue {
    /// What is taken back as a whole at the moment, the youngest first. At most as many as an edge remembers.
    pub async fn taken_back(&self, now: UnixMs) -> Result<Vec<TakenWhole>, StoreError> {
        let sql = "SELECT kind, name, made_ms, until_ms FROM taken_back WHERE until_ms > $1 \
                   ORDER BY made_ms DESC, kind, name LIMIT $2";
        Ok(sqlx::query_as(sql).bind(now).bind(TAKEN_BACK_MAX).fetch_all(&self.read).await?)
    }

    /// When tokens of this subject or for this asset were last taken back as a whole: one that is made now must say that it is younger.
    pub async fn taken_back_last(&self, subject: Option<&str>, asset: &AssetId) -> Result<Option<UnixMs>, StoreError> {
        let sql = "SELECT MAX(made_ms) FROM taken_back WHERE (kind = 'subject' AND name = $1) OR (kind = 'asset' AND name = $2)";
        let query = sqlx::query_scalar(sql).bind(subject.unwrap_or_default()).bind(asset.as_str());
        Ok(query.fetch_one(&self.read).await?)
    }

    /// Takes every token of a subject or an asset back that has been made so far.
    pub async fn take_back(&self, whole: Whole<'_>, now: UnixMs) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        take_back(&mut tx, whole, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

pub(super) async fn take_back(tx: &mut Tx, whole: Whole<'_>, now: UnixMs) -> Result<(), StoreError> {
    let (kind, name, asset) = match whole {
        Whole::Subject(subject) => ("subject", subject, ""),
        Whole::Asset(asset) => ("asset", asset, asset),
    };
    let until_ms = now + TOKEN_LIFE_MS_MAX;
    sqlx::query("DELETE FROM taken_back WHERE until_ms <= $1").bind(now).execute(&mut **tx).await?;
    let sql = "INSERT INTO taken_back (kind, name, made_ms, until_ms) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (kind, name) DO UPDATE SET made_ms = excluded.made_ms, until_ms = excluded.until_ms";
    sqlx::query(sql).bind(kind).bind(name).bind(now).bind(until_ms).execute(&mut **tx).await?;
    let mut body = json!({ "made_by_s": now / 1000, "until_s": until_ms / 1000 });
    if let Whole::Subject(subject) = whole {
        body["subject"] = subject.into();
    }
    events::append_named(tx, &format!("{kind}.revoked"), asset, &body.to_string(), now).await
}
