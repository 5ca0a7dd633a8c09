//! What is counted of what players say: bounded words, never a session or a title.

use std::fmt::Write;
use std::sync::Arc;

use super::cmcd::{Cmcd, Object};
use crate::metrics::{Counter, Counters};

/// Upper bounds of the measured throughput, kbit/s.
const THROUGHPUT_KBPS: [u64; 9] = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000];

/// One shard's numbers.
#[derive(Default)]
pub(crate) struct Said {
    objects: [Counter; Object::ALL.len()],
    /// By bound; the last one is for what is above all.
    throughput: [Counter; THROUGHPUT_KBPS.len() + 1],
    throughput_sum: Counter,
}

impl Said {
    /// Counts a request.
    pub(crate) fn count(&self, cmcd: &Cmcd) {
        self.objects[cmcd.object as usize].add(1);
        if let Some(kbps) = cmcd.measured_kbps {
            let at = THROUGHPUT_KBPS.iter().position(|bound| kbps <= *bound).unwrap_or(THROUGHPUT_KBPS.len());
            self.throughput[at].add(1);
            self.throughput_sum.add(kbps);
        }
    }
}

/// In Prometheus' text format.
pub(crate) fn exposition(out: &mut String, shards: &[Arc<Counters>]) {
    let name = "streamgate_edge_cmcd_requests_total";
    let _ = writeln!(out, "# HELP {name} Requests that say what they are (CMCD), by kind of object.");
    let _ = writeln!(out, "# TYPE {name} counter");
    for (i, counters) in shards.iter().enumerate() {
        for ((_, _, word), counter) in Object::ALL.iter().zip(&counters.said.objects) {
            let _ = writeln!(out, "{name}{{shard=\"{i}\",object=\"{word}\"}} {}", counter.get());
        }
    }
    let name = "streamgate_edge_cmcd_throughput_kbps";
    let _ = writeln!(out, "# HELP {name} Throughput that players measured (CMCD mtp).");
    let _ = writeln!(out, "# TYPE {name} histogram");
    for (i, counters) in shards.iter().enumerate() {
        let mut below = 0;
        for (bound, counter) in
            THROUGHPUT_KBPS.iter().map(u64::to_string).chain(["+Inf".to_owned()]).zip(&counters.said.throughput)
        {
            below += counter.get();
            let _ = writeln!(out, "{name}_bucket{{shard=\"{i}\",le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(out, "{name}_sum{{shard=\"{i}\"}} {}", counters.said.throughput_sum.get());
        let _ = writeln!(out, "{name}_count{{shard=\"{i}\"}} {below}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_stand_in_the_order_of_the_counters() {
        for (i, (object, ..)) in Object::ALL.iter().enumerate() {
            assert_eq!(*object as usize, i);
        }
        let counters = Arc::new(Counters::default());
        counters.said.count(&Cmcd { measured_kbps: Some(700), object: Object::Audio, ..Cmcd::default() });
        counters.said.count(&Cmcd { measured_kbps: Some(900_000), ..Cmcd::default() });
        let mut text = String::new();
        exposition(&mut text, &[counters]);
        for line in [
            "requests_total{shard=\"0\",object=\"audio\"} 1",
            "kbps_bucket{shard=\"0\",le=\"500\"} 0",
            "kbps_bucket{shard=\"0\",le=\"1000\"} 1",
            "le=\"+Inf\"} 2",
            "kbps_sum{shard=\"0\"} 900700",
            "kbps_count{shard=\"0\"} 2",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
