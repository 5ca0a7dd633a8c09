//! Files through the ring: whole blocks, read and written past the page cache where the file system allows it.
//!
//! A read or a write that cannot be done at once is done by a kernel thread of the ring, so a slow disk never stops a shard. What the
//! ring has no operation for (opening, locking, allocating) is done by a thread of its own: [`apart`].

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use cache::disk::Buffer;
use compio::BufResult;
use compio::buf::IntoInner;
use compio::driver::SharedFd;
use compio::driver::op::{ReadAt, Sync, WriteAt};
use compio::runtime::submit;
use tokio::sync::oneshot;

use super::buf::{Block, Filled};
use super::driver::faults;

thread_local! {
    /// Reads and writes of this thread so far, for the faults of a test.
    static READS: Cell<u64> = const { Cell::new(0) };
    static WRITES: Cell<u64> = const { Cell::new(0) };
}

/// Opens or makes a file for reading and writing, past the page cache when `direct`. Blocks.
pub(crate) fn open(path: &Path, direct: bool) -> io::Result<std::fs::File> {
    let flags = if direct { libc::O_DIRECT } else { 0 };
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(path)
}

/// Runs `work` on a thread of its own, so that what blocks does not block this one. `None`: it panicked, or there is no thread.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, wait) = oneshot::channel();
    let thread = std::thread::Builder::new().name("edge-file".to_owned());
    thread.spawn(move || drop(done.send(work()))).ok()?;
    wait.await.ok()
}

/// A file on this thread's ring.
pub(crate) struct File {
    fd: SharedFd<std::fs::File>,
}

impl File {
    /// Hands an open file to this thread's ring.
    pub(crate) fn on_ring(file: std::fs::File) -> File {
        File { fd: SharedFd::new(file) }
    }

    /// Reads exactly `bytes` at `at` into `buffer`. All three are whole blocks.
    pub(crate) async fn read_at(&self, buffer: Buffer, at: u64, bytes: usize) -> (io::Result<()>, Buffer) {
        let number = count(&READS);
        if faults().file_reads_fail_from.is_some_and(|from| number >= from) {
            return (Err(io::Error::from_raw_os_error(libc::EIO)), buffer);
        }
        let mut block = Block { buffer, from: 0, to: bytes };
        while block.from < bytes {
            let op = ReadAt::new(self.fd.clone(), at + block.from as u64, block);
            let BufResult(result, op) = submit(op).await;
            block = op.into_inner();
            match result {
                Ok(0) => return (Err(io::ErrorKind::UnexpectedEof.into()), block.buffer),
                Ok(count) => block.from += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return (Err(e), block.buffer),
            }
        }
        let mut buffer = block.buffer;
        buffer.set_filled(bytes);
        (Ok(()), buffer)
    }

    /// Writes what `buffer` holds, whole blocks, at `at`.
    pub(crate) async fn write_at(&self, buffer: Buffer, at: u64) -> (io::Result<()>, Buffer) {
        let number = count(&WRITES);
        if let Some((from, errno)) = faults().file_writes_fail_from
            && number >= from
        {
            return (Err(io::Error::from_raw_os_error(errno)), buffer);
        }
        let mut filled = Filled { buffer, from: 0 };
        while filled.from < filled.buffer.bytes().len() {
            let op = WriteAt::new(self.fd.clone(), at + filled.from as u64, filled);
            let BufResult(result, op) = submit(op).await;
            filled = op.into_inner();
            match result {
                Ok(0) => return (Err(io::ErrorKind::WriteZero.into()), filled.buffer),
                Ok(count) => filled.from += count,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return (Err(e), filled.buffer),
            }
        }
        (Ok(()), filled.buffer)
    }

    /// Returns when everything written before is on the disk for good.
    pub(crate) async fn sync(&self) -> io::Result<()> {
        submit(Sync::new(self.fd.clone(), true)).await.0.map(|_| ())
    }
}

fn count(counter: &'static std::thread::LocalKey<Cell<u64>>) -> u64 {
    let number = counter.get() + 1;
    counter.set(number);
    number
}
