//! When to ask someone who did not answer. Pure.

use crate::limits::{REDIS_FAILURES, REDIS_REST_US, REDIS_REST_US_MAX};

/// Whether a neighbour is asked. After some failures in a row it is left alone for a while, twice as long each time that the one
/// question after the while fails as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Breaker {
    failures: u32,
    rests_until_us: u64,
    rest_us: u64,
    /// When it answered last; none since it failed.
    answered_us: Option<u64>,
}

impl Breaker {
    /// Whether it may be asked now. After a rest it is one who asks; the others wait for how that goes.
    pub(super) fn ask(&mut self, now_us: u64) -> bool {
        if self.failures < REDIS_FAILURES {
            return true;
        }
        let is_over = now_us >= self.rests_until_us;
        if is_over {
            self.rests_until_us = now_us + self.rest_us;
        }
        is_over
    }

    pub(super) fn answered(&mut self, now_us: u64) {
        *self = Self { answered_us: Some(now_us), ..Self::default() };
    }

    pub(super) fn failed(&mut self, now_us: u64) {
        self.answered_us = None;
        self.failures = self.failures.saturating_add(1);
        if self.failures >= REDIS_FAILURES {
            self.rest_us = (self.rest_us * 2).clamp(REDIS_REST_US, REDIS_REST_US_MAX);
            self.rests_until_us = now_us + self.rest_us;
        }
    }

    /// Whether it answered within so long before, and has not failed since. A clock that was set back knows nothing.
    pub(super) fn answered_within(&self, us: u64, now_us: u64) -> bool {
        self.answered_us.and_then(|then| now_us.checked_sub(then)).is_some_and(|ago| ago <= us)
    }

    /// Whether it is asked as a rule.
    pub(super) fn is_closed(&self) -> bool {
        self.failures < REDIS_FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_is_left_alone_longer_and_longer_and_asked_by_one() {
        let mut breaker = Breaker::default();
        for _ in 0..REDIS_FAILURES {
            assert!(breaker.ask(0));
            breaker.failed(0);
        }
        let mut now = 0;
        for rest in [REDIS_REST_US, 2 * REDIS_REST_US, 4 * REDIS_REST_US] {
            assert!(!breaker.ask(now + rest - 1));
            now += rest;
            assert!(breaker.ask(now) && !breaker.ask(now), "one of them");
            breaker.failed(now);
        }
        for _ in 0..40 {
            breaker.failed(now);
        }
        assert!(breaker.ask(now + REDIS_REST_US_MAX));
        breaker.answered(now);
        assert!(breaker.ask(now) && breaker.ask(now) && breaker.is_closed());
    }

    #[test]
    fn an_answer_holds_for_a_while_and_until_the_next_failure() {
        let mut breaker = Breaker::default();
        assert!(!breaker.answered_within(100, 0), "never asked");
        breaker.answered(1000);
        for (now, expected) in [(1000, true), (1100, true), (1101, false), (999, false)] {
            assert_eq!(breaker.answered_within(100, now), expected, "{now}");
        }
        breaker.failed(1050);
        assert!(!breaker.answered_within(100, 1050) && breaker.is_closed());
    }
}
