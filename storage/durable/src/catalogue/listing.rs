//! Listings of assets: youngest first, in pages, filtered. Every filter walks an index; a test looks at the plans.

use sqlx::Row;

use super::sql::{AnyRow, Sql};
use super::{Asset, AssetState, Catalogue, Dialect, Visibility};
use crate::limits::PAGE_ROWS_MAX;
use crate::{AssetId, StoreError, UnixMs};

/// Where a page of a listing ended: the last row's age and name. New rows come before it, so pages neither repeat nor skip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// `created_ms` of the last row.
    pub created_ms: UnixMs,
    /// Its name.
    pub id: AssetId,
}

/// What a listing is narrowed to; `None` does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Whose.
    pub owner: Option<String>,
    /// How far the work has come.
    pub state: Option<AssetState>,
    /// Who may watch.
    pub visibility: Option<Visibility>,
    /// In which language, a BCP 47 tag.
    pub language: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// In this category.
    pub category: Option<String>,
    /// Made at or after.
    pub from_ms: Option<UnixMs>,
    /// Made before.
    pub until_ms: Option<UnixMs>,
}

impl Filter {
    /// Adds `AND ...` for everything but the label that a listing walks. The assets' table is named `a`.
    pub(super) fn push(&self, sql: &mut Sql) {
        if let Some(owner) = &self.owner {
            sql.push(" AND a.owner = ").push_bind(owner.clone());
        }
        if let Some(state) = self.state {
            sql.push(" AND a.state = ").push_bind(state);
        }
        if let Some(visibility) = self.visibility {
            sql.push(" AND a.visibility = ").push_bind(visibility);
        }
        if let Some(language) = &self.language {
            sql.push(" AND a.language = ").push_bind(language.clone());
        }
        for (kind, word) in [("tag", &self.tag), ("category", &self.category)] {
            if let Some(word) = word {
                sql.push(" AND EXISTS (SELECT 1 FROM labels WHERE kind = ").push_bind(kind);
                sql.push(" AND word = ").push_bind(word.clone());
                sql.push(" AND created_ms = a.created_ms AND asset = a.id)");
            }
        }
        if let Some(from) = self.from_ms {
            sql.push(" AND a.created_ms >= ").push_bind(from);
        }
        if let Some(until) = self.until_ms {
            sql.push(" AND a.created_ms < ").push_bind(until);
        }
    }

    /// The label whose part of the index a listing walks, and the filter without it.
    fn walked(&self) -> Option<(&'static str, &str, Self)> {
        match (&self.tag, &self.category) {
            (Some(tag), _) => Some(("tag", tag, Self { tag: None, ..self.clone() })),
            (None, Some(category)) => Some(("category", category, Self { category: None, ..self.clone() })),
            (None, None) => None,
        }
    }
}

impl Catalogue {
    /// Up to `limit` assets after a cursor, youngest first.
    pub async fn assets(&self, filter: &Filter, after: Option<&Cursor>, limit: u32) -> Result<Vec<Asset>, StoreError> {
        let mut sql = Sql::new("");
        write_page(&mut sql, filter, after, limit);
        Ok(sql.build_query_as().fetch_all(&self.read).await?)
    }

    /// Up to `limit` assets that were deleted and can still be brought back, youngest first.
    pub async fn bin(&self, owner: Option<&str>, after: Option<&Cursor>, limit: u32) -> Result<Vec<Asset>, StoreError> {
        let mut sql = Sql::new("SELECT a.* FROM assets a WHERE a.deleted_ms IS NOT NULL");
        if let Some(owner) = owner {
            sql.push(" AND a.owner = ").push_bind(owner.to_owned());
        }
        push_cursor(&mut sql, after, "a.created_ms", "a.id");
        sql.push(" ORDER BY a.created_ms DESC, a.id DESC LIMIT ").push_bind(i64::from(limit.min(PAGE_ROWS_MAX)));
        Ok(sql.build_query_as().fetch_all(&self.read).await?)
    }

    /// How the database would walk a listing, a line a step: for tests.
    pub async fn listing_plan(&self, filter: &Filter) -> Result<Vec<String>, StoreError> {
        let cursor = Cursor { created_ms: 1, id: AssetId::from_random([0; 10]) };
        let mut explained = Sql::new(self.explain());
        write_page(&mut explained, filter, Some(&cursor), 1);
        self.plan(explained).await
    }

    pub(super) fn explain(&self) -> &'static str {
        match self.dialect {
            Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
            Dialect::Postgres => "EXPLAIN ",
        }
    }

    pub(super) async fn plan(&self, explained: Sql) -> Result<Vec<String>, StoreError> {
        let last = match self.dialect {
            Dialect::Sqlite => 3,
            Dialect::Postgres => 0,
        };
        let rows: Vec<AnyRow> = explained.build_query().fetch_all(&self.read).await?;
        Ok(rows.iter().map(|row| row.try_get(last)).collect::<Result<_, _>>()?)
    }
}

fn write_page(sql: &mut Sql, filter: &Filter, after: Option<&Cursor>, limit: u32) {
    let (created, id) = match filter.walked() {
        Some((kind, word, rest)) => {
            // CROSS JOIN keeps the order: SQLite walks the label and looks each asset up.
            sql.push("SELECT a.* FROM labels l CROSS JOIN assets a WHERE a.id = l.asset AND a.deleted_ms IS NULL");
            sql.push(" AND l.kind = ").push_bind(kind).push(" AND l.word = ").push_bind(word.to_owned());
            rest.push(sql);
            ("l.created_ms", "l.asset")
        }
        None => {
            sql.push("SELECT a.* FROM assets a WHERE a.deleted_ms IS NULL");
            filter.push(sql);
            ("a.created_ms", "a.id")
        }
    };
    push_cursor(sql, after, created, id);
    sql.push(&format!(" ORDER BY {created} DESC, {id} DESC LIMIT ")).push_bind(i64::from(limit.min(PAGE_ROWS_MAX)));
}

fn push_cursor(sql: &mut Sql, after: Option<&Cursor>, created: &str, id: &str) {
    if let Some(cursor) = after {
        sql.push(&format!(" AND ({created}, {id}) < (")).push_bind(cursor.created_ms);
        sql.push(", ").push_bind(cursor.id.as_str().to_owned()).push(")");
    }
}
