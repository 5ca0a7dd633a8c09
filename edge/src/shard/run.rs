//! The thread of a shard: its listener, its mailbox, its sweep, and its end.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use cache::{Arena, KeySeed, Policy, Ram};
use socket2::Socket;
use tokio::sync::oneshot;

use super::Shard;
use super::access::{AccessBuffer, Batch};
use super::balance::{self, Balance};
use super::bells::Bells;
use super::front::Front;
use super::gauges::Gauges;
use super::line::Lines;
use super::mail::Mail;
use super::top::Top;
use super::turns::Turns;
use crate::config::{Config, SendZc};
use crate::disk::Disk;
use crate::door::Door;
use crate::door::addresses::Addresses;
use crate::flow::accept::{go_on, serve};
use crate::flow::page::Ready;
use crate::flow::{ahead, flight, invalidate, lookup, renew, slices};
use crate::gate::Tokens;
use crate::gate::playing::Playing;
use crate::gate::revoked::Gatekeeper;
use crate::http::date;
use crate::limits::{ALLOCATOR_PART, DISK_DRAIN_SWEEPS, DISK_OPEN_WAIT, SWEEP, ZERO_COPY_PART};
use crate::media::hls::Playlists;
use crate::media::sequence::Sequences;
use crate::metrics::Counters;
use crate::purge::table::Table;
use crate::purge::thread::Purger;
use crate::rt::{self, Driver, Inbox, Listener, Mailbox};
use crate::upstream::{Seen, Slot, Sources};

/// Everything a shard's thread is started with.
pub(crate) struct Plan {
    pub(crate) id: usize,
    pub(crate) driver: Driver,
    pub(crate) send_zc: SendZc,
    pub(crate) cpu: Option<usize>,
    pub(crate) config: Arc<Config>,
    pub(crate) sockets: Vec<Socket>,
    /// The listeners of HTTPS, and what its handshakes begin with.
    pub(crate) https: Option<(Vec<Socket>, Arc<rustls::ServerConfig>)>,
    pub(crate) seed: KeySeed,
    pub(crate) peers: Vec<Mailbox<Mail>>,
    pub(crate) inbox: Inbox<Mail>,
    pub(crate) slots: Arc<[Slot]>,
    pub(crate) seen: Vec<Arc<Seen>>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) counters: Arc<Counters>,
    /// Those of every shard, this one's among them.
    pub(crate) all_counters: Vec<Arc<Counters>>,
    pub(crate) log: Option<SyncSender<Batch>>,
    pub(crate) pages: Arc<[Ready]>,
    pub(crate) arena: Option<Arc<Arena>>,
    pub(crate) purges: Table,
    pub(crate) purger: Purger,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) playing: Playing,
    pub(crate) addresses: Option<Arc<Addresses>>,
}

/// Runs a shard on this thread until it has drained. `up` is told once it serves.
pub(crate) fn run(plan: Plan, up: std::sync::mpsc::Sender<std::io::Result<()>>) {
    let told = up.clone();
    let faults = plan.config.faults;
    let mut turns = Turns::new(plan.id, plan.counters.clone());
    let turn = move |began, took| turns.turn(began, took);
    let result = rt::run(plan.driver, plan.cpu, faults, turn, async move {
        live(plan, up).await;
    });
    if let Err(error) = result {
        let _ = told.send(Err(error));
    }
}

async fn live(plan: Plan, up: std::sync::mpsc::Sender<std::io::Result<()>>) {
    let (end, ended) = oneshot::channel();
    let shard = Rc::new(build(&plan));
    // Who connects meanwhile waits in the listener's queue: better than to send everyone to the origin.
    shard.disk.open(&shard, DISK_OPEN_WAIT).await;
    Gauges::default().look(&shard);
    let https = plan.https.into_iter().flat_map(|(sockets, _)| sockets).map(|socket| (socket, true));
    let mut listeners = Vec::new();
    for (socket, secure) in plan.sockets.into_iter().map(|socket| (socket, false)).chain(https) {
        let listener = match Listener::on_ring(socket) {
            Ok(listener) => Rc::new(listener),
            Err(error) => {
                let _ = up.send(Err(error));
                return;
            }
        };
        shard.accepting.set(shard.accepting.get() + 1);
        rt::spawn(accept(shard.clone(), listener.clone(), secure));
        listeners.push(listener);
    }
    let _ = up.send(Ok(()));
    rt::spawn(sweep(shard.clone(), end));
    rt::spawn(mail(shard, plan.inbox, listeners));
    let _ = ended.await;
}

fn build(plan: &Plan) -> Shard {
    let config = &plan.config;
    let share = config.ram_bytes / plan.peers.len() as u64;
    let slack = if plan.arena.is_some() { Arena::slack_max(share) } else { 0 };
    let budget = share - slack - share / ALLOCATOR_PART;
    plan.counters.ram_budget.set(budget);
    rt::send_uncopied(plan.send_zc, budget / ZERO_COPY_PART);
    let mut tokens = Tokens::new(config.keys.clone(), plan.gatekeeper.clone(), config.staleness_max);
    tokens.set_playing(plan.playing.clone());
    tokens.set_countries(config.countries.clone());
    Shard {
        id: plan.id,
        config: RefCell::new(Rc::new((**config).clone())),
        seed: plan.seed,
        peers: plan.peers.clone(),
        counters: plan.counters.clone(),
        ram: RefCell::new(Ram::new(budget, Policy::s3fifo()).beside(plan.arena.clone())),
        arena: plan.arena.clone(),
        disk: Disk::new(config, plan.peers.len(), rt::now()),
        flights: RefCell::new(HashMap::default()),
        slice_flights: RefCell::new(HashMap::default()),
        passing: RefCell::new(HashMap::default()),
        front: RefCell::new(Front::new(budget, plan.peers.len())),
        tokens: RefCell::new(tokens),
        sources: Sources::new(&config.upstream, &plan.tls, &plan.slots, &plan.seen, rt::now()),
        lines: RefCell::new(Lines::default()),
        bells: RefCell::new(Bells::default()),
        access: RefCell::new(AccessBuffer::new(plan.id, plan.log.clone(), config.access_log_sample)),
        pages: plan.pages.clone(),
        https: RefCell::new(plan.https.as_ref().map(|(_, config)| config.clone())),
        purges: RefCell::new(plan.purges.clone()),
        purger: plan.purger.clone(),
        balance: Balance::new(plan.all_counters.clone(), config.faults.hands_over),
        top: Top::new(rt::now()),
        door: Door::new(&config.limits, plan.addresses.clone()),
        playlists: RefCell::new(Playlists::default()),
        sequences: RefCell::new(Sequences::new(plan.seed.0)),
        fetching_ahead: Cell::new(0),
        pressed: Cell::new((0, 0)),
        draining: Cell::new(false),
        leaving: Cell::new(false),
        left: RefCell::default(),
        accepting: Cell::new(0),
        // Microseconds since 1970: no shard gives out a million a second for long.
        lives: Cell::new(rt::now() * 1000),
        date: Cell::new((u64::MAX, [b' '; date::LEN])),
    }
}

/// Accepts until the shard drains.
async fn accept(shard: Rc<Shard>, listener: Rc<Listener>, secure: bool) {
    /// A pause after an error of ours (no descriptors left), so that the loop does not spin.
    const PAUSE: Duration = Duration::from_millis(20);
    while !listener.is_left() {
        match listener.accept().await {
            Ok((stream, peer)) => {
                rt::spawn(serve(shard.clone(), stream, peer, secure));
                // A queue that is full of connections must not keep those that are here waiting.
                rt::pause().await;
            }
            Err(_) if listener.is_left() => break,
            Err(_) => rt::sleep(PAUSE).await,
        }
    }
    // What came last has its first turn, and is counted, before anyone is told that it was the last.
    rt::pause().await;
    shard.accepting.set(shard.accepting.get() - 1);
    if shard.accepting.get() == 0 {
        shard.left.take();
    }
}

/// Looks after deadlines, leases, the limbo, and what the control thread reads; ends the shard once it has drained.
async fn sweep(shard: Rc<Shard>, end: oneshot::Sender<()>) {
    let mut patience = DISK_DRAIN_SWEEPS;
    let mut gauges = Gauges::default();
    let mut demand = balance::Demand::default();
    loop {
        rt::sleep(SWEEP).await;
        let draining = shard.draining.get();
        shard.lines.borrow().sweep(rt::now(), draining);
        shard.front.borrow_mut().sweep();
        flight::impatient(&shard, rt::now());
        if !shard.config().disks.is_empty() {
            tell_wanted(&shard).await;
        }
        gauges.look(&shard);
        demand.look(&shard);
        let lost = shard.access.borrow_mut().flush();
        shard.counters.log_lost.add(lost);
        if draining {
            shard.sources.clear();
            shard.disk.drain();
            patience = patience.saturating_sub(1);
            let written = shard.disk.is_idle() || patience == 0;
            if written && shard.counters.connections.get() == 0 && shard.flights.borrow().is_empty() {
                let _ = end.send(());
                return;
            }
        }
    }
}

/// Tells the owners of leased objects that they were asked for again.
async fn tell_wanted(shard: &Shard) {
    let mut wanted = shard.front.borrow_mut().wanted();
    wanted.sort_unstable_by_key(|object| shard.owner(object.key));
    for objects in wanted.chunk_by(|a, b| shard.owner(a.key) == shard.owner(b.key)) {
        shard.peers[shard.owner(objects[0].key)].send(Mail::Wanted(objects.to_vec())).await;
    }
}

async fn mail(shard: Rc<Shard>, mut inbox: Inbox<Mail>, mut listeners: Vec<Rc<Listener>>) {
    while let Some(message) = inbox.next().await {
        match message {
            Mail::Ask(ask, reply) => lookup::at_owner(&shard, ask, reply),
            Mail::Ahead(ask, reply) => ahead::at_owner(&shard, ask, reply),
            Mail::Purge(turn, done) => {
                shard.purges.borrow_mut().take(&turn);
                shard.counters.purges.add(1);
                let _ = done.send(());
            }
            Mail::Keepable(ask) => lookup::is_keepable(&shard, ask),
            Mail::Slice(ask, reply) => slices::at_owner(&shard, ask, reply),
            Mail::Head(ask, response, exchange) => renew::by_head(&shard, ask, &response, exchange),
            Mail::Invalidate(key, name, done) => {
                invalidate::at_owner(&shard, key, &name);
                let _ = done.send(());
            }
            Mail::Wanted(objects) => {
                let now_ms = rt::now();
                objects.iter().for_each(|object| shard.disk.offer(&shard, object, now_ms));
            }
            Mail::Top(reply) => drop(reply.send(shard.top.report(rt::now()))),
            Mail::Upstream(at, news) => shard.sources.hear(at, news),
            Mail::Take(handed) => rt::spawn(go_on(shard.clone(), *handed)),
            Mail::Ring(at) => shard.rung(at),
            Mail::Certificates(config, done) => {
                shard.https.replace(Some(config));
                shard.counters.tls_reloads.add(1);
                let _ = done.send(());
            }
            Mail::Reload(new, done) => {
                shard.reload(&new);
                let _ = done.send(());
            }
            Mail::CertificatesUnusable => shard.counters.tls_reloads_failed.add(1),
            Mail::HandOver(done) => {
                shard.leaving.set(true);
                shard.left.replace((shard.accepting.get() > 0).then_some(done));
                listeners.drain(..).for_each(|listener| listener.leave());
            }
            Mail::Drain => {
                shard.draining.set(true);
                listeners.drain(..).for_each(|listener| listener.leave());
                shard.lines.borrow().sweep(rt::now(), true);
            }
            Mail::Cut => shard.lines.borrow().cut(),
        }
    }
}
