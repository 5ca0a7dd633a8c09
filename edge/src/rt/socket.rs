//! TCP through the ring.

mod moved;

pub(crate) use moved::Moved;

use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

use cache::{ChunkWriter, Slice};
use compio::BufResult;
use compio::buf::IntoInner;
use compio::driver::op::{Connect, Interest, PollOnce, Recv, RecvFlags, RecvManaged, Send, SendFlags, SendVectored};
use compio::driver::{BufferRef, PollFirst, SharedFd};
use compio::runtime::{Runtime, submit};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::sync::Notify;

use super::buf::{ChunkSpare, Part, Path, Piece, Spare, Unsent, path, pooled};
use super::driver::{Driver, faults};
use super::lend::lend;
use super::tls::{Session, keep_sealed};
use super::zero_copy::{self, Way};
use crate::limits::ZERO_COPY_BYTES_MIN;

/// Connections the kernel queues for one listener.
const BACKLOG: i32 = 4096;

/// Less than this is copied into the socket, wherever it lies.
const SENDFILE_BYTES_MIN: usize = 64 * 1024;

/// A listening socket of one shard.
pub(crate) struct Listener {
    fd: SharedFd<Socket>,
    left: Cell<bool>,
    leaving: Notify,
}

impl Listener {
    /// Binds with SO_REUSEPORT, so that every shard has its own queue. Options set here are inherited by what it accepts.
    pub(crate) fn bind(addr: SocketAddr, congestion: Option<&str>) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM.cloexec(), Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(name) = congestion {
            socket.set_tcp_congestion(name.as_bytes())?;
        }
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket)
    }

    /// Hands a bound socket to this thread's ring.
    pub(crate) fn on_ring(socket: Socket) -> io::Result<Listener> {
        socket.set_nonblocking(true)?;
        Ok(Listener { fd: SharedFd::new(socket), left: Cell::new(false), leaving: Notify::new() })
    }

    /// Accepts no more: a pending accept returns with an error. The socket ends with its last descriptor: one that another process has as
    /// well goes on, with all that waits in its queue.
    pub(crate) fn leave(&self) {
        self.left.set(true);
        self.leaving.notify_one();
    }

    /// Whether it has been left.
    pub(crate) fn is_left(&self) -> bool {
        self.left.get()
    }

    /// The next connection and where it comes from. The ring waits for it, and it is taken by a call: an accept in the ring could take
    /// one at the very moment in which it is told to stop, and nobody would serve it.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let (socket, from) = loop {
            if self.left.get() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            match self.fd.accept() {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                accepted => break accepted?,
            }
            tokio::select! {
                ready = submit(PollOnce::new(self.fd.clone(), Interest::Readable)) => drop(ready.0?),
                () = self.leaving.notified() => {}
            }
        };
        if let Some(stall) = faults().accept_stalls {
            std::thread::sleep(stall);
        }
        let from = from.as_socket().ok_or_else(|| io::Error::other("not an IP address"))?;
        // For `sendfile` and its like, which are called directly; the ring waits either way.
        socket.set_nonblocking(true)?;
        let mut stream = Stream::from_fd(SharedFd::new(socket));
        stream.uncopied = Way::to(from.ip());
        Ok((stream, from))
    }
}

/// A TCP connection.
pub(crate) struct Stream {
    fd: SharedFd<Socket>,
    /// The last receive emptied the socket: the next one waits first instead of trying in vain.
    emptied: Cell<bool>,
    recv_max: usize,
    send_max: usize,
    /// TLS, once hands were shaken.
    tls: OnceCell<Box<RefCell<Session>>>,
    /// A receive and a send may be under way at the same time: what a receive calls for is left to the next send.
    both_ways: Cell<bool>,
    /// Large bodies leave without a copy, by this way; `None`: they are copied.
    uncopied: Option<Rc<Way>>,
}

/// Connects, or says `TimedOut` after `limit`.
pub(crate) async fn connect(to: SocketAddr, limit: Duration) -> io::Result<Stream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM.cloexec(), Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(Driver::here() == Driver::Poll)?;
    let fd = SharedFd::new(socket);
    let op = Connect::new(fd.clone(), SockAddr::from(to));
    match super::timeout(limit, submit(op)).await {
        None => Err(io::ErrorKind::TimedOut.into()),
        Some(BufResult(result, _)) => {
            result?;
            Ok(Stream::from_fd(fd))
        }
    }
}

impl Stream {
    fn from_fd(fd: SharedFd<Socket>) -> Stream {
        let faults = faults();
        Stream {
            fd,
            emptied: Cell::new(false),
            recv_max: faults.recv_bytes_max.unwrap_or(usize::MAX),
            send_max: faults.send_bytes_max.unwrap_or(usize::MAX),
            tls: OnceCell::new(),
            both_ways: Cell::new(false),
            uncopied: None,
        }
    }

    /// Appends what has arrived to `vec`, within its capacity. `Ok(0)`: the peer has closed.
    pub(crate) async fn recv(&self, mut vec: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        if let Some(tls) = self.tls.get() {
            let room = (vec.capacity() - vec.len()).min(self.recv_max);
            let put = |plain: &[u8]| {
                let count = plain.len().min(room);
                vec.extend_from_slice(&plain[..count]);
                count
            };
            let result = self.recv_plain(tls, put).await;
            return (result, vec);
        }
        self.recv_raw(vec).await
    }

    /// Waits for the next bytes without holding memory for them. `Ok(0)`: the peer has closed.
    pub(crate) async fn recv_idle(&self) -> (io::Result<usize>, Vec<u8>) {
        if self.tls.get().is_none() && self.recv_max == usize::MAX && Driver::here() != Driver::Poll {
            let pool = Runtime::with_current(Runtime::buffer_pool);
            let op = pool.and_then(|pool| RecvManaged::new(self.fd.clone(), &pool, 0, RecvFlags::empty()));
            if let Ok(op) = op {
                match self.recv_pooled(op).await {
                    // More have come at once than the pool has buffers.
                    Err(e) if e.raw_os_error() == Some(libc::ENOBUFS) => {}
                    result => {
                        let mut vec = Vec::new();
                        let result = result.map(|buffer| {
                            let Some(buffer) = buffer else { return 0 };
                            vec = lend();
                            vec.extend_from_slice(&buffer);
                            vec.len()
                        });
                        return (result, vec);
                    }
                }
            }
        }
        self.recv(lend()).await
    }

    async fn recv_pooled(&self, mut op: RecvManaged<SharedFd<Socket>>) -> io::Result<Option<BufferRef>> {
        if self.emptied.get() {
            op.poll_first();
        }
        let (received, extra) = submit(op).with_extra().await;
        if let Ok(more) = extra.sock_nonempty() {
            self.emptied.set(!more);
        }
        pooled(received)
    }

    async fn recv_raw(&self, vec: Vec<u8>) -> (io::Result<usize>, Vec<u8>) {
        let op = Recv::new(self.fd.clone(), Spare { vec, max: self.recv_max }, RecvFlags::empty());
        let (result, spare) = self.receive(op).await;
        let count = *result.as_ref().unwrap_or(&0);
        (result, spare.received(count))
    }

    /// Appends at most `max` bytes to a chunk. `Ok(0)`: the peer has closed.
    pub(crate) async fn recv_chunk(&self, mut writer: ChunkWriter, max: usize) -> (io::Result<usize>, ChunkWriter) {
        let max = max.min(self.recv_max);
        if let Some(tls) = self.tls.get() {
            let result = self.recv_plain(tls, |plain| writer.push(&plain[..plain.len().min(max)])).await;
            return (result, writer);
        }
        let op = Recv::new(self.fd.clone(), ChunkSpare { writer, max }, RecvFlags::empty());
        let (result, spare) = self.receive(op).await;
        let count = *result.as_ref().unwrap_or(&0);
        (result, spare.received(count))
    }

    async fn receive<B: compio::buf::IoBufMut>(&self, mut op: Recv<B, SharedFd<Socket>>) -> (io::Result<usize>, B) {
        if self.emptied.get() {
            op.poll_first();
        }
        let (BufResult(result, op), extra) = submit(op).with_extra().await;
        if let Ok(more) = extra.sock_nonempty() {
            self.emptied.set(!more);
        }
        (result, op.into_inner())
    }

    /// Makes this a TLS connection. The caller sets the time limit. True: an earlier session goes on.
    pub(crate) async fn secure(&self, session: Session) -> io::Result<bool> {
        let tls = Box::new(RefCell::new(session));
        loop {
            self.send_sealed(&tls).await?;
            if !tls.borrow().is_handshaking() {
                break;
            }
            if !self.open(&tls).await? {
                self.recv_cipher(&tls).await?;
            }
        }
        let resumed = tls.borrow().is_resumed();
        self.tls.set(tls).map_err(|_| io::Error::other("this is a TLS connection already"))?;
        Ok(resumed)
    }

    /// From now on a receive and a send may be under way at the same time, one of each.
    pub(crate) fn both_ways(&self) {
        self.both_ways.set(true);
    }

    /// Whether a receive has left something to be sent.
    pub(crate) fn owes(&self) -> bool {
        self.tls.get().is_some_and(|tls| tls.borrow().owes())
    }

    /// Whether HTTP/2 was agreed upon (ALPN, RFC 7301).
    pub(crate) fn is_http2(&self) -> bool {
        self.tls.get().is_some_and(|tls| tls.borrow().is_http2())
    }

    /// Gives the next plaintext to `put`, which says how much of it it took. `Ok(0)`: the peer has closed in good order.
    async fn recv_plain(&self, tls: &RefCell<Session>, mut put: impl FnMut(&[u8]) -> usize) -> io::Result<usize> {
        loop {
            match tls.borrow_mut().read(&mut put) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            if !self.open(tls).await? {
                self.recv_cipher(tls).await?;
            }
        }
    }

    /// Takes in what has been received; false: nothing had been. What it calls for is sent, an alert before its error is told too.
    async fn open(&self, tls: &RefCell<Session>) -> io::Result<bool> {
        let opened = tls.borrow_mut().open();
        // Two sends at once could mix their bytes.
        if !self.both_ways.get() {
            self.send_sealed(tls).await?;
        }
        opened
    }

    async fn recv_cipher(&self, tls: &RefCell<Session>) -> io::Result<()> {
        let cipher = tls.borrow_mut().lend();
        let (result, cipher) = self.recv_raw(cipher).await;
        let closed = matches!(result, Ok(0));
        tls.borrow_mut().give_back(cipher, closed)?;
        // In the middle of a handshake there is no good order to close in.
        if closed && tls.borrow().is_handshaking() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        result.map(|_| ())
    }

    async fn send_sealed(&self, tls: &RefCell<Session>) -> io::Result<()> {
        let out = tls.borrow_mut().outgoing()?;
        if out.is_empty() {
            return Ok(());
        }
        let (result, out) = self.send_raw(out).await;
        keep_sealed(out);
        result
    }

    /// Seals all of `plain`, and sends what there is no room for.
    async fn seal(&self, tls: &RefCell<Session>, mut plain: &[u8]) -> io::Result<()> {
        while !plain.is_empty() {
            let sealed = tls.borrow_mut().seal(plain)?;
            plain = &plain[sealed..];
            if !plain.is_empty() {
                self.send_sealed(tls).await?;
            }
        }
        Ok(())
    }

    /// Sends all of `vec` and gives it back.
    pub(crate) async fn send(&self, vec: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        let Some(tls) = self.tls.get() else { return self.send_raw(vec).await };
        if let Err(e) = self.seal(tls, &vec).await {
            return (Err(e), vec);
        }
        (self.send_sealed(tls).await, vec)
    }

    async fn send_raw(&self, vec: Vec<u8>) -> (io::Result<()>, Vec<u8>) {
        let mut unsent = Unsent { vec, sent: 0, max: self.send_max };
        while unsent.sent < unsent.vec.len() {
            let BufResult(result, op) = submit(Send::new(self.fd.clone(), unsent, SendFlags::empty())).await;
            unsent = op.into_inner();
            match result {
                Ok(0) => return (Err(io::ErrorKind::WriteZero.into()), unsent.vec),
                Ok(count) => unsent.sent += count,
                Err(e) => return (Err(e), unsent.vec),
            }
        }
        (Ok(()), unsent.vec)
    }

    /// Sends all pieces in order; gives the first back when it was made for this answer, so that its memory is used again.
    pub(crate) async fn sendv(&self, pieces: Vec<Piece>) -> (io::Result<()>, Option<Vec<u8>>) {
        if let Some(tls) = self.tls.get() {
            return self.sendv_sealed(tls, pieces).await;
        }
        let uncopied = has_body(&pieces, |slice| self.way_of(slice).is_some());
        if self.send_max != usize::MAX && !uncopied {
            return (self.send_in_cuts(pieces).await, None);
        }
        if uncopied || has_body(&pieces, |slice| in_file(slice).is_some()) {
            return self.send_by_calls(pieces).await;
        }
        let (mut parts, mut made) = (Vec::with_capacity(pieces.len()), None);
        let mut left: usize = 0;
        for piece in pieces {
            let part = Part { piece, sent: 0 };
            match part {
                Part { piece: Piece::Made(vec), .. } if vec.is_empty() => made = Some(vec),
                part => {
                    left += part.left().len();
                    parts.push(part);
                }
            }
        }
        while left > 0 && parts.len() > 1 {
            // WAITALL: the kernel goes on by itself when the socket's buffer has room again.
            let flags = SendFlags::from_bits_retain(libc::MSG_WAITALL as u32);
            let BufResult(result, op) = submit(SendVectored::new(self.fd.clone(), parts, flags)).await;
            parts = op.into_inner();
            let mut count = match result {
                Ok(0) => return (Err(io::ErrorKind::WriteZero.into()), None),
                Ok(count) => count,
                Err(e) => return (Err(e), None),
            };
            left = left.saturating_sub(count);
            for part in &mut parts {
                let step = part.left().len().min(count);
                part.sent += step;
                count -= step;
            }
            if left > 0 {
                parts.retain(|part| !part.left().is_empty());
            }
        }
        if left > 0
            && let Some(part) = parts.pop()
        {
            match self.send_part_whole(part).await {
                Ok(part) => parts.push(part),
                Err(e) => return (Err(e), None),
            }
        }
        for part in parts {
            if let Piece::Made(vec) = part.piece {
                made = Some(vec);
                break;
            }
        }
        (Ok(()), made)
    }

    /// Sends what is left of one part.
    async fn send_part_whole(&self, mut part: Part) -> io::Result<Part> {
        while !part.left().is_empty() {
            let flags = SendFlags::from_bits_retain(libc::MSG_WAITALL as u32);
            let BufResult(result, op) = submit(Send::new(self.fd.clone(), part, flags)).await;
            part = op.into_inner();
            match result? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => part.sent += count,
            }
        }
        Ok(part)
    }

    /// Sends pieces some of which leave without a copy: out of a file by `sendfile(2)`, or off the heap. What is sent before them waits for
    /// them (`MSG_MORE`), so that heads and bodies make whole segments, by two calls less than with a cork.
    async fn send_by_calls(&self, pieces: Vec<Piece>) -> (io::Result<()>, Option<Vec<u8>>) {
        let mut made = None;
        let mut result = Ok(());
        let mut copies = false;
        let mut pieces = pieces.into_iter().peekable();
        while let Some(piece) = pieces.next() {
            let mut part = Part { piece, sent: 0 };
            let more = if pieces.peek().is_some() { libc::MSG_MORE } else { 0 };
            while result.is_ok() && !part.left().is_empty() {
                match self.send_part(&part, more, &mut copies) {
                    Ok(0) => result = Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => part.sent += count,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => result = self.writable().await,
                    Err(e) => result = Err(e),
                }
            }
            if let Piece::Made(vec) = part.piece {
                made = made.or(Some(vec));
            }
        }
        (result, made)
    }

    /// As much of a part as the socket takes now; `more`: whether it waits for what follows. `copies`: whether there is no room any more for
    /// what leaves the heap without a copy.
    fn send_part(&self, part: &Part, more: i32, copies: &mut bool) -> io::Result<usize> {
        let left = &part.left()[..part.left().len().min(self.send_max)];
        if let Piece::Body(slice) = &part.piece {
            if let Some((file, offset)) = in_file(slice) {
                let offset = usize::try_from(offset).map_err(io::Error::other)? + part.sent;
                return self.fd.sendfile(&file, offset, NonZeroUsize::new(left.len()));
            }
            // The rest of a body is copied when it has become small.
            if part.left().len() >= ZERO_COPY_BYTES_MIN
                && !*copies
                && let Some(way) = self.way_of(slice)
            {
                let range = part.sent..part.sent + left.len();
                match zero_copy::send(self.fd.as_fd(), way, slice, range, more) {
                    Some(sent) => return sent,
                    None => *copies = true,
                }
            }
        }
        self.fd.send_with_flags(left, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT | more)
    }

    /// The way by which a slice leaves the heap without a copy, if it does.
    fn way_of(&self, slice: &Slice) -> Option<&Rc<Way>> {
        self.uncopied.as_ref().filter(|way| way.is_open() && zero_copy::suits(slice))
    }

    /// Waits until the socket takes more.
    async fn writable(&self) -> io::Result<()> {
        submit(PollOnce::new(self.fd.clone(), Interest::Writable)).await.0.map(|_| ())
    }

    async fn send_in_cuts(&self, pieces: Vec<Piece>) -> io::Result<()> {
        for piece in pieces {
            let part = Part { piece, sent: 0 };
            self.send(part.left().to_vec()).await.0?;
        }
        Ok(())
    }

    /// Sends pieces over TLS: sealed out of cache memory, a buffer full at a time.
    async fn sendv_sealed(&self, tls: &RefCell<Session>, pieces: Vec<Piece>) -> (io::Result<()>, Option<Vec<u8>>) {
        let mut made = None;
        for piece in pieces {
            let part = Part { piece, sent: 0 };
            if let Err(e) = self.seal(tls, part.left()).await {
                return (Err(e), None);
            }
            if let Piece::Made(vec) = part.piece {
                made = made.or(Some(vec));
            }
        }
        (self.send_sealed(tls).await, made)
    }

    /// What the kernel has measured of this connection.
    pub(crate) fn path(&self) -> Option<Path> {
        path(self.fd.as_fd())
    }

    /// Ends both directions: whatever waits on this connection returns.
    pub(crate) fn shut(&self) {
        let _ = self.fd.shutdown(std::net::Shutdown::Both);
    }

    /// Ends the other direction: a pending receive returns, and something can still be said.
    pub(crate) fn shut_read(&self) {
        let _ = self.fd.shutdown(std::net::Shutdown::Read);
    }

    /// Ends our direction after what was sent; over TLS says so first, so that the client knows it has everything.
    pub(crate) async fn finish(&self) {
        if let Some(tls) = self.tls.get() {
            tls.borrow_mut().close();
            let _ = self.send_sealed(tls).await;
        }
        let _ = self.fd.shutdown(std::net::Shutdown::Write);
    }
}

/// Whether a slice among `pieces` is one of those.
fn has_body(pieces: &[Piece], is: impl Fn(&Slice) -> bool) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Body(slice) if is(slice)))
}

/// Where to find a slice's bytes for `sendfile(2)`, when there are enough of them to gain by it.
fn in_file(slice: &Slice) -> Option<(BorrowedFd<'_>, u64)> {
    if slice.len() < SENDFILE_BYTES_MIN { None } else { slice.file() }
}
