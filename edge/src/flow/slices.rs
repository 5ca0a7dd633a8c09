//! Large bodies, kept by slice: a range costs the slices it touches, and no answer is ever made of two representations.
//!
//! What stands under the key of such a body is its head alone, with the length of the whole and a life number. A slice is an object
//! under a key made of both and its index, with the same owner. It is fetched with the strong entity tag of the head as a condition
//! (If-Range, RFC 9110 section 13.1.5), so an origin that has something else by now answers with that, and the head is dropped.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use cache::{Chunk, Key};
use tokio::sync::oneshot;

use crate::disk::promote::{Look, Promoted, promote};
use crate::flow::accept::Asked;
use crate::flow::fetch::NoBody;
use crate::flow::{fill, lookup};
use crate::http::cache_control::CacheControl;
use crate::http::range::{self, Part};
use crate::http::response::Response;
use crate::limits::{SLICE_BYTES, SLICES_AHEAD};
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{AskSlice, Mail, Slice};
use crate::stored::{Object, Reader, Sliced, Stored};
use crate::upstream::{self, Call, Reach};

/// The slice that a Range field's beginning lies in; of an end that is counted backwards, the first: it tells the length.
pub(crate) fn first_of(range: &[u8]) -> Option<u64> {
    match *range::parse(range)?.first()? {
        range::Asked::From { first, .. } => Some(first / SLICE_BYTES),
        range::Asked::Suffix(_) => Some(0),
    }
}

/// Bytes of slice `index` of a body of `total` bytes.
pub(crate) fn bounds(index: u64, total: u64) -> Part {
    let from = index.saturating_mul(SLICE_BYTES);
    Part { from, to: total.min(from.saturating_add(SLICE_BYTES)) }
}

/// The Range to send for slice `index`.
pub(crate) fn range_line(index: u64) -> String {
    let from = index.saturating_mul(SLICE_BYTES);
    format!("Range: bytes={from}-{}\r\n", from.saturating_add(SLICE_BYTES - 1))
}

/// The part that `response`, a 206 to the Range of slice `index`, is of which whole. `None`: it is not that slice, or could not be
/// told from another representation's.
pub(crate) fn told(response: &Response, index: u64) -> Option<(Part, u64)> {
    let (part, total) = range::told(response.first("content-range")?)?;
    let is_strong = response.first("etag").is_some_and(|tag| tag.starts_with(b"\""));
    let is_all = part.from == 0 && part.to == total;
    (response.status == 206 && (is_strong || is_all) && part == bounds(index, total)).then_some((part, total))
}

/// The head of a body that is kept by slice, ready to be put under its key.
pub(crate) fn head(key: Key, mut stored: Stored, total: u64, life: u64) -> Object {
    stored.sliced = Some(Sliced { total, life });
    Object::bodiless(key, stored)
}

/// The key of a slice, and what the slice's object is compared by.
pub(crate) fn name_of(shard: &Shard, whole: &Object, sliced: Sliced, index: u64) -> (Key, Vec<u8>) {
    let selecting = [sliced.life.to_le_bytes(), index.to_le_bytes()].concat();
    (shard.key_beside(whole.key, &whole.meta.name, &selecting), selecting)
}

/// Walks the slices of a body for one client.
pub(crate) struct Slices<'a> {
    shard: &'a Rc<Shard>,
    whole: Arc<Object>,
    sliced: Sliced,
    head: Vec<u8>,
    reach: Reach,
    part: Part,
    /// Index of the next slice to ask for.
    next: u64,
    asked: VecDeque<oneshot::Receiver<Slice>>,
}

impl<'a> Slices<'a> {
    /// Begins at `part` of `whole`.
    pub(crate) fn new(
        shard: &'a Rc<Shard>,
        asked: &Asked,
        whole: Arc<Object>,
        sliced: Sliced,
        part: Part,
    ) -> Slices<'a> {
        let ask = lookup::ask_of(shard, asked, CacheControl::default());
        Slices::of(shard, whole, sliced, part, ask.head, ask.reach)
    }

    /// The same with the request line and fields for the origin.
    pub(crate) fn of(
        shard: &'a Rc<Shard>,
        whole: Arc<Object>,
        sliced: Sliced,
        part: Part,
        head: Vec<u8>,
        reach: Reach,
    ) -> Slices<'a> {
        Slices { shard, whole, sliced, head, reach, part, next: part.from / SLICE_BYTES, asked: VecDeque::new() }
    }

    /// The reader of the next slice, up to the end of the part. `Ok(None)`: the part has ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Reader>, Lost> {
        if self.part.from >= self.part.to {
            return Ok(None);
        }
        let index = self.part.from / SLICE_BYTES;
        let last = (self.part.to - 1) / SLICE_BYTES;
        while self.next <= last.min(index + SLICES_AHEAD) {
            let asked = self.ask(self.next).await;
            self.asked.push_back(asked);
            self.next += 1;
        }
        let answer = match self.asked.pop_front() {
            Some(asked) => asked.await.unwrap_or(Slice::Refuse(Refusal::Draining)),
            None => Slice::Refuse(Refusal::Draining),
        };
        match answer {
            Slice::Here(object, first) => {
                let is_ours = self.shard.owner(self.whole.key) == self.shard.id;
                if !is_ours && object.is_here() && object.meta.freshness.is_some() {
                    self.shard.front.borrow_mut().lease(&object);
                }
                let slice = bounds(index, self.sliced.total);
                let to = slice.to.min(self.part.to);
                let reader = Reader::new(object, first, self.part.from - slice.from, to - slice.from);
                self.part.from = to;
                Ok(Some(reader))
            }
            Slice::Changed => Err(Lost::Changed),
            Slice::Refuse(refusal) => Err(Lost::Refused(refusal)),
        }
    }

    /// A whole slice of another shard that may be used without asking: it is of this very representation.
    fn leased(&self, index: u64) -> Option<Arc<Object>> {
        let (key, selecting) = name_of(self.shard, &self.whole, self.sliced, index);
        let mut front = self.shard.front.borrow_mut();
        front.get(key).filter(|object| object.meta.is_for(&self.whole.meta.name, &selecting)).cloned()
    }

    async fn ask(&self, index: u64) -> oneshot::Receiver<Slice> {
        let (reply, answer) = oneshot::channel();
        let ask = Box::new(AskSlice { whole: self.whole.clone(), index, head: self.head.clone(), reach: self.reach });
        let owner = self.shard.owner(self.whole.key);
        if owner != self.shard.id
            && let Some(object) = self.leased(index)
        {
            let _ = reply.send(Slice::Here(object, None));
            return answer;
        }
        if owner == self.shard.id {
            at_owner(self.shard, ask, reply);
        } else {
            self.shard.peers[owner].send(Mail::Slice(ask, reply)).await;
        }
        answer
    }
}

/// Why a slice cannot be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// The origin has another representation now.
    Changed,
    Refused(Refusal),
}

/// Answers for a slice of a body this shard owns, now or when its fetch lands.
pub(crate) fn at_owner(shard: &Rc<Shard>, ask: Box<AskSlice>, reply: oneshot::Sender<Slice>) {
    let Some(sliced) = ask.whole.meta.sliced else { return };
    let (key, selecting) = name_of(shard, &ask.whole, sliced, ask.index);
    if let Some((object, first)) = found(shard, &ask, key, &selecting) {
        shard.disk.offer(shard, &object, rt::now());
        let _ = reply.send(Slice::Here(object, first));
        return;
    }
    let mut flights = shard.slice_flights.borrow_mut();
    let waiting = flights.entry(key).or_default();
    waiting.push(reply);
    if waiting.len() > 1 {
        return;
    }
    drop(flights);
    let shard = shard.clone();
    rt::spawn(async move { fetch(&shard, &ask, sliced, key, &selecting).await });
}

fn found(shard: &Shard, ask: &AskSlice, key: Key, selecting: &[u8]) -> Option<(Arc<Object>, Option<Arc<Chunk>>)> {
    let mut ram = shard.ram.borrow_mut();
    let found = ram.get(key).filter(|found| found.object.meta.is_for(&ask.whole.meta.name, selecting))?;
    Some((found.object.clone(), found.first.cloned()))
}

async fn fetch(shard: &Rc<Shard>, ask: &AskSlice, sliced: Sliced, key: Key, selecting: &[u8]) {
    let look = Look { at: key, name: &ask.whole.meta.name, selecting, head: &ask.head, is_slice: true };
    if promote(shard, look).await == Promoted::Here
        && let Some((object, first)) = found(shard, ask, key, selecting)
    {
        return land(shard, key, &Slice::Here(object, first));
    }
    let Some(tag) = ask.whole.meta.strong_etag() else { return };
    let mut head = ask.head.clone();
    head.extend_from_slice(range_line(ask.index).as_bytes());
    for part in [b"If-Range: ", tag, b"\r\n\r\n"] {
        head.extend_from_slice(part);
    }
    let exchanged =
        match upstream::ask::<NoBody>(shard, Call { reach: ask.reach, ..Call::new(&head, false) }, None).await {
            Ok(exchanged) => exchanged,
            Err(refusal) => return land(shard, key, &Slice::Refuse(refusal)),
        };
    let response = &exchanged.response;
    let is_ours = told(response, ask.index) == Some((bounds(ask.index, sliced.total), sliced.total))
        && response.first("etag") == Some(tag);
    if !is_ours && response.status >= 500 {
        return land(shard, key, &Slice::Refuse(Refusal::OriginHead));
    }
    if !is_ours {
        let mut ram = shard.ram.borrow_mut();
        if ram.peek(ask.whole.key).is_some_and(|kept| Arc::ptr_eq(kept, &ask.whole)) {
            ram.remove(ask.whole.key);
            shard.disk.forget(ask.whole.key);
        }
        drop(ram);
        return land(shard, key, &Slice::Changed);
    }
    let date = shard.date(rt::now());
    let stored = Stored::new(&ask.whole.meta.name, selecting, response, ask.whole.meta.freshness, &date);
    let mut fill = fill::start(key, stored, exchanged, shard.arena.as_ref());
    fill.resumable(ask.head.clone(), ask.reach, bounds(ask.index, sliced.total).from, sliced.total);
    fill.keep(shard);
    land(shard, key, &Slice::Here(fill.object.clone(), fill.first.clone()));
    fill.run_for_disk(shard).await;
}

fn land(shard: &Shard, key: Key, answer: &Slice) {
    for reply in shard.slice_flights.borrow_mut().remove(&key).unwrap_or_default() {
        let _ = reply.send(answer.clone());
    }
}
