//! Uploads that go on over several requests, whichever protocol they speak. The way of one:
//!
//! ```text
//! begin (row, empty file) -> append (claim, body to the file, sync) x N -> complete (object, asset and job in one commit)
//! ```
//!
//! The offset is the file's length: a crash takes nothing that was answered, and at most moves the offset further than the
//! client knows. One request at a time holds the claim of an upload; another one that writes is refused, and one that asks
//! for the offset ends the first, since a client that asks has lost its connection.

mod about;
mod append;
mod begin;
mod bound;
mod checksum;
mod claim;
mod complete;
mod presigned;
mod sniff;

pub(crate) use about::About;
pub(crate) use append::{Piece, append};
pub(crate) use begin::{Beginning, begin, begin_presigned, join};
pub(crate) use bound::Bound;
pub(crate) use checksum::{ALGORITHMS, Checksum};
pub(crate) use claim::Claims;
pub(crate) use complete::{complete, end_expired, settle_all, sweep};
pub(crate) use presigned::complete_presigned;

use std::sync::Arc;

use durable::StoreError;
use durable::catalogue::Upload;

use crate::api::problem::{Problem, Refusal};
use crate::clock::now_ms;
use crate::house::House;

/// An upload that is not over.
pub(crate) async fn find(house: &House, id: &str) -> Result<Upload, Problem> {
    let unknown = || Refusal::UnknownUpload.because("There is no such upload; it may have been ended. Begin anew.");
    let upload = house.store.catalogue.upload(id).await?.ok_or_else(unknown)?;
    if upload.expires_ms <= now_ms() {
        return Err(Refusal::UploadExpired.because("Nothing was received for too long. Begin anew."));
    }
    if upload.bytes_at().is_some_and(|at| at != house.store.instance()) {
        return Err(bytes_away());
    }
    Ok(upload)
}

/// Its bytes are in the data folder of another process, which is not there, or which the request should have gone to.
pub(crate) fn bytes_away() -> Problem {
    let sentence = "The process that has the bytes of this upload does not answer now. Ask again in a moment; it goes on when that one is back.";
    Refusal::UploadAway.because(sentence).after(1)
}

/// How many bytes count as received. Ask only while nobody writes.
pub(crate) async fn offset(house: &Arc<House>, upload: &Upload) -> Result<u64, Problem> {
    if upload.asset.is_some() {
        return Ok(upload.length.unwrap_or(0));
    }
    let (objects, id) = (house.store.objects.clone(), upload.id.clone());
    let bytes = blocking(move || objects.partial_bytes(&id)).await?.unwrap_or(0);
    Ok(upload.floor.map_or(bytes, |floor| bytes.min(floor)))
}

/// The offset for a client that lost its connection: whoever still writes is ended first.
pub(crate) async fn settled_offset(house: &Arc<House>, upload: &Upload) -> Result<u64, Problem> {
    let _claim = house.claims.interrupt(&upload.id).await?;
    offset(house, upload).await
}

/// The length of an upload that began without one; of one that has one it must be the same.
pub(crate) async fn tell_length(house: &Arc<House>, upload: Upload, length: u64) -> Result<Upload, Problem> {
    if upload.length.is_some_and(|known| known != length) {
        return Err(Refusal::BadLength.because("The upload was announced with another length."));
    }
    if upload.length.is_none() {
        let (bound, at) = (Bound::of(house, &upload.owner).await?, offset(house, &upload).await?);
        if length > bound.bytes {
            return Err(bound.refuse());
        }
        if length < at || (length == 0 && !upload.part) {
            return Err(Refusal::BadLength.because(format!("{at} bytes are there already.")));
        }
        house.store.catalogue.set_upload_length(&upload.id, length).await?;
    }
    Ok(Upload { length: Some(length), ..upload })
}

/// Ends an upload, and whoever writes to it.
pub(crate) async fn end(house: &Arc<House>, upload: &Upload) -> Result<(), Problem> {
    let _claim = house.claims.interrupt(&upload.id).await?;
    house.store.catalogue.delete_upload(&upload.id).await?;
    let (objects, id) = (house.store.objects.clone(), upload.id.clone());
    blocking(move || objects.remove_partial(&id)).await?;
    house.claims.forget(&upload.id);
    Ok(())
}

/// File work on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|e| Problem::internal(&e))?;
    Ok(done?)
}
