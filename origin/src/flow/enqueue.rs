//! enqueue: the asset's row and its first job, in one commit; then the bell, so that no time is lost until a worker looks.

use std::sync::Arc;

use durable::catalogue::{JobKind, Meta, NewAsset, Visibility};
use durable::{AssetId, Stored, UnixMs};

use super::store::StoredUpload;
use crate::api::no_category;
use crate::api::problem::Problem;
use crate::clock::now_ms;
use crate::house::House;

/// What the client said of the file.
pub(crate) struct Description {
    pub(crate) title: String,
    pub(crate) file_name: String,
    /// Whose it is.
    pub(crate) owner: String,
    pub(crate) visibility: Visibility,
    /// Whether its media is to be encrypted; `None`: as the configuration says.
    pub(crate) encrypted: Option<bool>,
    /// What else is said of it.
    pub(crate) meta: Meta,
}

impl Description {
    /// The row of an asset with a new name, whose bytes are `object`, and its key when its media is to be encrypted.
    pub(crate) fn asset(self, house: &House, object: &Stored, uploaded_ms: UnixMs) -> Result<NewAsset, Problem> {
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|e| Problem::internal(&e))?;
        let Description { title, file_name, owner, visibility, encrypted, meta } = self;
        let id = AssetId::from_random(random);
        let encrypted = encrypted.unwrap_or(house.config.encrypt);
        let key = encrypted.then(|| house.keys.content.make(&id)).transpose().map_err(|e| Problem::internal(&e))?;
        Ok(NewAsset {
            id,
            title,
            file_name,
            owner,
            meta,
            visibility,
            source: object.id,
            source_bytes: object.bytes,
            uploaded_ms,
            key,
        })
    }
}

/// Enters the upload under a new name.
pub(crate) async fn enqueue(
    house: &Arc<House>,
    description: Description,
    stored: StoredUpload,
) -> Result<AssetId, Problem> {
    let StoredUpload { object, uploaded_ms } = stored;
    let new = description.asset(house, &object, uploaded_ms)?;
    let id = new.id.clone();
    if let Some(word) = house.store.catalogue.create_asset(&new, now_ms()).await? {
        return Err(no_category(&word));
    }
    drop(object); // named by a row now: no longer pinned
    house.bells.of(JobKind::Ingest).notify_one();
    Ok(id)
}
