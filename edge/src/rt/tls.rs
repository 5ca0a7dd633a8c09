//! The client's side of TLS without a socket: ciphertext in, plaintext out, and what must be sent for it. [`Stream`](super::Stream)
//! drives it with its own receives and sends.

use std::io::{self, BufRead, Write};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::ClientConnection;
use rustls::pki_types::ServerName;

/// One connection's TLS.
pub(crate) struct Session {
    conn: ClientConnection,
    /// Received and not yet taken in.
    cipher: Vec<u8>,
}

/// Ciphertext of one receive: a full record and its head.
const CIPHER_BYTES: usize = 17 * 1024;

impl Session {
    pub(crate) fn new(config: &Arc<ClientConfig>, name: &ServerName<'static>) -> io::Result<Session> {
        let conn = ClientConnection::new(config.clone(), name.clone()).map_err(io::Error::other)?;
        Ok(Session { conn, cipher: Vec::new() })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.conn.is_handshaking()
    }

    /// Everything that is to be sent now.
    pub(crate) fn outgoing(&mut self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while self.conn.wants_write() {
            self.conn.write_tls(&mut out)?;
        }
        Ok(out)
    }

    /// Seals as much of `plain` as there is room for.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        self.conn.writer().write(plain)
    }

    /// The buffer for the next receive, behind what has not been taken in.
    pub(crate) fn lend(&mut self) -> Vec<u8> {
        let mut cipher = std::mem::take(&mut self.cipher);
        cipher.reserve(CIPHER_BYTES);
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
