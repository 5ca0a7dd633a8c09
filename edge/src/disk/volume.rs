//! One shard's part of one disk: the log, the queue before its writer, and whether all that is in use.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use cache::Key;
use cache::disk::layout::FRONT_TEXT_BYTES_MAX;
use cache::disk::{Address, Admission, Budget, Log, Place};
use tokio::sync::{Notify, Semaphore};

use crate::config::Disk;
use crate::limits::{DISK_QUEUE_BYTES_MAX, DISK_QUEUE_OBJECTS_MAX, DISK_QUEUE_PART, DISK_READS_MAX, DISK_TOUCHED_MAX};
use crate::rt;
use crate::shard::Shard;
use crate::stored::Object;

/// Why a volume is not used any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// An operation of the system failed.
    #[error("cannot {0}: {1}")]
    Io(&'static str, #[source] io::Error),
    /// Another process held the file for so long that nobody remembers all that has changed.
    #[error("another process has used this disk for too long")]
    Overtaken,
    /// A process that has handed over waits for no disk.
    #[error("another process has taken over")]
    HandedOver,
    /// The file was removed or replaced.
    #[error("the file is no longer where it was opened")]
    Vanished,
}

/// How far a volume has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Opening,
    /// Another process holds the file.
    Waiting,
    On,
    Off,
}

/// A log, and its file while it is in use.
struct Open {
    file: Rc<rt::File>,
    log: Log,
}

pub(super) struct Volume {
    pub(super) path: PathBuf,
    /// Of this shard alone.
    pub(super) bytes: u64,
    stage: Cell<Stage>,
    open: RefCell<Option<Open>>,
    /// What must be forgotten once the log is known.
    touched: RefCell<HashSet<Key>>,
    queue: RefCell<VecDeque<Arc<Object>>>,
    queued_bytes: Cell<u64>,
    /// Largest body that fits into a record.
    body_bytes_max: Cell<u64>,
    admission: RefCell<Admission>,
    budget: RefCell<Budget>,
    /// Objects that may be read at a time.
    pub(super) reads: Arc<Semaphore>,
    /// Readers of each slot's region: it is not overwritten under them.
    readers: RefCell<Vec<u32>>,
    /// Wakes the writer.
    pub(super) kick: Notify,
    changed: Notify,
    pub(super) busy: Cell<bool>,
    pub(super) draining: Cell<bool>,
}

/// Someone reads from a region.
pub(super) struct Reading {
    volume: Rc<Volume>,
    slot: usize,
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(count) = self.volume.readers.borrow_mut().get_mut(self.slot) {
            *count -= 1;
        }
    }
}

impl Volume {
    pub(super) fn new(disk: &Disk, shards: usize, now_ms: u64) -> Volume {
        let shards = shards as u64;
        let rate = disk.write_bytes_per_second;
        Volume {
            path: disk.path.clone(),
            bytes: disk.bytes / shards,
            stage: Cell::new(Stage::Opening),
            open: RefCell::default(),
            touched: RefCell::default(),
            queue: RefCell::default(),
            queued_bytes: Cell::new(0),
            body_bytes_max: Cell::new(0),
            admission: RefCell::default(),
            budget: RefCell::new(Budget::new(if rate == 0 { 0 } else { (rate / shards).max(1) }, now_ms)),
            reads: Arc::new(Semaphore::new(DISK_READS_MAX)),
            readers: RefCell::default(),
            kick: Notify::new(),
            changed: Notify::new(),
            busy: Cell::new(false),
            draining: Cell::new(false),
        }
    }

    /// Opens the log and writes to it until that fails or the shard ends.
    pub(super) async fn live(self: Rc<Self>, shard: Rc<Shard>) {
        if let Err(failure) = self.use_it(&shard).await {
            self.switch_off(&shard, &failure);
        }
    }

    async fn use_it(self: &Rc<Self>, shard: &Rc<Shard>) -> Result<(), Failure> {
        let (file, log, identity) = super::open::open(shard, self).await?;
        self.begin(file, log)?;
        super::write::run(shard, self, identity).await
    }

    fn begin(&self, file: Rc<rt::File>, mut log: Log) -> Result<(), Failure> {
        if self.touched.borrow().len() >= DISK_TOUCHED_MAX {
            return Err(Failure::Overtaken);
        }
        // While the log was being read, newer things were learnt of these.
        for key in self.touched.take() {
            log.forget(key);
        }
        self.body_bytes_max.set(log.geometry().record_bytes_max().saturating_sub(FRONT_TEXT_BYTES_MAX));
        *self.readers.borrow_mut() = vec![0; log.geometry().regions as usize];
        *self.open.borrow_mut() = Some(Open { file, log });
        self.set_stage(Stage::On);
        self.kick.notify_one();
        Ok(())
    }

    /// Another process holds the file; it may let go.
    pub(super) fn wait(&self, shard: &Shard) -> Result<(), Failure> {
        if self.stage.get() == Stage::Opening {
            tracing::info!(disk = %self.path.display(), shard = shard.id, "another process uses this disk: waiting for it to end");
            self.set_stage(Stage::Waiting);
        }
        if shard.leaving.get() {
            return Err(Failure::HandedOver);
        }
        if self.touched.borrow().len() < DISK_TOUCHED_MAX { Ok(()) } else { Err(Failure::Overtaken) }
    }

    /// It failed: it is not used any more, and says so once.
    pub(super) fn switch_off(&self, shard: &Shard, failure: &Failure) {
        if self.stage.get() == Stage::Off {
            return;
        }
        shard.counters.disk_errors.add(1);
        self.set_stage(Stage::Off);
        *self.open.borrow_mut() = None;
        self.touched.borrow_mut().clear();
        for object in self.queue.take() {
            object.set_below(false);
        }
        self.queued_bytes.set(0);
        self.kick.notify_one();
        tracing::warn!(
            disk = %self.path.display(), shard = shard.id, error = %failure,
            "disk tier off: what it held is fetched from the origin again"
        );
    }

    fn set_stage(&self, stage: Stage) {
        self.stage.set(stage);
        self.changed.notify_waiters();
    }

    /// Returns when it can be used, is off, or is held by another process.
    pub(super) async fn settled(&self) {
        loop {
            let changed = self.changed.notified();
            if self.stage.get() != Stage::Opening {
                return;
            }
            changed.await;
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.stage.get() == Stage::On
    }

    /// Looks at the log; `None` while there is none.
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut Log) -> R) -> Option<R> {
        self.open.borrow_mut().as_mut().map(|open| look(&mut open.log))
    }

    pub(super) fn file(&self) -> Option<Rc<rt::File>> {
        self.open.borrow().as_ref().map(|open| open.file.clone())
    }

    pub(super) fn holds(&self, key: Key) -> bool {
        self.with(|log| log.peek(key).is_some()).unwrap_or(false)
    }

    /// Where `key` is, and what keeps it there while it is read.
    pub(super) fn find(self: &Rc<Self>, key: Key) -> Option<(Place, Reading)> {
        let (place, slot) = self.with(|log| {
            let place = log.find(key)?;
            let geometry = log.geometry();
            Some((place, geometry.slot(geometry.seq(place.address)) as usize))
        })??;
        *self.readers.borrow_mut().get_mut(slot)? += 1;
        Some((place, Reading { volume: self.clone(), slot }))
    }

    /// Whether someone reads from the region in `slot`.
    pub(super) fn is_read(&self, slot: u64) -> bool {
        usize::try_from(slot).is_ok_and(|slot| self.readers.borrow().get(slot).is_some_and(|count| *count > 0))
    }

    pub(super) fn forget(&self, key: Key) -> bool {
        match self.stage.get() {
            Stage::Off => false,
            Stage::Opening | Stage::Waiting => {
                let mut touched = self.touched.borrow_mut();
                if touched.len() < DISK_TOUCHED_MAX {
                    touched.insert(key);
                }
                false
            }
            Stage::On => {
                let there = self.with(|log| log.forget(key)).unwrap_or(false);
                if there {
                    self.kick.notify_one();
                }
                there
            }
        }
    }

    /// Forgets `key` if it is still held at `address`.
    pub(super) fn forget_at(&self, key: Key, address: Address) {
        if self.with(|log| log.is_current(key, address)).unwrap_or(false) {
            self.forget(key);
        }
    }

    pub(super) fn asked_again(&self, key: Key) -> bool {
        self.is_on() && self.admission.borrow_mut().asked_again(key)
    }

    /// Puts an object before the writer, if the queue and the budget have room for it.
    pub(super) fn offer(&self, shard: &Shard, object: &Arc<Object>, now_ms: u64) {
        if !self.is_on() {
            return;
        }
        let bytes = object.length().unwrap_or(0);
        if bytes > self.body_bytes_max.get() {
            return;
        }
        let queued = self.queued_bytes.get() + bytes;
        // What waits is pinned in memory: a part of it, and one object in any case.
        let share = shard.config().ram_bytes / shard.peers.len() as u64 / DISK_QUEUE_PART;
        let waiting = self.queue.borrow().len();
        let is_full = waiting >= DISK_QUEUE_OBJECTS_MAX || (waiting > 0 && queued > share.min(DISK_QUEUE_BYTES_MAX));
        if is_full || !self.budget.borrow_mut().take(bytes, now_ms) {
            shard.counters.disk_refused.add(1);
            return;
        }
        object.set_below(true);
        self.queued_bytes.set(queued);
        self.queue.borrow_mut().push_back(object.clone());
        self.kick.notify_one();
    }

    /// Takes from the budget for what the volume itself writes again.
    pub(super) fn may_write(&self, bytes: u64) -> bool {
        self.budget.borrow_mut().take(bytes, rt::now())
    }

    /// The next object to be written.
    pub(super) fn next(&self) -> Option<Arc<Object>> {
        let object = self.queue.borrow_mut().pop_front()?;
        self.queued_bytes.set(self.queued_bytes.get().saturating_sub(object.length().unwrap_or(0)));
        Some(object)
    }

    pub(super) fn is_idle(&self) -> bool {
        let written = || self.queue.borrow().is_empty() && !self.busy.get();
        !self.is_on() || (written() && self.with(|log| log.buffered() == 0 && !log.has_tombstones()).unwrap_or(true))
    }

    pub(super) fn drain(&self) {
        self.draining.set(true);
        self.kick.notify_one();
    }

    pub(super) fn up(&self) -> u64 {
        u64::from(self.is_on())
    }

    pub(super) fn waiting(&self) -> u64 {
        self.queue.borrow().len() as u64
    }

    pub(super) fn entries(&self) -> u64 {
        self.with(|log| log.entries()).unwrap_or(0)
    }

    pub(super) fn used_bytes(&self) -> u64 {
        self.with(|log| log.used_bytes()).unwrap_or(0)
    }

    pub(super) fn index_bytes(&self) -> u64 {
        self.with(|log| log.index_bytes()).unwrap_or(0)
    }
}
