//! How long something takes, in classes of 1, 2 and 5: fine enough for p99.9, and one comparison of a few numbers each time.

use std::fmt::Write;
use std::sync::Arc;

use super::{Counter, Counters};

/// Upper bounds in microseconds: 10 us to 1 s.
const BOUNDS: [u64; 16] =
    [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

/// One shard's times of one kind. One writer, as every counter.
#[derive(Default)]
pub(crate) struct Times {
    /// By bound; the last one is for what is above all.
    classes: [Counter; BOUNDS.len() + 1],
    sum_micros: Counter,
    /// The longest of late.
    pub(crate) longest_micros: Counter,
}

impl Times {
    /// Counts `count` that took `micros` each.
    pub(crate) fn add(&self, micros: u64, count: u64) {
        let class = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        self.classes[class].add(count);
        self.sum_micros.add(micros * count);
    }

    pub(crate) fn count(&self) -> u64 {
        self.classes.iter().map(Counter::get).sum()
    }

    /// The bound, in microseconds, below which `per_mille` of all are. `None`: there are none, or they are above all bounds.
    pub(crate) fn below(&self, per_mille: u64) -> Option<u64> {
        let count = self.count();
        let wanted = (count * per_mille).div_ceil(1000);
        let mut found = 0;
        for (class, bound) in self.classes.iter().zip(BOUNDS) {
            found += class.get();
            if found >= wanted && count > 0 {
                return Some(bound);
            }
        }
        None
    }
}

impl Times {
    /// Counts and quantiles for `/shards`, in microseconds; `null`: above one second, or none.
    pub(super) fn as_json(&self) -> serde_json::Value {
        serde_json::json!({
            "count": self.count(),
            "p50_us": self.below(500),
            "p99_us": self.below(990),
            "p999_us": self.below(999),
        })
    }
}

/// Writes a histogram of every shard in Prometheus' text format.
pub(super) fn exposition(
    out: &mut String,
    shards: &[Arc<Counters>],
    name: &str,
    help: &str,
    of: fn(&Counters) -> &Times,
) {
    let _ = writeln!(out, "# HELP {name} {help}");
    let _ = writeln!(out, "# TYPE {name} histogram");
    let bounds = BOUNDS.iter().map(|micros| seconds(*micros)).chain(["+Inf".to_owned()]);
    let bounds: Vec<String> = bounds.collect();
    for (i, counters) in shards.iter().enumerate() {
        let times = of(counters);
        let mut below = 0;
        for (bound, class) in bounds.iter().zip(&times.classes) {
            below += class.get();
            let _ = writeln!(out, "{name}_bucket{{shard=\"{i}\",le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(out, "{name}_sum{{shard=\"{i}\"}} {}", seconds(times.sum_micros.get()));
        let _ = writeln!(out, "{name}_count{{shard=\"{i}\"}} {below}");
    }
}

/// Microseconds as seconds, without a rounding error.
pub(super) fn seconds(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_bounds_that_hold() {
        let times = Times::default();
        assert_eq!(times.below(500), None);
        times.add(7, 990);
        times.add(1_500, 9);
        times.add(4_000_000, 1);
        assert_eq!([500, 990, 999, 1000].map(|q| times.below(q)), [Some(10), Some(10), Some(2_000), None]);
        assert_eq!(times.count(), 1000);
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!([0, 10, 1_000_000, 1_234_500].map(seconds), ["0", "0.00001", "1", "1.2345"]);
    }
}
