//! Fetches under way, one a key: who leads, who joined, and how they all are answered. The fetch is a task of its own, so that a
//! leader that leaves is noticed by nobody.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::flow::fetch;
use crate::limits::JOINERS_MAX;
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;
use crate::shard::mail::{Answer, Ask};
use crate::stored::Object;

/// Those who wait for the head of one fetch; the first one led it.
pub(crate) struct Flight {
    name: Box<[u8]>,
    waiting: Vec<oneshot::Sender<Answer>>,
}

/// Waits for the fetch of this key, and starts it when there is none. Without a `reply` it runs in the background.
pub(crate) fn join(shard: &Rc<Shard>, ask: Box<Ask>, old: Option<Arc<Object>>, reply: Option<oneshot::Sender<Answer>>) {
    let mut flights = shard.flights.borrow_mut();
    if let Some(flight) = flights.get_mut(&ask.key) {
        let Some(reply) = reply else { return };
        if flight.name != ask.name {
            let _ = reply.send(Answer::Pass);
        } else if flight.waiting.len() >= JOINERS_MAX {
            let _ = reply.send(Answer::Refuse(Refusal::OriginBusy));
        } else {
            flight.waiting.push(reply);
        }
        return;
    }
    let flight = Flight { name: ask.name.clone(), waiting: reply.into_iter().collect() };
    flights.insert(ask.key, flight);
    drop(flights);
    let shard = shard.clone();
    rt::spawn(async move { fetch::fly(&shard, ask, old).await });
}

/// The head is here: answers the leader, and everyone else by `others`. False: nobody waits for the leader's answer.
pub(crate) fn land(shard: &Shard, key: cache::Key, leader: Answer, others: impl Fn() -> Answer) -> bool {
    let Some(flight) = shard.flights.borrow_mut().remove(&key) else { return false };
    let mut waiting = flight.waiting.into_iter();
    let led = waiting.next().is_some_and(|reply| reply.send(leader).is_ok());
    for reply in waiting {
        let _ = reply.send(others());
    }
    led
}
