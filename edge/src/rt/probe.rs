//! What the kernel has of what the edge can use, found out by trying it. Nothing here stays open.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use socket2::{Domain, Socket, Type};

use super::driver::{Driver, try_out};
use super::zero_copy;

/// What was found. An error is what the kernel said.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The best way to wait that there is.
    pub(crate) driver: Driver,
    pub(crate) io_uring: io::Result<()>,
    pub(crate) single_issuer: io::Result<()>,
    pub(crate) defer_taskrun: io::Result<()>,
    pub(crate) memfd: io::Result<()>,
    pub(crate) sendfile: io::Result<()>,
    /// `send_zc` with notifications that say whether the kernel copied.
    pub(crate) send_zc: io::Result<()>,
    /// Large pages for what is sent from memory.
    pub(crate) large_pages: bool,
    /// The kernel could seal TLS records itself.
    pub(crate) ktls: bool,
}

impl Probe {
    /// Tries everything out. `lacks` names what a test wants not to be there. An error: not even epoll is.
    pub(crate) fn new(lacks: &[&str]) -> io::Result<Probe> {
        let tried = |name: &str, what: fn() -> io::Result<()>| {
            if lacks.contains(&name) { Err(io::ErrorKind::Unsupported.into()) } else { what() }
        };
        let io_uring = tried("io_uring", || try_out(Driver::Plain));
        let of_ring = |name: &str, what: fn() -> io::Result<()>| match &io_uring {
            Ok(()) => tried(name, what),
            Err(_) => Err(io::Error::other("there is no ring")),
        };
        let single_issuer = of_ring("single_issuer", || try_out(Driver::Single));
        let defer_taskrun = match &single_issuer {
            Ok(()) => of_ring("defer_taskrun", || try_out(Driver::Deferred)),
            Err(_) => Err(io::Error::other("it needs SINGLE_ISSUER")),
        };
        let driver = match (&io_uring, &single_issuer, &defer_taskrun) {
            (Err(_), ..) => Driver::Poll,
            (_, Err(_), _) => Driver::Plain,
            (.., Err(_)) => Driver::Single,
            _ => Driver::Deferred,
        };
        if driver == Driver::Poll {
            try_out(Driver::Poll)?;
        }
        let send_zc = of_ring("send_zc", zero_copy::try_out);
        Ok(Probe {
            send_zc,
            driver,
            io_uring,
            single_issuer,
            defer_taskrun,
            memfd: tried("memfd", || memory_file().map(drop)),
            sendfile: tried("sendfile", sends_file),
            large_pages: Path::new("/sys/kernel/mm/transparent_hugepage").is_dir(),
            ktls: std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_ulp")
                .is_ok_and(|list| list.split_whitespace().any(|name| name == "tls")),
        })
    }
}

fn memory_file() -> io::Result<std::fs::File> {
    let file = memfd_create("streamgate-probe", MemfdFlags::CLOEXEC)?;
    ftruncate(&file, 4096)?;
    Ok(file.into())
}

/// Whether what lies in a file leaves through a socket.
fn sends_file() -> io::Result<()> {
    let (from, _to) = Socket::pair(Domain::UNIX, Type::STREAM.cloexec(), None)?;
    match from.sendfile(&memory_file()?, 0, NonZeroUsize::new(1))? {
        1 => Ok(()),
        sent => Err(io::Error::other(format!("{sent} bytes of 1 were sent"))),
    }
}

/// Whether files in `folder` can be read and written past the page cache. Blocks.
pub(crate) fn has_direct(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("probe-{}", std::process::id()));
    let opened = super::open(&path, true).map(drop);
    // A file system without O_DIRECT makes the file before it refuses to open it.
    let _ = std::fs::remove_file(path);
    opened
}
