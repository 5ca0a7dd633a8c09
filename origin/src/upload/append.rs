//! append: the body of one request goes to the end of the file as it comes, on a thread that may wait for the disk.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use durable::catalogue::Upload;
use durable::{Partial, StoreError};
use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::claim::Claim;
use super::sniff::no_video;
use super::{Bound, Checksum, blocking, offset};
use crate::api::problem::{Problem, Refusal};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{SNIFF_BYTES, UPLOAD_IDLE, UPLOAD_KEPT_MS, UPLOAD_PIECES};

/// One request's part of an upload.
pub(crate) struct Piece {
    /// Where the client believes that the upload is.
    pub(crate) offset: u64,
    pub(crate) body: Body,
    pub(crate) checksum: Option<Checksum>,
}

/// Appends, and answers the new offset. Whatever ends it early, the bytes that came stay; but those of a request with a
/// checksum, which stay together or not at all.
pub(crate) async fn append(house: &Arc<House>, upload: &Upload, piece: Piece) -> Result<u64, Problem> {
    let permit = house.uploads.clone().try_acquire_owned().map_err(|_| {
        Refusal::TooManyUploads.because("The server is receiving as many uploads as it can. Try again in a moment.")
    })?;
    let claim = house.claims.take(&upload.id)?;
    let at = offset(house, upload).await?;
    if piece.offset != at {
        return Err(Refusal::OffsetMismatch
            .because(format!("The upload is at {at}, not at {}.", piece.offset))
            .at(at, piece.offset));
    }
    let bound = match upload.length {
        Some(length) => Bound::announced(length),
        None => Bound::of(house, &upload.owner).await?.or_at_least(at),
    };
    // On a task of its own: a client that leaves must not leave the file without its sync, or the claim with nobody.
    let (house, upload) = (house.clone(), upload.clone());
    let task = tokio::spawn(async move {
        let done = receive(&house, &upload, at, bound, piece, &claim).await;
        drop((claim, permit));
        done
    });
    task.await.map_err(|e| Problem::internal(&e))?
}

async fn receive(
    house: &Arc<House>,
    upload: &Upload,
    at: u64,
    bound: Bound,
    piece: Piece,
    claim: &Claim,
) -> Result<u64, Problem> {
    let mut partial = open(house, upload, at).await?;
    if piece.checksum.is_some() {
        house.store.catalogue.set_upload_floor(&upload.id, Some(at)).await?;
    }
    let has_checksum = piece.checksum.is_some();
    let (pieces, queue) = mpsc::channel(UPLOAD_PIECES);
    let writing = tokio::task::spawn_blocking(move || {
        let written = write(&mut partial, queue);
        let synced = partial.sync();
        (partial, written.and(synced))
    });
    let sent = tokio::select! {
        sent = send(house, piece, at, bound, pieces) => sent,
        () = claim.interrupted() => Err(Refusal::UploadCut.because("Another request asked where this upload is.")),
    };
    let (mut partial, written) = writing.await.map_err(|e| Problem::internal(&e))?;
    let outcome = written.map_err(Problem::from).and(sent);
    let must_go = has_checksum && outcome.is_err();
    let no_video = matches!(&outcome, Err(problem) if problem.refusal == Refusal::NoVideo);
    let (end, hash) = blocking(move || {
        if must_go || no_video {
            partial.truncate(at)?;
        }
        Ok((partial.bytes(), partial.running_hash()))
    })
    .await?;
    house.claims.keep(&upload.id, hash);
    if has_checksum {
        house.store.catalogue.set_upload_floor(&upload.id, None).await?;
    }
    house.store.catalogue.keep_upload(&upload.id, now_ms() + UPLOAD_KEPT_MS).await?;
    outcome.map(|()| end)
}

/// The file, without bytes of an earlier request whose checksum was never told to hold.
async fn open(house: &House, upload: &Upload, at: u64) -> Result<Partial, Problem> {
    let (objects, id, hash) = (house.store.objects.clone(), upload.id.clone(), house.claims.hash(&upload.id));
    let partial = blocking(move || {
        let Some(mut partial) = objects.open_partial(&id, hash)? else { return Ok(None) };
        if partial.bytes() > at {
            partial.truncate(at)?;
        }
        Ok(Some(partial))
    });
    partial.await?.ok_or_else(|| Refusal::UnknownUpload.because("The bytes of this upload are gone. Begin anew."))
}

fn write(partial: &mut Partial, mut queue: mpsc::Receiver<Bytes>) -> Result<(), StoreError> {
    while let Some(bytes) = queue.blocking_recv() {
        partial.append(&bytes)?;
    }
    Ok(())
}

async fn send(house: &House, piece: Piece, at: u64, bound: Bound, pieces: mpsc::Sender<Bytes>) -> Result<(), Problem> {
    let Piece { body, mut checksum, .. } = piece;
    let (mut stream, mut total) = (body.into_data_stream(), at);
    let mut first = Vec::new();
    loop {
        let next = tokio::time::timeout(UPLOAD_IDLE, stream.next()).await;
        let slow = || Refusal::UploadSlow.because(format!("Nothing was received for {} s.", UPLOAD_IDLE.as_secs()));
        let Some(bytes) = next.map_err(|_| slow())? else { break };
        let cut = |e| Refusal::UploadCut.because(format!("The body could not be read to its end: {e}."));
        let bytes = bytes.map_err(cut)?;
        if bytes.len() as u64 > bound.bytes - total {
            return Err(bound.refuse());
        }
        if total < SNIFF_BYTES as u64 && first.len() as u64 == total {
            first.extend_from_slice(&bytes[..bytes.len().min(SNIFF_BYTES - first.len())]);
            if let Some(what) = no_video(&first) {
                return Err(Refusal::NoVideo.because(format!("This looks like {what}. Send the video itself.")));
            }
        }
        total += bytes.len() as u64;
        house.counters.upload_bytes(bytes.len() as u64);
        if let Some(checksum) = &mut checksum {
            checksum.update(&bytes);
        }
        // A closed queue means that the writer gave up; its reason is asked for afterwards.
        if pieces.send(bytes).await.is_err() {
            return Ok(());
        }
    }
    if checksum.is_none_or(Checksum::holds) {
        return Ok(());
    }
    Err(Refusal::ChecksumMismatch.because("The bytes are not those of Upload-Checksum. Send them again."))
}
