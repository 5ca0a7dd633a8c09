//! From a configuration to running threads, and to their end.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cache::Arena;
use cache::disk::Geometry;
use socket2::Socket;

use crate::admin::{self, Admin};
use crate::config::{AccessLog, Config, Https};
use crate::disk;
use crate::door::Door;
use crate::features::{Feature, Features};
use crate::flow::page;
use crate::gate::playing::Playing;
use crate::gate::revoked::Gatekeeper;
use crate::handover::{self, Estate, Heritage, Offer};
use crate::limits::{GATHER, LOG_BATCHES_MAX, MAILBOX_MESSAGES, SHARD_RAM_BYTES_MIN, SHARDS_MAX};
use crate::metrics::Counters;
use crate::purge::Purge;
use crate::purge::thread::{self, Past, PurgeError, Purger};
use crate::reload::Live;
use crate::rt::{self, Listener, Mailbox, mailbox};
use crate::shard::mail::Mail;
use crate::shard::run::{Plan, run};
use crate::tls::reload::{self, Reloader};
use crate::tls::{self, CertificateError};
use crate::upstream::tls::TlsError;
use crate::upstream::{self, Level, Place, View, places, resolve};

/// Why an edge cannot start. Each is one sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The kernel gives us neither a ring nor epoll.
    #[error("a shard cannot wait for connections here: {0}")]
    NoRing(std::io::Error),
    /// The address cannot be bound.
    #[error(
        "cannot listen on {0}: {1}; stop the program that holds it, or choose another address with edge.http, edge.https or edge.admin"
    )]
    Listen(SocketAddr, std::io::Error),
    /// The certificates that origins are verified against cannot be used.
    #[error("cannot use the certificates in {0}: {1}")]
    Roots(String, TlsError),
    /// HTTPS cannot be served.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// No origin's name resolves.
    #[error("cannot resolve the upstream {0}: {1}")]
    Upstream(String, std::io::Error),
    /// More shards than a bell has bits.
    #[error("{0} shards are more than {SHARDS_MAX}")]
    Shards(usize),
    /// Too little memory.
    #[error("{ram} bytes of memory are too little for {shards} shards: each needs at least {SHARD_RAM_BYTES_MIN}")]
    Ram {
        /// As configured.
        ram: u64,
        /// As configured or found.
        shards: usize,
    },
    /// Too little of a disk.
    #[error("{bytes} bytes of the disk {path} are too little for {shards} shards: each needs at least 8 MiB")]
    Disk {
        /// As configured.
        path: String,
        /// As configured.
        bytes: u64,
        /// As configured or found.
        shards: usize,
    },
    /// Reloads have used up all numbers of places.
    #[error("origins have come and gone too often since the start: restart to change them")]
    Places,
    /// The access log cannot be opened.
    #[error("cannot open the access log {0}: {1}")]
    AccessLog(String, std::io::Error),
    /// The listeners cannot be taken over or offered.
    #[error("cannot take over or offer the listeners by edge.handover = \"{0}\": {1}")]
    Handover(String, std::io::Error),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

impl StartError {
    fn of_handover(config: &Config, error: std::io::Error) -> StartError {
        let path = config.handover.clone().unwrap_or_default();
        StartError::Handover(path.display().to_string(), error)
    }
}

/// How a drain ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drained {
    /// Every connection ended by itself.
    pub in_time: bool,
    /// Connections that were cut.
    pub cut: u64,
}

/// A running edge. Dropping it cuts every connection.
pub struct Edge {
    http: SocketAddr,
    https: Option<SocketAddr>,
    pub(crate) mailboxes: Vec<Mailbox<Mail>>,
    counters: Vec<Arc<Counters>>,
    pub(crate) view: View,
    /// What a reload changes.
    pub(crate) live: Mutex<Live>,
    pub(crate) reloader: Option<Reloader>,
    pub(crate) reopen_log: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    purger: Option<Purger>,
    gatekeeper: Gatekeeper,
    playing: Playing,
    admin: Option<Admin>,
    /// Dropped to end the thread that gathers memory.
    memory: Option<(Sender<()>, JoinHandle<()>)>,
    log: Option<JoinHandle<()>>,
    features: Vec<Feature>,
    offer: Option<Offer>,
}

/// Starts an edge: when this returns, it serves.
pub fn start(mut config: Config) -> Result<Edge, StartError> {
    let features = Features::probe(&config).map_err(StartError::NoRing)?;
    let cpus = cpus();
    let shards = if config.shards == 0 { cpus.len() } else { config.shards };
    if shards > SHARDS_MAX {
        return Err(StartError::Shards(shards));
    }
    if config.ram_bytes / (shards as u64) < SHARD_RAM_BYTES_MIN {
        return Err(StartError::Ram { ram: config.ram_bytes, shards });
    }
    if let Some(disk) = config.disks.iter().find(|disk| Geometry::of(disk.bytes / shards as u64).is_none()) {
        return Err(StartError::Disk { path: disk.path.display().to_string(), bytes: disk.bytes, shards });
    }
    let places = located(&config)?;
    let tls = roots(&config)?;
    let view = View::new(places, shards);
    let mut heritage = Heritage::of(config.handover.as_deref()).map_err(|e| StartError::of_handover(&config, e))?;
    let (sockets, http) = bind(config.http, heritage.http(config.http), &config, shards)?;
    let secure = match &config.https {
        None => None,
        Some(https) => Some(Secure::of(https, heritage.https(https.listen), &config, shards)?),
    };
    let mut estate = Estate::default();
    if config.handover.is_some() {
        let failed = |e| StartError::of_handover(&config, e);
        estate.http = handover::doubles(&sockets).map_err(failed)?;
        let secure = secure.as_ref().map(|secure| &secure.sockets[..]).unwrap_or_default();
        estate.https = handover::doubles(secure).map_err(failed)?;
    }
    let reopen_log = Arc::new(AtomicBool::new(false));
    let (log_to, log_from) = match &config.access_log {
        AccessLog::Off => (None, None),
        _ => {
            let (to, from) = sync_channel(LOG_BATCHES_MAX);
            (Some(to), Some(from))
        }
    };
    let log = match log_from {
        None => None,
        Some(from) => Some(admin::log::start(config.access_log.clone(), from, reopen_log.clone())?),
    };
    let counters: Vec<Arc<Counters>> = (0..shards).map(|_| Arc::default()).collect();
    let (mailboxes, inboxes): (Vec<_>, Vec<_>) = (0..shards).map(|_| mailbox(MAILBOX_MESSAGES)).unzip();
    let pages = page::ready(&config.pages);
    let chance = std::hash::RandomState::new();
    let seed = disk::seed::of(&config.disks);
    if config.upstream.cdn_id.is_empty() {
        config.upstream.cdn_id = format!("streamgate-{:016x}", std::hash::BuildHasher::hash_one(&chance, "cdn-id"));
    }
    if config.upstream.node.is_empty() {
        config.upstream.node = format!("{:016x}", std::hash::BuildHasher::hash_one(&chance, "node"));
    }
    let addresses = Door::shared(&config.limits);
    let config = Arc::new(config);
    let (up, ups) = channel();
    let mut edge = Edge {
        http,
        https: secure.as_ref().map(|secure| secure.addr),
        mailboxes,
        counters,
        view: view.clone(),
        live: Mutex::new(Live { config: config.clone(), watch: None, addresses: addresses.clone() }),
        reloader: None,
        reopen_log,
        threads: Vec::new(),
        purger: None,
        gatekeeper: Gatekeeper::default(),
        playing: Playing::default(),
        admin: None,
        memory: None,
        log,
        features: features.list.clone(),
        offer: None,
    };
    let past = Past::read(config.disks.first().map(|disk| disk.path.as_path()), rt::now());
    let (purger, purges) = thread::way();
    edge.purger = Some(purger.clone());
    let share = config.ram_bytes / shards as u64;
    let arenas: Vec<Option<Arc<Arena>>> =
        (0..shards).map(|_| if features.arena { arena(share) } else { None }).collect();
    edge.memory = Some(gather(arenas.iter().flatten().cloned().collect())?);
    let (secure_sockets, shown) = match secure {
        None => (Vec::new(), None),
        Some(Secure { sockets, shown, .. }) => (sockets, Some(shown)),
    };
    let mut secure_sockets = dealt(secure_sockets, shards).into_iter();
    for (id, (sockets, inbox)) in dealt(sockets, shards).into_iter().zip(inboxes).enumerate() {
        let plan = Plan {
            id,
            driver: features.driver,
            send_zc: features.send_zc,
            cpu: config.pin.then(|| cpus[id % cpus.len()]),
            config: config.clone(),
            sockets,
            https: shown.as_ref().and_then(|shown| Some((secure_sockets.next()?, shown.config.clone()))),
            seed,
            peers: edge.mailboxes.clone(),
            inbox,
            slots: view.slots(),
            seen: view.of_shard(id),
            tls: tls.clone(),
            counters: edge.counters[id].clone(),
            all_counters: edge.counters.clone(),
            log: log_to.clone(),
            pages: pages.clone(),
            arena: arenas[id].clone(),
            purges: past.table(),
            purger: purger.clone(),
            gatekeeper: edge.gatekeeper.clone(),
            playing: edge.playing.clone(),
            addresses: addresses.clone(),
        };
        let up = up.clone();
        let thread = std::thread::Builder::new().name(format!("edge-{id}")).spawn(move || run(plan, up));
        edge.threads.push(thread.map_err(StartError::Thread)?);
    }
    drop((up, log_to));
    // Ends by itself once the shards have.
    thread::start(purges, past, edge.mailboxes.clone()).map_err(StartError::Thread)?;
    for _ in 0..shards {
        ups.recv().unwrap_or_else(|_| Err(std::io::Error::other("a shard ended"))).map_err(StartError::NoRing)?;
    }
    let watched = upstream::watch::start(config.clone(), tls, view.slots(), edge.mailboxes.clone());
    edge.live().watch = Some(watched.map_err(StartError::Thread)?);
    if let (Some(shown), Some(https)) = (shown, config.https.clone()) {
        let reloader = reload::start(https, shown.tickets, shown.stamps, edge.mailboxes.clone());
        edge.reloader = Some(reloader.map_err(StartError::Thread)?);
    }
    if let Some(addr) = config.admin {
        let listener = match heritage.admin(addr) {
            Some(listener) => listener,
            None => TcpListener::bind(addr).map_err(|e| StartError::Listen(addr, e))?,
        };
        if config.handover.is_some() {
            estate.admin = handover::doubles(&[&listener]).map_err(|e| StartError::of_handover(&config, e))?;
        }
        let (counters, shards) = (edge.counters.clone(), edge.mailboxes.clone());
        edge.admin = Some(admin::start(listener, counters, view, purger.clone(), features.list.clone(), shards)?);
    }
    if let Some(path) = config.handover.clone() {
        let offered = handover::offer(path, heritage.elder(), estate, edge.mailboxes.clone(), purger);
        edge.offer = Some(offered.map_err(|e| StartError::of_handover(&config, e))?);
    }
    Ok(edge)
}

impl Edge {
    /// Where clients connect.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http
    }

    /// Where clients of HTTPS connect, if they can.
    #[must_use]
    pub fn https_addr(&self) -> Option<SocketAddr> {
        self.https
    }

    /// Reads the certificate files now, and returns once every shard shows what they contain. An error leaves the old ones in use.
    /// Blocks; not for async code.
    pub fn reload_certificates(&self) -> Result<(), CertificateError> {
        self.reloader.as_ref().ok_or(CertificateError::None)?.reload()
    }

    /// Where the admin API listens, if it does.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(Admin::addr)
    }

    /// Number of shards.
    #[must_use]
    pub fn shards(&self) -> usize {
        self.mailboxes.len()
    }

    /// Metrics of all shards in Prometheus' text format, as `/metrics` serves them.
    #[must_use]
    pub fn metrics(&self) -> String {
        crate::metrics::exposition(&self.counters) + &self.view.exposition()
    }

    /// What is asked and how it fares, as JSON, as `/origins` serves it.
    #[must_use]
    pub fn origins(&self) -> serde_json::Value {
        self.view.as_json()
    }

    /// What the system offers of what an edge can use, as `/features` tells it.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Hands purges to this edge, from any thread. `None` once it has ended.
    #[must_use]
    pub fn purger(&self) -> Option<Purger> {
        self.purger.clone()
    }

    /// Tells this edge what its origin has taken back, from any thread.
    #[must_use]
    pub fn gatekeeper(&self) -> Gatekeeper {
        self.gatekeeper.clone()
    }

    /// Who plays here by tokens that bound how many may, for whoever reports it to the origin.
    #[must_use]
    pub fn playing(&self) -> Playing {
        self.playing.clone()
    }

    /// Purges. Returns the purge's number once no shard gives out what it covers. Blocks; not for async code.
    pub fn purge(&self, purge: Purge) -> Result<u64, PurgeError> {
        self.purger.as_ref().ok_or(PurgeError::Ended)?.purge_blocking(purge)
    }

    /// Receives once when another process has taken the listeners over: call [`Edge::leave`] then. `None`: it cannot be, or this was
    /// asked for before.
    #[must_use]
    pub fn handed_over(&self) -> Option<Receiver<()>> {
        self.offer.as_ref()?.handed_over()
    }

    /// Ends after another process has taken over. A connection is closed behind its next answer, so that no request meets one that
    /// closes; those that ask for nothing are closed after `idle`. What is still under way `limit` after that is cut. Blocks.
    pub fn leave(mut self, idle: Duration, limit: Duration) -> Drained {
        // The other process has the same listener.
        self.admin.take();
        let until = Instant::now() + idle;
        while Instant::now() < until && self.counters.iter().any(|counters| counters.connections.get() > 0) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.drain(limit)
    }

    /// Stops accepting, lets answers under way end, closes idle connections, and after `limit` cuts what is left.
    /// Blocks the calling thread; from async code call it in a blocking task.
    pub fn drain(mut self, limit: Duration) -> Drained {
        let until = Instant::now() + limit;
        // Its doubles of the listeners would keep the ports open.
        self.offer.take();
        if let Some(admin) = &self.admin {
            admin.not_ready();
        }
        self.tell(|| Mail::Drain);
        while Instant::now() < until && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let cut: u64 = self.counters.iter().map(|c| c.connections.get()).sum();
        self.end();
        Drained { in_time: cut == 0, cut }
    }

    fn tell(&self, mail: impl Fn() -> Mail + Send + Sync) {
        // From a thread of its own: the runtime's waker aborts the process when it is used by a thread that is panicking, and an
        // edge may be dropped by one.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for mailbox in &self.mailboxes {
                    mailbox.send_anyhow(mail());
                }
            });
        });
    }

    /// Cuts what is left and joins the threads.
    fn end(&mut self) {
        // First: they write to the shards.
        self.offer.take();
        let watch = self.live().watch.take();
        drop(watch);
        self.reloader.take();
        self.tell(|| Mail::Drain);
        self.tell(|| Mail::Cut);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.admin.take();
        self.purger.take();
        if let Some((stop, thread)) = self.memory.take() {
            drop(stop);
            let _ = thread.join();
        }
        if let Some(log) = self.log.take() {
            let _ = log.join();
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.end();
    }
}

/// Memory that `sendfile` can send. Without it large bodies are copied.
fn arena(budget: u64) -> Option<Arc<Arena>> {
    Arena::new(budget)
        .inspect_err(|error| tracing::warn!(%error, "no memory file for large bodies: they are copied"))
        .ok()
}

/// The thread that gathers full slots into large pages, so that no shard waits for the kernel to find one.
fn gather(arenas: Vec<Arc<Arena>>) -> Result<(Sender<()>, JoinHandle<()>), StartError> {
    let (stop, stopped) = channel();
    let thread = std::thread::Builder::new().name("edge-memory".to_owned()).spawn(move || {
        while stopped.recv_timeout(GATHER) == Err(RecvTimeoutError::Timeout) {
            arenas.iter().for_each(|arena| arena.gather());
        }
    });
    Ok((stop, thread.map_err(StartError::Thread)?))
}

/// The cores this process may run on.
fn cpus() -> Vec<usize> {
    let allowed = rt::allowed_cpus();
    if allowed.is_empty() { vec![0] } else { allowed }
}

/// Everything that may be asked, resolved. One origin at least must be found; the rest may turn up later.
pub(crate) fn located(config: &Config) -> Result<Vec<Place>, StartError> {
    let unnamed =
        |_| StartError::Upstream("(https)".to_owned(), std::io::Error::other("a host is no name for a certificate"));
    let mut places = places(&config.upstream).map_err(unnamed)?;
    let mut failed = StartError::Upstream("(none)".to_owned(), std::io::Error::other("no origin is configured"));
    let mut found = false;
    for place in &mut places {
        match resolve(&config.upstream.resolver, &place.source) {
            Ok(addrs) => {
                place.addrs = addrs;
                found |= place.level == Level::Origin;
            }
            Err(error) => {
                tracing::warn!(upstream = %place.source, %error, "the name does not resolve yet");
                failed = StartError::Upstream(place.source.to_string(), error);
            }
        }
    }
    if found { Ok(places) } else { Err(failed) }
}

/// What the certificates of origins are verified against.
pub(crate) fn roots(config: &Config) -> Result<Arc<rustls::ClientConfig>, StartError> {
    let file = config.upstream.ca_file.as_deref();
    let failed = |error| StartError::Roots(file.unwrap_or(Path::new("")).display().to_string(), error);
    upstream::tls::config(file).map(Arc::new).map_err(failed)
}

/// Listeners by shard: every one of them has an owner, whoever made them.
fn dealt(sockets: Vec<Socket>, shards: usize) -> Vec<Vec<Socket>> {
    let mut dealt: Vec<Vec<Socket>> = (0..shards).map(|_| Vec::new()).collect();
    for (i, socket) in sockets.into_iter().enumerate() {
        dealt[i % shards].push(socket);
    }
    dealt
}

/// What HTTPS begins with: its listeners, and what they show.
struct Secure {
    addr: SocketAddr,
    sockets: Vec<Socket>,
    shown: Shown,
}

struct Shown {
    config: Arc<rustls::ServerConfig>,
    tickets: Arc<dyn rustls::server::ProducesTickets>,
    stamps: reload::Stamps,
}

impl Secure {
    fn of(https: &Https, inherited: Vec<Socket>, config: &Config, shards: usize) -> Result<Secure, StartError> {
        let stamps = reload::stamps(https);
        let tickets = tls::tickets::tickets(https.ticket_secret.as_deref())?;
        let shown = Shown { config: tls::server(https, &tickets)?, tickets, stamps };
        let (sockets, addr) = bind(https.listen, inherited, config, shards)?;
        Ok(Secure { addr, sockets, shown })
    }
}

/// One listener a shard at least, all on the same port: those of the process before, and as many more as are needed.
fn bind(
    mut addr: SocketAddr,
    inherited: Vec<Socket>,
    config: &Config,
    shards: usize,
) -> Result<(Vec<Socket>, SocketAddr), StartError> {
    if let Some(bound) = inherited.first().and_then(|socket| socket.local_addr().ok()?.as_socket()) {
        addr = bound;
    }
    let mut sockets = inherited;
    while sockets.len() < shards {
        let failed = |e| StartError::Listen(addr, e);
        let socket = Listener::bind(addr, config.congestion.as_deref()).map_err(failed)?;
        let bound = socket.local_addr().map_err(failed)?.as_socket();
        addr = bound.ok_or_else(|| failed(std::io::Error::other("not an IP address")))?;
        sockets.push(socket);
    }
    Ok((sockets, addr))
}
