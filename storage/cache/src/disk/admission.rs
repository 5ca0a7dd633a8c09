//! What is worth a write: what is asked for a second time, within a budget of bytes a second.

use crate::ghost::Ghost;
use crate::key::Key;

/// Keys of first requests that are remembered. About 40 bytes each.
const REMEMBERED: usize = 64 * 1024;

/// Remembers what was asked for once.
#[derive(Default)]
pub struct Admission {
    ghost: Ghost,
}

impl Admission {
    /// A request that was not answered from memory. True: it is not the first one of late.
    pub fn asked_again(&mut self, key: Key) -> bool {
        let print = key.fingerprint();
        let again = self.ghost.recall(print).is_some();
        self.ghost.remember(print, REMEMBERED);
        again
    }
}

/// Bytes that may be written, refilled as time goes by.
pub struct Budget {
    /// Bytes a second; 0: without a bound.
    rate: u64,
    left: i64,
    last_ms: u64,
}

impl Budget {
    /// `rate` bytes a second, 0 for no bound; a burst may take what a few seconds give.
    #[must_use]
    pub fn new(rate: u64, now_ms: u64) -> Budget {
        Budget { rate, left: Budget::burst(rate), last_ms: now_ms }
    }

    /// Takes `bytes` if there is anything left. A large write may overdraw: what follows waits for it.
    pub fn take(&mut self, bytes: u64, now_ms: u64) -> bool {
        if self.rate == 0 {
            return true;
        }
        let passed_ms = now_ms.saturating_sub(self.last_ms).min(60_000);
        self.last_ms = now_ms;
        let earned = i64::try_from(self.rate.saturating_mul(passed_ms) / 1000).unwrap_or(i64::MAX);
        self.left = self.left.saturating_add(earned).min(Budget::burst(self.rate));
        if self.left <= 0 {
            return false;
        }
        self.left = self.left.saturating_sub(i64::try_from(bytes).unwrap_or(i64::MAX));
        true
    }

    fn burst(rate: u64) -> i64 {
        /// Seconds that may be saved up.
        const SAVED_SECONDS: u64 = 4;
        i64::try_from(rate.saturating_mul(SAVED_SECONDS)).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_request_is_told_from_a_first() {
        let mut admission = Admission::default();
        assert!(!admission.asked_again(Key(1)));
        assert!(!admission.asked_again(Key(2)));
        assert!(admission.asked_again(Key(1)));
        assert!(admission.asked_again(Key(1)));
    }

    #[test]
    fn the_budget_bounds_the_rate_and_lets_bursts_pass() {
        let mut budget = Budget::new(1000, 0);
        assert!(budget.take(4500, 0), "a burst, overdrawn");
        assert!(!budget.take(1, 100));
        assert!(!budget.take(1, 500));
        assert!(budget.take(1, 600));
        let mut written = 0;
        for now_ms in 600..60_600 {
            if budget.take(50, now_ms) {
                written += 50;
            }
        }
        assert!((59_000..=65_000).contains(&written), "{written}");
        assert!(Budget::new(0, 0).take(u64::MAX, 0));
    }
}
