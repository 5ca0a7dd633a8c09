//! One thread's ring and its loop.

use std::cell::Cell;
use std::collections::HashSet;
use std::io;

use compio::driver::ProactorBuilder;
use compio::runtime::{Runtime, RuntimeBuilder};

use super::Faults;

/// Submission entries of a ring: a full queue costs one extra enter, not an error.
const RING_ENTRIES: u32 = 1024;
/// Completions a ring can hold; more connections than this may have an operation pending, so it is sized for bursts.
const RING_COMPLETIONS: u32 = 8192;
/// Tasks polled between two looks at the ring.
const TASKS_PER_LOOK: usize = 128;
/// Wakes from other threads that may be queued before the waker spins.
const REMOTE_WAKES_MAX: usize = 4096;

thread_local! {
    static FAULTS: Cell<Faults> = const { Cell::new(Faults::NONE) };
}

pub(super) fn faults() -> Faults {
    FAULTS.get()
}

/// Runs `main` and what it spawns on this thread until `main` ends. With `cpu`, the thread is pinned to it.
pub(crate) fn run<F: Future<Output = ()>>(cpu: Option<usize>, faults: Faults, main: F) -> io::Result<()> {
    FAULTS.set(faults);
    let runtime = build(cpu)?;
    runtime.block_on(main);
    Ok(())
}

/// Whether a ring with the flags we need can be made here; the error is what the kernel said.
pub(crate) fn probe() -> io::Result<()> {
    // In a thread of its own: a ring with SINGLE_ISSUER belongs to the thread that made it.
    std::thread::spawn(|| build(None).map(drop)).join().unwrap_or_else(|_| Err(io::Error::other("the probe panicked")))
}

fn build(cpu: Option<usize>) -> io::Result<Runtime> {
    let mut proactor = ProactorBuilder::new();
    proactor
        .capacity(RING_ENTRIES)
        .cqsize(RING_COMPLETIONS)
        // Measured at 1 KiB: 124k -> 171k requests a second with the two.
        .single_issuer(true)
        .defer_taskrun(true)
        .thread_pool_limit(1);
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
