//! Categories: the words that operators offer for sorting assets, unlike tags, which anybody makes up.

use super::sql::is_there;
use super::{Actor, Catalogue, audit};
use crate::limits::CATEGORIES_MAX;
use crate::{StoreError, UnixMs};

/// A row of `categories`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Category {
    /// Its name in URLs and in assets.
    pub id: String,
    /// Shown to people.
    pub name: String,
    /// When it was made.
    pub created_ms: UnixMs,
    /// Assets that carry it.
    pub assets: i64,
}

/// What became of a new category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CategoryMade {
    /// It is there.
    Made,
    /// There is one of this name.
    Taken,
    /// There are as many as may be.
    Full,
}

/// What became of the end of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CategoryEnd {
    /// It is gone.
    Gone,
    /// There is none of this name.
    Unknown,
    /// Assets carry it.
    InUse,
}

impl Catalogue {
    /// All categories by name; there are few. At most a thousand assets are counted each.
    pub async fn categories(&self) -> Result<Vec<Category>, StoreError> {
        let sql = "SELECT id, name, created_ms, (SELECT count(*) FROM (SELECT 1 FROM labels \
                   WHERE kind = 'category' AND word = categories.id LIMIT 1000) AS carried) AS assets FROM categories ORDER BY id";
        Ok(sqlx::query_as(sql).fetch_all(&self.read).await?)
    }

    /// Offers a category.
    pub async fn create_category(
        &self,
        id: &str,
        name: &str,
        actor: &Actor,
        now: UnixMs,
    ) -> Result<CategoryMade, StoreError> {
        let mut tx = self.begin().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM categories").fetch_one(&mut *tx).await?;
        if count >= CATEGORIES_MAX {
            return Ok(CategoryMade::Full);
        }
        let sql = "INSERT INTO categories (id, name, created_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let made = sqlx::query(sql).bind(id).bind(name).bind(now).execute(&mut *tx).await?.rows_affected();
        if made == 0 {
            return Ok(CategoryMade::Taken);
        }
        audit::append(&mut tx, actor, "category.created", id, "{}", now).await?;
        tx.commit().await?;
        Ok(CategoryMade::Made)
    }

    /// Gives a category another name; `false` when there is none.
    pub async fn rename_category(&self, id: &str, name: &str, actor: &Actor, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE categories SET name = $2 WHERE id = $1";
        if sqlx::query(sql).bind(id).bind(name).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, actor, "category.renamed", id, "{}", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends a category that no asset carries.
    pub async fn delete_category(&self, id: &str, actor: &Actor, now: UnixMs) -> Result<CategoryEnd, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT 1 FROM labels WHERE kind = 'category' AND word = $1 LIMIT 1";
        if is_there(&mut tx, sqlx::query(sql).bind(id)).await? {
            return Ok(CategoryEnd::InUse);
        }
        let gone = sqlx::query("DELETE FROM categories WHERE id = $1").bind(id).execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            return Ok(CategoryEnd::Unknown);
        }
        audit::append(&mut tx, actor, "category.deleted", id, "{}", now).await?;
        tx.commit().await?;
        Ok(CategoryEnd::Gone)
    }
}
