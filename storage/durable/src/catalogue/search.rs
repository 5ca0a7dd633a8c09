//! Full-text search over what people say of assets.

use sqlx::Row;

use super::sql::Sql;
use super::{Asset, Catalogue, Filter, Tx, segment};
use crate::limits::{INDEX_BATCH, SEARCH_RANKED_MAX, SEARCH_WORDS_MAX};
use crate::{AssetId, StoreError};

impl Catalogue {
    /// Assets that have all words of `text`, best first, from the `skip`th on. Ranked are the youngest few thousand that have
    /// them: a word that every second asset has tells little, and ranking all of those would take seconds.
    pub async fn search(&self, text: &str, filter: &Filter, skip: u32, limit: u32) -> Result<Vec<Asset>, StoreError> {
        let Some(words) = segment::query(text, SEARCH_WORDS_MAX) else { return Ok(Vec::new()) };
        let mut sql = Sql::new(
            "SELECT a.* FROM (SELECT rowid AS id, bm25(search, 8.0, 1.0, 4.0) AS score FROM search WHERE search MATCH ",
        );
        sql.push_bind(words).push(" ORDER BY rowid DESC LIMIT ").push_bind(i64::from(SEARCH_RANKED_MAX));
        sql.push(") s CROSS JOIN search_rows r ON r.id = s.id CROSS JOIN assets a ON a.id = r.asset");
        sql.push(" WHERE a.deleted_ms IS NULL");
        filter.push(&mut sql);
        sql.push(" ORDER BY s.score, s.id DESC LIMIT ")
            .push_bind(i64::from(limit))
            .push(" OFFSET ")
            .push_bind(i64::from(skip));
        Ok(sql.build_query_as().fetch_all(&self.read).await?)
    }

    /// Enters assets that came before there was an index. Answers how many.
    pub(crate) async fn index_missing(&self) -> Result<u64, StoreError> {
        let mut entered = 0;
        loop {
            let mut tx = self.begin().await?;
            let sql = "SELECT a.* FROM assets a WHERE a.deleted_ms IS NULL \
                       AND NOT EXISTS (SELECT 1 FROM search_rows r WHERE r.asset = a.id) LIMIT $1";
            let assets: Vec<Asset> = sqlx::query_as(sql).bind(i64::from(INDEX_BATCH)).fetch_all(&mut *tx).await?;
            for asset in &assets {
                index(&mut tx, asset).await?;
            }
            tx.commit().await?;
            if assets.is_empty() {
                return Ok(entered);
            }
            entered += assets.len() as u64;
        }
    }
}

/// Writes the words of one asset anew.
pub(super) async fn index(tx: &mut Tx, asset: &Asset) -> Result<(), StoreError> {
    let sql = "INSERT INTO search_rows (asset) VALUES ($1) ON CONFLICT (asset) DO UPDATE SET asset = excluded.asset \
               RETURNING id";
    let row: i64 = sqlx::query(sql).bind(asset.id.as_str()).fetch_one(&mut **tx).await?.try_get("id")?;
    sqlx::query("DELETE FROM search WHERE rowid = $1").bind(row).execute(&mut **tx).await?;
    let labels = [asset.meta.tags.as_slice(), &asset.meta.categories].concat().join(" ");
    sqlx::query("INSERT INTO search (rowid, title, description, labels) VALUES ($1, $2, $3, $4)")
        .bind(row)
        .bind(segment::indexed(&asset.title))
        .bind(segment::indexed(&asset.meta.description))
        .bind(segment::indexed(&labels))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Takes one asset out of the index.
pub(super) async fn clear(tx: &mut Tx, id: &AssetId) -> Result<(), StoreError> {
    let sql = "DELETE FROM search_rows WHERE asset = $1 RETURNING id";
    if let Some(row) = sqlx::query_scalar::<_, i64>(sql).bind(id.as_str()).fetch_optional(&mut **tx).await? {
        sqlx::query("DELETE FROM search WHERE rowid = $1").bind(row).execute(&mut **tx).await?;
    }
    Ok(())
}
