//! Fetches under way, one a key: who leads, who joined, and how they all are answered. The fetch is a task of its own, so that a
//! leader that leaves is noticed by nobody.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::flow::variant::Place;
use crate::flow::{fetch, lookup};
use crate::limits::JOINERS_MAX;
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{Answer, Ask, How};
use crate::stored::Object;

/// Those who wait for the head of one fetch; the first one led it.
pub(crate) struct Flight {
    name: Box<[u8]>,
    selecting: Vec<u8>,
    leader: Option<oneshot::Sender<Answer>>,
    waiting: Vec<(Box<Ask>, oneshot::Sender<Answer>)>,
    /// What it brings was changed since it set out: it is given to those who wait and not kept.
    overtaken: bool,
    started_ms: u64,
    /// The origin may take its time: it is waited for on purpose.
    is_held: bool,
}

/// Waits for the fetch of this key, and starts it when there is none. Without a `reply` it runs in the background.
pub(crate) fn join(shard: &Rc<Shard>, ask: Box<Ask>, old: Option<Arc<Object>>, reply: Option<oneshot::Sender<Answer>>) {
    let mut flights = shard.flights.borrow_mut();
    if let Some(flight) = flights.get_mut(&ask.at) {
        let Some(reply) = reply else { return };
        if flight.is_slow(shard, rt::now())
            || flight.overtaken
            || flight.name != ask.name
            || flight.selecting != ask.selecting
        {
            let _ = reply.send(Answer::Pass);
        } else if flight.waiting.len() >= JOINERS_MAX {
            let _ = reply.send(Answer::Refuse(Refusal::OriginBusy));
        } else {
            flight.waiting.push((ask, reply));
        }
        return;
    }
    let (name, selecting) = (ask.name.clone(), ask.selecting.clone());
    let (started_ms, is_held) = (rt::now(), ask.hold.is_some());
    let flight = Flight { name, selecting, leader: reply, waiting: Vec::new(), overtaken: false, started_ms, is_held };
    flights.insert(ask.at, flight);
    drop(flights);
    let shard = shard.clone();
    rt::spawn(async move { fetch::fly(&shard, ask, old).await });
}

impl Flight {
    fn is_slow(&self, shard: &Shard, now_ms: u64) -> bool {
        !self.is_held && now_ms >= self.started_ms + shard.config().limits.coalesce.as_millis() as u64
    }
}

/// Lets those go to the origin by themselves who have waited too long for another's fetch.
pub(crate) fn impatient(shard: &Shard, now_ms: u64) {
    for flight in shard.flights.borrow_mut().values_mut() {
        if flight.waiting.is_empty() || !flight.is_slow(shard, now_ms) {
            continue;
        }
        for (_, reply) in flight.waiting.drain(..) {
            shard.counters.impatient.add(1);
            let _ = reply.send(Answer::Pass);
        }
    }
}

/// What those who wait beside the leader get.
pub(crate) enum Others<'a> {
    /// The same answer.
    Same(&'a dyn Fn() -> Answer),
    /// The same answer where it suits them; the others ask again.
    WhoSuit(&'a Place, &'a dyn Fn() -> Answer),
}

/// The head is here: answers the leader and everyone else. False: nobody waits for the leader's answer.
pub(crate) fn land(shard: &Rc<Shard>, at: cache::Key, leader: Answer, others: Others<'_>) -> bool {
    let Some(flight) = shard.flights.borrow_mut().remove(&at) else { return false };
    let led = flight.leader.is_some_and(|reply| reply.send(leader).is_ok());
    for (ask, reply) in flight.waiting {
        match others {
            Others::WhoSuit(place, _) if !place.suits(&ask) => lookup::at_owner(shard, ask, reply),
            Others::Same(answer) | Others::WhoSuit(_, answer) => drop(reply.send(answer())),
        }
    }
    led
}

/// Memory has learnt something: everyone who waits for `ask.at` is answered by what is there now. `how` a fresh answer came about.
pub(crate) fn again(shard: &Rc<Shard>, ask: Box<Ask>, how: How) {
    let Some(flight) = shard.flights.borrow_mut().remove(&ask.at) else { return };
    if let Some(reply) = flight.leader {
        lookup::at_owner_as(shard, ask, reply, how);
    }
    for (ask, reply) in flight.waiting {
        lookup::at_owner_as(shard, ask, reply, how);
    }
}

/// Whether what the fetch of `at` brings may no longer be kept.
pub(crate) fn is_overtaken(shard: &Shard, at: cache::Key) -> bool {
    shard.flights.borrow().get(&at).is_some_and(|flight| flight.overtaken)
}

/// What is on its way for `name` must not be kept.
pub(crate) fn overtake(shard: &Shard, name: &[u8]) {
    for flight in shard.flights.borrow_mut().values_mut() {
        flight.overtaken |= *flight.name == *name;
    }
}
