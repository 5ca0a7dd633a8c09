//! A connection for a library that polls: `AsyncRead` and `AsyncWrite` over two small buffers, and two pumps that carry bytes between
//! them and a [`Stream`], on which a receive and a send are then under way at the same time. All of it lives in one task.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::lend::give_back;
use super::socket::Stream;

/// A receive that brings this much is followed by larger ones: a body comes.
const RECV_MUCH_BYTES: usize = 2 * 1024;
/// Capacity of those.
const RECV_BYTES: usize = 16 * 1024;
/// Bytes that may wait for a send; there may be as many in one that is under way.
const SEND_BYTES_MAX: usize = 64 * 1024;

/// The library's end.
pub(crate) struct Duplex(Rc<Pipes>);

/// The pumps' end.
pub(crate) struct Pipes {
    input: RefCell<Way>,
    output: RefCell<Way>,
}

/// Bytes on their way in one direction.
#[derive(Default)]
struct Way {
    bytes: Vec<u8>,
    at: usize,
    /// Nothing comes after what is here.
    ended: bool,
    /// The wire takes nothing any more.
    broken: bool,
    giver: Option<Waker>,
    taker: Option<Waker>,
}

impl Way {
    fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The buffer, of which everything has been taken.
    fn drained(&mut self) -> Vec<u8> {
        self.at = 0;
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// Both ends. `early` has been received already.
pub(crate) fn duplex(early: Vec<u8>) -> (Duplex, Rc<Pipes>) {
    let input = RefCell::new(Way { bytes: early, ..Way::default() });
    let pipes = Rc::new(Pipes { input, output: RefCell::default() });
    (Duplex(pipes.clone()), pipes)
}

impl Pipes {
    /// Receives until the other side has closed. `seen` is shown everything, before the library is, and may end it all.
    pub(crate) async fn pump_in(&self, stream: &Stream, mut seen: impl FnMut(&[u8])) {
        stream.both_ways();
        seen(&self.input.borrow().bytes);
        let mut was_much = false;
        loop {
            poll_fn(|cx| self.poll_drained(cx)).await;
            let mut buffer = self.input.borrow_mut().drained();
            let (result, buffer) = if was_much {
                buffer.reserve(RECV_BYTES);
                stream.recv(buffer).await
            } else {
                // A connection that waits holds no buffer.
                give_back(buffer);
                stream.recv_idle().await
            };
            seen(&buffer);
            was_much = buffer.len() >= RECV_MUCH_BYTES;
            let mut input = self.input.borrow_mut();
            (input.bytes, input.at) = (buffer, 0);
            input.ended = !matches!(result, Ok(count) if count > 0);
            wake(&mut input.taker);
            if stream.owes() {
                wake(&mut self.output.borrow_mut().taker);
            }
            if input.ended {
                return;
            }
        }
    }

    fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut input = self.input.borrow_mut();
        if input.is_empty() {
            return Poll::Ready(());
        }
        input.giver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Sends until the library has closed its end and everything has left. `due` is told how many bytes a send has, and 0 after it.
    pub(crate) async fn pump_out(&self, stream: &Stream, due: impl Fn(usize)) -> io::Result<()> {
        let mut spare = Vec::new();
        while poll_fn(|cx| self.poll_to_send(stream, cx)).await {
            let bytes = std::mem::replace(&mut self.output.borrow_mut().bytes, spare);
            wake(&mut self.output.borrow_mut().giver);
            due(bytes.len());
            let (result, bytes) = stream.send(bytes).await;
            due(0);
            if let Err(error) = result {
                let mut output = self.output.borrow_mut();
                output.broken = true;
                wake(&mut output.giver);
                let mut input = self.input.borrow_mut();
                input.ended = true;
                wake(&mut input.taker);
                return Err(error);
            }
            spare = bytes;
            spare.clear();
            // Whoever has nothing to send holds no memory for it.
            if self.output.borrow().bytes.is_empty() {
                spare = Vec::new();
                self.output.borrow_mut().bytes = Vec::new();
            }
        }
        Ok(())
    }

    /// False: there is nothing to send, and never will be.
    fn poll_to_send(&self, stream: &Stream, cx: &mut Context<'_>) -> Poll<bool> {
        let mut output = self.output.borrow_mut();
        if !output.bytes.is_empty() || stream.owes() {
            return Poll::Ready(true);
        }
        if output.ended {
            return Poll::Ready(false);
        }
        output.taker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Duplex {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut input = self.0.input.borrow_mut();
        if input.is_empty() {
            if input.ended {
                return Poll::Ready(Ok(()));
            }
            input.taker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let count = buf.remaining().min(input.bytes.len() - input.at);
        buf.put_slice(&input.bytes[input.at..input.at + count]);
        input.at += count;
        if input.is_empty() {
            wake(&mut input.giver);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Duplex {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut output = self.0.output.borrow_mut();
        if output.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = SEND_BYTES_MAX.saturating_sub(output.bytes.len());
        if room == 0 {
            output.giver = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let mut taken = 0;
        for slice in slices {
            let count = slice.len().min(room - taken);
            output.bytes.extend_from_slice(&slice[..count]);
            taken += count;
        }
        wake(&mut output.taker);
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What was written will be sent: a bound on what waits is kept by `poll_write`.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }
}

impl Pipes {
    fn close(&self) {
        let mut output = self.output.borrow_mut();
        output.ended = true;
        wake(&mut output.taker);
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.0.close();
    }
}
