//! One side of TLS without a socket: ciphertext in, plaintext out, and what must be sent for it. [`Stream`](super::Stream) drives it
//! with its own receives and sends.

use std::cell::RefCell;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::ClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::ServerConnection;
use rustls::{ClientConfig, Connection, HandshakeKind, ServerConfig};

/// Ciphertext of one receive from an origin: a full record and its head.
const FROM_ORIGIN_BYTES: usize = 17 * 1024;
/// Ciphertext of one receive from a client. Idle connections hold this much, and requests are small.
const FROM_CLIENT_BYTES: usize = 4 * 1024;
/// Plaintext of a small record: with its head and tag it fits one segment of an Ethernet path, so that a browser can read the first
/// bytes without waiting for a whole record of 16 KiB.
const SMALL_RECORD_BYTES: usize = 1_350;
/// Plaintext that leaves in small records: about what the first two round trips carry.
const SMALL_RECORDS_BYTES: usize = 64 * 1024;
/// After this long without sending the congestion window has shrunk, and records begin small again.
const SMALL_AGAIN: Duration = Duration::from_secs(1);
/// Buffers of sealed records a thread keeps for the next send, 64 KiB each.
const SEALED_KEPT: usize = 64;

thread_local! {
    static SEALED: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// One connection's TLS.
pub(crate) struct Session {
    conn: Connection,
    /// Received and not yet taken in.
    cipher: Vec<u8>,
    /// What a receive brings at most.
    cipher_bytes: usize,
    small: Small,
}

/// Which records are small.
enum Small {
    /// None: the other side is an origin.
    Never,
    /// So many bytes more, and when the last were sealed.
    Left(usize, Instant),
}

impl Session {
    pub(crate) fn new(config: &Arc<ClientConfig>, name: &ServerName<'static>) -> io::Result<Session> {
        let conn = ClientConnection::new(config.clone(), name.clone()).map_err(io::Error::other)?;
        Ok(Session { conn: conn.into(), cipher: Vec::new(), cipher_bytes: FROM_ORIGIN_BYTES, small: Small::Never })
    }

    /// The server's side. `early` has been received already.
    pub(crate) fn accept(config: &Arc<ServerConfig>, early: Vec<u8>) -> io::Result<Session> {
        let conn = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        let small = Small::Left(SMALL_RECORDS_BYTES, Instant::now());
        Ok(Session { conn: conn.into(), cipher: early, cipher_bytes: FROM_CLIENT_BYTES, small })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.conn.is_handshaking()
    }

    /// Whether the handshake went on from an earlier one, by a ticket.
    pub(crate) fn is_resumed(&self) -> bool {
        self.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whether something is to be sent.
    pub(crate) fn owes(&self) -> bool {
        self.conn.wants_write()
    }

    /// Whether HTTP/2 was agreed upon.
    pub(crate) fn is_http2(&self) -> bool {
        self.conn.alpn_protocol() == Some(b"h2")
    }

    /// Says that nothing more will be sent.
    pub(crate) fn close(&mut self) {
        self.conn.send_close_notify();
    }

    /// Everything that is to be sent now. Give the buffer to [`keep_sealed`] afterwards.
    pub(crate) fn outgoing(&mut self) -> io::Result<Vec<u8>> {
        if !self.conn.wants_write() {
            return Ok(Vec::new());
        }
        let mut out = SEALED.with_borrow_mut(Vec::pop).unwrap_or_default();
        while self.conn.wants_write() {
            self.conn.write_tls(&mut out)?;
        }
        Ok(out)
    }

    /// Seals as much of `plain` as there is room for.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        let Small::Left(left, last) = &mut self.small else { return self.conn.writer().write(plain) };
        let now = Instant::now();
        if now.duration_since(*last) > SMALL_AGAIN {
            *left = SMALL_RECORDS_BYTES;
        }
        *last = now;
        let mut sealed = 0;
        while *left > 0 && sealed < plain.len() {
            let size = (plain.len() - sealed).min(SMALL_RECORD_BYTES);
            let count = self.conn.writer().write(&plain[sealed..sealed + size])?;
            sealed += count;
            *left = left.saturating_sub(count);
            if count < size {
                return Ok(sealed);
            }
        }
        if sealed < plain.len() {
            sealed += self.conn.writer().write(&plain[sealed..])?;
        }
        Ok(sealed)
    }

    /// The buffer for the next receive, behind what has not been taken in.
    pub(crate) fn lend(&mut self) -> Vec<u8> {
        let mut cipher = std::mem::take(&mut self.cipher);
        cipher.reserve(self.cipher_bytes);
        cipher
    }

    /// Gives the buffer back after a receive. `closed`: the other side has ended the connection.
    pub(crate) fn give_back(&mut self, cipher: Vec<u8>, closed: bool) -> io::Result<()> {
        self.cipher = cipher;
        if closed {
            self.conn.read_tls(&mut io::empty())?;
        }
        Ok(())
    }

    /// Takes received ciphertext in until there is plaintext. False: there was nothing to take in.
    pub(crate) fn open(&mut self) -> io::Result<bool> {
        let mut rest = self.cipher.as_slice();
        let mut took = false;
        while !rest.is_empty() {
            took = true;
            if self.conn.read_tls(&mut rest)? == 0 {
                break;
            }
            let state = self.conn.process_new_packets().map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?;
            if state.plaintext_bytes_to_read() > 0 {
                break;
            }
        }
        let left = rest.len();
        self.cipher.drain(..self.cipher.len() - left);
        Ok(took)
    }

    /// Hands plaintext to `put`, which says how much of it it took. `Ok(0)`: the other side has closed in good order; `WouldBlock`: there
    /// is none yet.
    pub(crate) fn read(&mut self, put: impl FnOnce(&[u8]) -> usize) -> io::Result<usize> {
        let mut reader = self.conn.reader();
        let plain = reader.fill_buf()?;
        if plain.is_empty() {
            return Ok(0);
        }
        let count = put(plain);
        reader.consume(count);
        Ok(count)
    }
}

/// Takes a buffer of [`Session::outgoing`] back, for the next send of this thread.
pub(super) fn keep_sealed(mut sealed: Vec<u8>) {
    sealed.clear();
    SEALED.with_borrow_mut(|kept| {
        if kept.len() < SEALED_KEPT {
            kept.push(sealed);
        }
    });
}
