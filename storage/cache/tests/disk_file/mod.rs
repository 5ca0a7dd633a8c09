//! Drives a log on an ordinary file, one call after the other: what the edge does through its ring.
#![allow(dead_code)]

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use cache::Key;
use cache::disk::layout::BLOCK_BYTES;
use cache::disk::record::New;
use cache::disk::recovery::Region;
use cache::disk::{Buffer, Front, Geometry, Header, Kind, Log, Recovery, Space};

const BUFFER_BYTES: usize = 256 * 1024;

pub struct Tier {
    pub file: File,
    pub log: Log,
}

pub fn header(bytes: u64) -> Header {
    let geometry = Geometry::of(bytes).expect("large enough");
    Header { seed: 1, salt: 2, shard: 0, shards: 1, geometry, heads: 1 }
}

impl Tier {
    /// The tier in the file at `path`, as it was left, or a new one.
    pub fn open(path: &Path, bytes: u64) -> Tier {
        Tier::with(path, &header(bytes))
    }

    /// As [`Tier::open`], of any header.
    pub fn with(path: &Path, header: &Header) -> Tier {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).expect("opens");
        let mut block = vec![0; BLOCK_BYTES as usize];
        let _ = file.read_at(&mut block, 0).expect("reads");
        if Header::parse(&block).is_some_and(|found| header.accepts(&found)) {
            let log = recover(&file, header);
            return Tier { file, log };
        }
        file.set_len(header.geometry.file_bytes()).expect("room");
        file.write_all_at(&header.encode(), 0).expect("writes");
        Tier { file, log: Log::new(header.geometry, header.salt, Buffer::new(BUFFER_BYTES)) }
    }

    /// Appends an object; it counts after the next flush.
    pub fn put(&mut self, key: Key, name: &[u8], head: &[u8], body: &[u8]) -> bool {
        if !self.room(Log::record_bytes(name.len(), head.len(), body.len() as u64)) {
            return false;
        }
        let sums = self.log.sums(body);
        let new = New { kind: Kind::Object, key, stamp_ms: 1, body_bytes: body.len() as u64, name, head, sums: &sums };
        let file = &self.file;
        self.log.append(&new, body, |log| flush(file, log));
        true
    }

    /// Removes an object, for good once flushed.
    pub fn forget(&mut self, key: Key) {
        self.log.forget(key);
        while let Some(key) = self.log.next_tombstone() {
            assert!(self.room(64));
            let file = &self.file;
            self.log.append(&New::tombstone(key), &[], |log| flush(file, log));
        }
    }

    pub fn flush(&mut self) {
        flush(&self.file, &mut self.log);
    }

    /// Reads an object back: head and body.
    pub fn get(&mut self, key: Key, name: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let place = self.log.find(key)?;
        let mut bytes = vec![0; place.bytes as usize];
        self.file.read_exact_at(&mut bytes, place.file_at).expect("inside the file");
        let geometry = self.log.geometry();
        let bytes = &bytes[place.skip as usize..];
        let front = Front::parse(bytes, place.address, self.log.salt(), geometry.region_bytes).ok()?;
        let body = &bytes[front.bytes() as usize..][..front.body_bytes as usize];
        let whole = front.key == key && front.name == name && front.sums().agree_with_all(body);
        whole.then(|| (front.head.to_vec(), body.to_vec()))
    }

    fn room(&mut self, bytes: u64) -> bool {
        match self.log.space(bytes) {
            Space::Here => true,
            Space::TooLarge => false,
            Space::Seal => {
                self.flush();
                let (at, footer) = self.log.footer();
                self.file.write_all_at(&footer, at).expect("writes");
                self.log.advance();
                self.log.space(bytes) == Space::Here
            }
        }
    }
}

fn flush(file: &File, log: &mut Log) {
    if let Some(write) = log.take() {
        file.write_all_at(write.buffer.bytes(), write.file_at).expect("writes");
        log.written(write);
    }
}

pub fn recover(file: &File, header: &Header) -> Log {
    let geometry = header.geometry;
    let mut recovery = Recovery::new(header, Buffer::new(BUFFER_BYTES));
    let mut block = vec![0; BLOCK_BYTES as usize];
    for slot in 0..geometry.regions {
        file.read_exact_at(&mut block, recovery.trailer_at(slot)).expect("inside the file");
        recovery.trailer(slot, &block);
    }
    for region in recovery.plan() {
        let entries = listed(file, &recovery, &region, geometry).unwrap_or_else(|| {
            let mut walk = recovery.walk(&region);
            let mut bytes = vec![0; BUFFER_BYTES];
            for at in (0..geometry.region_bytes).step_by(BUFFER_BYTES) {
                file.read_exact_at(&mut bytes, region.file_at + at).expect("inside the file");
                walk.feed(&bytes);
            }
            walk.finish()
        });
        recovery.restore(&region, &entries);
    }
    recovery.finish()
}

fn listed(file: &File, recovery: &Recovery, region: &Region, geometry: Geometry) -> Option<Vec<cache::disk::Entry>> {
    let (at, bytes) = region.list(geometry)?;
    let mut list = vec![0; bytes as usize];
    file.read_exact_at(&mut list, at).expect("inside the file");
    recovery.footer(region, &list)
}
