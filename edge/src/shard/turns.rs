//! The watch over a shard's loop. A turn is what it does between two waits for the kernel: nobody else on this shard is served meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::limits::{LOOP_LONGEST_OF, LOOP_STALL, LOOP_STALL_SAID_EVERY};
use crate::metrics::Counters;

/// What the watch remembers.
pub(crate) struct Turns {
    shard: usize,
    counters: Arc<Counters>,
    /// Longest turns of this window and of the one before, in microseconds.
    longest: [u64; 2],
    window_began: Option<Instant>,
    said: Option<Instant>,
    unsaid: u64,
}

impl Turns {
    pub(crate) fn new(shard: usize, counters: Arc<Counters>) -> Turns {
        Turns { shard, counters, longest: [0; 2], window_began: None, said: None, unsaid: 0 }
    }

    /// A turn that began at `began` took `took`.
    pub(crate) fn turn(&mut self, began: Instant, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.counters.turns.add(micros, 1);
        if began.duration_since(*self.window_began.get_or_insert(began)) >= LOOP_LONGEST_OF {
            self.window_began = Some(began);
            self.longest = [0, self.longest[0]];
        }
        self.longest[0] = self.longest[0].max(micros);
        self.counters.turns.longest_micros.set(self.longest[0].max(self.longest[1]));
        if took >= LOOP_STALL {
            self.stalled(began, took);
        }
    }

    fn stalled(&mut self, began: Instant, took: Duration) {
        self.counters.loop_stalls.add(1);
        if self.said.is_some_and(|said| began.duration_since(said) < LOOP_STALL_SAID_EVERY) {
            self.unsaid += 1;
            return;
        }
        let (milliseconds, others) = (took.as_millis() as u64, std::mem::take(&mut self.unsaid));
        self.said = Some(began);
        tracing::warn!(
            shard = self.shard,
            milliseconds,
            others,
            "the loop stood still: nobody on this shard was served meanwhile"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_turn_is_forgotten_after_two_windows() {
        let counters = Arc::new(Counters::default());
        let mut turns = Turns::new(0, counters.clone());
        let start = Instant::now();
        let mut at = |windows: u32, millis: u64| {
            turns.turn(start + LOOP_LONGEST_OF * windows, Duration::from_millis(millis));
            counters.turns.longest_micros.get() / 1000
        };
        assert_eq!([at(0, 70), at(0, 1), at(1, 2), at(2, 3), at(3, 1)], [70, 70, 70, 3, 3]);
        assert_eq!(counters.loop_stalls.get(), 1);
    }
}
