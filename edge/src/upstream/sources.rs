//! Everything one shard may ask: the owner edge of a target, the shield, the origins; in which order, and how each has fared.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;

use super::breaker::{Breaker, Outcome};
use super::budget::{Allowance, Budget};
use super::exchange::Reach;
use super::places::{Level, Place};
use super::pool::Origin;
use super::rendezvous::score;
use super::seen::Seen;
use super::tls::of_shard;
use super::watch::News;
use crate::config::Upstream;
use crate::limits::TIER_EDGES_ASKED_MAX;

/// One place as this shard knows it.
pub(crate) struct Target {
    pub(crate) place: Place,
    /// Where its name leads now.
    pub(super) addrs: RefCell<Vec<SocketAddr>>,
    /// The address to begin with.
    pub(super) turn: Cell<usize>,
    pub(super) idle: RefCell<Vec<Origin>>,
    pub(super) open: Rc<Cell<usize>>,
    breaker: RefCell<Breaker>,
    probed_up: Cell<bool>,
    pub(super) seen: Arc<Seen>,
}

/// The places of one shard.
pub(crate) struct Sources {
    targets: Box<[Target]>,
    pub(super) budget: RefCell<Budget>,
    /// This edge's own name among its peers.
    me: Option<String>,
    pub(super) tls: Arc<ClientConfig>,
}

impl Sources {
    pub(crate) fn new(
        upstream: &Upstream,
        tls: &ClientConfig,
        places: &[Place],
        seen: &[Arc<Seen>],
        now_ms: u64,
    ) -> Sources {
        let target = |(place, seen): (&Place, &Arc<Seen>)| Target {
            place: place.clone(),
            addrs: RefCell::new(place.addrs.clone()),
            turn: Cell::new(0),
            idle: RefCell::default(),
            open: Rc::default(),
            breaker: RefCell::new(Breaker::new(upstream.breaker_after)),
            probed_up: Cell::new(true),
            seen: seen.clone(),
        };
        let allowance = Allowance { percent: upstream.retry_percent, per_second: upstream.retry_per_second };
        Sources {
            targets: places.iter().zip(seen).map(target).collect(),
            budget: RefCell::new(Budget::new(allowance, now_ms)),
            me: upstream.tier.as_ref().map(|tier| tier.me.authority()),
            tls: of_shard(tls),
        }
    }

    pub(crate) fn at(&self, index: usize) -> &Target {
        &self.targets[index]
    }

    /// Whom to ask for `name`, first choice first. Empty: nobody can be asked.
    pub(super) fn order(&self, name: &[u8], reach: Reach, now_ms: u64) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.targets.len());
        if reach == Reach::Tier {
            self.edges(name, now_ms, &mut order);
        }
        if reach != Reach::Origins {
            order.extend(self.of(Level::Shield).filter(|i| self.targets[*i].is_usable(now_ms)));
        }
        let before = order.len();
        let admits = |i: &usize| self.targets[*i].breaker.borrow().admits(now_ms);
        order.extend(self.of(Level::Origin).filter(|i| admits(i) && self.targets[*i].probed_up.get()));
        if order.len() == before {
            // Probes that give every origin up may be wrong themselves: the requests find out.
            order.extend(self.of(Level::Origin).filter(admits));
        }
        // A backup only behind all others.
        let rank = |i: &usize| {
            let source = &self.targets[*i].place.source;
            (source.backup, self.targets[*i].score(name))
        };
        order[before..].sort_by(|a, b| {
            let ((backup_a, score_a), (backup_b, score_b)) = (rank(a), rank(b));
            backup_a.cmp(&backup_b).then(score_b.total_cmp(&score_a))
        });
        order
    }

    /// Peers that want `name` more than this edge does. Every edge comes to the same order, so the second choice of all is the same.
    fn edges(&self, name: &[u8], now_ms: u64, order: &mut Vec<usize>) {
        let Some(me) = &self.me else { return };
        let mine = score(me, 1, name);
        order.extend(self.of(Level::Peer).filter(|i| self.targets[*i].score(name) > mine));
        order.sort_by(|a, b| self.targets[*b].score(name).total_cmp(&self.targets[*a].score(name)));
        order.retain(|i| self.targets[*i].is_usable(now_ms));
        order.truncate(TIER_EDGES_ASKED_MAX);
    }

    fn of(&self, level: Level) -> impl Iterator<Item = usize> {
        self.targets.iter().enumerate().filter(move |(_, t)| t.place.level == level).map(|(i, _)| i)
    }

    /// A request goes to `index`. False: it may not, any more.
    pub(super) fn enter(&self, index: usize, now_ms: u64) -> bool {
        let target = &self.targets[index];
        let mut breaker = target.breaker.borrow_mut();
        if !breaker.admits(now_ms) {
            return false;
        }
        breaker.enter(now_ms);
        target.seen.requests.add(1);
        true
    }

    /// What came of a request to `index`.
    pub(super) fn tell(&self, index: usize, outcome: Outcome, now_ms: u64) {
        let target = &self.targets[index];
        if outcome != Outcome::Well {
            target.seen.failures.add(1);
        }
        let others = self.of(Level::Origin).filter(|i| *i != index);
        let alone = target.place.level == Level::Origin
            && !others.into_iter().any(|i| self.targets[i].breaker.borrow().admits(now_ms));
        target.breaker.borrow_mut().tell(outcome, alone, now_ms);
    }

    /// The control thread has news of `index`.
    pub(crate) fn hear(&self, index: usize, news: News) {
        let Some(target) = self.targets.get(index) else { return };
        match news {
            News::Addresses(addrs) => drop(target.addrs.replace(addrs.to_vec())),
            News::InService(up) => target.probed_up.set(up),
        }
    }

    /// Drops every idle connection.
    pub(crate) fn clear(&self) {
        for target in &self.targets {
            // Taken out first: a connection that is dropped looks at its place itself.
            drop(target.idle.take());
        }
    }

    /// Lets the control thread see where everything stands.
    pub(crate) fn gauges(&self, now_ms: u64) {
        for target in &self.targets {
            target.seen.state.set(target.breaker.borrow().state(now_ms) as u64);
            target.seen.probed_down.set(u64::from(!target.probed_up.get()));
            target.seen.open.set(target.open.get() as u64);
            target.seen.idle.set(target.idle.borrow().len() as u64);
        }
    }
}

impl Target {
    fn score(&self, name: &[u8]) -> f64 {
        score(&self.place.authority, self.place.source.weight, name)
    }

    fn is_usable(&self, now_ms: u64) -> bool {
        self.probed_up.get() && self.breaker.borrow().admits(now_ms)
    }
}
