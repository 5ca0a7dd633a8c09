//! One thread's ring and its loop; where there is no ring, epoll.

use std::cell::Cell;
use std::collections::HashSet;
use std::io;
use std::num::NonZeroU16;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Context;
use std::time::{Duration, Instant};

use compio::driver::{DriverType, ProactorBuilder};
use compio::runtime::{Runtime, RuntimeBuilder};

use super::Faults;

/// Submission entries of a ring: a full queue costs one extra enter, not an error.
const RING_ENTRIES: u32 = 1024;
/// Completions a ring can hold; more connections than this may have an operation pending, so it is sized for bursts.
const RING_COMPLETIONS: u32 = 8192;
/// Buffers of a ring's pool, in which the kernel puts what arrives on connections that hold none: a burst of as many is taken in one
/// look; those beyond wait for one of their own.
const POOL_BUFFERS: NonZeroU16 = NonZeroU16::new(256).expect("not zero");
const POOL_BUFFER_BYTES: usize = 4 * 1024;
/// Tasks polled between two looks at the ring.
const TASKS_PER_LOOK: usize = 128;
/// Wakes from other threads that may be queued before the waker spins.
const REMOTE_WAKES_MAX: usize = 4096;

/// Threads that read and write files where there is no ring; a ring needs none of them.
const FILE_THREADS: usize = 8;

thread_local! {
    static FAULTS: Cell<Faults> = const { Cell::new(Faults::NONE) };
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
    static BEGAN_MS: Cell<u64> = const { Cell::new(0) };
    static DRIVER: Cell<Driver> = const { Cell::new(Driver::Deferred) };
}

/// How a thread waits for the kernel, best first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Driver {
    /// A ring with SINGLE_ISSUER and DEFER_TASKRUN (Linux 6.1).
    Deferred,
    /// A ring with SINGLE_ISSUER (Linux 6.0).
    Single,
    /// A ring as every kernel with io_uring makes it.
    Plain,
    /// epoll.
    Poll,
}

impl Driver {
    /// The driver of this thread.
    pub(super) fn here() -> Driver {
        DRIVER.get()
    }
}

pub(super) fn faults() -> Faults {
    FAULTS.get()
}

/// Runs `main` and what it spawns on this thread until `main` ends. `turn` is told when each turn of the loop began and how long it
/// took. With `cpu`, the thread is pinned to it.
pub(crate) fn run<F: Future<Output = ()>>(
    driver: Driver,
    cpu: Option<usize>,
    faults: Faults,
    turn: impl FnMut(Instant, Duration),
    main: F,
) -> io::Result<()> {
    FAULTS.set(faults);
    DRIVER.set(driver);
    let runtime = build(driver, cpu)?;
    let ended = catch_unwind(AssertUnwindSafe(|| drive(&runtime, turn, main)));
    // What is left is dropped by a thread that is not panicking any more: the runtime's wakers abort the process otherwise.
    drop(runtime);
    ended.map_err(|panic| resume_unwind(panic))
}

/// The loop: what is ready has its turn, then the kernel is waited for. `turn` is told of every turn.
fn drive(runtime: &Runtime, mut turn: impl FnMut(Instant, Duration), main: impl Future<Output = ()>) {
    runtime.enter(|| {
        let waker = runtime.waker();
        let mut context = Context::from_waker(&waker);
        let mut main = std::pin::pin!(main);
        loop {
            let began = Instant::now();
            BEGAN.set(Some(began));
            BEGAN_MS.set(super::now());
            let is_over = main.as_mut().poll(&mut context).is_ready();
            let is_more = runtime.run();
            turn(began, began.elapsed());
            match (is_over, is_more) {
                (true, _) => return,
                (_, true) => runtime.poll_with(Some(Duration::ZERO)),
                (_, false) => runtime.poll(),
            }
        }
    });
}

/// When this turn of this thread's loop began: when what is being served now was found to be there.
pub(crate) fn turn_began() -> Instant {
    BEGAN.get().unwrap_or_else(Instant::now)
}

/// Nanoseconds in which this thread ran or waited for its core, since it began; `None`: the kernel does not say.
pub(crate) fn wanted_ns() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut numbers = text.split_whitespace().map_while(|n| n.parse::<u64>().ok());
    Some(numbers.next()? + numbers.next()?)
}

/// The wall clock in milliseconds when this turn began: exact enough for deadlines and ages, without a look at the clock for each.
pub(crate) fn turn_ms() -> u64 {
    match BEGAN_MS.get() {
        0 => super::now(),
        ms => ms,
    }
}

/// Whether a thread can wait in this way here; the error is what the kernel said.
pub(super) fn try_out(driver: Driver) -> io::Result<()> {
    // In a thread of its own: a ring with SINGLE_ISSUER belongs to the thread that made it.
    let tried = std::thread::spawn(move || build(driver, None).map(drop)).join();
    tried.unwrap_or_else(|_| Err(io::Error::other("the probe panicked")))
}

fn build(driver: Driver, cpu: Option<usize>) -> io::Result<Runtime> {
    let mut proactor = ProactorBuilder::new();
    proactor
        .driver_type(if driver == Driver::Poll { DriverType::Poll } else { DriverType::IoUring })
        .capacity(RING_ENTRIES)
        .cqsize(RING_COMPLETIONS)
        // Measured at 1 KiB: 124k -> 171k requests a second with the two.
        .buffer_pool_size(POOL_BUFFERS)
        .buffer_pool_buffer_len(POOL_BUFFER_BYTES)
        .single_issuer(matches!(driver, Driver::Deferred | Driver::Single))
        .defer_taskrun(driver == Driver::Deferred)
        .thread_pool_limit(if driver == Driver::Poll { FILE_THREADS } else { 1 });
    let mut builder = RuntimeBuilder::new();
    builder.with_proactor(proactor).event_interval(TASKS_PER_LOOK).sync_queue_size(REMOTE_WAKES_MAX);
    if let Some(cpu) = cpu {
        builder.thread_affinity(HashSet::from([cpu]));
    }
    builder.build()
}

/// The cores this process may run on, as the kernel says (`Cpus_allowed_list`); empty when it does not say.
pub(crate) fn allowed_cpus() -> Vec<usize> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let mut cpus = Vec::new();
    for part in list.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.parse::<usize>(), to.parse::<usize>()) {
            cpus.extend(from..=to.min(from + 4096));
        }
    }
    cpus
}
