//! One question to a chain: the endpoint that does best first, a second one when it is slow, another one when it fails, and as
//! many equal answers as the quorum asks for, all within the chain's time limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::de::DeserializeOwned;

use super::endpoint::Endpoint;
use super::error::{ChainError, RpcError};
use super::line::Line;
use super::rpc::Question;
use crate::limits::{HEDGE_AFTER_MAX, HEDGE_AFTER_MIN};

impl Line {
    /// What `quorum` endpoints answer alike; `None`: the call reverted.
    pub(super) async fn ask<R, T>(
        &self,
        question: &Question,
        quorum: usize,
        read: impl Fn(R) -> Result<T, RpcError> + Copy,
    ) -> Result<Option<T>, ChainError>
    where
        R: DeserializeOwned,
        T: PartialEq,
    {
        let name = || self.config.name.clone();
        let votes = self.votes(question, quorum, read);
        tokio::time::timeout(self.config.time_limit, votes)
            .await
            .unwrap_or_else(|_| Err(ChainError::OutOfTime { chain: name() }))
    }

    async fn votes<R, T>(
        &self,
        question: &Question,
        quorum: usize,
        read: impl Fn(R) -> Result<T, RpcError> + Copy,
    ) -> Result<Option<T>, ChainError>
    where
        R: DeserializeOwned,
        T: PartialEq,
    {
        let mut left = self.by_health().into_iter();
        let hedge_after = hedge_after(&self.endpoints);
        let ask = |endpoint: Arc<Endpoint>| async move {
            let answer = endpoint.ask::<R>(question).await.and_then(read);
            if answer.as_ref().is_err_and(|error| *error == RpcError::BadValue) {
                endpoint.note_bad_value();
            }
            answer
        };
        let mut asked: FuturesUnordered<_> = left.by_ref().take(quorum).map(ask).collect();
        let mut answers: Vec<(Option<T>, usize)> = Vec::new();
        let mut last = RpcError::Unreachable;
        loop {
            let answer = tokio::select! {
                answer = asked.next() => answer,
                () = tokio::time::sleep(hedge_after), if left.len() > 0 => {
                    asked.extend(left.next().map(ask));
                    continue;
                }
            };
            let vote = match answer {
                Some(Ok(value)) => Some(value),
                Some(Err(RpcError::Reverted)) => None,
                Some(Err(error)) => {
                    last = error;
                    asked.extend(left.next().map(ask));
                    continue;
                }
                None if answers.is_empty() => {
                    return Err(ChainError::NoAnswer { chain: self.config.name.clone(), last });
                }
                None => return Err(ChainError::NoQuorum { chain: self.config.name.clone() }),
            };
            let at = answers.iter().position(|(known, _)| *known == vote).unwrap_or_else(|| {
                answers.push((vote, 0));
                answers.len() - 1
            });
            answers[at].1 += 1;
            if answers[at].1 >= quorum {
                return Ok(answers.swap_remove(at).0);
            }
            // This one is outvoted or not yet agreed with: one more is needed.
            if answers.len() > 1 {
                asked.extend(left.next().map(ask));
            }
        }
    }

    /// What each endpoint answers, of those that do. One that rests is waited for where the others are too few for a quorum.
    pub(super) async fn ask_each<R, T>(
        &self,
        question: &Question,
        read: impl Fn(R) -> Result<T, RpcError> + Copy,
    ) -> Vec<T>
    where
        R: DeserializeOwned,
    {
        let ask = |endpoint: Arc<Endpoint>| async move { endpoint.ask::<R>(question).await.and_then(read).ok() };
        let now = Instant::now();
        let mut asked = self.by_health();
        let awake = asked.iter().filter(|endpoint| !endpoint.health().rests(now)).count();
        if awake >= self.config.quorum {
            asked.truncate(awake);
        }
        let answers: Vec<Option<T>> = futures_util::future::join_all(asked.into_iter().map(ask)).await;
        answers.into_iter().flatten().collect()
    }

    /// Those that rest last, then by latency and failures; one that was never asked counts as fast.
    fn by_health(&self) -> Vec<Arc<Endpoint>> {
        let now = Instant::now();
        let mut all = self.endpoints.clone();
        all.sort_by_cached_key(|endpoint| {
            let health = endpoint.health();
            (health.rests(now), health.latency.unwrap_or_default() * (1 + health.failures))
        });
        all
    }
}

/// Twice what the fastest takes: the second question costs one in a few, and the slowest answers are cut.
fn hedge_after(endpoints: &[Arc<Endpoint>]) -> Duration {
    let fastest = endpoints.iter().filter_map(|endpoint| endpoint.health().latency).min();
    fastest.map_or(HEDGE_AFTER_MAX, |latency| latency * 2).clamp(HEDGE_AFTER_MIN, HEDGE_AFTER_MAX)
}
