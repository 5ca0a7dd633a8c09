//! A body as a run of chunks with a state, and the reader that walks it as it arrives.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::arena::Arena;
use crate::bell::Bell;
use crate::chunk::{Chunk, ChunkWriter, Slice};
use crate::key::Key;

/// How far a body has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Bytes are still arriving.
    Filling,
    /// Every byte is here.
    Whole,
    /// The source ended early; what is here will never be whole.
    Broken,
}

const FILLING: u8 = 0;
const WHOLE: u8 = 1;
const BROKEN: u8 = 2;
const LENGTH_UNKNOWN: u64 = u64::MAX;
/// Uses counted per entry: S3-FIFO needs no more than three.
const USES_MAX: u8 = 3;

/// An answer that is kept or on its way: what the edge knows of it (`M`) and its body.
pub struct Object<M> {
    /// The key it is kept under.
    pub key: Key,
    /// The head and its freshness, as the edge sees them.
    pub meta: M,
    /// Rung when the body grows, ends, or breaks.
    pub bell: Bell,
    /// Rung when a reader of a throttled fill has made room or left.
    pub room: Bell,
    throttled: AtomicBool,
    state: AtomicU8,
    dead: AtomicBool,
    below: AtomicBool,
    uses: AtomicU8,
    length: AtomicU64,
    arrived: AtomicU64,
    whole: OnceLock<Box<[Arc<Chunk>]>>,
}

impl<M> Object<M> {
    /// An object whose body is about to arrive; `length` when it is known beforehand.
    #[must_use]
    pub fn filling(key: Key, meta: M, length: Option<u64>) -> Object<M> {
        Object {
            key,
            meta,
            bell: Bell::default(),
            room: Bell::default(),
            throttled: AtomicBool::new(false),
            state: AtomicU8::new(FILLING),
            dead: AtomicBool::new(false),
            below: AtomicBool::new(false),
            uses: AtomicU8::new(0),
            length: AtomicU64::new(length.unwrap_or(LENGTH_UNKNOWN)),
            arrived: AtomicU64::new(0),
            whole: OnceLock::new(),
        }
    }

    /// A whole object without a body: a mark that leads to others.
    #[must_use]
    pub fn bodiless(key: Key, meta: M) -> Object<M> {
        let object = Object::filling(key, meta, Some(0));
        object.complete(Box::default());
        object
    }

    /// A new object over the body of a whole one: what a revalidation leaves behind. `None` unless `old` is whole.
    #[must_use]
    pub fn over(old: &Object<M>, meta: M) -> Option<Object<M>> {
        let chunks = old.whole.get()?.clone();
        let length = old.length();
        let fresh = Object::filling(old.key, meta, length);
        fresh.arrived.store(length.unwrap_or(0), Ordering::Relaxed);
        let _ = fresh.whole.set(chunks);
        fresh.state.store(WHOLE, Ordering::Release);
        Some(fresh)
    }

    /// How far the body has come.
    #[must_use]
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Acquire) {
            FILLING => State::Filling,
            WHOLE => State::Whole,
            _ => State::Broken,
        }
    }

    /// Length of the body, once it is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self.length.load(Ordering::Acquire) {
            LENGTH_UNKNOWN => None,
            n => Some(n),
        }
    }

    /// Bytes here so far.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.arrived.load(Ordering::Acquire)
    }

    /// Whether it must no longer be handed out.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Acquire)
    }

    /// Ends every lease on it.
    pub fn kill(&self) {
        self.dead.store(true, Ordering::Release);
    }

    /// Whether the tier below memory has it, gave it, or is about to write it.
    #[must_use]
    pub fn is_below(&self) -> bool {
        self.below.load(Ordering::Relaxed)
    }

    /// Says whether the tier below memory has it.
    pub fn set_below(&self, is: bool) {
        self.below.store(is, Ordering::Relaxed);
    }

    /// Counts a use for the eviction policy; writes only while the count is low, so that a hot object's line stays shared.
    pub fn used(&self) {
        let uses = self.uses.load(Ordering::Relaxed);
        if uses < USES_MAX {
            self.uses.store(uses + 1, Ordering::Relaxed);
        }
    }

    /// Whether it was used since it was last spared.
    #[must_use]
    pub fn is_used(&self) -> bool {
        self.uses.load(Ordering::Relaxed) > 0
    }

    /// Uses since it was last spared; takes one away.
    pub(crate) fn spare_once(&self) -> bool {
        let uses = self.uses.load(Ordering::Relaxed);
        if uses == 0 {
            return false;
        }
        self.uses.store(uses - 1, Ordering::Relaxed);
        true
    }

    /// The chunks of a whole body.
    #[must_use]
    pub fn chunks(&self) -> Option<&[Arc<Chunk>]> {
        self.whole.get().map(|c| &**c)
    }

    /// Whether every byte is here and stays: whoever comes now can read it from its beginning. A body that passed by is whole and is not.
    #[must_use]
    pub fn is_here(&self) -> bool {
        self.whole.get().is_some()
    }

    /// The whole body when it is one piece of memory.
    #[must_use]
    pub fn single(&self) -> Option<&[u8]> {
        match self.chunks()? {
            [] => Some(&[]),
            [one] => Some(one.bytes()),
            _ => None,
        }
    }

    /// Records that `count` more bytes have been published.
    pub fn grew(&self, count: u64) {
        self.arrived.fetch_add(count, Ordering::Release);
    }

    /// Every byte is here: `chunks` is the run from the first on.
    pub fn complete(&self, chunks: Box<[Arc<Chunk>]>) {
        self.length.store(self.arrived(), Ordering::Release);
        let _ = self.whole.set(chunks);
        self.state.store(WHOLE, Ordering::Release);
    }

    /// Every byte has been published, and nobody keeps the run.
    pub fn passed(&self) {
        self.state.store(WHOLE, Ordering::Release);
    }

    /// The source ended early.
    pub fn break_off(&self) {
        self.state.store(BROKEN, Ordering::Release);
        self.kill();
    }

    /// The writer waits for readers to let go of what they have read.
    pub fn throttle(&self, on: bool) {
        self.throttled.store(on, Ordering::SeqCst);
    }

    /// Whether the writer waits for room.
    #[must_use]
    pub fn is_throttled(&self) -> bool {
        self.throttled.load(Ordering::SeqCst)
    }
}

/// Appends chunks to a run in order.
pub struct Tail {
    writer: ChunkWriter,
}

impl Tail {
    /// Starts a run: its first chunk, in `arena` if that suits it, and the tail that grows it.
    #[must_use]
    pub fn start(arena: Option<&Arc<Arena>>, capacity: u32) -> (Arc<Chunk>, Tail) {
        let (chunk, writer) = make(arena, capacity);
        (chunk, Tail { writer })
    }

    /// Appends an empty chunk and returns it.
    pub fn extend(&mut self, arena: Option<&Arc<Arena>>, capacity: u32) -> Arc<Chunk> {
        let (chunk, writer) = make(arena, capacity);
        let last = std::mem::replace(&mut self.writer, writer);
        last.chunk().link(chunk.clone());
        chunk
    }

    /// The writer of the last chunk.
    pub fn writer(&mut self) -> &mut ChunkWriter {
        &mut self.writer
    }

    /// Lends the writer out by value (a ring operation owns its buffer), to be put back.
    #[must_use]
    pub fn into_writer(self) -> ChunkWriter {
        self.writer
    }

    /// Puts a lent writer back.
    #[must_use]
    pub fn from_writer(writer: ChunkWriter) -> Tail {
        Tail { writer }
    }
}

fn make(arena: Option<&Arc<Arena>>, capacity: u32) -> (Arc<Chunk>, ChunkWriter) {
    match arena {
        Some(arena) => Chunk::in_arena(arena, capacity),
        None => Chunk::with_capacity(capacity),
    }
}

/// What a reader finds.
pub enum Next {
    /// Bytes that are here.
    Ready(Slice),
    /// Nothing new yet: listen to the bell.
    Wait,
    /// Everything asked for has been read.
    End,
    /// The body broke off before its end.
    Broken,
}

/// Walks a body from `at` to `to`, over what has arrived.
pub struct Reader<M> {
    object: Arc<Object<M>>,
    chunk: Option<Arc<Chunk>>,
    /// Offset in the body of `chunk`'s first byte.
    chunk_at: u64,
    at: u64,
    to: u64,
}

impl<M> Reader<M> {
    /// Reads bytes `from..to` of `object`; `to` is [`u64::MAX`] when its length is not known. `first` is the head of the run while the
    /// object fills; one whose body is here needs none.
    #[must_use]
    pub fn new(object: Arc<Object<M>>, first: Option<Arc<Chunk>>, from: u64, to: u64) -> Reader<M> {
        let (chunk, chunk_at) = match object.chunks() {
            Some(chunks) => locate(chunks, from),
            None => (first, 0),
        };
        Reader { object, chunk, chunk_at, at: from, to }
    }

    /// The object being read.
    #[must_use]
    pub fn object(&self) -> &Arc<Object<M>> {
        &self.object
    }

    /// Offset of the next byte.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// The next piece, at most `max` bytes long. Moves past it.
    pub fn next(&mut self, max: usize) -> Next {
        loop {
            if self.at >= self.to {
                return Next::End;
            }
            // The state is read before the watermark: a body seen whole has all its bytes published.
            let state = self.object.state();
            let Some(chunk) = &self.chunk else {
                match (state, self.object.chunks()) {
                    (State::Filling, _) => return Next::Wait,
                    (State::Whole, Some(chunks)) if !chunks.is_empty() => {
                        (self.chunk, self.chunk_at) = locate(chunks, self.at);
                        continue;
                    }
                    (State::Whole, _) => return self.end(),
                    (State::Broken, _) => return Next::Broken,
                }
            };
            let filled = u64::from(chunk.filled());
            let inside = self.at - self.chunk_at;
            if inside < filled {
                let upto = filled.min(inside + max as u64).min(self.to - self.chunk_at);
                let slice = Slice::new(chunk.clone(), inside as u32, upto as u32);
                self.at = self.chunk_at + upto;
                return Next::Ready(slice);
            }
            if let Some(next) = chunk.next().cloned() {
                // A chunk that has a successor is full, or was shrunk to what it holds.
                self.chunk_at += u64::from(chunk.filled());
                self.chunk = Some(next);
                continue;
            }
            return match state {
                State::Filling => Next::Wait,
                State::Whole => self.end(),
                State::Broken => Next::Broken,
            };
        }
    }

    /// There is no more. Less than what was promised is not taken for all of it.
    fn end(&self) -> Next {
        if self.to == u64::MAX { Next::End } else { Next::Broken }
    }
}

/// The chunk that holds offset `at`, and the offset of its first byte.
fn locate(chunks: &[Arc<Chunk>], at: u64) -> (Option<Arc<Chunk>>, u64) {
    let mut start = 0u64;
    for (i, chunk) in chunks.iter().enumerate() {
        let end = start + u64::from(chunk.filled());
        if at < end || i + 1 == chunks.len() {
            return (Some(chunk.clone()), start);
        }
        start = end;
    }
    (None, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(reader: &mut Reader<()>, max: usize) -> (Vec<u8>, &'static str) {
        let mut out = Vec::new();
        loop {
            match reader.next(max) {
                Next::Ready(s) => out.extend_from_slice(s.as_ref()),
                Next::Wait => return (out, "wait"),
                Next::End => return (out, "end"),
                Next::Broken => return (out, "broken"),
            }
        }
    }

    #[test]
    fn a_reader_follows_a_body_as_it_fills() {
        let object = Arc::new(Object::filling(Key(1), (), None));
        let (first, mut tail) = Tail::start(None, 4);
        let mut reader = Reader::new(object.clone(), Some(first.clone()), 0, u64::MAX);
        assert_eq!(read_all(&mut reader, 99), (b"".to_vec(), "wait"));
        tail.writer().push(b"abcd");
        let second = tail.extend(None, 4);
        tail.writer().push(b"ef");
        object.grew(6);
        assert_eq!(read_all(&mut reader, 3), (b"abcdef".to_vec(), "wait"));
        object.complete(vec![first, second].into());
        assert_eq!(read_all(&mut reader, 3), (b"".to_vec(), "end"));
        assert_eq!(object.length(), Some(6));
        let mut range = Reader::new(object.clone(), None, 3, 5);
        assert_eq!(read_all(&mut range, 99), (b"de".to_vec(), "end"));
        let mut late = Reader::new(object, None, 5, 6);
        assert_eq!(read_all(&mut late, 99), (b"f".to_vec(), "end"));
    }

    #[test]
    fn a_body_that_has_passed_by_is_not_here_and_not_empty() {
        let object = Arc::new(Object::filling(Key(1), (), Some(3)));
        let (first, mut tail) = Tail::start(None, 3);
        tail.writer().push(b"abc");
        object.grew(3);
        let mut reader = Reader::new(object.clone(), Some(first), 0, 3);
        object.passed();
        assert_eq!((object.state(), object.is_here()), (State::Whole, false));
        assert_eq!(read_all(&mut reader, 99), (b"abc".to_vec(), "end"));
        let mut late = Reader::new(object, None, 0, 3);
        assert_eq!(read_all(&mut late, 99), (b"".to_vec(), "broken"));
    }

    #[test]
    fn who_came_without_the_run_finds_it_once_it_is_whole() {
        let object = Arc::new(Object::filling(Key(1), (), Some(3)));
        let (first, mut tail) = Tail::start(None, 3);
        tail.writer().push(b"abc");
        object.grew(3);
        let mut reader = Reader::new(object.clone(), None, 1, 3);
        assert_eq!(read_all(&mut reader, 99), (b"".to_vec(), "wait"));
        object.complete(vec![first].into());
        assert!(object.is_here());
        assert_eq!(read_all(&mut reader, 99), (b"bc".to_vec(), "end"));
    }

    #[test]
    fn a_broken_body_is_never_taken_for_its_end() {
        let object = Arc::new(Object::filling(Key(1), (), Some(10)));
        let (first, mut tail) = Tail::start(None, 10);
        tail.writer().push(b"abc");
        let mut reader = Reader::new(object.clone(), Some(first), 0, 10);
        object.break_off();
        assert_eq!(read_all(&mut reader, 99), (b"abc".to_vec(), "broken"));
        assert!(object.is_dead());
    }
}
