//! What every request and every worker shares.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use durable::Store;
use tokio::sync::Semaphore;

use crate::Config;
use crate::access::Rates;
use crate::cache::Cache;
use crate::gate::chains::Chains;
use crate::gate::rules::Sources;
use crate::gate::{Door, Keys};
use crate::limits::{GUESSES_AT_ONCE, JUDGES_MAX, STREAMS_MAX, UPLOADS_MAX};
use crate::monitor::{Counters, Plays};
use crate::roles::Elsewhere;
use crate::upload::Claims;
use crate::web::{Web, public_roots};
use crate::work::{Bells, Board};

/// One running origin.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) keys: Keys,
    pub(crate) chains: Chains,
    /// Roles that run in other processes.
    pub(crate) elsewhere: Elsewhere,
    /// What may be lost.
    pub(crate) cache: Cache,
    /// What is remembered of who was let in.
    pub(crate) door: Door,
    pub(crate) counters: Counters,
    /// Playback that is counted and not written yet.
    pub(crate) counts: Plays,
    /// Jobs that run now, with their progress and how to stop them.
    pub(crate) board: Board,
    /// NATS, when one is configured, is connected.
    pub(crate) nats_is_there: AtomicBool,
    /// Rung when a job was queued.
    pub(crate) bells: Bells,
    /// One permit an upload that is being received.
    pub(crate) uploads: Arc<Semaphore>,
    /// Who writes to which resumable upload.
    pub(crate) claims: Claims,
    /// Who sends to webhooks.
    pub(crate) hooks: Web,
    /// One permit a contract wallet that is asked whether a signature is its own.
    pub(crate) judges: Semaphore,
    /// One permit a password that is looked at.
    pub(crate) guesses: Semaphore,
    /// How often keys and addresses ask.
    pub(crate) rates: Rates,
    /// One permit a client that follows the events.
    pub(crate) streams: Arc<Semaphore>,
    /// The process ends: whoever streams for long stops.
    pub(crate) ending: AtomicBool,
}

impl House {
    pub(crate) fn new(config: Config, store: Store, keys: Keys, chains: Chains) -> Self {
        Self {
            elsewhere: Elsewhere::default(),
            cache: Cache::open(config.redis.as_ref(), config.cache_bytes_max),
            hooks: Web::new(config.hook_reach(), public_roots()),
            config,
            store,
            keys,
            chains,
            door: Door::default(),
            counters: Counters::default(),
            counts: Plays::default(),
            board: Board::default(),
            nats_is_there: AtomicBool::new(false),
            bells: Bells::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
            claims: Claims::default(),
            judges: Semaphore::new(JUDGES_MAX),
            guesses: Semaphore::new(GUESSES_AT_ONCE),
            rates: Rates::default(),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            ending: AtomicBool::new(false),
        }
    }

    /// Where rules are read.
    pub(crate) fn sources(&self) -> Sources<'_> {
        Sources { chains: &self.chains, cache: &self.cache }
    }
}
