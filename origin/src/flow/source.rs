//! source: the upload as a file to seek in, for as long as a step works on it.

use durable::catalogue::Asset;
use durable::{Local, StoreError};

use crate::work::{Failure, Run};

/// The file; when objects are elsewhere, a copy of it, fetched at most once for all steps that follow each other.
pub(super) async fn source(run: &Run, asset: &Asset) -> Result<Local, Failure> {
    let (objects, id) = (run.house.store.objects.clone(), asset.source);
    let local = tokio::task::spawn_blocking(move || objects.local(id)).await;
    Ok(local.map_err(|_| StoreError::Missing(id))??)
}
