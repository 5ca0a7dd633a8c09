//! From a folder to a log: the file is opened, locked and allocated by a thread of its own, then read through the ring.

use std::collections::VecDeque;
use std::fs::TryLockError;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use cache::disk::layout::BLOCK_BYTES;
use cache::disk::recovery::Region;
use cache::disk::{Buffer, Entry, Geometry, Header, Log, Recovery};
use tokio::sync::oneshot;

use super::volume::{Failure, Volume};
use crate::limits::{DISK_BUFFER_BYTES, DISK_OPEN_READS};
use crate::rt::{self, File};
use crate::shard::Shard;
use crate::stored::saved;

/// How often a file that another process holds is tried again: that process is being replaced by this one.
const RETRY: Duration = Duration::from_millis(200);
/// Entries that are entered before others have a turn.
const ENTRIES_PER_TURN: usize = 4096;

enum Opened {
    /// A file with a log to be read, or a new one.
    Ready(Ready),
    /// Another process holds it.
    Held,
}

struct Ready {
    file: std::fs::File,
    header: Header,
    identity: Identity,
    is_new: bool,
    notes: Vec<String>,
}

/// Device and number of a file: another file at its path has others.
pub(super) type Identity = (u64, u64);

/// The name of a shard's file.
pub(super) fn file_name(shard: usize, shards: usize) -> String {
    format!("shard-{shard}-of-{shards}.log")
}

/// Opens the log of `volume` and reads what it holds.
pub(super) async fn open(shard: &Shard, volume: &Volume) -> Result<(Rc<File>, Log, Identity), Failure> {
    let Ready { file, header, identity, is_new, .. } = loop {
        let (folder, id, shards) = (volume.path.clone(), shard.id, shard.peers.len());
        let none = || failed("allocate so few bytes")(io::ErrorKind::StorageFull.into());
        let expected = Header {
            seed: shard.seed.0,
            salt: RandomState::new().hash_one(1),
            shard: id as u32,
            shards: shards as u32,
            geometry: Geometry::of(volume.bytes).ok_or_else(none)?,
            heads: saved::VERSION,
        };
        let opened = rt::apart(move || in_folder(&folder, id, shards, &expected)).await;
        match opened.unwrap_or_else(|| Err(failed("start a thread")(io::ErrorKind::Other.into())))? {
            Opened::Ready(ready) => {
                for note in &ready.notes {
                    tracing::info!(disk = %volume.path.display(), shard = shard.id, "{note}");
                }
                break ready;
            }
            Opened::Held => {
                volume.wait(shard)?;
                rt::sleep(RETRY).await;
            }
        }
    };
    let file = Rc::new(File::on_ring(file));
    if is_new {
        let log = Log::new(header.geometry, header.salt, Buffer::new(DISK_BUFFER_BYTES));
        return Ok((file, log, identity));
    }
    let started_ms = rt::now();
    let log = recover(&file, &header).await?;
    tracing::info!(
        disk = %volume.path.display(), shard = shard.id, entries = log.entries(), took_ms = rt::now() - started_ms,
        "disk tier found again"
    );
    Ok((file, log, identity))
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::Io(what, error)
}

/// What blocks. Makes the folder when its parent is there, the file when there is none, and a new log when it is not `expected`.
fn in_folder(folder: &Path, shard: usize, shards: usize, expected: &Header) -> Result<Opened, Failure> {
    if !folder.is_dir() {
        match std::fs::create_dir(folder) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(failed("make the folder")(e)),
            _ => {}
        }
    }
    let mut notes = Vec::new();
    let path = folder.join(file_name(shard, shards));
    let file = match rt::open(&path, true) {
        Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
            notes.push("this file system has no O_DIRECT: the disk tier goes through the page cache".to_owned());
            rt::open(&path, false).map_err(failed("open the log"))?
        }
        opened => opened.map_err(failed("open the log"))?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(Opened::Held),
        Err(TryLockError::Error(e)) => return Err(failed("lock the log")(e)),
    }
    if shard == 0 {
        notes.extend(sweep(folder, shards));
    }
    let meta = file.metadata().map_err(failed("look at the log"))?;
    let identity = (meta.dev(), meta.ino());
    let found = found(&file).map_err(failed("read the log's header"))?;
    if let Some(header) = found.filter(|found| expected.accepts(found)) {
        return Ok(Opened::Ready(Ready { file, header, identity, is_new: false, notes }));
    }
    if meta.len() > 0 {
        notes.push("the disk tier's log is of another seed, size, or version: it is begun anew".to_owned());
    }
    allocate(&file, expected).map_err(failed("allocate the log"))?;
    Ok(Opened::Ready(Ready { file, header: *expected, identity, is_new: true, notes }))
}

/// The header of a file that is as long as it says.
fn found(file: &std::fs::File) -> io::Result<Option<Header>> {
    let mut buffer = Buffer::new(BLOCK_BYTES as usize);
    if file.read_at(buffer.whole(), 0)? < BLOCK_BYTES as usize {
        return Ok(None);
    }
    let len = file.metadata()?.len();
    Ok(Header::parse(buffer.whole()).filter(|header| len >= header.geometry.file_bytes()))
}

/// Takes all of the disk's space at once: a full disk is met here, not in the middle of the night.
fn allocate(file: &std::fs::File, header: &Header) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    file.set_len(0)?;
    let bytes = header.geometry.file_bytes();
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Err(e) if e == rustix::io::Errno::OPNOTSUPP => file.set_len(bytes)?,
        // What was allocated before the disk was full is given back.
        Err(e) => {
            let _ = file.set_len(0);
            return Err(e.into());
        }
        Ok(()) => {}
    }
    let mut buffer = Buffer::new(BLOCK_BYTES as usize);
    buffer.push(&header.encode());
    file.write_all_at(buffer.bytes(), 0)?;
    file.sync_all()
}

/// Removes logs of another number of shards, unless a process holds them. Their keys have other owners now.
fn sweep(folder: &Path, shards: usize) -> Option<String> {
    let ends = format!("-of-{shards}.log");
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with("shard-") && name.ends_with(".log") && !name.ends_with(&ends) {
            let free = std::fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
            removed += usize::from(free && std::fs::remove_file(entry.path()).is_ok());
        }
    }
    (removed > 0).then(|| format!("{removed} disk logs of another number of shards are removed"))
}

/// Whether the file at the volume's path is still the one that was opened. Blocks.
pub(super) fn is_there(folder: &Path, shard: usize, shards: usize, opened: Identity) -> bool {
    let meta = std::fs::metadata(folder.join(file_name(shard, shards)));
    meta.is_ok_and(|meta| (meta.dev(), meta.ino()) == opened)
}

/// Reads the log that `file` holds.
async fn recover(file: &Rc<File>, header: &Header) -> Result<Log, Failure> {
    let geometry = header.geometry;
    let mut recovery = Recovery::new(header, Buffer::new(DISK_BUFFER_BYTES));
    let trailers = (0..geometry.regions).map(|slot| (slot, recovery.trailer_at(slot), BLOCK_BYTES)).collect::<Vec<_>>();
    let mut reads = Ahead::new(file, trailers.into_iter());
    while let Some((slot, result, buffer)) = reads.next().await {
        result.map_err(failed("read a trailer"))?;
        recovery.trailer(slot, buffer.bytes());
    }
    let plan = recovery.plan();
    let lists = plan.iter().enumerate().filter_map(|(i, region)| {
        let (at, bytes) = region.list(geometry)?;
        Some((i as u64, at, bytes))
    });
    let mut reads = Ahead::new(file, lists.collect::<Vec<_>>().into_iter());
    for region in &plan {
        let listed = match region.list(geometry) {
            None => None,
            Some(_) => {
                let Some((_, result, buffer)) = reads.next().await else { break };
                result.map_err(failed("read a footer"))?;
                recovery.footer(region, buffer.bytes())
            }
        };
        let entries = match listed {
            Some(entries) => entries,
            None => walk(file, &recovery, region, geometry).await?,
        };
        for part in entries.chunks(ENTRIES_PER_TURN) {
            recovery.restore(region, part);
            rt::pause().await;
        }
    }
    Ok(recovery.finish())
}

/// Reads a whole region.
async fn walk(file: &File, recovery: &Recovery, region: &Region, geometry: Geometry) -> Result<Vec<Entry>, Failure> {
    let mut walk = recovery.walk(region);
    let mut buffer = Buffer::new(DISK_BUFFER_BYTES.min(geometry.region_bytes as usize));
    let step = buffer.capacity() as u64;
    for at in (0..geometry.region_bytes).step_by(buffer.capacity()) {
        let bytes = step.min(geometry.region_bytes - at) as usize;
        let (result, back) = file.read_at(buffer, region.file_at + at, bytes).await;
        result.map_err(failed("read a region"))?;
        walk.feed(back.bytes());
        buffer = back;
    }
    Ok(walk.finish())
}

/// Several reads under way, answered in order.
struct Ahead<'a, I> {
    file: &'a Rc<File>,
    wanted: I,
    under_way: VecDeque<oneshot::Receiver<Read>>,
}

/// Number, result, what was read.
type Read = (u64, io::Result<()>, Buffer);

impl<'a, I: Iterator<Item = (u64, u64, u64)>> Ahead<'a, I> {
    /// Reads `(number, at, bytes)`, one after the other.
    fn new(file: &'a Rc<File>, wanted: I) -> Ahead<'a, I> {
        Ahead { file, wanted, under_way: VecDeque::new() }
    }

    async fn next(&mut self) -> Option<Read> {
        while self.under_way.len() < DISK_OPEN_READS
            && let Some((number, at, bytes)) = self.wanted.next()
        {
            let (done, wait) = oneshot::channel();
            let file = self.file.clone();
            rt::spawn(async move {
                let (result, buffer) = file.read_at(Buffer::new(bytes as usize), at, bytes as usize).await;
                drop(file);
                let _ = done.send((number, result, buffer));
            });
            self.under_way.push_back(wait);
        }
        self.under_way.pop_front()?.await.ok()
    }
}
