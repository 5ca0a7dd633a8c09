//! A connection on its way from one thread's ring to another's.

use std::cell::RefCell;

use compio::driver::SharedFd;
use socket2::Socket;

use super::{Session, Stream, Way};

/// A connection that belongs to no ring: its socket, and its TLS with whatever has come and was not read.
pub(crate) struct Moved {
    socket: Socket,
    tls: Option<Box<RefCell<Session>>>,
    /// Its bodies leave without a copy.
    uncopied: bool,
}

impl Moved {
    /// Whether it is a connection of TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls.is_some()
    }
}

impl Stream {
    /// Takes it off this thread's ring, between two operations. Gives it back when one is still under way.
    pub(crate) fn leave(self) -> Result<Moved, Stream> {
        let Stream { fd, emptied, recv_max, send_max, tls, both_ways, uncopied } = self;
        match fd.try_unwrap() {
            Ok(socket) => {
                let uncopied = uncopied.is_some_and(|way| way.is_open());
                Ok(Moved { socket, tls: tls.into_inner(), uncopied })
            }
            Err(fd) => Err(Stream { fd, emptied, recv_max, send_max, tls, both_ways, uncopied }),
        }
    }

    /// Puts it on this thread's ring.
    pub(crate) fn arrived(moved: Moved) -> Stream {
        let mut stream = Stream::from_fd(SharedFd::new(moved.socket));
        if moved.uncopied {
            stream.uncopied = Way::taken_over();
        }
        if let Some(tls) = moved.tls {
            let _ = stream.tls.set(tls);
        }
        stream
    }
}
