//! Full-text search over what people say of assets. What has all words comes before what has the last one only as the beginning of another,
//! since people search while they type; of each of these, what has them all in its title comes first; and then the youngest. The place of an
//! asset in this order does not depend on others, so pages neither repeat nor skip, whatever comes in meanwhile.

use sqlx::{FromRow, Row};

use super::sql::{AnyRow, Sql};
use super::{Asset, Catalogue, Dialect, Filter, Tx, lexemes, segment};
use crate::limits::{INDEX_BATCH, SEARCH_SEEN_MAX, SEARCH_WORDS_MAX};
use crate::{AssetId, StoreError};

/// Where a page of a search ended: after the last hit's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// 0: the words in the title; 1: the words; 2 and 3: the same with the last one unfinished.
    pub tier: i64,
    /// Of the index: the higher, the younger.
    pub row: i64,
}

/// An asset that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Itself.
    pub asset: Asset,
    /// The page after it begins here.
    pub place: Place,
}

/// Before everything.
const BEGINNING: Place = Place { tier: 0, row: i64::MAX };
/// The tiers of one reading of what was typed.
const TIERS: i64 = 2;

/// What was typed, as the database wants to be asked.
struct Reading {
    /// The first of its tiers.
    tier: i64,
    /// The words, wherever they are.
    anywhere: String,
    /// All of them in the title.
    in_title: String,
}

impl Catalogue {
    /// Up to `limit` assets that have all words of `text`, after a place. Of a reading the youngest [`SEARCH_SEEN_MAX`] are looked at: a
    /// word that more assets have tells little. Such a word is also taken to be whole.
    pub async fn search(
        &self,
        text: &str,
        filter: &Filter,
        after: Option<&Place>,
        limit: u32,
    ) -> Result<Vec<Hit>, StoreError> {
        let Some((whole, open)) = self.readings(text) else { return Ok(Vec::new()) };
        let after = after.copied().unwrap_or(BEGINNING);
        let mut hits: Vec<Hit> = Vec::new();
        for (reading, besides) in [(Some(&whole), None), (open.as_ref(), Some(&whole))] {
            let missing = limit.saturating_sub(u32::try_from(hits.len()).unwrap_or(limit));
            let Some(reading) = reading.filter(|r| missing > 0 && after.tier < r.tier + TIERS) else { continue };
            if let Some(whole) = besides
                && self.is_common(whole).await?
            {
                break;
            }
            hits.extend(self.hits(self.write_search("", reading, besides, filter, after, missing)).await?);
        }
        Ok(hits)
    }

    /// How the database would search, a line a step: for tests.
    pub async fn search_plan(&self, text: &str, filter: &Filter) -> Result<Vec<String>, StoreError> {
        let Some((whole, open)) = self.readings(text) else { return Ok(Vec::new()) };
        let mut plan = self.plan(self.write_search(self.explain(), &whole, None, filter, BEGINNING, 20)).await?;
        if let Some(open) = open {
            let sql = self.write_search(self.explain(), &open, Some(&whole), filter, BEGINNING, 20);
            plan.extend(self.plan(sql).await?);
        }
        Ok(plan)
    }

    /// The words as they are, and, where that is another question, with the last one unfinished. `None`: no words.
    fn readings(&self, text: &str) -> Option<(Reading, Option<Reading>)> {
        let read = |tier, open| match self.dialect {
            Dialect::Sqlite => {
                let anywhere = segment::query(text, SEARCH_WORDS_MAX, open)?;
                Some(Reading { tier, in_title: format!("{{title}} : ({anywhere})"), anywhere })
            }
            Dialect::Postgres => {
                let anywhere = lexemes::query(text, SEARCH_WORDS_MAX, open, "")?;
                Some(Reading { tier, anywhere, in_title: lexemes::query(text, SEARCH_WORDS_MAX, open, "A")? })
            }
        };
        let whole = read(0, false)?;
        let open = read(TIERS, true).filter(|open| open.anywhere != whole.anywhere);
        Some((whole, open))
    }

    /// Whether more assets have the words than are looked at.
    async fn is_common(&self, reading: &Reading) -> Result<bool, StoreError> {
        let mut sql = Sql::new(match self.dialect {
            Dialect::Sqlite => "SELECT 1 FROM search WHERE search MATCH ",
            Dialect::Postgres => "SELECT 1 FROM search_rows WHERE words @@ CAST(",
        });
        sql.push_bind(reading.anywhere.clone());
        sql.push(if self.dialect == Dialect::Postgres { " AS tsquery)" } else { "" });
        sql.push(" LIMIT 1 OFFSET ").push_bind(i64::from(SEARCH_SEEN_MAX));
        let found = sql.build_query().persistent(self.keeps_plans()).fetch_optional(&self.read).await?;
        Ok(found.is_some())
    }

    async fn hits(&self, sql: Sql) -> Result<Vec<Hit>, StoreError> {
        Ok(sql.build_query_as().persistent(self.keeps_plans()).fetch_all(&self.read).await?)
    }

    /// PostgreSQL has to plan a search for the words that are asked: the way to one in a thousand is none to what all assets have.
    fn keeps_plans(&self) -> bool {
        self.dialect == Dialect::Sqlite
    }

    /// One reading without what `besides` finds.
    fn write_search(
        &self,
        before: &str,
        reading: &Reading,
        besides: Option<&Reading>,
        filter: &Filter,
        after: Place,
        limit: u32,
    ) -> Sql {
        let mut sql = Sql::new(before);
        let push = match self.dialect {
            Dialect::Sqlite => push_sqlite,
            Dialect::Postgres => push_postgres,
        };
        push(&mut sql, reading, besides, filter, after, limit);
        sql
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

/// FTS5 walks the matches of a tier from the youngest down to a floor, and the rows of the catalogue are looked up one by one until the page
/// is full: `CROSS JOIN` keeps that order (sqlite.org/optoverview.html section 8.2). The next tier begins only when it is not.
fn push_sqlite(sql: &mut Sql, reading: &Reading, besides: Option<&Reading>, filter: &Filter, after: Place, limit: u32) {
    sql.push("WITH floor (id) AS MATERIALIZED (SELECT coalesce((SELECT rowid FROM search WHERE search MATCH ");
    sql.push_bind(reading.anywhere.clone()).push(" ORDER BY rowid DESC LIMIT 1 OFFSET ");
    sql.push_bind(i64::from(SEARCH_SEEN_MAX) - 1).push("), 0))");
    let tiers = after.tier.max(reading.tier)..reading.tier + TIERS;
    for tier in tiers.clone() {
        let is_title = tier == reading.tier;
        sql.push(&format!(", tier{tier} AS MATERIALIZED (SELECT a.*, {tier} AS tier, r.id AS place FROM search s"));
        sql.push(
            " CROSS JOIN search_rows r ON r.id = s.rowid CROSS JOIN assets a ON a.id = r.asset WHERE s.search MATCH ",
        );
        sql.push_bind(if is_title { &reading.in_title } else { &reading.anywhere }.clone());
        sql.push(" AND s.rowid >= (SELECT id FROM floor) AND s.rowid < ");
        sql.push_bind(if tier == after.tier { after.row } else { i64::MAX });
        if !is_title {
            sql.push(" AND s.rowid NOT IN (SELECT rowid FROM search WHERE search MATCH ");
            sql.push_bind(reading.in_title.clone()).push(" AND rowid >= (SELECT id FROM floor))");
        }
        if let Some(besides) = besides {
            sql.push(" AND s.rowid NOT IN (SELECT rowid FROM search WHERE search MATCH ");
            sql.push_bind(besides.anywhere.clone()).push(")");
        }
        sql.push(" AND a.deleted_ms IS NULL");
        filter.push(sql);
        sql.push(" ORDER BY s.rowid DESC LIMIT ").push_bind(i64::from(limit));
        if tier > tiers.start {
            sql.push(&format!(" - (SELECT count(*) FROM tier{})", tiers.start));
        }
        sql.push(")");
    }
    let each: Vec<String> = tiers.map(|tier| format!("SELECT * FROM tier{tier}")).collect();
    sql.push(&format!(" {} ORDER BY tier, place DESC", each.join(" UNION ALL ")));
}

/// The youngest matches are taken out of the index, and put in order before the rows of the catalogue are looked up, of which it then needs
/// as many as the page has.
fn push_postgres(
    sql: &mut Sql,
    reading: &Reading,
    besides: Option<&Reading>,
    filter: &Filter,
    after: Place,
    limit: u32,
) {
    let seen = i64::from(SEARCH_SEEN_MAX);
    sql.push("SELECT a.*, s.tier, s.id AS place FROM (SELECT m.id, m.asset, CAST(CASE WHEN m.words @@ CAST(");
    sql.push_bind(reading.in_title.clone());
    sql.push(&format!(" AS tsquery) THEN {} ELSE {} END AS BIGINT) AS tier", reading.tier, reading.tier + 1));
    sql.push(" FROM (SELECT r.id, r.asset, r.words FROM search_rows r WHERE r.words @@ CAST(");
    sql.push_bind(reading.anywhere.clone()).push(" AS tsquery) ORDER BY r.id DESC LIMIT ").push_bind(seen).push(") m");
    if let Some(besides) = besides {
        sql.push(" WHERE NOT m.words @@ CAST(").push_bind(besides.anywhere.clone()).push(" AS tsquery)");
    }
    sql.push(" ORDER BY tier, m.id DESC LIMIT ").push_bind(seen);
    sql.push(") s JOIN assets a ON a.id = s.asset WHERE a.deleted_ms IS NULL AND (s.tier > ").push_bind(after.tier);
    sql.push(" OR (s.tier = ").push_bind(after.tier).push(" AND s.id < ").push_bind(after.row).push("))");
    filter.push(sql);
    sql.push(" ORDER BY s.tier, s.id DESC LIMIT ").push_bind(i64::from(limit));
}

impl<'r> FromRow<'r, AnyRow> for Hit {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        let place = Place { tier: row.try_get("tier")?, row: row.try_get("place")? };
        Ok(Self { asset: Asset::from_row(row)?, place })
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
