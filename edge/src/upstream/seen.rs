//! What an operator sees of the places an edge asks: written by one shard, read by the control thread.

use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::breaker::State;
use super::places::Place;
use crate::limits::PLACES_EVER_MAX;
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

/// A place under its number. One that a reload has taken out keeps the number.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) place: Place,
    pub(crate) in_use: bool,
}

/// Everything there is to see: the places, and every shard's view of each. Looked at by the control thread, never by a shard.
#[derive(Clone)]
pub(crate) struct View(Arc<Mutex<Known>>);

struct Known {
    slots: Vec<Slot>,
    /// By shard, then by place.
    shards: Vec<Vec<Arc<Seen>>>,
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
    pub(crate) fn new(places: Vec<Place>, shards: usize) -> View {
        let view = View(Arc::new(Mutex::new(Known { slots: Vec::new(), shards: vec![Vec::new(); shards] })));
        view.change(places);
        view
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The places by their numbers.
    pub(crate) fn slots(&self) -> Arc<[Slot]> {
        self.known().slots.clone().into()
    }

    /// What one shard writes, by the same numbers.
    pub(crate) fn of_shard(&self, shard: usize) -> Vec<Arc<Seen>> {
        self.known().shards[shard].clone()
    }

    /// Whether there are numbers left for so many more places: every one that came and went has kept its own.
    pub(crate) fn has_room(&self, places: usize) -> bool {
        self.known().slots.len() + places <= PLACES_EVER_MAX
    }

    /// From now on these are asked. A place that is the same as before keeps its number, a new one gets a new one.
    pub(crate) fn change(&self, places: Vec<Place>) {
        let mut known = self.known();
        known.slots.iter_mut().for_each(|slot| slot.in_use = false);
        for place in places {
            match known.slots.iter_mut().find(|slot| !slot.in_use && slot.place.is_same(&place)) {
                Some(slot) => slot.in_use = true,
                None => {
                    known.slots.push(Slot { place, in_use: true });
                    known.shards.iter_mut().for_each(|shard| shard.push(Arc::default()));
                }
            }
        }
    }

    /// In Prometheus' text format.
    pub(crate) fn exposition(&self) -> String {
        let known = self.known();
        let mut out = String::new();
        for (name, kind, help, read) in COLUMNS {
            let _ = writeln!(out, "# HELP streamgate_edge_upstream_{name} {help}");
            let _ = writeln!(out, "# TYPE streamgate_edge_upstream_{name} {kind}");
            for (shard, seen) in known.shards.iter().enumerate() {
                for (slot, seen) in known.slots.iter().zip(seen).filter(|(slot, _)| slot.in_use) {
                    let (kind, authority, n) = (slot.place.level.word(), &slot.place.authority, read(seen).get());
                    let labels = format!("shard=\"{shard}\",kind=\"{kind}\",upstream=\"{authority}\"");
                    let _ = writeln!(out, "streamgate_edge_upstream_{name}{{{labels}}} {n}");
                }
            }
        }
        out
    }

    /// For `/origins`: one object a place, with the sums over all shards and every shard's breaker.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let known = self.known();
        let places = known.slots.iter().enumerate().filter(|(_, slot)| slot.in_use).map(|(at, Slot { place, .. })| {
            let seen = || known.shards.iter().map(move |shard| &shard[at]);
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
