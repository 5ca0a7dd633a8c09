//! What an operator sees of the places an edge asks: written by one shard, read by the control thread.

use std::fmt::Write;
use std::sync::Arc;

use super::breaker::State;
use super::places::Place;
use crate::metrics::Counter;

/// One place as one shard has fared with it.
#[derive(Default)]
pub(crate) struct Seen {
    /// [`State`] as a number.
    pub(crate) state: Counter,
    pub(crate) probed_down: Counter,
    pub(crate) requests: Counter,
    pub(crate) failures: Counter,
    pub(crate) retries: Counter,
    pub(crate) open: Counter,
    pub(crate) idle: Counter,
}

/// Everything there is to see: the places, and every shard's view of each.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) places: Arc<[Place]>,
    /// By shard, then by place.
    pub(crate) shards: Vec<Vec<Arc<Seen>>>,
}

type Read = fn(&Seen) -> &Counter;
const COLUMNS: [(&str, &str, &str, Read); 7] = [
    ("state", "gauge", "Circuit breaker: 0 closed, 1 open, 2 half-open.", |s| &s.state),
    ("probed_down", "gauge", "Probes say that it is out of service.", |s| &s.probed_down),
    ("requests_total", "counter", "Requests sent to it.", |s| &s.requests),
    ("failures_total", "counter", "Requests that failed, or were answered by 500, 502, 503 or 504.", |s| &s.failures),
    ("retries_total", "counter", "Requests sent to it because another one failed or was silent.", |s| &s.retries),
    ("connections", "gauge", "Connections open to it.", |s| &s.open),
    ("idle_connections", "gauge", "Connections kept for the next request.", |s| &s.idle),
];

impl View {
    pub(crate) fn new(places: &[Place], shards: usize) -> View {
        let one = || places.iter().map(|_| Arc::default()).collect();
        View { places: places.into(), shards: (0..shards).map(|_| one()).collect() }
    }

    /// In Prometheus' text format.
    pub(crate) fn exposition(&self) -> String {
        let mut out = String::new();
        for (name, kind, help, read) in COLUMNS {
            let _ = writeln!(out, "# HELP streamgate_edge_upstream_{name} {help}");
            let _ = writeln!(out, "# TYPE streamgate_edge_upstream_{name} {kind}");
            for (shard, seen) in self.shards.iter().enumerate() {
                for (place, seen) in self.places.iter().zip(seen) {
                    let (kind, authority, n) = (place.level.word(), &place.authority, read(seen).get());
                    let labels = format!("shard=\"{shard}\",kind=\"{kind}\",upstream=\"{authority}\"");
                    let _ = writeln!(out, "streamgate_edge_upstream_{name}{{{labels}}} {n}");
                }
            }
        }
        out
    }

    /// For `/origins`: one object a place, with the sums over all shards and every shard's breaker.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let places = self.places.iter().enumerate().map(|(at, place)| {
            let seen = || self.shards.iter().map(move |shard| &shard[at]);
            let mut object = serde_json::Map::new();
            object.insert("url".to_owned(), place.source.to_string().into());
            object.insert("kind".to_owned(), place.level.word().into());
            object.insert("weight".to_owned(), place.source.weight.into());
            object.insert("backup".to_owned(), place.source.backup.into());
            let word = |seen: &Arc<Seen>| State::WORDS.get(seen.state.get() as usize).copied().unwrap_or("unknown");
            object.insert("breakers".to_owned(), seen().map(word).collect::<Vec<_>>().into());
            object.insert("healthy".to_owned(), seen().all(|s| s.probed_down.get() == 0).into());
            for (name, _, _, read) in COLUMNS.iter().skip(2) {
                object.insert((*name).to_owned(), seen().map(|s| read(s).get()).sum::<u64>().into());
            }
            serde_json::Value::Object(object)
        });
        serde_json::Value::Array(places.collect())
    }
}
