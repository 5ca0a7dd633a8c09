//! receive: the body of an upload goes to a temporary file as it comes, hashed on the way, never held in memory. A client
//! that goes away, a body that is cut, a full disk: the file goes away with the writer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use durable::{StoreError, UnixMs, Writer};
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;

use crate::api::problem::{Problem, Refusal};
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{UPLOAD_IDLE, UPLOAD_PIECES};
use crate::upload::Bound;

/// A whole upload in a temporary file.
pub(crate) struct Received {
    pub(super) writer: Writer,
    /// When the last byte had arrived.
    pub(super) uploaded_ms: UnixMs,
    _permit: OwnedSemaphorePermit,
}

enum Piece {
    Bytes(Bytes),
    End,
}

/// Receives a body of bounded length.
pub(crate) async fn receive(
    house: &Arc<House>,
    headers: &HeaderMap,
    body: Body,
    bound: Bound,
) -> Result<Received, Problem> {
    let permit = house.uploads.clone().try_acquire_owned().map_err(|_| {
        Refusal::TooManyUploads.because("The server is receiving as many uploads as it can. Try again in a moment.")
    })?;
    announced(house, headers, bound)?;
    let (pieces, queue) = mpsc::channel(UPLOAD_PIECES);
    let writing = write(house, queue);
    let sent = send(house, body, bound, pieces).await;
    // Why the writer gave up explains why it could not be sent to; otherwise the client is to blame.
    let written = writing.await.map_err(|e| Problem::internal(&e))??;
    sent?;
    let writer = written.ok_or_else(|| cut("The connection ended before the body did."))?;
    if writer.bytes() == 0 {
        return Err(Refusal::EmptyUpload.because("Send the bytes of a video file as the body."));
    }
    Ok(Received { writer, uploaded_ms: now_ms(), _permit: permit })
}

/// What can be refused before the first byte.
fn announced(house: &House, headers: &HeaderMap, bound: Bound) -> Result<(), Problem> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > bound.bytes) {
        return Err(bound.refuse());
    }
    Ok(house.store.objects.expect_room(announced.unwrap_or(0))?)
}

/// Writes on a thread that may wait for the disk. `None`: the sender left before the end.
fn write(house: &House, mut queue: mpsc::Receiver<Piece>) -> JoinHandle<Result<Option<Writer>, StoreError>> {
    let objects = house.store.objects.clone();
    tokio::task::spawn_blocking(move || {
        let mut writer = objects.writer()?;
        while let Some(piece) = queue.blocking_recv() {
            match piece {
                Piece::Bytes(bytes) => writer.write(&bytes)?,
                Piece::End => return Ok(Some(writer)),
            }
        }
        Ok(None)
    })
}

async fn send(house: &House, body: Body, bound: Bound, pieces: mpsc::Sender<Piece>) -> Result<(), Problem> {
    let mut stream = body.into_data_stream();
    let mut total = 0u64;
    loop {
        let next = tokio::time::timeout(UPLOAD_IDLE, stream.next()).await;
        let piece = match next.map_err(|_| slow(UPLOAD_IDLE))? {
            None => Piece::End,
            Some(Ok(bytes)) => {
                total += bytes.len() as u64;
                if total > bound.bytes {
                    return Err(bound.refuse());
                }
                house.counters.upload_bytes(bytes.len() as u64);
                Piece::Bytes(bytes)
            }
            Some(Err(error)) => return Err(cut(&format!("The body could not be read to its end: {error}."))),
        };
        let end = matches!(piece, Piece::End);
        // A closed queue means that the writer gave up; its reason is asked for afterwards.
        if pieces.send(piece).await.is_err() || end {
            return Ok(());
        }
    }
}

fn slow(limit: Duration) -> Problem {
    Refusal::UploadSlow.because(format!("Nothing was received for {} s. Try again.", limit.as_secs()))
}

fn cut(detail: &str) -> Problem {
    Refusal::UploadCut.because(detail)
}
