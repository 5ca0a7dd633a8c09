//! Which objects a row still names.

use std::collections::BTreeSet;

use super::{Catalogue, object_id};
use crate::{ObjectId, StoreError};

impl Catalogue {
    /// Of `ids`, those that some row names. Asked of the writing connection, behind every commit before it.
    pub(crate) async fn referenced(&self, ids: &[ObjectId]) -> Result<BTreeSet<ObjectId>, StoreError> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let list = (1..=ids.len()).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ");
        let sql = format!(
            "SELECT object FROM segments WHERE object IN ({list}) UNION \
             SELECT init_object FROM tracks WHERE init_object IN ({list}) UNION \
             SELECT source_object FROM assets WHERE source_object IN ({list}) UNION \
             SELECT object FROM pictures WHERE object IN ({list})"
        );
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql));
        for id in ids {
            query = query.bind(id.to_string());
        }
        let named: Vec<String> = query.fetch_all(&self.write).await?;
        named.iter().map(|text| object_id(text)).collect()
    }
}
