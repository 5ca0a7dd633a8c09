//! Counters of a shard: plain fields with one writer, read by the control thread. Named and summed here and nowhere else.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::media::seen::{self, Said};
use crate::refusal::Refusal;
use crate::tls::failure::Failure;
use times::Times;

pub(crate) mod times;

/// A number that one thread writes and others may read: a plain load and store, no locked instruction.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    /// From whichever thread happens to be the one; all writers of this number must use it.
    pub(crate) fn add_from_anywhere(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

macro_rules! counters {
    ($(#[doc = $doc:literal] $field:ident $kind:ident $name:literal;)*) => {
        /// One shard's numbers.
        pub(crate) struct Counters {
            $(#[doc = $doc] pub(crate) $field: Counter,)*
            pub(crate) refusals: Vec<Counter>,
            pub(crate) handshake_failures: Vec<Counter>,
            pub(crate) said: Said,
            /// Parts of a thousand of the last second in which the shard's thread ran or waited for its core.
            pub(crate) wanted: Counter,
            /// Turns of the loop.
            pub(crate) turns: Times,
            /// From the turn in which a request was there to the end of its answer.
            pub(crate) took: Times,
        }

        impl Default for Counters {
            fn default() -> Counters {
                Counters {
                    $($field: Counter::default(),)*
                    refusals: Refusal::ALL.iter().map(|_| Counter::default()).collect(),
                    handshake_failures: Failure::ALL.iter().map(|_| Counter::default()).collect(),
                    said: Said::default(),
                    wanted: Counter::default(),
                    turns: Times::default(),
                    took: Times::default(),
                }
            }
        }

        const NAMES: &[(&str, &str, &str, fn(&Counters) -> u64)] =
            &[$((stringify!($kind), $name, $doc, |c| c.$field.get()),)*];
    };
}

counters! {
    /// Requests read.
    requests counter "requests_total";
    /// Answers from memory, fresh.
    hits counter "hits_total";
    /// Answers from memory while a revalidation runs.
    stale_hits counter "stale_hits_total";
    /// Answers that led a fetch.
    misses counter "misses_total";
    /// Answers that joined a fetch under way.
    joins counter "collapsed_total";
    /// Answers after the origin confirmed the stored one.
    revalidated counter "revalidated_total";
    /// Stored answers used because the origin failed.
    stale_on_error counter "stale_on_error_total";
    /// Requests that waited too long for another's fetch, and went by themselves.
    impatient counter "coalesce_timeouts_total";
    /// Requests passed through uncached.
    passes counter "passed_total";
    /// Answers from pages in the binary.
    pages counter "pages_total";
    /// Objects asked of another shard.
    asks counter "asks_total";
    /// Body and head bytes sent to clients.
    bytes_out counter "sent_bytes_total";
    /// Sends of bodies that the kernel read out of cache memory (send_zc).
    zero_copies counter "zero_copy_sends_total";
    /// Of these, those of which the kernel said that it copied all the same.
    zero_copies_copied counter "zero_copy_copied_total";
    /// Connections whose bodies are copied again, since the kernel copied.
    zero_copies_given_up counter "zero_copy_given_up_total";
    /// Sends that were copied since the kernel held enough, or had no room.
    zero_copies_refused counter "zero_copy_refused_total";
    /// Bytes of memory that the kernel may still read for clients who have not acknowledged them.
    zero_copies_held gauge "zero_copy_held_bytes";
    /// Connections accepted.
    accepted counter "connections_total";
    /// Connections open.
    connections gauge "connections";
    /// Connections handed to another shard that had more time.
    handed_over counter "connections_handed_over_total";
    /// Connections of another shard that were taken over.
    taken_over counter "connections_taken_over_total";
    /// Connections that speak HTTP/2.
    http2_connections counter "http2_connections_total";
    /// Requests read from streams of HTTP/2.
    http2_requests counter "http2_requests_total";
    /// Streams of HTTP/2 whose client took its request back before it was answered.
    http2_cancelled counter "http2_cancelled_total";
    /// Connections of HTTP/2 that ended by an error.
    http2_errors counter "http2_errors_total";
    /// TLS handshakes with clients.
    tls_handshakes counter "tls_handshakes_total";
    /// TLS handshakes that went on from an earlier session, by a ticket.
    tls_resumed counter "tls_resumed_total";
    /// Certificates read again.
    tls_reloads counter "tls_reloads_total";
    /// Changed certificate files that could not be used; counted by the first shard.
    tls_reloads_failed counter "tls_reloads_failed_total";
    /// Connections cut because the client did not take its answer in time.
    slow_readers counter "slow_readers_total";
    /// Requests sent to the origin.
    fetches counter "origin_requests_total";
    /// Requests sent to another place because one failed or was silent.
    origin_retries counter "origin_retries_total";
    /// Connections opened to the origin.
    origin_connects counter "origin_connects_total";
    /// Origin answers that ended early.
    truncated counter "origin_truncated_total";
    /// Playlists compressed.
    compressed counter "compressed_total";
    /// Bodies that broke off or stalled and were gone on with, from another connection.
    resumed counter "origin_resumed_total";
    /// Purges taken in.
    purges counter "purges_total";
    /// Objects found to be purged.
    purged counter "purged_total";
    /// Objects in memory.
    objects gauge "objects";
    /// Bytes charged in memory.
    ram_used gauge "memory_used_bytes";
    /// Bytes this shard may charge.
    ram_budget gauge "memory_budget_bytes";
    /// Objects evicted.
    evicted counter "evicted_total";
    /// Disks in use; fewer than configured: one is off, or being opened.
    disk_up gauge "disk_up";
    /// Answers from disk, fresh.
    disk_hits counter "disk_hits_total";
    /// Objects read from disk into memory.
    disk_loads counter "disk_objects_read_total";
    /// Objects that the disk's index named and the disk did not have.
    disk_misses counter "disk_misses_total";
    /// Objects written to disk.
    disk_objects counter "disk_objects_written_total";
    /// Bytes written to disk.
    disk_written counter "disk_written_bytes_total";
    /// Bytes read from disk.
    disk_read counter "disk_read_bytes_total";
    /// Objects not written: the budget or the queue was full.
    disk_refused counter "disk_refused_total";
    /// Errors after which a disk is off.
    disk_errors counter "disk_errors_total";
    /// Objects on disk.
    disk_entries gauge "disk_objects";
    /// Bytes of disk in use.
    disk_used gauge "disk_used_bytes";
    /// Memory of the disks' indexes.
    disk_index gauge "disk_index_bytes";
    /// Bytes of memory that somebody holds: sends and fetches under way, leases.
    pinned gauge "memory_pinned_bytes";
    /// Messages of other threads that wait for this shard.
    waiting gauge "mailbox_waiting";
    /// Requests a second, over the last second.
    requests_a_second gauge "requests_per_second";
    /// Objects that wait to be written to disk.
    disk_waiting gauge "disk_waiting";
    /// Leases held on objects of other shards.
    leases gauge "leases";
    /// Objects fetched before they were asked for.
    prefetched counter "prefetched_total";
    /// Objects fetched before they were asked for, and then asked for.
    prefetch_used counter "prefetch_used_total";
    /// Objects fetched before they were asked for that left memory without having been.
    prefetch_wasted counter "prefetch_wasted_total";
    /// Requests of players that wait to begin, to seek or to go on (CMCD su).
    cmcd_startup counter "cmcd_startup_total";
    /// Requests of players whose buffer ran empty (CMCD bs).
    cmcd_starved counter "cmcd_starved_total";
    /// Requests whose CMCD cannot be read.
    cmcd_malformed counter "cmcd_malformed_total";
    /// Turns of the loop that took longer than 50 ms.
    loop_stalls counter "loop_stalls_total";
    /// Access records dropped because the log could not keep up.
    log_lost counter "log_lost_total";
}

impl Counters {
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refusals[refusal.index()].add(1);
    }

    pub(crate) fn handshake_failed(&self, failure: Failure) {
        self.handshake_failures[failure as usize].add(1);
    }
}

/// All shards in Prometheus' text format.
pub(crate) fn exposition(shards: &[Arc<Counters>]) -> String {
    let mut out = String::with_capacity(8192);
    for (kind, name, help, read) in NAMES {
        let _ = writeln!(out, "# HELP streamgate_edge_{name} {}", help.trim());
        let _ = writeln!(out, "# TYPE streamgate_edge_{name} {kind}");
        for (i, counters) in shards.iter().enumerate() {
            let _ = writeln!(out, "streamgate_edge_{name}{{shard=\"{i}\"}} {}", read(counters));
        }
    }
    let _ = writeln!(out, "# HELP streamgate_edge_refusals_total Requests turned down, by reason.");
    let _ = writeln!(out, "# TYPE streamgate_edge_refusals_total counter");
    for (i, counters) in shards.iter().enumerate() {
        for (refusal, counter) in Refusal::ALL.iter().zip(&counters.refusals) {
            let (word, n) = (refusal.word(), counter.get());
            let _ = writeln!(out, "streamgate_edge_refusals_total{{shard=\"{i}\",reason=\"{word}\"}} {n}");
        }
    }
    let _ = writeln!(out, "# HELP streamgate_edge_tls_failures_total TLS handshakes that came to nothing, by reason.");
    let _ = writeln!(out, "# TYPE streamgate_edge_tls_failures_total counter");
    for (i, counters) in shards.iter().enumerate() {
        for (failure, counter) in Failure::ALL.iter().zip(&counters.handshake_failures) {
            let (word, n) = (failure.word(), counter.get());
            let _ = writeln!(out, "streamgate_edge_tls_failures_total{{shard=\"{i}\",reason=\"{word}\"}} {n}");
        }
    }
    seen::exposition(&mut out, shards);
    times::exposition(
        &mut out,
        shards,
        "streamgate_edge_loop_turn_seconds",
        "Turns of a shard's loop: what it does between two waits for the kernel.",
        |counters| &counters.turns,
    );
    times::exposition(
        &mut out,
        shards,
        "streamgate_edge_request_seconds",
        "From the turn in which a request was there until its answer was handed to the kernel.",
        |counters| &counters.took,
    );
    let name = "streamgate_edge_loop_longest_seconds";
    let _ = writeln!(out, "# HELP {name} The longest turn of the last one to two minutes.");
    let _ = writeln!(out, "# TYPE {name} gauge");
    for (i, counters) in shards.iter().enumerate() {
        let longest = times::seconds(counters.turns.longest_micros.get());
        let _ = writeln!(out, "{name}{{shard=\"{i}\"}} {longest}");
    }
    let name = "streamgate_edge_core_wanted_ratio";
    let _ =
        writeln!(out, "# HELP {name} Part of the last second in which the shard's thread ran or waited for its core.");
    let _ = writeln!(out, "# TYPE {name} gauge");
    for (i, counters) in shards.iter().enumerate() {
        let _ = writeln!(out, "{name}{{shard=\"{i}\"}} {}", counters.wanted.get() as f64 / 1000.0);
    }
    out
}

/// All shards as a JSON list of objects, one a shard, for `/shards`.
pub(crate) fn as_json(shards: &[Arc<Counters>]) -> serde_json::Value {
    let shards = shards.iter().enumerate().map(|(i, counters)| {
        let mut object = serde_json::Map::new();
        object.insert("shard".to_owned(), i.into());
        for (_, name, _, read) in NAMES {
            object.insert((*name).to_owned(), read(counters).into());
        }
        let refusals: u64 = counters.refusals.iter().map(Counter::get).sum();
        object.insert("refusals_total".to_owned(), refusals.into());
        let turns = counters.turns.count() as f64;
        let enters = turns / (counters.requests.get().max(1) as f64);
        object.insert("enters_per_request".to_owned(), ((enters * 100.0).round() / 100.0).into());
        object.insert("loop_longest_us".to_owned(), counters.turns.longest_micros.get().into());
        object.insert("core_wanted".to_owned(), (counters.wanted.get() as f64 / 1000.0).into());
        object.insert("loop_turns".to_owned(), counters.turns.as_json());
        object.insert("requests".to_owned(), counters.took.as_json());
        serde_json::Value::Object(object)
    });
    serde_json::Value::Array(shards.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_exposed_once_per_shard() {
        let shards = [Arc::new(Counters::default()), Arc::new(Counters::default())];
        shards[1].hits.add(3);
        shards[1].refused(Refusal::TokenMissing);
        let text = exposition(&shards);
        assert!(text.contains("streamgate_edge_hits_total{shard=\"1\"} 3\n"));
        assert!(text.contains("reason=\"token-missing\"} 1\n"));
        assert_eq!(text.matches("# TYPE ").count(), NAMES.len() + 8);
        assert_eq!(as_json(&shards)[1]["hits_total"], 3);
    }
}
