//! What the kernel still has in flight to a slow client stays what it was, whatever becomes of the memory it was sent from.

use std::io::Read;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;

use cache::arena::{Arena, SLOT_BYTES};
use cache::{Chunk, Slice};

const BUDGET: u64 = 64 << 20;

/// A chunk of the arena, full of `byte`.
fn full(arena: &Arc<Arena>, byte: u8) -> Arc<Chunk> {
    let (chunk, mut writer) = Chunk::in_arena(arena, SLOT_BYTES);
    assert_eq!(writer.push(&vec![byte; SLOT_BYTES as usize]), SLOT_BYTES as usize);
    chunk
}

fn place(chunk: &Arc<Chunk>) -> u64 {
    Slice::new(chunk.clone(), 0, u32::MAX).file().expect("it lies in the arena").1
}

/// Hands `chunk` to a client that does not read yet; returns the client and the bytes that are on their way to it.
fn set_out(chunk: &Arc<Chunk>) -> (TcpStream, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (server, _) = listener.accept().expect("a connection");
    server.set_nonblocking(true).expect("nonblocking");
    let slice = Slice::new(chunk.clone(), 0, u32::MAX);
    let (file, from): (BorrowedFd<'_>, u64) = slice.file().expect("it lies in the arena");
    let mut from = from as libc::off_t;
    // SAFETY: both descriptors are open, and `from` is written to.
    let sent = unsafe { libc::sendfile(server.as_raw_fd(), file.as_raw_fd(), &raw mut from, slice.len()) };
    assert!(sent > 0, "{}", std::io::Error::last_os_error());
    server.shutdown(Shutdown::Write).expect("shut");
    (client, sent as usize)
}

fn arrives_as(mut client: TcpStream, sent: usize, byte: u8) {
    let mut got = Vec::new();
    client.read_to_end(&mut got).expect("what was sent");
    let wrong = got.iter().filter(|b| **b != byte).count();
    assert_eq!((got.len(), wrong), (sent, 0), "bytes of something else among them");
}

/// Frees the first of two neighbours while it is on its way, and writes something else into whatever is free then.
fn a_neighbour_leaves(arena: &Arc<Arena>) {
    let (first, second) = (full(arena, b'1'), full(arena, b'2'));
    // Twice: what was written without a large page is gathered into one when it is full.
    arena.gather();
    arena.gather();
    assert_eq!(place(&first) / (2 * u64::from(SLOT_BYTES)), place(&second) / (2 * u64::from(SLOT_BYTES)), "neighbours");
    let (client, sent) = set_out(&first);
    drop(first);
    let others: Vec<_> = (0..24).map(|_| full(arena, b'3')).collect();
    assert!(second.bytes().iter().all(|b| *b == b'2'), "its neighbour is what it was");
    arrives_as(client, sent, b'1');
    drop((second, others));
}

#[test]
fn a_slot_of_a_large_page_is_not_written_over_while_it_is_on_its_way() {
    let arena = Arena::new(BUDGET).expect("an arena");
    // A stock of large pages, where the system has them.
    arena.gather();
    for _ in 0..20 {
        a_neighbour_leaves(&arena);
    }
}

#[test]
fn neither_is_one_that_was_gathered_into_a_large_page_later() {
    let arena = Arena::new(BUDGET).expect("an arena");
    for _ in 0..20 {
        a_neighbour_leaves(&arena);
    }
}

#[test]
fn neither_is_one_without_a_large_page() {
    let arena = Arena::new(BUDGET).expect("an arena");
    let (first, second) = (full(&arena, b'1'), full(&arena, b'2'));
    let (client, sent) = set_out(&first);
    let at = place(&first);
    drop(first);
    let again = full(&arena, b'3');
    assert_eq!(place(&again), at, "the slot is used again at once");
    arrives_as(client, sent, b'1');
    drop(second);
}
