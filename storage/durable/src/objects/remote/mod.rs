//! Objects in an S3: `<prefix>/objects/ab/cdef...`, whole or not at all, as the service has it that an object is there when its PUT,
//! or the end of its multipart upload, was answered. Never with an ACL: what the bucket's owner made private stays so.
//!
//! Two clients of one service: whoever waits for an answer to a request is told soon that the service is away, what a job has
//! made is offered for minutes.

mod connect;
mod place;

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path as Key;
use object_store::signer::{Method, SignedUrlOptions, Signer};
use object_store::{BackoffConfig, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, RetryConfig};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

pub use place::{NotS3, S3Place};

use super::{Presigned, Writer};

use crate::error::Part;
use crate::limits::{
    S3_AT_ONCE, S3_HASTY_RETRY_MS, S3_PART_BYTES, S3_PARTS_AT_ONCE, S3_PARTS_MAX, S3_PATIENT_RETRY_MS,
    S3_WHOLE_BYTES_MAX,
};
use crate::{ObjectId, StoreError, UnixMs};

/// How long the service may be away before a caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Someone waits for an answer.
    Hasty,
    /// A job that has made something.
    Patient,
}

#[derive(Debug)]
pub(crate) struct Remote {
    hasty: AmazonS3,
    patient: AmazonS3,
    prefix: String,
    runtime: Handle,
}

/// A stream of an object's bytes.
pub type Bytestream = BoxStream<'static, io::Result<Bytes>>;

impl Remote {
    /// Looks whether the bucket can be used. Call it on a runtime; that one carries all requests.
    pub(super) async fn open(place: &S3Place) -> Result<Self, StoreError> {
        let build = |retry_ms: u64| {
            let backoff = BackoffConfig {
                init_backoff: Duration::from_millis(50),
                max_backoff: Duration::from_secs(2),
                base: 2.,
            };
            let retry =
                RetryConfig { backoff, max_retries: usize::MAX, retry_timeout: Duration::from_millis(retry_ms) };
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&place.bucket)
                .with_region(&place.region)
                .with_access_key_id(&place.access_key)
                .with_secret_access_key(&place.secret_key)
                .with_allow_http(true)
                .with_retry(retry)
                .with_http_connector(connect::Hyper);
            if let Some(endpoint) = &place.endpoint {
                builder = builder.with_endpoint(endpoint);
            }
            let told = |e: Error| StoreError::Server(format!("storage.objects, {place}: {e}"));
            builder.build().map_err(told)
        };
        let prefix = if place.prefix.is_empty() { String::new() } else { format!("{}/", place.prefix) };
        let (hasty, patient) = (build(S3_HASTY_RETRY_MS)?, build(S3_PATIENT_RETRY_MS)?);
        let remote = Self { hasty, patient, prefix, runtime: Handle::current() };
        remote.ping().await.map_err(|error| match error {
            StoreError::Away { why, .. } => StoreError::Server(format!(
                "{place} cannot be reached ({why}); is it running there, and is storage.s3_endpoint right?"
            )),
            StoreError::Server(why) => StoreError::Server(format!(
                "{place} cannot be used ({why}); is there such a bucket, and may storage.s3_access_key read and write in it?"
            )),
            other => other,
        })?;
        Ok(remote)
    }

    /// Answers when the bucket answers.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        // A name that nothing has: its absence is an answer as good as any, and costs no list.
        match self.hasty.head(&self.key(&ObjectId::from_hash([0; 32]))).await {
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(failed(error, None)),
        }
        // But a bucket that is not there looks like an object that is not there.
        let mut one = self.hasty.list(Some(&Key::from(format!("{}objects/00", self.prefix))));
        one.next().await.transpose().map(drop).map_err(|error| failed(error, None))
    }

    /// Runs to its end on the runtime; for threads that may wait.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        asked: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, waiting) = std::sync::mpsc::sync_channel(1);
        self.runtime.spawn(async move { done.send(asked.await) });
        waiting.recv().unwrap_or_else(|_| Err(StoreError::Damaged("the runtime is shutting down".into())))
    }

    fn client(&self, patience: Patience) -> &AmazonS3 {
        match patience {
            Patience::Hasty => &self.hasty,
            Patience::Patient => &self.patient,
        }
    }

    fn key(&self, id: &ObjectId) -> Key {
        let name = id.to_string();
        Key::from(format!("{}objects/{}/{}", self.prefix, &name[..2], &name[2..]))
    }

    /// Stores objects that are in memory, several at once. All of them are there when it returns, or it fails.
    pub(super) async fn put_all(&self, all: Vec<(ObjectId, Bytes)>, patience: Patience) -> Result<(), StoreError> {
        let client = self.client(patience);
        let puts = all.into_iter().map(|(id, bytes)| async move {
            client.put(&self.key(&id), bytes.into()).await.map(drop).map_err(|error| failed(error, Some(id)))
        });
        futures_util::stream::iter(puts).buffer_unordered(S3_AT_ONCE).try_collect().await
    }

    /// Stores a file's bytes: at once when they are few, else in parts of one size.
    pub(super) async fn put_file(&self, id: ObjectId, path: &Path, bytes: u64) -> Result<(), StoreError> {
        if bytes <= S3_WHOLE_BYTES_MAX {
            let whole = read_at(path, 0, bytes).await?;
            return self.put_all(vec![(id, whole)], Patience::Hasty).await;
        }
        let (key, part) = (self.key(&id), part_bytes(bytes));
        let told = |error| failed(error, Some(id));
        let upload = self.hasty.create_multipart(&key).await.map_err(told)?;
        let parts = (0..bytes.div_ceil(part)).map(|index| {
            let (key, upload) = (&key, &upload);
            async move {
                let piece = read_at(path, index * part, part.min(bytes - index * part)).await?;
                let index = usize::try_from(index).map_err(|_| StoreError::DiskFull)?;
                self.hasty.put_part(key, upload, index, piece.into()).await.map_err(told)
            }
        });
        let stored: Result<Vec<_>, StoreError> =
            futures_util::stream::iter(parts).buffered(S3_PARTS_AT_ONCE).try_collect().await;
        let done = match stored {
            Ok(parts) => self.hasty.complete_multipart(&key, &upload, parts).await.map(drop).map_err(told),
            Err(error) => Err(error),
        };
        if done.is_err()
            && let Err(error) = self.hasty.abort_multipart(&key, &upload).await
        {
            tracing::warn!(%error, "parts of an upload stay in the bucket until its own rules remove them");
        }
        done
    }

    fn upload_key(&self, name: &str) -> Key {
        Key::from(format!("{}uploads/{name}", self.prefix))
    }

    /// See [`super::Objects::presign`].
    pub(super) async fn presign(&self, name: &str, bytes: u64, valid: Duration) -> Result<Presigned, StoreError> {
        let (key, part_bytes) = (self.upload_key(name), part_bytes(bytes));
        let told = |error| failed(error, None);
        let multipart = self.hasty.create_multipart(&key).await.map_err(told)?;
        let mut urls = Vec::new();
        for number in 1..=bytes.div_ceil(part_bytes) {
            let query = [("partNumber".to_owned(), number.to_string()), ("uploadId".to_owned(), multipart.clone())];
            let options = SignedUrlOptions::new().with_query(query);
            let url = self.hasty.signed_url_opts(Method::PUT, &key, valid, &options).await.map_err(told)?;
            urls.push(url.to_string());
        }
        Ok(Presigned { multipart, part_bytes, urls })
    }

    /// See [`super::Objects::join_parts`].
    pub(super) async fn join_parts(&self, name: &str, multipart: &str, tags: Vec<String>) -> Result<u64, StoreError> {
        let key = self.upload_key(name);
        let told = |error| failed(error, None);
        match self.hasty.head(&key).await {
            Ok(joined) => return Ok(joined.size),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(told(error)),
        }
        let parts = tags.into_iter().map(|content_id| PartId { content_id }).collect();
        match self.hasty.complete_multipart(&key, &multipart.to_owned(), parts).await {
            Ok(_) => {}
            // The service knows the upload and not these parts.
            Err(Error::Generic { source, .. }) if source.to_string().contains("InvalidPart") => {
                return Err(StoreError::Server("the object storage has no such parts".into()));
            }
            Err(error) => return Err(told(error)),
        }
        Ok(self.hasty.head(&key).await.map_err(told)?.size)
    }

    /// See [`super::Objects::gather`].
    pub(super) async fn gather(
        &self,
        name: &str,
        mut writer: Writer,
        look: impl Fn(&[u8]) -> bool + Send,
    ) -> Result<Option<Writer>, StoreError> {
        let told = |error| failed(error, None);
        let got = self.hasty.get_opts(&self.upload_key(name), GetOptions::default()).await.map_err(told)?;
        let mut stream = got.into_stream();
        let mut first = true;
        while let Some(piece) = stream.try_next().await.map_err(told)? {
            if std::mem::take(&mut first) && !look(&piece) {
                return Ok(None);
            }
            let written = tokio::task::spawn_blocking(move || writer.write(&piece).map(|()| writer)).await;
            writer = written.map_err(|_| StoreError::Damaged("the runtime is shutting down".into()))??;
        }
        Ok(Some(writer))
    }

    /// See [`super::Objects::drop_parts`].
    pub(super) async fn drop_parts(&self, name: &str, multipart: &str) -> Result<(), StoreError> {
        let key = self.upload_key(name);
        for ended in [self.hasty.abort_multipart(&key, &multipart.to_owned()).await, self.hasty.delete(&key).await] {
            match ended {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error, None)),
            }
        }
        Ok(())
    }

    /// An object's size and bytes, all or those of a range.
    pub(super) async fn get(&self, id: ObjectId, range: Option<Range<u64>>) -> Result<(u64, Bytestream), StoreError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let got = self.hasty.get_opts(&self.key(&id), options).await.map_err(|error| failed(error, Some(id)))?;
        let bytes = got.meta.size;
        Ok((bytes, got.into_stream().map_err(io::Error::other).boxed()))
    }

    /// Copies an object to a new file at `path`; bytes that are not those of its name are refused.
    pub(super) async fn fetch(&self, id: ObjectId, path: &Path) -> Result<u64, StoreError> {
        let options = GetOptions::default();
        let got = self.patient.get_opts(&self.key(&id), options).await.map_err(|error| failed(error, Some(id)))?;
        let mut stream = got.into_stream();
        let told = |error| StoreError::io("write", path, error);
        let mut file = tokio::fs::File::create(path).await.map_err(told)?;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        while let Some(piece) = stream.try_next().await.map_err(|error| failed(error, Some(id)))? {
            hash.update(&piece);
            bytes += piece.len() as u64;
            tokio::io::AsyncWriteExt::write_all(&mut file, &piece).await.map_err(told)?;
        }
        tokio::io::AsyncWriteExt::flush(&mut file).await.map_err(told)?;
        if ObjectId::from_hash(hash.finalize().into()) != id {
            return Err(StoreError::Damaged(format!("the object {id} has other bytes than its name says")));
        }
        Ok(bytes)
    }

    /// The names on one shelf (the first byte of the hash), with the size of each and when it was last written.
    pub(super) async fn shelf(&self, shelf: u8) -> Result<Vec<(ObjectId, u64, UnixMs)>, StoreError> {
        let folder = Key::from(format!("{}objects/{shelf:02x}", self.prefix));
        let named = self.hasty.list(Some(&folder)).try_filter_map(async |meta| {
            let id = meta.location.filename().and_then(|rest| format!("{shelf:02x}{rest}").parse().ok());
            Ok(id.map(|id| (id, meta.size, meta.last_modified.timestamp_millis())))
        });
        named.try_collect().await.map_err(|error| failed(error, None))
    }

    /// When an object was last written, and its size; `None` when there is none.
    pub(super) async fn head(&self, id: ObjectId) -> Result<Option<(u64, UnixMs)>, StoreError> {
        match self.hasty.head(&self.key(&id)).await {
            Ok(meta) => Ok(Some((meta.size, meta.last_modified.timestamp_millis()))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error, Some(id))),
        }
    }

    /// Removes one; one that is gone is as good.
    pub(super) async fn remove(&self, id: ObjectId) -> Result<(), StoreError> {
        match self.hasty.delete(&self.key(&id)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(error, Some(id))),
        }
    }
}

/// Parts are of one size, of which there are never more than S3 takes.
fn part_bytes(bytes: u64) -> u64 {
    let least = bytes.div_ceil(S3_PARTS_MAX);
    least.next_multiple_of(1 << 20).max(S3_PART_BYTES)
}

async fn read_at(path: &Path, at: u64, bytes: u64) -> Result<Bytes, StoreError> {
    let path = path.to_path_buf();
    let read = tokio::task::spawn_blocking(move || {
        let read = || {
            let mut file = File::open(&path)?;
            io::Seek::seek(&mut file, io::SeekFrom::Start(at))?;
            let mut piece = vec![0; usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?];
            file.read_exact(&mut piece)?;
            Ok(Bytes::from(piece))
        };
        read().map_err(|e| StoreError::io("read", &path, e))
    });
    read.await.map_err(|_| StoreError::Damaged("the runtime is shutting down".into()))?
}

/// The whole of a stream that has `bytes` bytes.
pub(super) async fn collect(mut stream: Bytestream, bytes: u64) -> Result<Bytes, StoreError> {
    let mut whole = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    let cut = |error: io::Error| StoreError::Away { part: Part::Objects, why: error.to_string() };
    while let Some(piece) = stream.try_next().await.map_err(cut)? {
        whole.extend_from_slice(&piece);
    }
    Ok(whole.into())
}

/// What the service says, by who is to blame: it is gone, or it does not want us.
fn failed(error: Error, id: Option<ObjectId>) -> StoreError {
    match (&error, id) {
        (Error::NotFound { .. }, Some(id)) => StoreError::Missing(id),
        (
            Error::NotFound { .. }
            | Error::PermissionDenied { .. }
            | Error::Unauthenticated { .. }
            | Error::InvalidPath { .. }
            | Error::NotSupported { .. }
            | Error::NotImplemented { .. },
            _,
        ) => StoreError::Server(format!("the object storage refuses: {error}")),
        (Error::Generic { source, .. }, _) if source.to_string().contains("NoSuchBucket") => {
            StoreError::Server(format!("the object storage refuses: {error}"))
        }
        _ => StoreError::Away { part: Part::Objects, why: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_parts_than_the_service_takes() {
        for bytes in [17 << 20, 16 << 30, 160 << 30, (5 << 40) - 1] {
            let part = part_bytes(bytes);
            assert!(part >= 5 << 20 && bytes.div_ceil(part) <= 10_000, "{bytes}: {part}");
        }
    }
}
