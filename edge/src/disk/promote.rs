//! From the disk into memory: the body enters a run of chunks piece by verified piece, and whoever asks meanwhile reads it as it arrives,
//! as from any fill.

use std::rc::Rc;
use std::sync::Arc;

use cache::disk::layout::PIECE_BYTES;
use cache::disk::log::aligned;
use cache::disk::record::{Sums, pieces};
use cache::disk::{Buffer, Front, Kind, Place};
use cache::object::Tail;
use cache::{Arena, Chunk, Key, State, Ticket};

use super::resume::resume;
use super::volume::{Failure, Reading, Volume};
use crate::http::freshness::Use;
use crate::limits::{CHUNK_BYTES, CHUNK_KEPT_BYTES, DISK_BUFFER_BYTES, DISK_FIRST_READ_BYTES};
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::Ask;
use crate::stored::{Object, saved};

/// What became of a look at the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Promoted {
    /// Memory has it now, whole or filling.
    Here,
    /// It is not to be had: the origin is asked.
    No,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) at: Key,
    pub(crate) name: &'a [u8],
    pub(crate) selecting: &'a [u8],
    /// What the origin is asked with, without the final empty line, should the disk fail in the middle of the body.
    pub(crate) head: &'a [u8],
    /// Part of a whole, whose freshness it shares: small enough to be read to its end before anyone begins.
    pub(crate) is_slice: bool,
}

impl Look<'_> {
    pub(crate) fn of(ask: &Ask) -> Look<'_> {
        Look { at: ask.at, name: &ask.name, selecting: &ask.selecting, head: &ask.head, is_slice: false }
    }
}

/// Brings what the disk has under `look.at` into memory. Returns when readers can begin, or must not: what is no longer fresh is first
/// read to its end, so that it can be confirmed.
pub(crate) async fn promote(shard: &Rc<Shard>, look: Look<'_>) -> Promoted {
    let Some(volume) = shard.disk.of(look.at).cloned() else { return Promoted::No };
    let Ok(turn) = volume.reads.clone().acquire_owned().await else { return Promoted::No };
    let Some((place, reading)) = volume.find(look.at) else { return Promoted::No };
    match begin(shard, &volume, look, place).await {
        Ok(Begun::Fill(fill)) => {
            shard.counters.disk_loads.add(1);
            if fill.left() > 0 && !look.is_slice && fill.is_fresh() {
                let (shard, head) = (shard.clone(), look.head.to_vec());
                rt::spawn(async move {
                    fill.run(&shard, &volume, reading, Some(head)).await;
                    drop(turn);
                });
                return Promoted::Here;
            }
            let object = fill.object.clone();
            fill.run(shard, &volume, reading, None).await;
            if object.state() == State::Whole { Promoted::Here } else { Promoted::No }
        }
        Ok(Begun::Wrong) => {
            // The record is not what the index says: it is not looked at again.
            shard.counters.disk_misses.add(1);
            volume.forget_at(look.at, place.address);
            Promoted::No
        }
        Ok(Begun::Not) => {
            shard.counters.disk_misses.add(1);
            Promoted::No
        }
        Err(failure) => {
            volume.switch_off(shard, &failure);
            Promoted::No
        }
    }
}

enum Begun {
    Fill(Box<Fill>),
    /// The record is damaged, or has been overwritten.
    Wrong,
    /// It is of another name, was forgotten meanwhile, or there is no room for it in memory.
    Not,
}

/// A body on its way from the disk.
struct Fill {
    object: Arc<Object>,
    tail: Option<Tail>,
    chunks: Vec<Arc<Chunk>>,
    ticket: Ticket,
    arena: Option<Arc<Arena>>,
    sums: Sums,
    length: u64,
    done: u64,
    /// Where the body begins in the file.
    body_at: u64,
}

/// Reads and checks the front, makes room in memory, and takes over the pieces that came with it.
async fn begin(shard: &Shard, volume: &Volume, look: Look<'_>, place: Place) -> Result<Begun, Failure> {
    let first = place.bytes.min(DISK_FIRST_READ_BYTES);
    let Some((read, salt, max)) = read(volume, place.file_at, first).await? else { return Ok(Begun::Not) };
    shard.counters.disk_read.add(first);
    let bytes = &read.bytes()[place.skip as usize..];
    let Ok(front) = Front::parse(bytes, place.address, salt, max) else { return Ok(Begun::Wrong) };
    let Some(stored) = saved::decode(front.name, front.head) else { return Ok(Begun::Wrong) };
    let is_asked = stored.is_for(look.name, look.selecting) || (stored.varies.is_some() && *stored.name == *look.name);
    let is_current = volume.with(|log| log.is_current(look.at, place.address)).unwrap_or(false);
    if front.kind != Kind::Object || front.key != look.at || !is_asked || !is_current {
        return Ok(Begun::Not);
    }
    let length = front.body_bytes;
    let arena = shard.arena.clone();
    let chunk_bytes = u64::from(if arena.is_some() { CHUNK_KEPT_BYTES } else { CHUNK_BYTES });
    let (chunk, tail) = Tail::start(arena.as_ref(), length.min(chunk_bytes) as u32);
    let object = Arc::new(Object::filling(look.at, stored, Some(length)));
    object.set_below(true);
    // Every chunk is charged at once: the length is known, and a body that does not fit is not begun.
    let ticket = shard.ram.borrow_mut().begin(object.clone(), Some(chunk.clone()), object.meta.cost() + length);
    let Ok(ticket) = ticket else { return Ok(Begun::Not) };
    let body_at = place.file_at + place.skip + front.bytes();
    let (sums, inside) = (front.sums(), front.bytes() as usize);
    let mut fill =
        Box::new(Fill { object, tail: Some(tail), chunks: vec![chunk], ticket, arena, sums, length, done: 0, body_at });
    let here = &bytes[inside.min(bytes.len())..];
    if !fill.take(here) {
        fill.give_up(shard);
        return Ok(Begun::Wrong);
    }
    Ok(Begun::Fill(fill))
}

/// Reads blocks; also says what sums are made with and how long a record may be. `None`: the volume is off.
async fn read(volume: &Volume, at: u64, bytes: u64) -> Result<Option<(Buffer, u64, u64)>, Failure> {
    let known = volume.with(|log| (log.salt(), log.geometry().record_bytes_max()));
    let (Some((salt, max)), Some(file)) = (known, volume.file()) else { return Ok(None) };
    let (result, buffer) = file.read_at(Buffer::new(bytes as usize), at, bytes as usize).await;
    result.map_err(|error| Failure::Io("read", error))?;
    Ok(Some((buffer, salt, max)))
}

impl Fill {
    fn left(&self) -> u64 {
        self.length - self.done
    }

    fn is_fresh(&self) -> bool {
        self.object.meta.freshness.is_some_and(|f| f.at(rt::now()) == Use::Fresh)
    }

    /// Verifies and shows every whole piece at the beginning of `bytes`. False: one of them is not what was written.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let mut bytes = &bytes[..bytes.len().min(self.left() as usize)];
        while self.left() > 0 {
            let len = self.left().min(PIECE_BYTES) as usize;
            let Some((piece, rest)) = bytes.split_at_checked(len) else { return true };
            if !self.sums.agree(self.done / PIECE_BYTES, piece) || !self.push(piece) {
                return false;
            }
            self.done += len as u64;
            bytes = rest;
        }
        true
    }

    fn push(&mut self, mut bytes: &[u8]) -> bool {
        let chunk_bytes = u64::from(if self.arena.is_some() { CHUNK_KEPT_BYTES } else { CHUNK_BYTES });
        while !bytes.is_empty() {
            let left = self.length - self.object.arrived();
            let Some(tail) = self.tail.as_mut() else { return false };
            if tail.writer().room() == 0 {
                self.chunks.push(tail.extend(self.arena.as_ref(), left.min(chunk_bytes) as u32));
            }
            let count = tail.writer().push(bytes);
            bytes = &bytes[count..];
            self.object.grew(count as u64);
        }
        true
    }

    /// Reads to the end and says how that went to everyone who reads. With a `head` someone may: a disk that fails is then made up for.
    async fn run(mut self, shard: &Rc<Shard>, volume: &Rc<Volume>, reading: Reading, head: Option<Vec<u8>>) {
        let result = self.body(shard, volume).await;
        drop(reading);
        let object = self.object.clone();
        let mut is_whole = matches!(result, Ok(true));
        if !is_whole {
            volume.forget(object.key);
            shard.counters.disk_misses.add(1);
        }
        if let Err(failure) = result {
            volume.switch_off(shard, &failure);
        }
        if let (false, Some(head)) = (is_whole, head) {
            object.set_below(false);
            is_whole = self.resumed(shard, head).await;
        }
        if is_whole {
            self.finish(shard)
        } else {
            self.give_up(shard)
        }
        shard.ring(&object.bell);
    }

    async fn resumed(&mut self, shard: &Rc<Shard>, head: Vec<u8>) -> bool {
        let (object, place) = (self.object.clone(), (self.done, self.length));
        resume(shard, &object, head, place, |slice| {
            self.push(slice.as_ref());
            shard.ring(&object.bell);
        })
        .await
    }

    async fn body(&mut self, shard: &Rc<Shard>, volume: &Volume) -> Result<bool, Failure> {
        const PIECES_PER_READ: u64 = DISK_BUFFER_BYTES as u64 / PIECE_BYTES;
        debug_assert!(
            self.done.is_multiple_of(PIECE_BYTES) || self.left() == 0,
            "whole pieces, {} of them",
            pieces(self.done)
        );
        while self.left() > 0 {
            let wanted = self.left().min(PIECES_PER_READ * PIECE_BYTES);
            let (at, bytes, skip) = aligned(self.body_at + self.done, wanted);
            let Some((read, ..)) = read(volume, at, bytes).await? else { return Ok(false) };
            shard.counters.disk_read.add(bytes);
            if !self.take(&read.bytes()[skip as usize..]) {
                return Ok(false);
            }
            shard.ring(&self.object.bell);
        }
        Ok(true)
    }

    fn finish(self, shard: &Shard) {
        self.object.complete(self.chunks.into());
        shard.ram.borrow_mut().finish(self.ticket, 0);
    }

    fn give_up(self, shard: &Shard) {
        shard.ram.borrow_mut().abandon(self.ticket);
        self.object.break_off();
    }
}
