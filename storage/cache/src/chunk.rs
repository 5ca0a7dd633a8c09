//! Memory written once, front to back, by one writer, while any number of readers follow its watermark.
//!
//! With `arena`, the crate's only `unsafe`. The invariant: bytes below `filled` are initialised and never written again; bytes at and above it
//! are touched by the one [`ChunkWriter`] alone, which cannot be cloned.

use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use crate::arena::{Arena, SLOT_BYTES, SlotMemory};

/// Smallest chunk that goes into an arena. Measured at 256 KiB, where `sendfile(2)` costs 8 % less than a copy, which is not worth a slot of 1 MiB; at 64
/// and 128 KiB they cost the same.
const FILE_BYTES_MIN: u32 = 512 * 1024;

/// A run of bytes of fixed capacity with a watermark, and a link to the chunk after it.
pub struct Chunk {
    data: NonNull<u8>,
    capacity: u32,
    filled: AtomicU32,
    /// Its writer is gone: nothing more comes, neither into it nor after it.
    settled: AtomicBool,
    next: OnceLock<Arc<Chunk>>,
    /// The arena's slot that holds the bytes; `None`: the heap does.
    slot: Option<SlotMemory>,
}

// SAFETY: the memory behind `data` is owned by this chunk; below `filled` it is immutable, above it only the single writer reaches it
// (module invariant), and `filled` is published with release and read with acquire ordering.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// A fresh chunk of `capacity` bytes and the only handle that may fill it.
    #[must_use]
    pub fn with_capacity(capacity: u32) -> (Arc<Chunk>, ChunkWriter) {
        let memory: Box<[MaybeUninit<u8>]> = Box::new_uninit_slice(capacity as usize);
        // SAFETY: a box's pointer is never null.
        let data = unsafe { NonNull::new_unchecked(Box::into_raw(memory).cast::<u8>()) };
        Chunk::over(data, capacity, None)
    }

    /// A fresh chunk in `arena` when it is large enough to gain by it and there is a slot; on the heap otherwise.
    #[must_use]
    pub fn in_arena(arena: &Arc<Arena>, capacity: u32) -> (Arc<Chunk>, ChunkWriter) {
        let slot = if (FILE_BYTES_MIN..=SLOT_BYTES).contains(&capacity) { arena.take() } else { None };
        match slot {
            Some(slot) => Chunk::over(slot.pointer(), capacity, Some(slot)),
            None => Chunk::with_capacity(capacity),
        }
    }

    fn over(data: NonNull<u8>, capacity: u32, slot: Option<SlotMemory>) -> (Arc<Chunk>, ChunkWriter) {
        let chunk = Arc::new(Chunk {
            data,
            capacity,
            filled: AtomicU32::new(0),
            settled: AtomicBool::new(false),
            next: OnceLock::new(),
            slot,
        });
        (chunk.clone(), ChunkWriter { chunk })
    }

    /// A full chunk that holds a copy of `bytes`.
    ///
    /// # Panics
    /// When `bytes` is longer than `u32::MAX`; callers cut bodies into chunks far below that.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Arc<Chunk> {
        let capacity = u32::try_from(bytes.len()).expect("a chunk is below 4 GiB");
        let (chunk, mut writer) = Chunk::with_capacity(capacity);
        writer.push(bytes);
        chunk
    }

    /// Bytes filled so far.
    #[must_use]
    pub fn filled(&self) -> u32 {
        self.filled.load(Ordering::Acquire)
    }

    /// Bytes this chunk can hold; what it costs.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// What is filled so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        let len = self.filled() as usize;
        // SAFETY: bytes below `filled` are initialised and never written again.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), len) }
    }

    /// The chunk after this one, once it exists.
    #[must_use]
    pub fn next(&self) -> Option<&Arc<Chunk>> {
        self.next.get()
    }

    /// Links the chunk that follows. The first link stays.
    pub(crate) fn link(&self, next: Arc<Chunk>) {
        let first = self.next.set(next).is_ok();
        debug_assert!(first, "a chunk has one successor");
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // A long run must not be dropped by recursion.
        let mut next = self.next.take();
        while let Some(chunk) = next {
            next = Arc::into_inner(chunk).and_then(|mut c| c.next.take());
        }
        if self.slot.is_some() {
            return;
        }
        let memory =
            std::ptr::slice_from_raw_parts_mut(self.data.as_ptr().cast::<MaybeUninit<u8>>(), self.capacity as usize);
        // SAFETY: without a slot, `data` and `capacity` are those of the box leaked in `with_capacity`; this is its only release.
        drop(unsafe { Box::from_raw(memory) });
    }
}

/// The one handle that fills a chunk.
pub struct ChunkWriter {
    chunk: Arc<Chunk>,
}

impl Drop for ChunkWriter {
    fn drop(&mut self) {
        if let Some(slot) = &self.chunk.slot {
            slot.settle(self.chunk.filled());
        }
        self.chunk.settled.store(true, Ordering::Release);
    }
}

impl ChunkWriter {
    /// The chunk being filled.
    #[must_use]
    pub fn chunk(&self) -> &Arc<Chunk> {
        &self.chunk
    }

    /// Room left, in bytes.
    #[must_use]
    pub fn room(&self) -> usize {
        (self.chunk.capacity - self.chunk.filled.load(Ordering::Relaxed)) as usize
    }

    /// The memory not yet filled.
    pub fn spare(&mut self) -> &mut [MaybeUninit<u8>] {
        let filled = self.chunk.filled.load(Ordering::Relaxed) as usize;
        // SAFETY: `filled <= capacity`, and nobody else reaches the bytes at and above `filled` (module invariant).
        unsafe {
            let at = self.chunk.data.as_ptr().add(filled).cast::<MaybeUninit<u8>>();
            std::slice::from_raw_parts_mut(at, self.chunk.capacity as usize - filled)
        }
    }

    /// Publishes `count` more bytes to the readers.
    ///
    /// # Safety
    /// The first `count` bytes of [`ChunkWriter::spare`] must have been written.
    pub unsafe fn advance(&mut self, count: usize) {
        assert!(count <= self.room(), "advance past the end of a chunk");
        let filled = self.chunk.filled.load(Ordering::Relaxed);
        self.chunk.filled.store(filled + count as u32, Ordering::Release);
    }

    /// Copies as much of `bytes` as fits and returns how much that was.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        for (to, from) in self.spare().iter_mut().zip(&bytes[..count]) {
            to.write(*from);
        }
        // SAFETY: `count` bytes were written just above.
        unsafe { self.advance(count) };
        count
    }
}

/// A piece of a chunk that keeps it alive; what a socket is given to send.
#[derive(Clone)]
pub struct Slice {
    chunk: Arc<Chunk>,
    from: u32,
    to: u32,
}

impl Slice {
    /// Bytes `from..to` of `chunk`, clipped to what is filled.
    #[must_use]
    pub fn new(chunk: Arc<Chunk>, from: u32, to: u32) -> Slice {
        let to = to.min(chunk.filled());
        Slice { from: from.min(to), to, chunk }
    }

    /// Drops the first `count` bytes (they have been sent).
    pub fn skip(&mut self, count: usize) {
        self.from = self.to.min(self.from.saturating_add(u32::try_from(count).unwrap_or(u32::MAX)));
    }

    /// The file and the offset in it where these bytes lie, for `sendfile(2)`; `None`: they are on the heap.
    #[must_use]
    pub fn file(&self) -> Option<(BorrowedFd<'_>, u64)> {
        let slot = self.chunk.slot.as_ref()?;
        Some((slot.arena().file(), slot.offset() + u64::from(self.from)))
    }

    /// Bytes of memory that holding this holds; `None`: that cannot be told, as other chunks follow, or may.
    #[must_use]
    pub fn holds(&self) -> Option<u64> {
        let is_last = self.chunk.settled.load(Ordering::Acquire) && self.chunk.next().is_none();
        is_last.then(|| u64::from(self.chunk.capacity))
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.to - self.from) as usize
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to == self.from
    }
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        &self.chunk.bytes()[self.from as usize..self.to as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Tail;

    #[test]
    fn a_reader_sees_only_what_was_published() {
        let (chunk, mut writer) = Chunk::with_capacity(8);
        assert_eq!(chunk.bytes(), b"");
        assert_eq!(writer.push(b"hello"), 5);
        assert_eq!(chunk.bytes(), b"hello");
        assert_eq!(writer.push(b"world"), 3);
        assert_eq!(chunk.bytes(), b"hellowor");
        assert_eq!(writer.room(), 0);
        assert_eq!(Slice::new(chunk, 3, 99).as_ref(), b"lowor");
    }

    #[test]
    fn what_a_slice_holds_is_told_once_nothing_can_follow() {
        let (first, mut tail) = Tail::start(None, 8);
        let held = |chunk: &Arc<Chunk>| Slice::new(chunk.clone(), 0, u32::MAX).holds();
        tail.writer().push(b"whole   ");
        assert_eq!(held(&first), None, "another one may follow");
        let second = tail.extend(None, 4);
        assert_eq!(held(&first), None, "the second is held as well");
        drop(tail);
        assert_eq!((held(&first), held(&second)), (None, Some(4)));
    }

    #[test]
    fn a_freed_slot_is_used_again_and_comes_back_empty() {
        let arena = Arena::new(u64::from(SLOT_BYTES)).expect("an arena");
        let (first, mut writer) = Chunk::in_arena(&arena, SLOT_BYTES);
        assert_eq!(writer.push(&vec![7; SLOT_BYTES as usize]), SLOT_BYTES as usize);
        assert_eq!(Slice::new(first.clone(), 5, 9).file().map(|f| f.1), Some(5));
        drop((first, writer));
        let (again, mut writer) = Chunk::in_arena(&arena, SLOT_BYTES);
        let reused = Slice::new(again.clone(), 0, 0).file().map(|f| f.1);
        assert_eq!(reused, Some(0), "the same slot");
        // SAFETY: a hole reads as zeros, so every byte is initialised.
        unsafe { writer.advance(SLOT_BYTES as usize) };
        assert!(again.bytes().iter().all(|b| *b == 0));
        drop(writer);
        // Whether or not the system has a large page to spare, the bytes stay what they are.
        arena.gather();
        assert!(again.bytes().iter().all(|b| *b == 0));
        let small = Chunk::in_arena(&arena, FILE_BYTES_MIN - 1).0;
        assert!(Slice::new(small, 0, 0).file().is_none());
        let held: Vec<_> = (0..10).map(|_| Chunk::in_arena(&arena, SLOT_BYTES).0).collect();
        assert!(held.iter().any(|chunk| Slice::new(chunk.clone(), 0, 0).file().is_none()), "the heap takes over");
    }

    #[test]
    fn a_run_of_a_million_chunks_is_dropped_without_recursion() {
        let first = Chunk::copy_of(b"x");
        let mut last = first.clone();
        for _ in 0..1_000_000 {
            let next = Chunk::copy_of(b"x");
            last.link(next.clone());
            last = next;
        }
        drop(last);
        drop(first);
    }
}
