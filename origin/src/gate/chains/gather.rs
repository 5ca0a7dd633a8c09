//! Waiting for others who ask the same: as long as they keep coming, and no longer than that.

use std::time::{Duration, Instant};

use crate::limits::CROWD_QUIET;

/// Returns after `wait`, or as soon as nobody has come for [`CROWD_QUIET`]. `waiting`: how many do.
pub(super) async fn gather(wait: Duration, waiting: impl Fn() -> usize) {
    let begun = Instant::now();
    let mut before = waiting();
    while let Some(left) = wait.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
        tokio::time::sleep(left.min(CROWD_QUIET)).await;
        let now = waiting();
        if now == before {
            return;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn who_waits_does_so_while_others_come_and_no_longer() {
        let wait = CROWD_QUIET * 8;
        let begun = Instant::now();
        gather(wait, || 7).await;
        let alone = begun.elapsed();
        assert!(alone >= CROWD_QUIET && alone < wait, "{alone:?}");
        let (come, begun) = (AtomicUsize::new(0), Instant::now());
        gather(wait, || come.fetch_add(1, Ordering::Relaxed)).await;
        assert!(begun.elapsed() >= wait, "{:?}", begun.elapsed());
        let begun = Instant::now();
        gather(Duration::ZERO, || 7).await;
        assert!(begun.elapsed() < CROWD_QUIET);
    }
}
