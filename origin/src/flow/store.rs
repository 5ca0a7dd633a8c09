//! store: the temporary file becomes an object, durable and named by its hash.

use durable::{ObjectId, Stored, UnixMs};

use super::receive::Received;
use crate::api::problem::Problem;

/// An upload that no crash can take away any more, though no row names it yet.
pub(crate) struct StoredUpload {
    pub(super) object: Stored,
    pub(super) uploaded_ms: UnixMs,
}

impl StoredUpload {
    /// The object's name: the SHA-256 of the bytes.
    pub(crate) fn id(&self) -> ObjectId {
        self.object.id
    }
}

/// Syncs and names the file, on a thread that may wait for the disk.
pub(crate) async fn store(received: Received) -> Result<StoredUpload, Problem> {
    let Received { writer, uploaded_ms, .. } = received;
    let finished = tokio::task::spawn_blocking(move || writer.finish()).await;
    let object = finished.map_err(|e| Problem::internal(&e))??;
    Ok(StoredUpload { object, uploaded_ms })
}
