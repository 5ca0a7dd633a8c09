//! A request that may be repeated: when a place fails, or has said nothing for a while, the next one is asked as well, and the first
//! good head wins. Nothing is repeated once a head has been handed on.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use super::breaker::Outcome;
use super::exchange::{Call, Exchanged, Progress, one_try, tell};
use super::places::Level;
use crate::limits::TRIES_MAX;
use crate::refusal::Refusal;
use crate::rt;
use crate::shard::Shard;

/// A request under way at one place.
struct Try<F> {
    at: usize,
    started_ms: u64,
    progress: Rc<Progress>,
    /// Its silence has been acted upon.
    overtaken: bool,
    answer: Pin<Box<F>>,
}

/// Why another place is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Because {
    Failed,
    Silent,
}

/// Asks the places of `order` (not empty) until one has answered.
pub(super) async fn race(shard: &Rc<Shard>, call: Call<'_>, order: Vec<usize>) -> Result<Exchanged, Refusal> {
    let start = |at| {
        let progress = Rc::new(Progress::default());
        let answer = Box::pin(one_try(shard, at, call, progress.clone()));
        Try { at, started_ms: rt::now(), progress, overtaken: false, answer }
    };
    let mut order = order.into_iter();
    let Some(first) = next(shard, &mut order) else { return Err(Refusal::OriginUnavailable) };
    let mut running = vec![start(first)];
    let mut made = 1;
    // A head that says "not now", kept for the case that nobody has a better one.
    let mut spare = None;
    loop {
        let more = made < TRIES_MAX && !order.as_slice().is_empty();
        let patience =
            running.last().filter(|_| more && call.hold.is_none()).and_then(|newest| patience(shard, newest));
        let (from, because, why) = match first_of(&mut running, patience).await {
            None => {
                let Some(newest) = running.last_mut() else { return spare.ok_or(Refusal::OriginUnavailable) };
                newest.overtaken = true;
                if newest.progress.alive.get() {
                    continue;
                }
                (newest.at, Because::Silent, Refusal::OriginTimeout)
            }
            Some((i, result)) => {
                let ended = running.remove(i);
                // What was held to the end was held on purpose.
                let is_late = call.hold.is_some() && matches!(result, Err(Refusal::OriginTimeout));
                if is_late && ended.progress.connected.get() {
                    return Err(Refusal::OriginTimeout);
                }
                tell(shard, ended.at, ended.progress.connected.get(), &result);
                match result {
                    Ok(exchanged) if more && is_elsewhere(exchanged.response.status) => {
                        spare = Some(exchanged);
                        (ended.at, Because::Failed, Refusal::OriginUnavailable)
                    }
                    Ok(exchanged) => {
                        lost(shard, &running, ended.started_ms);
                        return Ok(exchanged);
                    }
                    Err(refusal) => (ended.at, Because::Failed, refusal),
                }
            }
        };
        if more
            && may_go_on(shard, from, because)
            && let Some(at) = next(shard, &mut order)
        {
            shard.sources.at(at).seen.retries.add(1);
            shard.counters.origin_retries.add(1);
            running.push(start(at));
            made += 1;
        } else if running.is_empty() {
            return spare.ok_or(why);
        }
    }
}

/// The next place that still may be asked.
fn next(shard: &Shard, order: &mut std::vec::IntoIter<usize>) -> Option<usize> {
    order.find(|at| shard.sources.enter(*at, rt::now()))
}

/// How much longer `newest` may be silent before the next place is asked as well. `None`: as long as it likes.
fn patience<F>(shard: &Shard, newest: &Try<F>) -> Option<Duration> {
    if newest.overtaken || newest.progress.alive.get() {
        return None;
    }
    let waited = Duration::from_millis(rt::now().saturating_sub(newest.started_ms));
    Some(shard.config().upstream.try_timeout.saturating_sub(waited))
}

/// Waits for the first try that ends; `None` when `patience` ends before.
async fn first_of<F: Future>(running: &mut [Try<F>], patience: Option<Duration>) -> Option<(usize, F::Output)> {
    let ended = poll_fn(|cx| {
        for (i, one) in running.iter_mut().enumerate() {
            if let Poll::Ready(result) = one.answer.as_mut().poll(cx) {
                return Poll::Ready((i, result));
            }
        }
        Poll::Pending
    });
    match patience {
        Some(patience) => rt::timeout(patience, ended).await,
        None => Some(ended.await),
    }
}

/// Whether `status` may be a place's own trouble that another one does not share.
fn is_elsewhere(status: u16) -> bool {
    matches!(status, 502..=504 | 508)
}

/// Whether the budget allows another try. Going down a level is no retry: each level is asked once.
fn may_go_on(shard: &Shard, from: usize, because: Because) -> bool {
    match (shard.sources.at(from).place.level, because) {
        (Level::Peer, _) | (Level::Shield, Because::Failed) => true,
        (Level::Shield, Because::Silent) | (Level::Origin, _) => shard.sources.budget.borrow_mut().spend(rt::now()),
    }
}

/// Those that a later one has overtaken have been too slow.
fn lost<F>(shard: &Shard, running: &[Try<F>], won_started_ms: u64) {
    for one in running.iter().filter(|one| one.overtaken && one.started_ms <= won_started_ms) {
        let outcome = if one.progress.connected.get() { Outcome::Lost } else { Outcome::Failed };
        shard.sources.tell(one.at, outcome, rt::now());
    }
}
