//! What a ring operation owns while it runs. With `zero_copy` the edge's only `unsafe`: telling a buffer how much the kernel wrote.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;

use cache::disk::Buffer;
use cache::{ChunkWriter, Slice};
use compio::BufResult;
use compio::buf::{IoBuf, IoBufMut, SetLen};
use compio::driver::op::ResultTakeBuffer;
use compio::driver::{BufferRef, TakeBuffer};

/// The free end of a vector, at most `max` bytes of it.
pub(super) struct Spare {
    pub(super) vec: Vec<u8>,
    pub(super) max: usize,
}

impl Spare {
    /// The vector with the `count` bytes the kernel wrote.
    pub(super) fn received(mut self, count: usize) -> Vec<u8> {
        let len = self.vec.len() + count;
        assert!(len <= self.vec.capacity(), "the kernel wrote past the buffer");
        // SAFETY: a receive that returns `count` has written that many bytes from the start of the spare capacity it was given.
        unsafe { self.vec.set_len(len) };
        self.vec
    }
}

impl IoBuf for Spare {
    fn as_init(&self) -> &[u8] {
        &[]
    }
}

impl SetLen for Spare {
    unsafe fn set_len(&mut self, _: usize) {}
}

impl IoBufMut for Spare {
    fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        let spare = self.vec.spare_capacity_mut();
        let max = self.max.min(spare.len());
        &mut spare[..max]
    }
}

/// What a receive into a buffer of the ring's pool brought; `None`: the peer has closed.
pub(super) fn pooled<T: TakeBuffer<Buffer = BufferRef>>(
    received: BufResult<usize, T>,
) -> io::Result<Option<BufferRef>> {
    // SAFETY: a receive that returns a count has written that many bytes into the buffer that the kernel chose.
    unsafe { received.take_buffer() }
}

/// The free end of a chunk, at most `max` bytes of it.
pub(super) struct ChunkSpare {
    pub(super) writer: ChunkWriter,
    pub(super) max: usize,
}

impl ChunkSpare {
    pub(super) fn received(mut self, count: usize) -> ChunkWriter {
        // SAFETY: a receive that returns `count` has written that many bytes from the start of the spare memory it was given.
        unsafe { self.writer.advance(count) };
        self.writer
    }
}

impl IoBuf for ChunkSpare {
    fn as_init(&self) -> &[u8] {
        &[]
    }
}

impl SetLen for ChunkSpare {
    unsafe fn set_len(&mut self, _: usize) {}
}

impl IoBufMut for ChunkSpare {
    fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        let spare = self.writer.spare();
        let max = self.max.min(spare.len());
        &mut spare[..max]
    }
}

/// Bytes that are sent as they are: written once, kept by reference.
pub(crate) type Fixed = Arc<[u8]>;

/// One piece of a gathered send.
pub(crate) enum Piece {
    /// A head or other bytes made for this answer.
    Made(Vec<u8>),
    /// Bytes that are the same for everyone.
    Fixed(Fixed),
    /// Body bytes, straight out of cache memory.
    Body(Slice),
}

/// A piece and how much of it has been sent.
pub(super) struct Part {
    pub(super) piece: Piece,
    pub(super) sent: usize,
}

impl Part {
    pub(super) fn left(&self) -> &[u8] {
        let all = match &self.piece {
            Piece::Made(bytes) => bytes.as_slice(),
            Piece::Fixed(bytes) => bytes,
            Piece::Body(slice) => slice.as_ref(),
        };
        &all[self.sent..]
    }
}

impl IoBuf for Part {
    fn as_init(&self) -> &[u8] {
        self.left()
    }
}

/// The unsent end of a vector, at most `max` bytes of it.
pub(super) struct Unsent {
    pub(super) vec: Vec<u8>,
    pub(super) sent: usize,
    pub(super) max: usize,
}

impl IoBuf for Unsent {
    fn as_init(&self) -> &[u8] {
        let left = &self.vec[self.sent..];
        &left[..left.len().min(self.max)]
    }
}

/// Blocks to read into: bytes `from..to` of a buffer that has memory for them.
pub(super) struct Block {
    pub(super) buffer: Buffer,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl IoBuf for Block {
    fn as_init(&self) -> &[u8] {
        &[]
    }
}

impl SetLen for Block {
    unsafe fn set_len(&mut self, _: usize) {}
}

impl IoBufMut for Block {
    fn as_uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        self.buffer.whole()[self.from..self.to].as_uninit()
    }
}

/// Blocks to write: what a buffer holds, from `from` on.
pub(super) struct Filled {
    pub(super) buffer: Buffer,
    pub(super) from: usize,
}

impl IoBuf for Filled {
    fn as_init(&self) -> &[u8] {
        &self.buffer.bytes()[self.from..]
    }
}

/// What the kernel has measured of a TCP connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// Smoothed round trip, microseconds; 0 before the first.
    pub(crate) rtt_us: u32,
    /// What was delivered lately, where the line and not the sender was the bound.
    pub(crate) bytes_per_second: Option<u64>,
}

/// Asks for `TCP_INFO` (`linux/tcp.h`, `struct tcp_info`): longer with each kernel, so it is read as bytes.
pub(super) fn path(fd: BorrowedFd<'_>) -> Option<Path> {
    const RTT: usize = 68;
    const DELIVERY_RATE: usize = 160;
    const FLAGS: usize = 7;
    let mut info = [0u8; 256];
    let mut len = info.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `len` bytes to `info`, which has them, and the length to `len`.
    let done = unsafe {
        libc::getsockopt(fd.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut len)
    };
    if done != 0 || (len as usize) < DELIVERY_RATE + 8 {
        return None;
    }
    let rtt_us = u32::from_ne_bytes(*info[RTT..].first_chunk()?);
    let rate = u64::from_ne_bytes(*info[DELIVERY_RATE..].first_chunk()?);
    let is_of_the_line = info[FLAGS] & 1 == 0;
    Some(Path { rtt_us, bytes_per_second: is_of_the_line.then_some(rate) })
}
