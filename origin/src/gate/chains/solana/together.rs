//! Accounts that several ask for at once are read together, a hundred with one question (`getMultipleAccounts`), whoever's wallet and
//! whichever rule they are of. Who comes alone, or now and then, is asked about at once; of a crowd each waits a little longer for others.
//!
//! A slot is the least that an answer may be of, so those who ask for different ones are answered by the latest. Where endpoints agree about
//! single accounts and not about all of them, each is asked again alone.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use tokio::sync::oneshot;

use super::account::Account;
use super::cluster::{Cluster, Commitment, Slot};
use super::key::Key;
use crate::gate::chains::error::{ChainError, RpcError};
use crate::gate::chains::gather::gather;
use crate::limits::{
    ACCOUNT_QUESTIONS_AT_ONCE, ACCOUNTS_A_QUESTION_MAX, CROWD_FORGETS, CROWD_FREE, CROWD_MAX, CROWD_WAIT_STEP,
};

/// Who waits for accounts: one question's worth of them at most.
#[derive(Debug)]
struct Waiting {
    keys: Vec<Key>,
    at: Slot,
    answer: oneshot::Sender<Result<Vec<Option<Account>>, ChainError>>,
}

/// Those who wait for one of the two states.
#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Somebody asks for them.
    is_served: bool,
    crowd: Crowd,
}

/// Those who wait.
#[derive(Debug, Default)]
pub(super) struct Together {
    confirmed: Mutex<Queue>,
    finalized: Mutex<Queue>,
}

/// How many asked of late.
#[derive(Debug, Default)]
struct Crowd {
    asked: u32,
    /// Since when one is forgotten every [`CROWD_FORGETS`].
    since: Option<Instant>,
}

impl Crowd {
    /// How long the next question waits for others.
    fn wait(&mut self, now: Instant) -> Duration {
        self.forget(now);
        CROWD_WAIT_STEP * self.asked.saturating_sub(CROWD_FREE)
    }

    fn count(&mut self, now: Instant) {
        self.forget(now);
        self.asked = (self.asked + 1).min(CROWD_MAX);
    }

    fn forget(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let gone = now.saturating_duration_since(since).as_millis() / CROWD_FORGETS.as_millis();
        let gone = u32::try_from(gone).unwrap_or(u32::MAX);
        self.asked = self.asked.saturating_sub(gone);
        self.since = if self.asked == 0 { None } else { Some(since + CROWD_FORGETS * gone) };
    }
}

impl Together {
    fn queue(&self, of: Commitment) -> MutexGuard<'_, Queue> {
        let queue = match of {
            Commitment::Confirmed => &self.confirmed,
            Commitment::Finalized => &self.finalized,
        };
        queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long those who wait do so for others; not at all when they are enough for a question.
    fn wait(&self, of: Commitment, now: Instant) -> Duration {
        let mut queue = self.queue(of);
        let is_full = queue.waiting.len() >= ACCOUNTS_A_QUESTION_MAX;
        if is_full { Duration::ZERO } else { queue.crowd.wait(now) }
    }

    /// The next ones, as many questions as are put at once; `None`: nobody waits, and whoever comes next is the first again.
    fn take(&self, of: Commitment) -> Option<Vec<Vec<Waiting>>> {
        let mut queue = self.queue(of);
        if queue.waiting.is_empty() {
            queue.is_served = false;
            return None;
        }
        let mut questions: Vec<(Vec<Waiting>, BTreeSet<Key>)> = Vec::new();
        let mut left = Vec::new();
        for one in queue.waiting.drain(..) {
            let fits = |(_, keys): &&mut (_, BTreeSet<Key>)| {
                let new = one.keys.iter().filter(|key| !keys.contains(*key)).count();
                keys.len() + new <= ACCOUNTS_A_QUESTION_MAX
            };
            let is_room = questions.len() < ACCOUNT_QUESTIONS_AT_ONCE;
            match questions.last_mut().filter(|last| fits(last)) {
                Some((waiting, keys)) => {
                    keys.extend(one.keys.iter().copied());
                    waiting.push(one);
                }
                None if is_room => {
                    let keys = one.keys.iter().copied().collect();
                    questions.push((vec![one], keys));
                }
                None => left.push(one),
            }
        }
        queue.waiting = left;
        Some(questions.into_iter().map(|(waiting, _)| waiting).collect())
    }
}

impl Cluster {
    /// As [`Cluster::accounts`], with those that others ask for.
    pub(crate) async fn accounts_with_others(
        self: &Arc<Self>,
        keys: &[Key],
        at: &Slot,
    ) -> Result<Vec<Option<Account>>, ChainError> {
        let each = keys.chunks(ACCOUNTS_A_QUESTION_MAX).map(|some| self.wait_for(some.to_vec(), at));
        Ok(try_join_all(each).await?.into_iter().flatten().collect())
    }

    async fn wait_for(self: &Arc<Self>, keys: Vec<Key>, at: &Slot) -> Result<Vec<Option<Account>>, ChainError> {
        let (answer, told) = oneshot::channel();
        let is_first = {
            let mut queue = self.together.queue(at.commitment);
            queue.waiting.push(Waiting { keys, at: *at, answer });
            queue.crowd.count(Instant::now());
            !std::mem::replace(&mut queue.is_served, true)
        };
        if is_first {
            // A task of its own: whoever asked first may lose interest, and the others not.
            tokio::spawn(serve(self.clone(), at.commitment));
        }
        let chain = || self.config().name.clone();
        // Those before may have used up the time of their questions.
        match tokio::time::timeout(self.config().time_limit * 2, told).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(ChainError::NoAnswer { chain: chain(), last: RpcError::Unreachable }),
            Err(_) => Err(ChainError::OutOfTime { chain: chain() }),
        }
    }
}

/// Until nobody waits any more.
async fn serve(cluster: Arc<Cluster>, of: Commitment) {
    loop {
        let wait = cluster.together.wait(of, Instant::now());
        gather(wait, || cluster.together.queue(of).waiting.len()).await;
        let Some(questions) = cluster.together.take(of) else { return };
        join_all(questions.into_iter().map(|waiting| answer(&cluster, waiting))).await;
    }
}

async fn answer(cluster: &Cluster, waiting: Vec<Waiting>) {
    let keys: BTreeSet<Key> = waiting.iter().flat_map(|one| one.keys.iter().copied()).collect();
    let keys: Vec<Key> = keys.into_iter().collect();
    let Some(at) = waiting.iter().map(|one| one.at).max_by_key(|at| at.number) else { return };
    match cluster.accounts(&keys, &at).await {
        Ok(accounts) => {
            for one in waiting {
                let of = |key| keys.binary_search(key).ok().and_then(|n| accounts[n].clone());
                // Whoever does not wait any more is not told.
                drop(one.answer.send(Ok(one.keys.iter().map(of).collect())));
            }
        }
        Err(ChainError::NoQuorum { .. }) if waiting.len() > 1 => {
            let each = waiting.into_iter().map(|one| async move {
                drop(one.answer.send(cluster.accounts(&one.keys, &one.at).await));
            });
            join_all(each).await;
        }
        Err(error) => {
            for one in waiting {
                drop(one.answer.send(Err(error.clone())));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_waits_for_itself_and_who_comes_now_and_then_does_not() {
        let (mut crowd, begun) = (Crowd::default(), Instant::now());
        let mut asks = |after_ms: u64| {
            let now = begun + Duration::from_millis(after_ms);
            crowd.count(now);
            crowd.wait(now).as_millis()
        };
        assert_eq!([0; 10].map(&mut asks), [0, 0, 0, 0, 0, 0, 0, 0, 5, 10]);
        assert_eq!([0; 200].map(|_| asks(0))[199], 500, "and never more than half a second");
        assert_eq!(asks(1_000), 305, "forty of them are forgotten in a second");
        assert_eq!(asks(4_000), 0);
        assert!((0..400).all(|n| asks(10_000 + n * 25) == 0), "one after the other");
    }

    #[test]
    fn a_question_is_of_a_hundred_accounts_and_nobody_waits_for_two() {
        let together = Together::default();
        let key = |n: usize| Key(std::array::from_fn(|at| n.to_le_bytes().get(at).copied().unwrap_or(0)));
        let at = Slot { number: 1, commitment: Commitment::Confirmed, at_s: 0 };
        let ask = |keys: Vec<Key>| {
            let (answer, _) = oneshot::channel();
            together.queue(at.commitment).waiting.push(Waiting { keys, at, answer });
        };
        for n in 0..250 {
            ask(vec![key(n), key(0)]);
        }
        ask((300..400).map(key).collect());
        let questions = together.take(at.commitment).unwrap();
        let count = |waiting: &Vec<Waiting>| waiting.iter().flat_map(|one| &one.keys).collect::<BTreeSet<_>>().len();
        assert_eq!(questions.iter().map(count).collect::<Vec<_>>(), [100, 100, 52, 100]);
        assert!(together.take(at.commitment).is_none());
        for n in 0..2 * ACCOUNT_QUESTIONS_AT_ONCE {
            ask((0..100).map(|of| key(n * 100 + of)).collect());
        }
        for _ in 0..2 {
            assert_eq!(together.take(at.commitment).unwrap().len(), ACCOUNT_QUESTIONS_AT_ONCE);
        }
        assert!(together.take(at.commitment).is_none());
    }
}
