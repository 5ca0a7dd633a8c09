//! A circuit breaker for one source: after failures in a row, or half of the answers being bad, it is left alone for a while; then one
//! request at a time tries whether it is well again.

/// What came of asking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// An answer below 500, or one that is the application's own affair.
    Well,
    /// An answer that says that the source cannot do its work: 500, 502, 503, 504.
    Bad,
    /// A connection, and no answer on it: closed, or not in time. Some paths of an origin may always do that.
    Lost,
    /// No connection.
    Failed,
}

/// Where a breaker stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// Requests go through.
    Closed,
    /// None goes through.
    Open,
    /// One goes through, to see.
    HalfOpen,
}

impl State {
    /// The word in metrics and on the admin page.
    pub(crate) const WORDS: [&'static str; 3] = ["closed", "open", "half-open"];
}

/// How long it stays open the first time; each failed trial doubles it.
const OPEN_MS: u64 = 1_000;
const OPEN_MS_MAX: u64 = 30_000;
/// A trial that has said nothing for this long is followed by another one.
const TRIAL_MS: u64 = 5_000;
/// Bad answers are counted over one to two of these.
const WINDOW_MS: u64 = 5_000;
/// Fewer answers than this say nothing about a source.
const WINDOW_ANSWERS_MIN: u32 = 20;

/// A breaker. Time is an argument.
pub(crate) struct Breaker {
    /// Failures in a row that open it; 0: never.
    after: u32,
    state: State,
    failed_in_a_row: u32,
    open_ms: u64,
    /// Open: until when. Half-open: when a trial that says nothing is given up.
    until_ms: u64,
    window: [Window; 2],
    window_at_ms: u64,
}

#[derive(Clone, Copy, Default)]
struct Window {
    well: u32,
    ill: u32,
}

impl Breaker {
    pub(crate) fn new(after: u32) -> Breaker {
        Breaker {
            after,
            state: State::Closed,
            failed_in_a_row: 0,
            open_ms: OPEN_MS,
            until_ms: 0,
            window: [Window::default(); 2],
            window_at_ms: 0,
        }
    }

    /// Another number of failures in a row opens it from now on.
    pub(crate) fn set_after(&mut self, after: u32) {
        self.after = after;
        if after == 0 {
            self.state = State::Closed;
        }
    }

    /// Where it stands at `now_ms`: an open one whose time is over is half-open.
    pub(crate) fn state(&self, now_ms: u64) -> State {
        match self.state {
            State::Open if now_ms >= self.until_ms => State::HalfOpen,
            state => state,
        }
    }

    /// Whether a request may go through; one that does as a trial must be followed by [`Breaker::tell`].
    pub(crate) fn admits(&self, now_ms: u64) -> bool {
        self.state == State::Closed || now_ms >= self.until_ms
    }

    /// A request goes through.
    pub(crate) fn enter(&mut self, now_ms: u64) {
        if self.state != State::Closed && now_ms >= self.until_ms {
            self.state = State::HalfOpen;
            self.until_ms = now_ms + TRIAL_MS;
        }
    }

    /// What came of it. `alone`: there is no other source, so what one path may be to blame for does not open it: only that it cannot be
    /// reached does.
    pub(crate) fn tell(&mut self, outcome: Outcome, alone: bool, now_ms: u64) {
        if self.after == 0 {
            return;
        }
        let outcome = match outcome {
            Outcome::Lost if alone => Outcome::Bad,
            Outcome::Lost => Outcome::Failed,
            outcome => outcome,
        };
        match (self.state, outcome) {
            (State::Closed, _) => self.count(outcome, alone, now_ms),
            (State::HalfOpen, Outcome::Failed) => self.reopen(now_ms),
            (State::HalfOpen, Outcome::Bad) if !alone => self.reopen(now_ms),
            // What was sent before it opened says nothing new.
            (State::Open, _) => {}
            (State::HalfOpen, _) => *self = Breaker::new(self.after),
        }
    }

    fn count(&mut self, outcome: Outcome, alone: bool, now_ms: u64) {
        if now_ms >= self.window_at_ms + WINDOW_MS {
            let old = now_ms >= self.window_at_ms + 2 * WINDOW_MS;
            self.window = [if old { Window::default() } else { self.window[1] }, Window::default()];
            self.window_at_ms = now_ms;
        }
        match outcome {
            Outcome::Well => self.window[1].well += 1,
            Outcome::Bad | Outcome::Lost | Outcome::Failed => self.window[1].ill += 1,
        }
        self.failed_in_a_row = if outcome == Outcome::Failed { self.failed_in_a_row + 1 } else { 0 };
        let (well, ill) = (self.window[0].well + self.window[1].well, self.window[0].ill + self.window[1].ill);
        let half_are_ill = !alone && well + ill >= WINDOW_ANSWERS_MIN && ill >= well;
        if self.failed_in_a_row >= self.after || half_are_ill {
            self.state = State::Open;
            self.until_ms = now_ms + self.open_ms;
        }
    }

    fn reopen(&mut self, now_ms: u64) {
        self.open_ms = (self.open_ms * 2).min(OPEN_MS_MAX);
        self.state = State::Open;
        self.until_ms = now_ms + self.open_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(at_ms: u64) -> Breaker {
        let mut breaker = Breaker::new(3);
        (0..3).for_each(|_| breaker.tell(Outcome::Failed, true, at_ms));
        assert_eq!(breaker.state(at_ms), State::Open);
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_not_before() {
        let mut breaker = Breaker::new(3);
        for outcome in [Outcome::Failed, Outcome::Failed, Outcome::Well, Outcome::Failed, Outcome::Failed] {
            breaker.tell(outcome, false, 0);
            assert!(breaker.admits(0));
        }
        breaker.tell(Outcome::Failed, false, 0);
        assert!(!breaker.admits(0));
        assert!(!breaker.admits(999));
    }

    #[test]
    fn half_open_lets_one_through_at_a_time_and_closes_when_it_went_well() {
        let mut breaker = opened(0);
        assert_eq!(breaker.state(1_000), State::HalfOpen);
        assert!(breaker.admits(1_000));
        breaker.enter(1_000);
        assert!(!breaker.admits(1_001), "one trial at a time");
        breaker.tell(Outcome::Well, true, 1_050);
        assert_eq!(breaker.state(1_050), State::Closed);
        assert!(breaker.admits(1_050));
    }

    #[test]
    fn a_failed_trial_doubles_the_time_up_to_a_bound() {
        let mut breaker = opened(0);
        let (mut now, mut waits) = (1_000, Vec::new());
        for _ in 0..7 {
            breaker.enter(now);
            breaker.tell(Outcome::Failed, true, now);
            let from = now;
            while !breaker.admits(now) {
                now += 1_000;
            }
            waits.push(now - from);
        }
        assert_eq!(waits, [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    }

    #[test]
    fn a_trial_that_says_nothing_is_followed_by_another() {
        let mut breaker = opened(0);
        breaker.enter(1_000);
        assert!(!breaker.admits(5_999));
        assert!(breaker.admits(6_000));
    }

    #[test]
    fn bad_answers_open_it_only_when_there_is_somewhere_else_to_go() {
        let half_bad = |alone| {
            let mut breaker = Breaker::new(5);
            for i in 0..40 {
                let outcome = if i % 2 == 0 { Outcome::Bad } else { Outcome::Well };
                breaker.tell(outcome, alone, i * 10);
            }
            breaker.state(390)
        };
        assert_eq!(half_bad(false), State::Open);
        assert_eq!(half_bad(true), State::Closed);
    }

    #[test]
    fn answers_that_do_not_come_open_it_only_when_there_is_somewhere_else_to_go() {
        let lost = |alone| {
            let mut breaker = Breaker::new(5);
            (0..5).for_each(|i| breaker.tell(Outcome::Lost, alone, i));
            breaker.state(5)
        };
        assert_eq!(lost(false), State::Open);
        assert_eq!(lost(true), State::Closed);
    }

    #[test]
    fn what_was_bad_long_ago_is_forgotten() {
        let mut breaker = Breaker::new(50);
        (0..19).for_each(|_| breaker.tell(Outcome::Bad, false, 0));
        breaker.tell(Outcome::Bad, false, 10_001);
        assert_eq!(breaker.state(10_001), State::Closed);
    }

    proptest::proptest! {
        #[test]
        fn whatever_happens_it_admits_someone_within_half_a_minute(
            steps in proptest::collection::vec((0u64..3_000, 0u8..4, proptest::prelude::any::<bool>()), 1..200),
        ) {
            let mut breaker = Breaker::new(2);
            let mut now = 0;
            for (pause, outcome, alone) in steps {
                now += pause;
                if breaker.admits(now) {
                    breaker.enter(now);
                }
                breaker.tell([Outcome::Well, Outcome::Bad, Outcome::Lost, Outcome::Failed][usize::from(outcome)], alone, now);
                proptest::prop_assert!(breaker.admits(now + OPEN_MS_MAX));
            }
        }
    }
}
