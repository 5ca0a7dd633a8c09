//! One shard: a thread's share of the edge. Everything here is touched by that thread alone, so nothing takes a lock.
//!
//! - [`line`]: connections with their deadlines; one sweep ends what waited too long. [`wire`]: what they are made of.
//! - [`mail`]: what shards say to each other.
//! - [`front`]: leases on other shards' objects.
//! - [`bells`]: readers asleep until a body grows.
//! - [`access`]: access records on their way to the control thread.
//! - [`gauges`], [`top`]: what an operator sees that is not counted.
//! - [`balance`]: connections for a shard that has more time.
//! - [`run`]: the thread itself. [`turns`]: the watch over its loop.

pub(crate) mod access;
pub(crate) mod balance;
pub(crate) mod bells;
pub(crate) mod front;
pub(crate) mod gauges;
pub(crate) mod line;
pub(crate) mod mail;
pub(crate) mod run;
pub(crate) mod top;
pub(crate) mod turns;
pub(crate) mod wire;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use cache::key::KeyHash;
use cache::{Arena, Key, KeySeed, Ram};
use tokio::sync::oneshot;

use crate::config::Config;
use crate::disk::Disk;
use crate::door::Door;
use crate::flow::flight::Flight;
use crate::flow::page::Ready;
use crate::gate::Tokens;
use crate::http::date;
use crate::limits::{PASS_KEYS_MAX, PASS_MS};
use crate::media::hls::Playlists;
use crate::media::sequence::Sequences;
use crate::metrics::Counters;
use crate::purge::table::Table;
use crate::purge::thread::Purger;
use crate::rt::Mailbox;
use crate::stored::{Object, Stored};
use crate::upstream::Sources;

use access::AccessBuffer;
use balance::Balance;
use bells::Bells;
use front::Front;
use line::Lines;
use mail::{Mail, Slice};
use top::Top;

/// The state of one thread.
pub(crate) struct Shard {
    pub(crate) id: usize,
    /// As it is now: a reload puts another one in its place. Whoever needs it over a wait asks again.
    config: RefCell<Rc<Config>>,
    pub(crate) seed: KeySeed,
    pub(crate) peers: Vec<Mailbox<Mail>>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) ram: RefCell<Ram<Stored>>,
    /// Memory that `sendfile` can send; `None` when the system gives none: bodies are then copied.
    pub(crate) arena: Option<Arc<Arena>>,
    /// What memory does not hold.
    pub(crate) disk: Disk,
    pub(crate) flights: RefCell<HashMap<Key, Flight, KeyHash>>,
    pub(crate) slice_flights: RefCell<HashMap<Key, Vec<oneshot::Sender<Slice>>, KeyHash>>,
    pub(crate) passing: RefCell<HashMap<Key, u64, KeyHash>>,
    pub(crate) front: RefCell<Front>,
    pub(crate) tokens: RefCell<Tokens>,
    pub(crate) sources: Sources,
    pub(crate) lines: RefCell<Lines>,
    pub(crate) bells: RefCell<Bells>,
    pub(crate) access: RefCell<AccessBuffer>,
    pub(crate) pages: Arc<[Ready]>,
    /// What handshakes with clients begin with.
    pub(crate) https: RefCell<Option<Arc<rustls::ServerConfig>>>,
    /// What was purged.
    pub(crate) purges: RefCell<Table>,
    /// Where purges of this shard's own finding go: every shard must know them.
    pub(crate) purger: Purger,
    /// Who has more time, and what is given to them.
    pub(crate) balance: Balance,
    /// What is asked for most.
    pub(crate) top: Top,
    /// Who may come in.
    pub(crate) door: Door,
    /// Target durations of what clients play.
    pub(crate) playlists: RefCell<Playlists>,
    /// What clients play, and how much is being fetched ahead of them.
    pub(crate) sequences: RefCell<Sequences>,
    pub(crate) fetching_ahead: Cell<usize>,
    /// Until when memory counts as short, and how often it had no room.
    pub(crate) pressed: Cell<(u64, u64)>,
    pub(crate) draining: Cell<bool>,
    /// Another process has taken over: connections end with their next answer, idle ones may still ask for it.
    pub(crate) leaving: Cell<bool>,
    /// Who waits until nothing is accepted any more.
    left: RefCell<Option<std::sync::mpsc::Sender<()>>>,
    /// Listeners that are accepted from.
    accepting: Cell<usize>,
    lives: Cell<u64>,
    date: Cell<(u64, [u8; date::LEN])>,
}

impl Shard {
    /// What it is told. No atomic and no lock: the count is this thread's own.
    pub(crate) fn config(&self) -> Rc<Config> {
        self.config.borrow().clone()
    }

    pub(crate) fn set_config(&self, config: &Config) {
        self.config.replace(Rc::new(config.clone()));
    }

    /// The shard that owns `key`.
    pub(crate) fn owner(&self, key: Key) -> usize {
        key.owner(self.peers.len())
    }

    /// The key of something under `name` besides what stands under `primary`, told apart by `rest`; it has the same owner.
    pub(crate) fn key_beside(&self, primary: Key, name: &[u8], rest: &[u8]) -> Key {
        // A byte that no name contains stands between them.
        primary.beside(self.seed.key(&[name, b"\0", rest].concat()))
    }

    /// A number that this shard has not given out before, in this process or an earlier one.
    pub(crate) fn next_life(&self) -> u64 {
        let life = self.lives.get() + 1;
        self.lives.set(life);
        life
    }

    /// The date of `now` as it is written in a head; formatted once a second.
    pub(crate) fn date(&self, now_ms: u64) -> [u8; date::LEN] {
        let (second, text) = self.date.get();
        if second == now_ms / 1000 {
            return text;
        }
        let text = date::format(now_ms / 1000);
        self.date.set((now_ms / 1000, text));
        text
    }

    /// Largest body that is kept.
    pub(crate) fn object_bytes_max(&self) -> u64 {
        self.ram.borrow().budget() / self.config().limits.object_share.max(1)
    }

    /// Whether a purge has ended `object`.
    pub(crate) fn is_purged(&self, object: &Object) -> bool {
        object.meta.is_purged(&self.purges.borrow())
    }

    /// Ends what is stored under `key`, in memory and on disk.
    pub(crate) fn forget(&self, key: Key) {
        self.ram.borrow_mut().remove(key);
        self.disk.forget(key);
    }

    /// Whether memory had no room for something a moment ago.
    pub(crate) fn is_pressed(&self, now_ms: u64) -> bool {
        now_ms < self.pressed.get().0
    }

    /// Whether `key` was answered with something that cannot be kept a moment ago.
    pub(crate) fn is_passing(&self, key: Key, now_ms: u64) -> bool {
        self.passing.borrow().get(&key).is_some_and(|until| now_ms < *until)
    }

    /// Remembers that `key` cannot be kept, so that its requests need not wait for each other.
    pub(crate) fn set_passing(&self, key: Key, now_ms: u64) {
        let mut passing = self.passing.borrow_mut();
        if passing.len() >= PASS_KEYS_MAX {
            passing.retain(|_, until| now_ms < *until);
        }
        if passing.len() < PASS_KEYS_MAX {
            passing.insert(key, now_ms + PASS_MS);
        }
    }
}
