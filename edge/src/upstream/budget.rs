//! How many second tries are allowed: a share of the requests and a floor a second, so that a failing origin is not buried under
//! retries of its own failures.

/// What is allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Allowance {
    /// Second tries a hundred requests earn.
    pub(crate) percent: u32,
    /// Second tries a second that need not be earned.
    pub(crate) per_second: u32,
}

/// A try costs this many units, so that a percent of one is a whole number.
const TRY: u64 = 100_000;
/// Most that is saved up: the floor of this many seconds.
const SAVED_SECONDS: u64 = 10;

/// A token bucket. Time is an argument.
pub(crate) struct Budget {
    allowance: Allowance,
    units: u64,
    at_ms: u64,
}

impl Budget {
    /// Begins with the floor of one second.
    pub(crate) fn new(allowance: Allowance, now_ms: u64) -> Budget {
        Budget { allowance, units: u64::from(allowance.per_second) * TRY, at_ms: now_ms }
    }

    /// A request was sent for the first time.
    pub(crate) fn earn(&mut self) {
        self.add(u64::from(self.allowance.percent) * (TRY / 100));
    }

    /// Whether a second try is allowed now; it is then paid for.
    pub(crate) fn spend(&mut self, now_ms: u64) -> bool {
        let passed_ms = now_ms.saturating_sub(self.at_ms).min(SAVED_SECONDS * 1000);
        self.at_ms = now_ms;
        self.add(passed_ms * u64::from(self.allowance.per_second) * (TRY / 1000));
        let may = self.units >= TRY;
        if may {
            self.units -= TRY;
        }
        may
    }

    fn add(&mut self, units: u64) {
        let most = SAVED_SECONDS * u64::from(self.allowance.per_second).max(1) * TRY;
        self.units = (self.units + units).min(most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWANCE: Allowance = Allowance { percent: 20, per_second: 10 };

    fn spent(budget: &mut Budget, now_ms: u64) -> u64 {
        (0..1000).take_while(|_| budget.spend(now_ms)).count() as u64
    }

    #[test]
    fn the_floor_is_there_without_requests_and_does_not_pile_up() {
        let mut budget = Budget::new(ALLOWANCE, 0);
        assert_eq!(spent(&mut budget, 0), 10);
        assert_eq!(spent(&mut budget, 99), 0);
        assert_eq!(spent(&mut budget, 1099), 10);
        assert_eq!(spent(&mut budget, 3_600_000), 100);
    }

    #[test]
    fn requests_earn_their_share() {
        let mut budget = Budget::new(ALLOWANCE, 0);
        assert_eq!(spent(&mut budget, 0), 10);
        (0..100).for_each(|_| budget.earn());
        assert_eq!(spent(&mut budget, 0), 20);
    }

    #[test]
    fn nothing_allowed_is_nothing_spent() {
        let mut budget = Budget::new(Allowance { percent: 0, per_second: 0 }, 0);
        (0..100).for_each(|_| budget.earn());
        assert_eq!(spent(&mut budget, 3_600_000), 0);
    }

    proptest::proptest! {
        #[test]
        fn never_more_than_what_was_allowed(steps in proptest::collection::vec((0u64..500, 0u32..5, 0u32..5), 1..200)) {
            let mut budget = Budget::new(ALLOWANCE, 0);
            let (mut now, mut requests, mut tries) = (0, 0u64, 0u64);
            for (pause, earned, wanted) in steps {
                now += pause;
                for _ in 0..earned {
                    budget.earn();
                    requests += 1;
                }
                tries += (0..wanted).filter(|_| budget.spend(now)).count() as u64;
                proptest::prop_assert!(tries * 100 <= 1000 + requests * 20 + now);
            }
        }
    }
}
