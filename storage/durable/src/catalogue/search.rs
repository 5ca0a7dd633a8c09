//! Full-text search over what people say of assets.

use sqlx::Row;

use super::sql::Sql;
use super::{Asset, Catalogue, Dialect, Filter, Tx, lexemes, segment};
use crate::limits::{INDEX_BATCH, SEARCH_RANKED_MAX, SEARCH_WORDS_MAX};
use crate::{AssetId, StoreError};

impl Catalogue {
    /// Assets that have all words of `text`, best first, from the `skip`th on. Ranked are the youngest few thousand that have
    /// them: a word that every second asset has tells little, and ranking all of those would take seconds.
    pub async fn search(&self, text: &str, filter: &Filter, skip: u32, limit: u32) -> Result<Vec<Asset>, StoreError> {
        let Some(sql) = self.write_search(text, filter, skip, limit, "") else { return Ok(Vec::new()) };
        Ok(sql.build_query_as().fetch_all(&self.read).await?)
    }

    /// How the database would search, a line a step: for tests.
    pub async fn search_plan(&self, text: &str, filter: &Filter) -> Result<Vec<String>, StoreError> {
        let Some(sql) = self.write_search(text, filter, 0, 20, self.explain()) else { return Ok(Vec::new()) };
        self.plan(sql).await
    }

    fn write_search(&self, text: &str, filter: &Filter, skip: u32, limit: u32, before: &str) -> Option<Sql> {
        let mut sql = Sql::new(before);
        match self.dialect {
            Dialect::Sqlite => {
                sql.push("SELECT a.* FROM (SELECT rowid AS id, bm25(search, 8.0, 1.0, 4.0) AS score FROM search WHERE search MATCH ");
                sql.push_bind(segment::query(text, SEARCH_WORDS_MAX)?);
                sql.push(" ORDER BY rowid DESC LIMIT ").push_bind(i64::from(SEARCH_RANKED_MAX));
                sql.push(") s CROSS JOIN search_rows r ON r.id = s.id CROSS JOIN assets a ON a.id = r.asset");
            }
            Dialect::Postgres => {
                sql.push("SELECT a.* FROM (SELECT m.id, m.asset, -ts_rank(m.words, m.query) AS score FROM (SELECT r.*, q.query ");
                sql.push("FROM search_rows r, (SELECT CAST(").push_bind(lexemes::query(text, SEARCH_WORDS_MAX)?);
                sql.push(" AS tsquery) AS query) q WHERE r.words @@ q.query ORDER BY r.id DESC LIMIT ");
                sql.push_bind(i64::from(SEARCH_RANKED_MAX)).push(") m) s JOIN assets a ON a.id = s.asset");
            }
        }
        sql.push(" WHERE a.deleted_ms IS NULL");
        filter.push(&mut sql);
        sql.push(" ORDER BY s.score, s.id DESC LIMIT ").push_bind(i64::from(limit));
        sql.push(" OFFSET ").push_bind(i64::from(skip));
        Some(sql)
    }

    /// Enters assets that came before there was an index. Answers how many.
    pub(crate) async fn index_missing(&self) -> Result<u64, StoreError> {
        let (mut entered, mut after) = (0, String::new());
        loop {
            let mut tx = self.begin().await?;
            // From the last one on: whoever looks from the beginning looks at a million assets two thousand times.
            let sql = "SELECT a.* FROM assets a WHERE a.id > $1 AND a.deleted_ms IS NULL \
                       AND NOT EXISTS (SELECT 1 FROM search_rows r WHERE r.asset = a.id) ORDER BY a.id LIMIT $2";
            let found = sqlx::query_as(sql).bind(&after).bind(i64::from(INDEX_BATCH)).fetch_all(&mut *tx);
            let assets: Vec<Asset> = found.await?;
            for asset in &assets {
                index(&mut tx, asset).await?;
            }
            tx.commit().await?;
            let Some(last) = assets.last() else { return Ok(entered) };
            last.id.as_str().clone_into(&mut after);
            entered += assets.len() as u64;
        }
    }
}

/// Writes the words of one asset anew.
pub(super) async fn index(tx: &mut Tx, asset: &Asset) -> Result<(), StoreError> {
    let labels = [asset.meta.tags.as_slice(), &asset.meta.categories].concat().join(" ");
    let (title, description) = (asset.title.as_str(), asset.meta.description.as_str());
    match tx.dialect {
        Dialect::Sqlite => {
            let sql = "INSERT INTO search_rows (asset) VALUES ($1) ON CONFLICT (asset) DO UPDATE SET asset = excluded.asset \
                       RETURNING id";
            let row: i64 = sqlx::query(sql).bind(asset.id.as_str()).fetch_one(&mut **tx).await?.try_get("id")?;
            sqlx::query("DELETE FROM search WHERE rowid = $1").bind(row).execute(&mut **tx).await?;
            sqlx::query("INSERT INTO search (rowid, title, description, labels) VALUES ($1, $2, $3, $4)")
                .bind(row)
                .bind(segment::indexed(title))
                .bind(segment::indexed(description))
                .bind(segment::indexed(&labels))
                .execute(&mut **tx)
                .await?;
        }
        Dialect::Postgres => {
            let sql = "INSERT INTO search_rows (asset, words) VALUES ($1, CAST($2 AS tsvector)) \
                       ON CONFLICT (asset) DO UPDATE SET words = excluded.words";
            let words = lexemes::vector(&[(title, 'A'), (&labels, 'B'), (description, 'D')]);
            sqlx::query(sql).bind(asset.id.as_str()).bind(words).execute(&mut **tx).await?;
        }
    }
    Ok(())
}

/// Takes one asset out of the index.
pub(super) async fn clear(tx: &mut Tx, id: &AssetId) -> Result<(), StoreError> {
    let sql = "DELETE FROM search_rows WHERE asset = $1 RETURNING id";
    let row: Option<i64> = sqlx::query_scalar(sql).bind(id.as_str()).fetch_optional(&mut **tx).await?;
    if let (Some(row), Dialect::Sqlite) = (row, tx.dialect) {
        sqlx::query("DELETE FROM search WHERE rowid = $1").bind(row).execute(&mut **tx).await?;
    }
    Ok(())
}
