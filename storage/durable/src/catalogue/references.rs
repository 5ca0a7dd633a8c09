//! Which objects a row still names.

use std::collections::BTreeSet;

use super::{Catalogue, object_id};
use crate::{ObjectId, StoreError};

impl Catalogue {
    /// Of `ids`, those that some row names. Asked of the writing connection, behind every commit before it.
    pub(crate) async fn referenced(&self, ids: &[ObjectId]) -> Result<BTreeSet<ObjectId>, StoreError> {
        let names = serde_json::Value::from(ids.iter().map(ObjectId::to_string).collect::<Vec<_>>()).to_string();
        let named: Vec<String> = sqlx::query_scalar(
            "SELECT value FROM json_each(?1) WHERE EXISTS (SELECT 1 FROM segments WHERE object = value) \
             OR EXISTS (SELECT 1 FROM tracks WHERE init_object = value) \
             OR EXISTS (SELECT 1 FROM assets WHERE source_object = value)",
        )
        .bind(names)
        .fetch_all(&self.write)
        .await?;
        named.iter().map(|text| object_id(text)).collect()
    }
}
