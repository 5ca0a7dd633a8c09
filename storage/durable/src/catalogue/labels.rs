//! Tags and categories of assets, as the index that listings walk. The words themselves stand in the asset's row.

use super::Tx;
use crate::{AssetId, StoreError, UnixMs};

/// Writes the index of one asset anew.
pub(super) async fn index(
    tx: &mut Tx,
    id: &AssetId,
    created: UnixMs,
    tags: &[String],
    categories: &[String],
) -> Result<(), StoreError> {
    clear(tx, id).await?;
    for (kind, words) in [("tag", tags), ("category", categories)] {
        for word in words {
            sqlx::query(
                "INSERT INTO labels (kind, word, created_ms, asset) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            )
            .bind(kind)
            .bind(word)
            .bind(created)
            .bind(id.as_str())
            .execute(&mut **tx)
            .await?;
        }
    }
    Ok(())
}

/// Takes one asset out of the index.
pub(super) async fn clear(tx: &mut Tx, id: &AssetId) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM labels WHERE asset = $1").bind(id.as_str()).execute(&mut **tx).await?;
    Ok(())
}
