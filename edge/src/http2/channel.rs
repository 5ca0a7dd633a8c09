//! One stream of a connection, as what a request comes on: its body in, written as HTTP/1.1 frames one, and the answer out, taken apart
//! into fields and DATA. The client's window is the backpressure: what it has no room for stays where it is, in cache memory.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};

use super::head;
use crate::limits::OUT_BYTES;
use crate::rt::{Path, Piece};
use crate::shard::line::Line;

/// The two directions of a stream.
pub(crate) struct Channel {
    answer: RefCell<Answer>,
    body: RefCell<Body>,
    /// The connection.
    below: Rc<Line>,
    /// Its time is over.
    shut: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

struct Answer {
    respond: SendResponse<Bytes>,
    /// Once the head has been sent.
    data: Option<SendStream<Bytes>>,
    to_head: bool,
    /// The head was all.
    bodiless: bool,
    /// What is left of the length that the head told.
    left: Option<u64>,
    ended: bool,
}

struct Body {
    stream: RecvStream,
    /// It is written in chunks, as nothing told its length.
    chunked: bool,
    ended: bool,
    /// Received and not yet taken.
    here: Bytes,
}

/// Room in front of and behind a chunk: 16 digits and two line ends.
const CHUNK_FRAME_BYTES: usize = 20;

impl Channel {
    pub(super) fn new(
        below: Rc<Line>,
        respond: SendResponse<Bytes>,
        stream: RecvStream,
        to_head: bool,
        chunked: bool,
    ) -> Channel {
        let answer = Answer { respond, data: None, to_head, bodiless: false, left: None, ended: false };
        let body = Body { stream, chunked, ended: false, here: Bytes::new() };
        Channel {
            answer: RefCell::new(answer),
            body: RefCell::new(body),
            below,
            shut: Cell::new(false),
            waiting: Cell::new(None),
        }
    }

    /// What the kernel knows of the way to the client.
    pub(crate) fn path(&self) -> Option<Path> {
        self.below.stream.path()
    }

    /// Its time is over: whatever waits on it returns.
    pub(crate) fn shut(&self) {
        self.shut.set(true);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Appends body to `vec`, for which it grows. `Ok(0)`: it has ended.
    pub(crate) async fn recv(&self, mut vec: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        let result = poll_fn(|cx| self.poll_recv(cx, &mut vec)).await;
        (result, vec)
    }

    fn poll_recv(&self, cx: &mut Context<'_>, vec: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        self.listen(cx)?;
        let mut body = self.body.borrow_mut();
        while body.here.is_empty() && !body.ended {
            match body.stream.poll_data(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(bytes))) => body.here = bytes,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(io::Error::other(error))),
                Poll::Ready(None) => {
                    body.ended = true;
                    if body.chunked {
                        vec.extend_from_slice(b"0\r\n\r\n");
                        return Poll::Ready(Ok(5));
                    }
                }
            }
        }
        let before = vec.len();
        let frame = if body.chunked { CHUNK_FRAME_BYTES } else { 0 };
        let count = body.here.len().min(OUT_BYTES);
        if count == 0 {
            return Poll::Ready(Ok(0));
        }
        vec.reserve(count + frame);
        let piece = body.here.split_to(count);
        if body.chunked {
            vec.extend_from_slice(format!("{count:x}\r\n").as_bytes());
        }
        vec.extend_from_slice(&piece);
        if body.chunked {
            vec.extend_from_slice(b"\r\n");
        }
        // Taken: the client may send as much again.
        body.stream.flow_control().release_capacity(count).map_err(io::Error::other)?;
        Poll::Ready(Ok(vec.len() - before))
    }

    /// Sends what a step wrote: heads, and body behind the last of them.
    pub(crate) async fn send(&self, written: Vec<u8>) -> io::Result<()> {
        let mut written = Bytes::from(written);
        while !written.is_empty() && self.answer.borrow().data.is_none() {
            let len = self.answer.borrow_mut().head(&written)?;
            written = written.split_off(len);
        }
        if self.answer.borrow().bodiless {
            return Ok(());
        }
        self.data(written).await
    }

    /// Sends pieces in order, body without a copy.
    pub(crate) async fn sendv(&self, pieces: Vec<Piece>) -> io::Result<()> {
        for piece in pieces {
            match piece {
                Piece::Made(written) => self.send(written).await?,
                Piece::Fixed(bytes) => self.data(Bytes::from_owner(bytes)).await?,
                Piece::Body(slice) => self.data(Bytes::from_owner(slice)).await?,
            }
        }
        Ok(())
    }

    async fn data(&self, mut bytes: Bytes) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = poll_fn(|cx| self.poll_room(cx, bytes.len())).await?;
            let piece = bytes.split_to(room.min(bytes.len()));
            self.answer.borrow_mut().data(piece)?;
        }
        Ok(())
    }

    /// Bytes that the client, and the buffer in front of it, have room for.
    fn poll_room(&self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        self.listen(cx)?;
        let mut answer = self.answer.borrow_mut();
        let Some(data) = &mut answer.data else { return Poll::Ready(Err(io::ErrorKind::InvalidData.into())) };
        data.reserve_capacity(wanted);
        match data.capacity() {
            0 => match data.poll_capacity(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Some(Ok(room))) => Poll::Ready(Ok(room)),
                Poll::Ready(Some(Err(error))) => Poll::Ready(Err(io::Error::other(error))),
                Poll::Ready(None) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            },
            room => Poll::Ready(Ok(room)),
        }
    }

    fn listen(&self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.shut.get() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.waiting.set(Some(cx.waker().clone()));
        Ok(())
    }

    /// Waits until the client does not want its answer any more.
    pub(crate) async fn unwanted(&self) {
        poll_fn(|cx| {
            let mut answer = self.answer.borrow_mut();
            match &mut answer.data {
                None => answer.respond.poll_reset(cx),
                Some(data) => data.poll_reset(cx),
            }
        })
        .await
        .ok();
    }

    /// Everything has been sent: ends the answer. One that is shorter than its head told is broken off.
    pub(crate) fn finish(&self) {
        let mut answer = self.answer.borrow_mut();
        if answer.ended {
            return;
        }
        let is_short = answer.left.is_some_and(|left| left > 0);
        match &mut answer.data {
            Some(data) if !is_short => drop(data.send_data(Bytes::new(), true)),
            _ => answer.reset(Reason::INTERNAL_ERROR),
        }
        answer.ended = true;
    }

    /// Ends the stream without an end of its answer.
    pub(crate) fn break_off(&self) {
        let reason = if self.shut.get() { Reason::CANCEL } else { Reason::INTERNAL_ERROR };
        let mut answer = self.answer.borrow_mut();
        if !answer.ended {
            answer.reset(reason);
        }
    }
}

impl Answer {
    /// Sends the head that `written` begins with, and says how long it is.
    fn head(&mut self, written: &[u8]) -> io::Result<usize> {
        let (answered, len) = head::of_answer(written).ok_or(io::ErrorKind::InvalidData)?;
        let status = answered.response.status();
        if status.is_informational() {
            self.respond.send_informational(answered.response).map_err(io::Error::other)?;
            return Ok(len);
        }
        let has_body = !self.to_head && status != 204 && status != 304 && answered.length != Some(0);
        self.left = answered.length.filter(|_| has_body);
        (self.bodiless, self.ended) = (!has_body, !has_body);
        self.data = Some(self.respond.send_response(answered.response, self.ended).map_err(io::Error::other)?);
        Ok(len)
    }

    fn data(&mut self, piece: Bytes) -> io::Result<()> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece.len() as u64).ok_or(io::ErrorKind::InvalidData)?;
            self.ended = *left == 0;
        }
        let Some(data) = &mut self.data else { return Err(io::ErrorKind::InvalidData.into()) };
        data.send_data(piece, self.ended).map_err(io::Error::other)
    }

    fn reset(&mut self, reason: Reason) {
        match &mut self.data {
            None => self.respond.send_reset(reason),
            Some(data) => data.send_reset(reason),
        }
    }
}
