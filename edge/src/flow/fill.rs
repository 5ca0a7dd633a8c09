//! The body of an answer, from the origin's connection into chunks. A task of its own: it neither knows nor waits for the client that
//! led it, unless nobody keeps the body; then it stays one window ahead of the slowest reader.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cache::object::Tail;
use cache::{Arena, Chunk, Key, Ticket};

use crate::flow::compress::Packer;
use crate::flow::fetch::NoBody;
use crate::http::chunked::{Decoder, Step};
use crate::http::range::{Part, told};
use crate::http::response::Framing;
use crate::limits::{CHUNK_BYTES, CHUNK_KEPT_BYTES, CHUNK_UNKNOWN_BYTES, RESUMES_MAX, WINDOW_BYTES};
use crate::rt;
use crate::shard::Shard;
use crate::shard::line::Waits;
use crate::stored::{Object, Stored};
use crate::upstream::{self, Call, Exchanged, Origin, Reach, give_back};

/// A body on its way in.
pub(crate) struct Fill {
    pub(crate) object: Arc<Object>,
    /// The head of the run, until it has been handed out.
    pub(crate) first: Option<Arc<Chunk>>,
    tail: Option<Tail>,
    /// Where large chunks go while the body is kept.
    arena: Option<Arc<Arena>>,
    /// The chunks of a body that is kept.
    kept: Option<(Ticket, Vec<Arc<Chunk>>)>,
    /// The chunks of one that is not, while someone reads them.
    window: VecDeque<(Weak<Chunk>, u32)>,
    origin: Origin,
    framing: Framing,
    keep_alive: bool,
    again: Option<Again>,
    /// What comes in chunks is packed.
    packer: Option<Packer>,
}

/// How the rest of a body that breaks off is asked for.
struct Again {
    /// Request line and fields, without the final empty line.
    head: Vec<u8>,
    reach: Reach,
    /// Where the body begins in the whole, and that one's length.
    base: u64,
    total: u64,
    left: u8,
}

/// Why a body ended before its end.
enum Broken {
    /// The origin closed, failed, or sent nonsense.
    Origin,
    /// Nobody reads it and nobody keeps it.
    Unread,
}

/// Prepares the body of `exchanged` under `stored`.
pub(crate) fn start(key: Key, stored: Stored, exchanged: Exchanged, arena: Option<&Arc<Arena>>) -> Fill {
    let framing = exchanged.response.framing;
    let length = match framing {
        Framing::None => Some(0),
        Framing::Length(n) => Some(n),
        Framing::Chunked | Framing::Close => None,
    };
    let capacity = match framing {
        Framing::None => 0,
        Framing::Length(n) => n.min(u64::from(chunk_bytes(arena))) as u32,
        Framing::Chunked | Framing::Close => CHUNK_UNKNOWN_BYTES,
    };
    let (first, tail) = Tail::start(arena, capacity);
    Fill {
        object: Arc::new(Object::filling(key, stored, length)),
        window: VecDeque::from([(Arc::downgrade(&first), first.capacity())]),
        first: Some(first),
        tail: Some(tail),
        arena: arena.cloned(),
        kept: None,
        origin: exchanged.origin,
        framing,
        keep_alive: exchanged.response.keep_alive,
        again: None,
        packer: exchanged.packs.then(Packer::new),
    }
}

impl Fill {
    /// Should the body break off, the rest is asked for with `head`. It is a part of `total` bytes from `base` on.
    pub(crate) fn resumable(&mut self, head: Vec<u8>, reach: Reach, base: u64, total: u64) {
        if self.object.meta.strong_etag().is_some() && matches!(self.object.meta.status, 200 | 206) {
            self.again = Some(Again { head, reach, base, total, left: RESUMES_MAX });
        }
    }

    /// Enters the object in memory. Without room it goes on unkept.
    pub(crate) fn keep(&mut self, shard: &Shard) {
        let Some(first) = &self.first else { return };
        let bytes = self.object.meta.cost() + u64::from(first.capacity());
        let ticket = shard.ram.borrow_mut().begin(self.object.clone(), Some(first.clone()), bytes);
        self.kept = ticket.ok().map(|ticket| (ticket, vec![first.clone()]));
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Fills to the end and says how it ended to everyone who reads.
    pub(crate) async fn run(mut self, shard: &Rc<Shard>) {
        // Readers have their own handles by now: what is not kept must not be held here.
        self.first = None;
        let result = self.body(shard).await;
        self.origin.line.not_due();
        let object = self.object.clone();
        match result {
            Ok(()) => self.finish(shard),
            Err(why) => {
                if matches!(why, Broken::Origin) {
                    shard.counters.truncated.add(1);
                }
                if let Some((ticket, _)) = self.kept.take() {
                    shard.ram.borrow_mut().abandon(ticket);
                }
                object.break_off();
            }
        }
        shard.ring(&object.bell);
    }

    /// As [`Fill::run`]; what is here by then and was asked for more than once goes to the disk.
    pub(crate) async fn run_for_disk(self, shard: &Rc<Shard>) {
        let object = self.object.clone();
        let is_wanted = shard.disk.asked_again(object.key);
        self.run(shard).await;
        // Whoever joined it is a second request as well.
        if is_wanted || object.is_used() {
            shard.disk.offer(shard, &object, rt::now());
        }
    }

    async fn body(&mut self, shard: &Rc<Shard>) -> Result<(), Broken> {
        match self.framing {
            Framing::None => Ok(()),
            Framing::Length(length) => self.by_length(shard, length).await,
            Framing::Chunked => self.by_chunks(shard).await,
            Framing::Close => self.until_close(shard).await,
        }
    }

    async fn by_length(&mut self, shard: &Rc<Shard>, length: u64) -> Result<(), Broken> {
        let mut left = length;
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let here = self.origin.buffer.len().min(most);
            if here > 0 {
                let early: Vec<u8> = self.origin.buffer.drain(..here).collect();
                self.push(shard, &early, Some(left)).await?;
                left -= here as u64;
                continue;
            }
            self.room(shard, Some(left)).await?;
            match self.receive(shard, most).await {
                Ok(count) if count > 0 => left -= count as u64,
                _ if self.resume(shard, length - left, length).await => {}
                _ => return Err(Broken::Origin),
            }
        }
        Ok(())
    }

    /// Goes on from byte `from` of `length` on another connection, to another origin where there is one, when that has the same thing byte
    /// by byte. Readers notice nothing.
    async fn resume(&mut self, shard: &Rc<Shard>, from: u64, length: u64) -> bool {
        let Some(again) = self.again.as_mut().filter(|again| again.left > 0 && !shard.draining.get()) else {
            return false;
        };
        let Some(tag) = self.object.meta.strong_etag() else { return false };
        again.left -= 1;
        self.origin.line.not_due();
        upstream::broke_off(shard, &self.origin);
        let rest = Part { from: again.base + from, to: again.base + length };
        let mut head = again.head.clone();
        head.extend_from_slice(format!("Range: bytes={}-{}\r\nIf-Range: ", rest.from, rest.to - 1).as_bytes());
        for part in [tag, b"\r\n\r\n"] {
            head.extend_from_slice(part);
        }
        let call = Call { reach: again.reach, avoid: Some(self.origin.at()), ..Call::new(&head, false) };
        let Ok(exchanged) = upstream::ask::<NoBody>(shard, call, None).await else { return false };
        let response = &exchanged.response;
        let is_rest = response.status == 206
            && response.first("content-range").and_then(told) == Some((rest, again.total))
            && response.first("etag") == Some(tag)
            && response.framing == Framing::Length(length - from);
        if is_rest {
            shard.counters.resumed.add(1);
            self.keep_alive = response.keep_alive;
            self.origin = exchanged.origin;
        }
        is_rest
    }

    async fn until_close(&mut self, shard: &Rc<Shard>) -> Result<(), Broken> {
        let early = std::mem::take(&mut self.origin.buffer);
        self.push(shard, &early, None).await?;
        loop {
            self.room(shard, None).await?;
            if self.receive(shard, usize::MAX).await? == 0 {
                return Ok(());
            }
        }
    }

    async fn by_chunks(&mut self, shard: &Rc<Shard>) -> Result<(), Broken> {
        let mut decoder = Decoder::new();
        loop {
            let buffer = std::mem::take(&mut self.origin.buffer);
            let mut at = 0;
            while at < buffer.len() && !decoder.is_done() {
                match decoder.step(&buffer[at..]).map_err(|_| Broken::Origin)? {
                    Step::Skip(count) => at += count,
                    Step::Data(count) => {
                        self.piece(shard, &buffer[at..at + count]).await?;
                        at += count;
                    }
                    Step::End => break,
                }
            }
            self.origin.buffer = buffer;
            self.origin.buffer.drain(..at);
            if decoder.is_done() {
                return self.packed_end(shard).await;
            }
            self.due(shard);
            let buffer = std::mem::take(&mut self.origin.buffer);
            let (result, buffer) = self.origin.line.stream.recv(buffer).await;
            self.origin.buffer = buffer;
            if result.unwrap_or(0) == 0 {
                return Err(Broken::Origin);
            }
        }
    }

    /// A piece of a body in chunks.
    async fn piece(&mut self, shard: &Rc<Shard>, bytes: &[u8]) -> Result<(), Broken> {
        let Some(packer) = &mut self.packer else { return self.push(shard, bytes, None).await };
        let packed = packer.pack(bytes).map_err(|_| Broken::Origin)?;
        self.push(shard, &packed, None).await
    }

    async fn packed_end(&mut self, shard: &Rc<Shard>) -> Result<(), Broken> {
        let Some(packer) = self.packer.take() else { return Ok(()) };
        let packed = packer.finish().map_err(|_| Broken::Origin)?;
        self.push(shard, &packed, None).await
    }

    fn due(&self, shard: &Shard) {
        let config = shard.config();
        let limits = &config.limits;
        let is_replaceable = self.again.as_ref().is_some_and(|again| again.left > 0)
            && limits.coalesce < limits.origin_read
            && shard.sources.has_other(self.origin.at(), rt::now());
        let wait_ms = if is_replaceable { limits.coalesce } else { limits.origin_read }.as_millis() as u64;
        self.origin.line.due(rt::now() + wait_ms, Waits::Busy);
    }

    /// Receives straight into the last chunk.
    async fn receive(&mut self, shard: &Rc<Shard>, max: usize) -> Result<usize, Broken> {
        self.due(shard);
        let tail = self.tail.take().ok_or(Broken::Origin)?;
        let (result, writer) = self.origin.line.stream.recv_chunk(tail.into_writer(), max).await;
        self.tail = Some(Tail::from_writer(writer));
        let count = result.map_err(|_| Broken::Origin)?;
        self.grew(shard, count);
        Ok(count)
    }

    /// Copies bytes that came with the head or between chunk sizes.
    async fn push(&mut self, shard: &Rc<Shard>, mut bytes: &[u8], left: Option<u64>) -> Result<(), Broken> {
        let mut left = left;
        while !bytes.is_empty() {
            self.room(shard, left).await?;
            let Some(tail) = self.tail.as_mut() else { return Err(Broken::Origin) };
            let count = tail.writer().push(bytes);
            bytes = &bytes[count..];
            left = left.map(|left| left - count as u64);
            self.grew(shard, count);
        }
        Ok(())
    }

    fn grew(&self, shard: &Rc<Shard>, count: usize) {
        self.object.grew(count as u64);
        shard.ring(&self.object.bell);
    }

    /// Makes sure that the last chunk has room; `left` is what is still to come, when that is known.
    async fn room(&mut self, shard: &Rc<Shard>, left: Option<u64>) -> Result<(), Broken> {
        let Some(tail) = self.tail.as_mut() else { return Err(Broken::Origin) };
        if tail.writer().room() > 0 {
            return Ok(());
        }
        let capacity = match left {
            Some(left) => left.min(u64::from(chunk_bytes(self.arena.as_ref()))) as u32,
            None => (tail.writer().chunk().capacity().max(1) * 2).min(CHUNK_BYTES),
        };
        if let Some((ticket, chunks)) = &mut self.kept {
            let over = self.object.arrived() > shard.object_bytes_max();
            if !over && shard.ram.borrow_mut().grow(*ticket, u64::from(capacity)).is_ok() {
                chunks.push(tail.extend(self.arena.as_ref(), capacity));
                return Ok(());
            }
            self.let_go(shard);
        }
        self.wait_for_room(shard).await?;
        let Some(tail) = self.tail.as_mut() else { return Err(Broken::Origin) };
        self.window.push_back((Arc::downgrade(&tail.extend(None, capacity)), capacity));
        Ok(())
    }

    /// It does not fit: whoever reads it gets the rest, and nobody keeps it.
    fn let_go(&mut self, shard: &Shard) {
        if let Some((ticket, chunks)) = self.kept.take() {
            self.window = chunks.iter().map(|chunk| (Arc::downgrade(chunk), chunk.capacity())).collect();
            shard.ram.borrow_mut().abandon(ticket);
            shard.set_passing(self.object.key, rt::now());
        }
        self.arena = None;
    }

    /// Waits until the readers have let go of enough.
    async fn wait_for_room(&mut self, shard: &Rc<Shard>) -> Result<(), Broken> {
        self.origin.line.not_due();
        loop {
            self.window.retain(|(chunk, _)| chunk.strong_count() > 0);
            if self.is_unread() {
                return Err(Broken::Unread);
            }
            if self.held() < WINDOW_BYTES {
                self.object.throttle(false);
                return Ok(());
            }
            self.object.throttle(true);
            let changed = || self.held() < WINDOW_BYTES || self.is_unread();
            // A reader on another shard may let go of its handle just after it rang: look again now and then.
            let _ = rt::timeout(RECHECK, shard.listen(&self.object.room, changed)).await;
        }
    }

    /// Bytes that someone has still to read.
    fn held(&self) -> u64 {
        self.window.iter().filter(|(chunk, _)| chunk.strong_count() > 0).map(|(_, bytes)| u64::from(*bytes)).sum()
    }

    /// Nobody but this fill has the object.
    fn is_unread(&self) -> bool {
        Arc::strong_count(&self.object) == 1
    }

    fn finish(mut self, shard: &Shard) {
        match self.kept.take() {
            Some((ticket, mut chunks)) => {
                let saved = shrink(&mut chunks);
                self.object.complete(chunks.into());
                shard.ram.borrow_mut().finish(ticket, saved);
            }
            None => self.object.passed(),
        }
        if self.keep_alive {
            give_back(shard, self.origin, rt::now());
        }
    }
}

/// Chunk of a body that goes into an arena, or does not.
fn chunk_bytes(arena: Option<&Arc<Arena>>) -> u32 {
    if arena.is_some() { CHUNK_KEPT_BYTES } else { CHUNK_BYTES }
}

/// How often a fill that waits for its readers looks whether they are still there.
const RECHECK: Duration = Duration::from_millis(500);

/// Copies a last chunk that is mostly empty into one that fits, and says how many bytes that saved.
fn shrink(chunks: &mut [Arc<Chunk>]) -> u64 {
    let Some(last) = chunks.last_mut() else { return 0 };
    let (filled, capacity) = (last.filled(), last.capacity());
    if filled >= capacity - capacity / 8 {
        return 0;
    }
    *last = Chunk::copy_of(last.bytes());
    u64::from(capacity - filled)
}
