//! Connections for a shard that has more time. The kernel spreads connections over the listeners by a hash: some shard may have most of the
//! busy ones, and no time for them, beside one that is idle. It then gives some away, each between two requests, when nothing of it is
//! under way: its socket, and its TLS, go to the other shard by mail. Connections of HTTP/2 stay, as their streams do.
//!
//! What keeps it from going to and fro: it begins only where a core is wanted nearly all the time and another one is not, moves half of the
//! difference, waits a whole window for what comes of it on both sides, and a connection that was moved stays for a while.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use super::Shard;
use crate::flow::accept::Conn;
use crate::limits::{BALANCE_CONNECTIONS_MAX, BALANCE_FROM, BALANCE_GAP, BALANCE_STAY_MS, BALANCE_SWEEPS};
use crate::metrics::Counters;
use crate::rt;

/// What a shard gives, and to whom.
pub(crate) struct Balance {
    all: Vec<Arc<Counters>>,
    to: Cell<usize>,
    left: Cell<u64>,
    /// Everything is given, for a test.
    always: bool,
}

/// What one shard wants and has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Load {
    /// Of its core, parts of a thousand.
    wanted: u64,
    connections: u64,
}

/// The shard that has most time, and how many connections it should be given; `None`: all is well as it is.
fn share(shards: &[Load], me: usize, connections_max: u64) -> Option<(usize, u64)> {
    let mine = *shards.get(me)?;
    let others = shards.iter().enumerate().filter(|(at, other)| *at != me && other.connections < connections_max);
    let (to, least) = others.min_by_key(|(_, other)| other.wanted)?;
    let gap = mine.wanted.checked_sub(least.wanted).filter(|gap| *gap >= BALANCE_GAP)?;
    // One that is alone here would only make the other core the busy one.
    if mine.wanted < BALANCE_FROM || mine.connections < 2 {
        return None;
    }
    let half = mine.connections * gap / (2 * mine.wanted);
    Some((to, half.clamp(1, BALANCE_CONNECTIONS_MAX)))
}

impl Balance {
    pub(crate) fn new(all: Vec<Arc<Counters>>, always: bool) -> Balance {
        Balance { all, to: Cell::new(0), left: Cell::new(0), always }
    }

    /// Whom `conn`, which is between two requests, should be given to.
    pub(crate) fn gives(&self, shard: &Shard, conn: &Conn) -> Option<usize> {
        if self.left.get() == 0 && !self.always {
            return None;
        }
        if shard.draining.get() || shard.leaving.get() || conn.line.stream.socket().is_none() {
            return None;
        }
        if self.always {
            return Some((shard.id + 1) % self.all.len()).filter(|to| *to != shard.id);
        }
        if conn.came_ms + BALANCE_STAY_MS > rt::now() && conn.came_ms > 0 {
            return None;
        }
        self.left.set(self.left.get() - 1);
        Some(self.to.get())
    }
}

/// The watch over what a shard's thread wants of its core: one look at every sweep.
#[derive(Default)]
pub(crate) struct Demand {
    /// When the last sweeps were, and what it had wanted by then, nanoseconds.
    seen: VecDeque<(Instant, u64)>,
    /// What was given and taken by then, and the sweeps to wait for what came of it.
    moved: u64,
    rests: usize,
}

impl Demand {
    /// Looks at this shard's demand, tells the others of it, and decides what is given until the next look.
    pub(crate) fn look(&mut self, shard: &Shard) {
        let balance = &shard.balance;
        // The kernel may not say: nothing is ever given then.
        let Some(wanted_ns) = rt::wanted_ns() else { return };
        let now = Instant::now();
        self.seen.push_back((now, wanted_ns));
        let Some(&(then, before_ns)) = self.seen.front().filter(|_| self.seen.len() > BALANCE_SWEEPS) else { return };
        self.seen.pop_front();
        let counters = &shard.counters;
        let passed_ns = now.duration_since(then).as_nanos().max(1);
        let wanted = u128::from(wanted_ns.saturating_sub(before_ns)) * 1000 / passed_ns;
        counters.wanted.set(u64::try_from(wanted).unwrap_or(1000).min(1000));
        balance.left.set(0);
        let moved = counters.handed_over.get() + counters.taken_over.get();
        if moved != std::mem::replace(&mut self.moved, moved) {
            self.rests = BALANCE_SWEEPS;
        }
        if self.rests > 0 {
            self.rests -= 1;
            return;
        }
        let load =
            |counters: &Arc<Counters>| Load { wanted: counters.wanted.get(), connections: counters.connections.get() };
        let shards: Vec<Load> = balance.all.iter().map(load).collect();
        let config = shard.config();
        let share = share(&shards, shard.id, config.limits.connections_max as u64).filter(|_| config.balance);
        if let Some((to, count)) = share {
            balance.to.set(to);
            balance.left.set(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mine: (u64, u64), theirs: (u64, u64), want: Option<u64>) {
        let load = |(wanted, connections)| Load { wanted, connections };
        let shards = [load(theirs), load(mine), load((900, 5))];
        assert_eq!(share(&shards, 1, 1000), want.map(|count| (0, count)), "{mine:?} beside {theirs:?}");
    }

    #[test]
    fn half_of_the_difference_is_given() {
        check((1000, 200), (450, 56), Some(55));
        check((1000, 20), (450, 56), Some(5));
        check((1000, 2000), (100, 0), Some(BALANCE_CONNECTIONS_MAX));
        check((1000, 2), (700, 0), Some(1));
    }

    #[test]
    fn nothing_is_given_where_nothing_is_gained() {
        check((1000, 200), (900, 56), None);
        check((849, 200), (100, 56), None);
        check((100, 200), (1000, 56), None);
        check((1000, 1), (0, 0), None);
        let load = |wanted, connections| Load { wanted, connections };
        assert_eq!(share(&[load(1000, 9)], 0, 1000), None, "alone");
        assert_eq!(share(&[load(1000, 9), load(0, 1000)], 0, 1000), None, "the other is full");
    }
}
