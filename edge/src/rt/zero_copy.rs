//! Bodies that the network card reads out of cache memory: `IORING_OP_SEND_ZC`.
//!
//! ```text
//! send          the kernel refers to the bytes and answers at once, as `send(2)` does
//! ...           the client acknowledges them; until then their chunk is held here, whatever becomes of its object
//! notification  the kernel does not read them any more, and says whether it copied them after all (REPORT_USAGE)
//! ```
//!
//! A thread has a ring of its own for this. The runtime's takes a notification's result for an error number (the bit that says "copied" is
//! the sign), and frees what an operation owns with the thread, notified or not.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

use cache::{Chunk, Slice};
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode};

use super::driver::{faults, turn_ms};
use crate::config::SendZc;
use crate::limits::{ZERO_COPY_BYTES_MIN, ZERO_COPY_COPIED_MAX, ZERO_COPY_REST_MS, ZERO_COPY_SENDS_MAX};

/// Asks for a notification that says whether the kernel copied (`linux/io_uring.h`, `IORING_SEND_ZC_REPORT_USAGE`).
const REPORT_USAGE: u16 = 1 << 3;
/// It did (`IORING_NOTIF_USAGE_ZC_COPIED`).
const COPIED: u32 = 1 << 31;
/// Entries that wait to be submitted: each is submitted by itself.
const ENTRIES: u32 = 2;

thread_local! {
    static HERE: RefCell<Option<ZeroCopy>> = const { RefCell::new(None) };
}

/// What a connection knows of its way out.
#[derive(Default)]
pub(super) struct Way {
    /// Notifications in a row that said "copied".
    copied: Cell<u32>,
    /// The kernel copies here: bodies are copied into the socket at once.
    given_up: Cell<bool>,
}

impl Way {
    /// That of a connection to `peer`; `None`: its bodies are copied.
    pub(super) fn to(peer: IpAddr) -> Option<Rc<Way>> {
        let mode = HERE.with_borrow(|here| here.as_ref().map(|here| here.mode))?;
        let is_here = peer.to_canonical().is_loopback() && !faults().loopback_is_far;
        (mode == SendZc::On || !is_here).then(Rc::default)
    }

    /// That of a connection that comes from another thread, where it was one of those.
    pub(super) fn taken_over() -> Option<Rc<Way>> {
        HERE.with_borrow(Option::is_some).then(Rc::default)
    }

    /// Whether the kernel does not copy here, as far as is known.
    pub(super) fn is_open(&self) -> bool {
        !self.given_up.get()
    }
}

/// What a thread has sent in this way, since it began.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct ZeroCopies {
    /// Sends.
    pub(crate) sends: u64,
    /// Sends of which the kernel said that it copied.
    pub(crate) copied: u64,
    /// Connections that went back to copies for that.
    pub(crate) given_up: u64,
    /// Sends that were copied since there was no room for more.
    pub(crate) refused: u64,
    /// Bytes of chunks that the kernel may still read.
    pub(crate) held_bytes: u64,
}

/// Lets this thread send without copies, with at most `bytes_max` bytes of chunks held for it.
pub(crate) fn send_uncopied(mode: SendZc, bytes_max: u64) {
    if mode == SendZc::Off {
        return;
    }
    match ZeroCopy::new(mode, bytes_max) {
        Ok(here) => HERE.set(Some(here)),
        Err(error) => tracing::warn!(%error, "this shard copies bodies into sockets: it has no ring for send_zc"),
    }
}

/// Lets go of what the kernel is done with, and tells how things are. `None`: this thread copies.
pub(crate) fn zero_copies() -> Option<ZeroCopies> {
    HERE.with_borrow_mut(|here| {
        let here = here.as_mut()?;
        here.look();
        Some(here.told)
    })
}

/// Whether `slice` is one to be sent in this way: large enough to gain by it, on the heap, and holding nothing but its own chunk.
pub(super) fn suits(slice: &Slice) -> bool {
    slice.len() >= ZERO_COPY_BYTES_MIN && slice.file().is_none() && slice.holds().is_some()
}

/// Sends as much of bytes `range` of `slice` as the socket takes now. `None`: they are to be copied.
pub(super) fn send(
    fd: BorrowedFd<'_>,
    way: &Rc<Way>,
    slice: &Slice,
    range: Range<usize>,
    flags: i32,
) -> Option<io::Result<usize>> {
    HERE.with_borrow_mut(|here| here.as_mut()?.send(fd, way, slice, range, flags))
}

/// Tries it out on the loopback, in a thread of its own: the end of a ring interrupts what the thread that made it waits for.
pub(super) fn try_out() -> io::Result<()> {
    let tried = std::thread::spawn(try_here).join();
    tried.unwrap_or_else(|_| Err(io::Error::other("the probe panicked")))
}

fn try_here() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let to = TcpStream::connect(listener.local_addr()?)?;
    let (from, _) = listener.accept()?;
    let slice = Slice::new(Chunk::copy_of(&[0; 4096]), 0, u32::MAX);
    let mut here = ZeroCopy::new(SendZc::On, u64::MAX)?;
    let sent = here.offer(from.as_fd(), &Rc::default(), &slice, 0..slice.len(), 0)?;
    if sent <= 0 {
        return Err(io::Error::from_raw_os_error(-sent));
    }
    // Nobody reads them: the connection is reset, and the kernel lets go.
    drop((to, from));
    here.wait_until_let_go(Duration::from_secs(1))
}

/// The ring of one thread and what it holds.
struct ZeroCopy {
    ring: IoUring,
    mode: SendZc,
    bytes_max: u64,
    /// By number: what the kernel may still read.
    held: HashMap<u64, Held>,
    number: u64,
    /// What became of the send under way, and its number.
    answer: Option<(u64, i32)>,
    /// No more before this time: the kernel had no room.
    rests_until_ms: u64,
    /// The ring failed; what it holds it holds for good.
    broken: bool,
    told: ZeroCopies,
}

/// One send that the kernel is not done with.
struct Held {
    /// Keeps the bytes where they are.
    slice: Slice,
    bytes: u64,
    way: Rc<Way>,
    /// It took some of them: its notification says how.
    took: bool,
}

impl ZeroCopy {
    fn new(mode: SendZc, bytes_max: u64) -> io::Result<ZeroCopy> {
        let ring = IoUring::builder()
            .dontfork()
            .setup_single_issuer()
            // Notifications need not interrupt the thread: it looks for them.
            .setup_coop_taskrun()
            // Room for the answer of each send and for its notification.
            .setup_cqsize(2 * ZERO_COPY_SENDS_MAX)
            .build(ENTRIES)?;
        Ok(ZeroCopy {
            ring,
            mode,
            bytes_max,
            held: HashMap::new(),
            number: 0,
            answer: None,
            rests_until_ms: 0,
            broken: false,
            told: ZeroCopies::default(),
        })
    }

    fn send(
        &mut self,
        fd: BorrowedFd<'_>,
        way: &Rc<Way>,
        slice: &Slice,
        range: Range<usize>,
        flags: i32,
    ) -> Option<io::Result<usize>> {
        self.look();
        let bytes = slice.holds()?;
        let is_full = self.told.held_bytes + bytes > self.bytes_max || self.held.len() >= ZERO_COPY_SENDS_MAX as usize;
        if self.broken || is_full || turn_ms() < self.rests_until_ms {
            self.told.refused += 1;
            return None;
        }
        let answer = match faults().send_zc_fails {
            Some(errno) => Ok(-errno),
            None => self.offer(fd, way, slice, range, flags),
        };
        match answer {
            Ok(count @ 0..) => {
                self.told.sends += u64::from(count > 0);
                Some(Ok(count as usize))
            }
            // Too much memory is locked (RLIMIT_MEMLOCK), or the socket cannot.
            Ok(error) if [libc::ENOMEM, libc::ENOBUFS, libc::EOPNOTSUPP].contains(&-error) => {
                self.rests_until_ms = turn_ms() + ZERO_COPY_REST_MS;
                self.told.refused += 1;
                None
            }
            Ok(error) => Some(Err(io::Error::from_raw_os_error(-error))),
            Err(error) => {
                tracing::warn!(%error, "this shard copies bodies into sockets from now on: its ring for send_zc failed");
                self.broken = true;
                self.told.refused += 1;
                None
            }
        }
    }

    /// Has the kernel take some of the bytes, holds what they lie in, and returns what it answered: a count, or an error number below zero. An
    /// error: it was not asked, and the ring must not be used again, since the question is still in its queue.
    fn offer(
        &mut self,
        fd: BorrowedFd<'_>,
        way: &Rc<Way>,
        slice: &Slice,
        range: Range<usize>,
        flags: i32,
    ) -> io::Result<i32> {
        let bytes = &slice.as_ref()[range];
        let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.number += 1;
        let entry = opcode::SendZc::new(Fd(fd.as_raw_fd()), bytes.as_ptr(), len)
            .flags(flags | libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT)
            .zc_flags(REPORT_USAGE)
            .build()
            .user_data(self.number);
        let bytes = slice.holds().unwrap_or_default();
        self.told.held_bytes += bytes;
        self.held.insert(self.number, Held { slice: slice.clone(), bytes, way: way.clone(), took: false });
        // SAFETY: the descriptor is open until the answer has come, for which this call waits. The bytes are initialised, are never written
        // again, and stay where they are while `held` has the slice: until the notification, or for good.
        unsafe { self.ring.submission().push(&entry) }.map_err(io::Error::other)?;
        match again(|| self.ring.submit())? {
            1 => Ok(self.answer()),
            _ => Err(io::Error::other("it took nothing")),
        }
    }

    /// What became of the send that was submitted last: it does not wait for the socket, so its answer is there.
    fn answer(&mut self) -> i32 {
        loop {
            self.look();
            if let Some((_, answer)) = self.answer.take_if(|(number, _)| *number == self.number) {
                return answer;
            }
            if again(|| self.ring.submit_and_wait(1)).is_err() {
                // Nobody knows what was sent.
                self.broken = true;
                return -libc::EIO;
            }
        }
    }

    /// Takes in what the kernel has said.
    fn look(&mut self) {
        let ZeroCopy { ring, mode, held, answer, told, .. } = self;
        for said in ring.completion() {
            let (number, result, flags) = (said.user_data(), said.result(), said.flags());
            let is_over = if cqueue::notif(flags) {
                true
            } else {
                *answer = Some((number, result));
                if let Some(held) = held.get_mut(&number) {
                    held.took = result > 0;
                }
                !cqueue::more(flags)
            };
            if !is_over {
                continue;
            }
            let Some(Held { slice, bytes, way, took }) = held.remove(&number) else { continue };
            drop(slice);
            told.held_bytes -= bytes;
            // What was not sent is told of as copied, too.
            if took && cqueue::notif(flags) {
                let copied = result as u32 & COPIED != 0;
                told.copied += u64::from(copied);
                way.copied.set(if copied { way.copied.get() + 1 } else { 0 });
                if *mode == SendZc::Auto && way.copied.get() >= ZERO_COPY_COPIED_MAX {
                    told.given_up += u64::from(!way.given_up.replace(true));
                }
            }
        }
    }

    fn wait_until_let_go(&mut self, limit: Duration) -> io::Result<()> {
        let limit = Timespec::from(limit);
        loop {
            self.look();
            if self.held.is_empty() {
                return Ok(());
            }
            again(|| self.ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&limit)))?;
        }
    }
}

impl Drop for ZeroCopy {
    /// The end of a ring is no notification: what the kernel may still read stays where it is.
    fn drop(&mut self) {
        self.look();
        self.held.drain().for_each(|(_, held)| std::mem::forget(held.slice));
    }
}

fn again<T>(call: impl Fn() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
