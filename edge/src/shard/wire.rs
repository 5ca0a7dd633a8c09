//! What carries a message: a connection, or one stream of a connection that carries many. Whoever reads and writes it does not know which.

use std::io;
use std::rc::Rc;

use cache::ChunkWriter;

use crate::http2::channel::Channel;
use crate::limits::OUT_BYTES;
use crate::rt::{Path, Piece, Session, Stream};

/// A connection, or a stream of one.
pub(crate) enum Wire {
    Socket(Stream),
    Channel(Rc<Channel>),
}

impl Wire {
    /// Appends what has arrived to `vec`; a connection within its capacity. `Ok(0)`: nothing more comes.
    pub(crate) async fn recv(&self, vec: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        match self {
            Wire::Socket(stream) => stream.recv(vec).await,
            Wire::Channel(channel) => channel.recv(vec).await,
        }
    }

    /// Appends what has arrived of a body, as much as is handed on at once.
    pub(crate) async fn recv_body(&self, mut vec: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        match self {
            Wire::Socket(stream) => {
                vec.reserve(OUT_BYTES);
                stream.recv(vec).await
            }
            // Many may wait at a time, and none holds a buffer for it.
            Wire::Channel(channel) => channel.recv(vec).await,
        }
    }

    /// Waits for what arrives next without a buffer of its own.
    pub(crate) async fn recv_idle(&self) -> (io::Result<usize>, Vec<u8>) {
        match self {
            Wire::Socket(stream) => stream.recv_idle().await,
            Wire::Channel(channel) => channel.recv(Vec::new()).await,
        }
    }

    /// Appends at most `max` bytes to a chunk: what an origin sends, which has a connection of its own.
    pub(crate) async fn recv_chunk(&self, writer: ChunkWriter, max: usize) -> (io::Result<usize>, ChunkWriter) {
        match self {
            Wire::Socket(stream) => stream.recv_chunk(writer, max).await,
            Wire::Channel(_) => (Err(io::ErrorKind::Unsupported.into()), writer),
        }
    }

    /// Sends all of `vec` and gives it back, or another.
    pub(crate) async fn send(&self, vec: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        match self {
            Wire::Socket(stream) => stream.send(vec).await,
            Wire::Channel(channel) => (channel.send(vec).await, Vec::new()),
        }
    }

    /// Sends all pieces in order; gives the first back when it was made for this answer, so that its memory is used again.
    pub(crate) async fn sendv(&self, pieces: Vec<Piece>) -> (io::Result<()>, Option<Vec<u8>>) {
        match self {
            Wire::Socket(stream) => stream.sendv(pieces).await,
            Wire::Channel(channel) => (channel.sendv(pieces).await, None),
        }
    }

    /// Makes a connection one of TLS.
    pub(crate) async fn secure(&self, session: Session) -> io::Result<bool> {
        match self {
            Wire::Socket(stream) => stream.secure(session).await,
            Wire::Channel(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The connection, if it is one.
    pub(crate) fn socket(&self) -> Option<&Stream> {
        match self {
            Wire::Socket(stream) => Some(stream),
            Wire::Channel(_) => None,
        }
    }

    /// What the kernel knows of the way to the other side.
    pub(crate) fn path(&self) -> Option<Path> {
        match self {
            Wire::Socket(stream) => stream.path(),
            Wire::Channel(channel) => channel.path(),
        }
    }

    /// Ends both directions: whatever waits on it returns.
    pub(crate) fn shut(&self) {
        match self {
            Wire::Socket(stream) => stream.shut(),
            Wire::Channel(channel) => channel.shut(),
        }
    }

    /// Ends the other direction: a pending receive returns, and something can still be said.
    pub(crate) fn shut_read(&self) {
        match self {
            Wire::Socket(stream) => stream.shut_read(),
            Wire::Channel(channel) => channel.shut(),
        }
    }

    /// Ends our direction after what was sent.
    pub(crate) async fn finish(&self) {
        match self {
            Wire::Socket(stream) => stream.finish().await,
            Wire::Channel(channel) => channel.finish(),
        }
    }
}
