//! The one writer of a volume: removals first, then what was offered, through the log's buffer to the disk.

use std::borrow::Cow;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use cache::disk::layout::{BLOCK_BYTES, PIECE_BYTES};
use cache::disk::log::aligned;
use cache::disk::record::{self, New, encode, piece_sum, pieces};
use cache::disk::{Buffer, Entry, Front, Kind, Log, Recovery, Space};
use cache::{Chunk, Key};

use super::open::{Identity, is_there};
use super::volume::{Failure, Volume};
use crate::limits::{DISK_BUFFER_BYTES, DISK_CHECK_MS, DISK_FIRST_READ_BYTES, DISK_SPARE_PART, DISK_WAIT};
use crate::rt;
use crate::shard::Shard;
use crate::stored::{Object, saved};

/// Pieces summed or entries looked at before others have a turn.
const PIECES_PER_TURN: u64 = 4;
const ENTRIES_PER_TURN: usize = 4096;

struct Writer<'a> {
    shard: &'a Rc<Shard>,
    volume: &'a Rc<Volume>,
    /// Written since the last sync.
    dirty: bool,
}

/// Writes until the disk fails.
pub(super) async fn run(shard: &Rc<Shard>, volume: &Rc<Volume>, opened: Identity) -> Result<(), Failure> {
    let mut writer = Writer { shard, volume, dirty: false };
    let mut checked_ms = rt::now();
    loop {
        let waits = volume.with(|log| log.buffered() > 0).unwrap_or(false);
        let woken = if volume.draining.get() && waits {
            false
        } else {
            let limit = if waits { DISK_WAIT } else { Duration::from_millis(DISK_CHECK_MS) };
            rt::timeout(limit, volume.kick.notified()).await.is_some()
        };
        if !volume.is_on() {
            return Ok(());
        }
        volume.busy.set(true);
        let has_removals = writer.append_all().await?;
        if !woken || has_removals || volume.draining.get() {
            writer.flush().await?;
        }
        if volume.draining.get() && writer.dirty {
            writer.sync().await?;
        }
        volume.busy.set(false);
        let now_ms = rt::now();
        if now_ms >= checked_ms + DISK_CHECK_MS {
            checked_ms = now_ms;
            writer.check(opened).await?;
        }
    }
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::Io(what, error)
}

impl Writer<'_> {
    /// Looks at the log. It is there as long as the volume is on, which this task alone ends from here.
    fn with<R>(&self, look: impl FnOnce(&mut Log) -> R) -> Result<R, Failure> {
        self.volume.with(look).ok_or(Failure::Vanished)
    }

    /// Appends all that waits; true when removals were among it.
    async fn append_all(&mut self) -> Result<bool, Failure> {
        let mut has_removals = false;
        loop {
            while let Some(key) = self.with(Log::next_tombstone)? {
                has_removals = true;
                self.tombstone(key).await?;
            }
            let Some(object) = self.volume.next() else { return Ok(has_removals) };
            self.object(&object).await?;
            self.marker_of(&object).await?;
        }
    }

    async fn tombstone(&mut self, key: Key) -> Result<(), Failure> {
        let new = New::tombstone(key);
        if self.room(record::HEADER_BYTES).await? {
            let address = self.with(|log| log.begin(key, Kind::Tombstone))?;
            let salt = self.with(|log| log.salt())?;
            self.push(&encode(&new, address, salt)).await?;
            self.with(Log::end)?;
        }
        Ok(())
    }

    /// Through the marker under its name a variant is found again.
    async fn marker_of(&mut self, object: &Arc<Object>) -> Result<(), Failure> {
        if object.meta.selecting.is_empty() {
            return Ok(());
        }
        let key = self.shard.seed.key(&object.meta.name);
        let marker = self.shard.ram.borrow().peek(key).filter(|marker| marker.meta.varies.is_some()).cloned();
        if let Some(marker) = marker.filter(|marker| !marker.is_below() && *marker.meta.name == *object.meta.name) {
            marker.set_below(true);
            self.object(&marker).await?;
        }
        Ok(())
    }

    async fn object(&mut self, object: &Arc<Object>) -> Result<(), Failure> {
        let Some(chunks) = object.chunks() else { return Ok(()) };
        let head = saved::encode(&object.meta);
        let name: &[u8] = &object.meta.name;
        let body_bytes = object.length().unwrap_or(0);
        let key = object.key;
        if object.is_dead() || !record::fits(name.len(), head.len()) {
            return Ok(());
        }
        if !self.room(record::record_bytes(name.len(), head.len(), body_bytes)).await? || object.is_dead() {
            object.set_below(false);
            return Ok(());
        }
        let (address, salt) = self.with(|log| (log.begin(key, Kind::Object), log.salt()))?;
        let mut sums = Vec::with_capacity(pieces(body_bytes) as usize);
        for number in 0..pieces(body_bytes) {
            sums.push(piece_sum(&piece(chunks, number), salt, address, number));
            if number % PIECES_PER_TURN == PIECES_PER_TURN - 1 {
                rt::pause().await;
            }
        }
        let stamp_ms = object.meta.freshness.map_or(0, |f| f.received_ms);
        let new = New { kind: Kind::Object, key, stamp_ms, body_bytes, name, head: &head, sums: &sums };
        self.push(&encode(&new, address, salt)).await?;
        for number in 0..pieces(body_bytes) {
            self.push(&piece(chunks, number)).await?;
        }
        self.with(Log::end)
    }

    /// Puts bytes of the open record into the buffer, which is written whenever it is full.
    async fn push(&mut self, mut bytes: &[u8]) -> Result<(), Failure> {
        while !bytes.is_empty() {
            let count = self.with(|log| log.push(bytes))?;
            bytes = &bytes[count..];
            if !bytes.is_empty() {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Makes sure that a record of `bytes` can begin. False: it never can.
    async fn room(&mut self, bytes: u64) -> Result<bool, Failure> {
        if self.with(|log| log.space(bytes))? == Space::Seal {
            self.seal().await?;
            Box::pin(self.spare()).await?;
        }
        if self.with(|log| log.space(bytes))? == Space::Seal {
            // What was spared has filled the region: that is bounded, so this one has room.
            self.seal().await?;
        }
        Ok(self.with(|log| log.space(bytes))? == Space::Here)
    }

    /// Writes the buffer and acknowledges what was in it.
    async fn flush(&mut self) -> Result<(), Failure> {
        let Some(mut write) = self.with(Log::take)? else { return Ok(()) };
        let file = self.volume.file().ok_or(Failure::Vanished)?;
        let buffer = std::mem::replace(&mut write.buffer, Buffer::new(0));
        let bytes = buffer.bytes().len() as u64;
        let (result, buffer) = file.write_at(buffer, write.file_at).await;
        result.map_err(failed("write"))?;
        write.buffer = buffer;
        let objects = self.with(|log| log.written(write))?;
        self.shard.counters.disk_written.add(bytes);
        self.shard.counters.disk_objects.add(objects);
        self.dirty = true;
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), Failure> {
        let file = self.volume.file().ok_or(Failure::Vanished)?;
        file.sync().await.map_err(failed("sync"))?;
        self.dirty = false;
        Ok(())
    }

    /// Seals the region and goes on in the next one, once nobody reads what it overwrites.
    async fn seal(&mut self) -> Result<(), Failure> {
        self.flush().await?;
        let (mut at, footer) = self.with(|log| log.footer())?;
        let file = self.volume.file().ok_or(Failure::Vanished)?;
        let mut buffer = Buffer::new(DISK_BUFFER_BYTES.min(footer.len()));
        for part in footer.chunks(buffer.capacity()) {
            buffer.clear();
            buffer.push(part);
            let (result, back) = file.write_at(buffer, at).await;
            result.map_err(failed("write a footer"))?;
            buffer = back;
            at += part.len() as u64;
        }
        self.sync().await?;
        let slot = self.with(|log| {
            log.advance();
            log.active_slot()
        })?;
        while self.volume.is_read(slot) {
            rt::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Writes again what was used in the region that is overwritten next: a part of a region at most, and within the budget.
    async fn spare(&mut self) -> Result<(), Failure> {
        let Some(seq) = self.with(|log| log.next_gone())? else { return Ok(()) };
        let geometry = self.with(|log| log.geometry())?;
        let mut left = geometry.region_bytes / DISK_SPARE_PART;
        let entries = self.contents(seq).await?;
        for (i, entry) in entries.iter().enumerate() {
            if i % ENTRIES_PER_TURN == ENTRIES_PER_TURN - 1 {
                rt::pause().await;
            }
            if entry.kind != Kind::Object || !self.with(|log| log.is_current(entry.key, entry.address))? {
                continue;
            }
            let in_memory = self.shard.ram.borrow().peek(entry.key).filter(|object| object.chunks().is_some()).cloned();
            let is_hot = in_memory.is_some() || self.with(|log| log.is_hot(entry))?;
            if !is_hot || entry.bytes > left || !self.volume.may_write(entry.bytes) {
                continue;
            }
            if self.with(|log| log.space(entry.bytes))? != Space::Here {
                return Ok(());
            }
            left -= entry.bytes;
            match in_memory {
                Some(object) if object.is_below() => self.object(&object).await?,
                _ => self.copy(entry).await?,
            }
        }
        Ok(())
    }

    /// What a sealed region's footer lists; nothing when it cannot be believed.
    async fn contents(&mut self, seq: u64) -> Result<Vec<Entry>, Failure> {
        let (geometry, salt) = self.with(|log| (log.geometry(), log.salt()))?;
        let at = geometry.region_at(seq) + geometry.region_bytes - BLOCK_BYTES;
        let trailer = self.read(at, BLOCK_BYTES).await?;
        let Some(region) = Recovery::sealed(seq, trailer.bytes(), geometry, salt) else { return Ok(Vec::new()) };
        let Some((at, bytes)) = region.list(geometry) else { return Ok(Vec::new()) };
        let list = self.read(at, bytes).await?;
        let entries = region.trailer.and_then(|t| t.entries(list.bytes(), geometry, salt).map(Iterator::collect));
        Ok(entries.unwrap_or_default())
    }

    async fn read(&mut self, at: u64, bytes: u64) -> Result<Buffer, Failure> {
        let file = self.volume.file().ok_or(Failure::Vanished)?;
        let (result, buffer) = file.read_at(Buffer::new(bytes as usize), at, bytes as usize).await;
        result.map_err(failed("read"))?;
        Ok(buffer)
    }

    /// Writes a record again as it is, at another address. Its body is read twice, a buffer at a time: the sums stand before it.
    async fn copy(&mut self, entry: &Entry) -> Result<(), Failure> {
        let Some((place, reading)) = self.volume.find(entry.key) else { return Ok(()) };
        let first = self.read(place.file_at, place.bytes.min(DISK_FIRST_READ_BYTES)).await?;
        let (max, salt) = self.with(|log| (log.geometry().record_bytes_max(), log.salt()))?;
        let Ok(front) = Front::parse(&first.bytes()[place.skip as usize..], place.address, salt, max) else {
            return Ok(());
        };
        if front.key != entry.key || !self.with(|log| log.is_current(entry.key, entry.address))? {
            return Ok(());
        }
        let body_at = place.file_at + place.skip + front.bytes();
        let address = self.with(|log| log.begin(entry.key, Kind::Object))?;
        let (old, mut sums) = (front.sums(), Vec::new());
        for from in (0..front.body_bytes).step_by(DISK_BUFFER_BYTES) {
            let (part, skip, len) = self.body_part(body_at, from, front.body_bytes).await?;
            for piece in part.bytes()[skip..skip + len].chunks(PIECE_BYTES as usize) {
                let number = sums.len() as u64;
                if !old.agree(number, piece) {
                    return self.with(Log::abandon);
                }
                sums.push(piece_sum(piece, salt, address, number));
            }
        }
        let (key, stamp_ms, body_bytes) = (entry.key, front.stamp_ms, front.body_bytes);
        let new =
            New { kind: Kind::Object, key, stamp_ms, body_bytes, name: front.name, head: front.head, sums: &sums };
        self.push(&encode(&new, address, salt)).await?;
        for from in (0..body_bytes).step_by(DISK_BUFFER_BYTES) {
            let (part, skip, len) = self.body_part(body_at, from, body_bytes).await?;
            self.push(&part.bytes()[skip..skip + len]).await?;
        }
        drop(reading);
        self.with(Log::end)
    }

    /// A buffer's worth of a body from `from` on: what was read, where in it the part begins, and its length.
    async fn body_part(&mut self, body_at: u64, from: u64, body_bytes: u64) -> Result<(Buffer, usize, usize), Failure> {
        let len = (body_bytes - from).min(DISK_BUFFER_BYTES as u64);
        let (at, bytes, skip) = aligned(body_at + from, len);
        Ok((self.read(at, bytes).await?, skip as usize, len as usize))
    }

    /// Now and then: makes what was written last, and sees whether the file is still there.
    async fn check(&mut self, opened: Identity) -> Result<(), Failure> {
        if self.dirty {
            self.sync().await?;
        }
        let (folder, shard, shards) = (self.volume.path.clone(), self.shard.id, self.shard.peers.len());
        // No thread to look with says nothing about the file.
        let there = rt::apart(move || is_there(&folder, shard, shards, opened)).await.unwrap_or(true);
        if there { Ok(()) } else { Err(Failure::Vanished) }
    }
}

/// Piece `number` of a body, however its chunks are cut.
fn piece(chunks: &[Arc<Chunk>], number: u64) -> Cow<'_, [u8]> {
    let (mut skip, mut left) = ((number * PIECE_BYTES) as usize, PIECE_BYTES as usize);
    let mut gathered: Cow<'_, [u8]> = Cow::Borrowed(&[]);
    for chunk in chunks {
        let bytes = chunk.bytes();
        if skip >= bytes.len() {
            skip -= bytes.len();
            continue;
        }
        let part = &bytes[skip..bytes.len().min(skip + left)];
        skip = 0;
        left -= part.len();
        if gathered.is_empty() {
            gathered = Cow::Borrowed(part);
        } else {
            gathered.to_mut().extend_from_slice(part);
        }
        if left == 0 {
            break;
        }
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_same_however_the_chunks_are_cut() {
        let body: Vec<u8> = (0..700_000u32).map(|i| ((i * 7) >> 3) as u8).collect();
        for cut in [16 * 1024, 100_000, 256 * 1024, 1024 * 1024] {
            let chunks: Vec<Arc<Chunk>> = body.chunks(cut).map(Chunk::copy_of).collect();
            for (number, expected) in (0u64..).zip(body.chunks(PIECE_BYTES as usize)) {
                assert_eq!(&*piece(&chunks, number), expected, "piece {number} of chunks of {cut}");
            }
        }
        assert!(piece(&[], 0).is_empty());
    }
}
