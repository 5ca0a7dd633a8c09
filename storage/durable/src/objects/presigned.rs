//! Parts of an upload that a client sends to the S3 itself, by addresses that are signed for it: `<prefix>/uploads/<name>` there, one
//! multipart upload, nothing that anybody sees before it is completed. Its bytes then come here to be looked at and named.

use std::time::Duration;

use super::{Objects, Remote};
use crate::{StoreError, Writer};

/// Where a client sends what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presigned {
    /// What the S3 calls the upload; not for the client.
    pub multipart: String,
    /// Bytes of each part but the last.
    pub part_bytes: u64,
    /// The address of each part's PUT, in their order.
    pub urls: Vec<String>,
}

impl Objects {
    fn elsewhere_or_refuse(&self) -> Result<&Remote, StoreError> {
        self.shared.remote.as_deref().ok_or_else(|| StoreError::Server("objects are files here".into()))
    }

    /// Begins an upload of `bytes` bytes, whose addresses hold for so long. `name` is one of ours: `[a-z2-7]`.
    pub async fn presign(&self, name: &str, bytes: u64, valid: Duration) -> Result<Presigned, StoreError> {
        self.elsewhere_or_refuse()?.presign(name, bytes, valid).await
    }

    /// Puts the parts together; `tags` are what the S3 answered to each (`ETag`). Parts that were put together before stay so.
    /// [`StoreError::Missing`]-like refusals of the S3 are [`StoreError::Server`]: a part is not there, or has another tag.
    pub async fn join_parts(&self, name: &str, multipart: &str, tags: Vec<String>) -> Result<u64, StoreError> {
        self.elsewhere_or_refuse()?.join_parts(name, multipart, tags).await
    }

    /// Copies what was put together into a writer, whose file and hash then are as of any upload. Blocks.
    pub fn gather(
        &self,
        name: &str,
        look: impl Fn(&[u8]) -> bool + Send + 'static,
    ) -> Result<Option<Writer>, StoreError> {
        let (writer, name) = (self.writer()?, name.to_owned());
        self.elsewhere(move |remote| async move { remote.gather(&name, writer, look).await })
    }

    /// Ends it, whether it was put together or not; nothing of it stays.
    pub async fn drop_parts(&self, name: &str, multipart: &str) -> Result<(), StoreError> {
        self.elsewhere_or_refuse()?.drop_parts(name, multipart).await
    }
}
