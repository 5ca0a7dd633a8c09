//! Everything one shard may ask: the owner edge of a target, the shield, the origins; in which order, and how each has fared.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use rustls::ClientConfig;

use super::breaker::{Breaker, Outcome, State};
use super::budget::{Allowance, Budget};
use super::exchange::Reach;
use super::places::{Level, Place};
use super::pool::Origin;
use super::rendezvous::score;
use super::seen::{Seen, Slot};
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
    /// A reload has taken it out: what is under way ends, nothing new begins.
    gone: Cell<bool>,
    pub(super) seen: Arc<Seen>,
}

/// The places of one shard. One that a reload takes out keeps its number, so that what is under way goes on meaning it.
pub(crate) struct Sources {
    targets: RefCell<Vec<Rc<Target>>>,
    pub(super) budget: RefCell<Budget>,
    /// This edge's own name among its peers.
    me: RefCell<Option<String>>,
    tls: RefCell<Arc<ClientConfig>>,
}

impl Sources {
    pub(crate) fn new(
        upstream: &Upstream,
        tls: &ClientConfig,
        slots: &[Slot],
        seen: &[Arc<Seen>],
        now_ms: u64,
    ) -> Sources {
        let sources = Sources {
            targets: RefCell::default(),
            budget: RefCell::new(Budget::new(allowance(upstream), now_ms)),
            me: RefCell::default(),
            tls: RefCell::new(of_shard(tls)),
        };
        sources.set(upstream, slots, seen);
        sources
    }

    /// A reload: what is in `slots` from now on. Places that stay keep their connections, and how they have fared.
    pub(crate) fn change(
        &self,
        upstream: &Upstream,
        tls: &ClientConfig,
        slots: &[Slot],
        seen: &[Arc<Seen>],
        now_ms: u64,
    ) {
        self.tls.replace(of_shard(tls));
        self.budget.replace(Budget::new(allowance(upstream), now_ms));
        self.set(upstream, slots, seen);
    }

    fn set(&self, upstream: &Upstream, slots: &[Slot], seen: &[Arc<Seen>]) {
        self.me.replace(upstream.tier.as_ref().map(|tier| tier.me.authority()));
        let mut targets = self.targets.borrow_mut();
        let known = targets.len();
        let new = slots.iter().zip(seen).skip(known);
        targets.extend(new.map(|(slot, seen)| Rc::new(Target::new(&slot.place, upstream, seen))));
        for (target, slot) in targets.iter().zip(slots) {
            target.gone.set(!slot.in_use);
            target.breaker.borrow_mut().set_after(upstream.breaker_after);
            if target.is_gone() {
                drop(target.idle.take());
            }
        }
    }

    pub(crate) fn at(&self, index: usize) -> Rc<Target> {
        self.targets.borrow()[index].clone()
    }

    pub(super) fn tls(&self) -> Arc<ClientConfig> {
        self.tls.borrow().clone()
    }

    /// Whom to ask for `name`, first choice first. Empty: nobody can be asked.
    pub(super) fn order(&self, name: &[u8], reach: Reach, now_ms: u64) -> Vec<usize> {
        let targets = self.targets.borrow();
        let mut order = Vec::with_capacity(targets.len());
        if reach == Reach::Tier {
            self.edges(&targets, name, now_ms, &mut order);
        }
        if reach != Reach::Origins {
            order.extend(of(&targets, Level::Shield).filter(|i| targets[*i].is_usable(now_ms)));
        }
        let before = order.len();
        let admits = |i: &usize| targets[*i].breaker.borrow().admits(now_ms);
        order.extend(of(&targets, Level::Origin).filter(|i| admits(i) && targets[*i].probed_up.get()));
        if order.len() == before {
            // Probes that give every origin up may be wrong themselves: the requests find out.
            order.extend(of(&targets, Level::Origin).filter(admits));
        }
        // A backup only behind all others.
        let rank = |i: &usize| (targets[*i].place.source.backup, targets[*i].score(name));
        order[before..].sort_by(|a, b| {
            let ((backup_a, score_a), (backup_b, score_b)) = (rank(a), rank(b));
            backup_a.cmp(&backup_b).then(score_b.total_cmp(&score_a))
        });
        order
    }

    /// Whether an origin besides `index` may be asked.
    pub(crate) fn has_other(&self, index: usize, now_ms: u64) -> bool {
        let targets = self.targets.borrow();
        of(&targets, Level::Origin).any(|i| i != index && targets[i].is_usable(now_ms))
    }

    /// Whether whoever is asked for `name` first is in good order: it may be sent what nobody waits for.
    pub(crate) fn is_steady(&self, name: &[u8], reach: Reach, now_ms: u64) -> bool {
        let first = self.order(name, reach, now_ms).first().copied();
        first.is_some_and(|i| self.at(i).breaker.borrow().state(now_ms) == State::Closed)
    }

    /// Peers that want `name` more than this edge does. Every edge comes to the same order, so the second choice of all is the same.
    fn edges(&self, targets: &[Rc<Target>], name: &[u8], now_ms: u64, order: &mut Vec<usize>) {
        let me = self.me.borrow();
        let Some(me) = &*me else { return };
        let mine = score(me, 1, name);
        order.extend(of(targets, Level::Peer).filter(|i| targets[*i].score(name) > mine));
        order.sort_by(|a, b| targets[*b].score(name).total_cmp(&targets[*a].score(name)));
        order.retain(|i| targets[*i].is_usable(now_ms));
        order.truncate(TIER_EDGES_ASKED_MAX);
    }

    /// A request goes to `index`. False: it may not, any more.
    pub(super) fn enter(&self, index: usize, now_ms: u64) -> bool {
        let target = self.at(index);
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
        let targets = self.targets.borrow();
        let target = &targets[index];
        if outcome != Outcome::Well {
            target.seen.failures.add(1);
        }
        let mut others = of(&targets, Level::Origin).filter(|i| *i != index);
        let alone = target.place.level == Level::Origin && !others.any(|i| targets[i].breaker.borrow().admits(now_ms));
        target.breaker.borrow_mut().tell(outcome, alone, now_ms);
    }

    /// The control thread has news of `index`.
    pub(crate) fn hear(&self, index: usize, news: News) {
        let targets = self.targets.borrow();
        let Some(target) = targets.get(index) else { return };
        match news {
            News::Addresses(addrs) => drop(target.addrs.replace(addrs.to_vec())),
            News::InService(up) => target.probed_up.set(up),
        }
    }

    /// Drops every idle connection.
    pub(crate) fn clear(&self) {
        for target in &*self.targets.borrow() {
            // Taken out first: a connection that is dropped looks at its place itself.
            drop(target.idle.take());
        }
    }

    /// Lets the control thread see where everything stands.
    pub(crate) fn gauges(&self, now_ms: u64) {
        for target in &*self.targets.borrow() {
            target.seen.state.set(target.breaker.borrow().state(now_ms) as u64);
            target.seen.probed_down.set(u64::from(!target.probed_up.get()));
            target.seen.open.set(target.open.get() as u64);
            target.seen.idle.set(target.idle.borrow().len() as u64);
        }
    }
}

/// The places of one level that are asked.
fn of(targets: &[Rc<Target>], level: Level) -> impl Iterator<Item = usize> {
    let wanted = move |(_, t): &(usize, &Rc<Target>)| t.place.level == level && !t.is_gone();
    targets.iter().enumerate().filter(wanted).map(|(i, _)| i)
}

fn allowance(upstream: &Upstream) -> Allowance {
    Allowance { percent: upstream.retry_percent, per_second: upstream.retry_per_second }
}

impl Target {
    fn new(place: &Place, upstream: &Upstream, seen: &Arc<Seen>) -> Target {
        Target {
            place: place.clone(),
            addrs: RefCell::new(place.addrs.clone()),
            turn: Cell::new(0),
            idle: RefCell::default(),
            open: Rc::default(),
            breaker: RefCell::new(Breaker::new(upstream.breaker_after)),
            probed_up: Cell::new(true),
            gone: Cell::new(false),
            seen: seen.clone(),
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.get()
    }

    fn score(&self, name: &[u8]) -> f64 {
        score(&self.place.authority, self.place.source.weight, name)
    }

    fn is_usable(&self, now_ms: u64) -> bool {
        self.probed_up.get() && self.breaker.borrow().admits(now_ms)
    }
}
