//! The one seam to the world: sockets, time and other threads. Nothing above this folder names the runtime.
//!
//! ```text
//! probe                              what the kernel has of all this, asked once at start
//! run(driver, cpu, main)             one thread, one ring, SINGLE_ISSUER | DEFER_TASKRUN; without io_uring epoll
//! Listener::bind, accept             SO_REUSEPORT, one listener a shard
//! connect                            to an origin, with a time limit
//! Stream: recv, recv_chunk, send, sendv, shut, path
//! Stream::secure                     TLS, as a client or a server; the same calls carry plaintext then
//! Stream::leave, arrived             from one thread's ring to another's
//! duplex                             a Stream for a library that polls
//! spawn, sleep, timeout, pause
//! send_uncopied                      bodies that the card reads out of cache memory
//! File: read_at, write_at, sync      whole blocks, O_DIRECT
//! apart                              a thread of its own for what blocks
//! mailbox                            bounded, between shards
//! now                                wall clock in milliseconds
//! ```
//!
//! A test may put faults in: [`Faults`] cut every receive and send short, and let files fail.

mod buf;
mod driver;
mod duplex;
mod file;
mod lend;
mod mailbox;
mod probe;
mod socket;
mod tls;
mod zero_copy;

pub(crate) use buf::{Path, Piece};
pub(crate) use driver::{Driver, allowed_cpus, run, turn_began, turn_ms, wanted_ns};
pub(crate) use duplex::duplex;
pub(crate) use file::{File, apart, open};
pub(crate) use lend::{give_back, lend};
pub(crate) use mailbox::{Inbox, Mailbox, mailbox};
pub(crate) use probe::{Probe, has_direct};
pub(crate) use socket::{Listener, Moved, Stream, connect};
pub(crate) use tls::Session;
pub(crate) use zero_copy::{send_uncopied, zero_copies};

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Faults a test puts between the edge and its sockets. `None` leaves the world as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Most bytes one receive brings.
    pub recv_bytes_max: Option<usize>,
    /// Most bytes one send takes.
    pub send_bytes_max: Option<usize>,
    /// The first read of a cache file on each shard that fails with EIO, counted from 1; so do all that follow.
    pub file_reads_fail_from: Option<u64>,
    /// The first write of a cache file on each shard that fails, counted from 1, and with which error (`EIO`, `ENOSPC`); so do all that follow.
    pub file_writes_fail_from: Option<(u64, i32)>,
    /// How long the thread stands still after each connection that it accepts.
    pub accept_stalls: Option<Duration>,
    /// Each connection is handed to the next shard after each answer, as far as it can be.
    pub hands_over: bool,
    /// Clients on the loopback count as clients elsewhere: `send_zc` is tried on them.
    pub loopback_is_far: bool,
    /// The error (`ENOMEM`, ...) that `send_zc` ends with, always.
    pub send_zc_fails: Option<i32>,
    /// What the probe at start does not find, by the names that `/features` shows.
    pub lacks: &'static [&'static str],
}

impl Faults {
    pub(crate) const NONE: Faults = Faults {
        recv_bytes_max: None,
        send_bytes_max: None,
        file_reads_fail_from: None,
        file_writes_fail_from: None,
        accept_stalls: None,
        hands_over: false,
        loopback_is_far: false,
        send_zc_fails: None,
        lacks: &[],
    };
}

/// Runs `future` on this thread's ring, for its effects.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    compio::runtime::spawn(future).detach();
}

/// Lets everything else on this thread have a turn.
pub(crate) async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// Wakes after `duration`.
pub(crate) async fn sleep(duration: Duration) {
    compio::time::sleep(duration).await;
}

/// `None` when `future` has not ended within `duration`; it is then cancelled.
pub(crate) async fn timeout<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    compio::time::timeout(duration, future).await.ok()
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}
