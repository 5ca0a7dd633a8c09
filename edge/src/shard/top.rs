//! What is asked for most, and by whom: of one request in so many, in a sketch of fixed size (space-saving, Metwally and others 2005).
//! A name that is in it has been asked for at most `requests` times and at least `requests - error` times among the samples.

use std::cell::{Cell, RefCell};
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use serde::Serialize;

use super::Shard;
use crate::flow::accept::Conn;
use crate::flow::hit;
use crate::http::request::Request;
use crate::limits::{LOG_TARGET_BYTES_MAX, TOP_NAMES, TOP_ONE_IN, TOP_SHOWN, TOP_WINDOW_MS};

/// One shard's samples.
pub(crate) struct Top {
    /// Requests until the next sample.
    skip: Cell<u32>,
    seen: RefCell<Seen>,
}

struct Seen {
    chance: u64,
    hash: RandomState,
    /// This window and the one before.
    windows: [Window; 2],
}

#[derive(Default)]
struct Window {
    began_ms: u64,
    urls: Sketch,
    clients: Sketch,
}

#[derive(Clone, Default)]
struct Sketch(Vec<Name>);

#[derive(Clone)]
struct Name {
    hash: u64,
    text: Box<[u8]>,
    count: u64,
    error: u64,
}

/// A name with what was counted of it, estimated from the samples.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Hot {
    pub(crate) name: String,
    pub(crate) requests: u64,
    pub(crate) error: u64,
}

/// What a shard has seen in the last one to two windows.
#[derive(Clone, Default, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) seconds: u64,
    pub(crate) urls: Vec<Hot>,
    pub(crate) clients: Vec<Hot>,
}

impl Top {
    pub(crate) fn new(now_ms: u64) -> Top {
        let window = || Window { began_ms: now_ms, ..Window::default() };
        let seen = Seen { chance: now_ms | 1, hash: RandomState::default(), windows: [window(), window()] };
        Top { skip: Cell::new(0), seen: RefCell::new(seen) }
    }

    /// Whether this request is one to be looked at.
    fn is_due(&self) -> bool {
        let left = self.skip.get();
        self.skip.set(left.wrapping_sub(1));
        left == 0
    }

    fn take(&self, url: &[u8], client: &[u8], now_ms: u64) {
        let mut seen = self.seen.borrow_mut();
        // xorshift: a fixed step could fall in with a player's own.
        let mut chance = seen.chance;
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        seen.chance = chance;
        self.skip.set((chance % u64::from(2 * TOP_ONE_IN - 1)) as u32);
        if now_ms.saturating_sub(seen.windows[0].began_ms) >= TOP_WINDOW_MS {
            seen.windows.swap(0, 1);
            seen.windows[0] = Window { began_ms: now_ms, ..Window::default() };
        }
        let (url_hash, client_hash) = (seen.hash.hash_one(url), seen.hash.hash_one(client));
        seen.windows[0].urls.add(url_hash, url);
        seen.windows[0].clients.add(client_hash, client);
    }

    pub(crate) fn report(&self, now_ms: u64) -> Report {
        let seen = self.seen.borrow();
        let [now, before] = &seen.windows;
        Report {
            seconds: now_ms.saturating_sub(before.began_ms.min(now.began_ms)).div_ceil(1000),
            urls: merged([now.urls.hot(), before.urls.hot()].concat()),
            clients: merged([now.clients.hot(), before.clients.hot()].concat()),
        }
    }
}

impl Sketch {
    fn add(&mut self, hash: u64, text: &[u8]) {
        if let Some(known) = self.0.iter_mut().find(|name| name.hash == hash) {
            known.count += 1;
            return;
        }
        let new = |count, error| Name { hash, text: text[..text.len().min(LOG_TARGET_BYTES_MAX)].into(), count, error };
        if self.0.len() < TOP_NAMES {
            self.0.push(new(1, 0));
        } else if let Some(least) = self.0.iter_mut().min_by_key(|name| name.count) {
            // It may have been the one that left.
            *least = new(least.count + 1, least.count);
        }
    }

    fn hot(&self) -> Vec<Hot> {
        let one_in = u64::from(TOP_ONE_IN);
        let hot = |name: &Name| Hot {
            name: String::from_utf8_lossy(&name.text).into_owned(),
            requests: name.count * one_in,
            error: name.error * one_in,
        };
        self.0.iter().map(hot).collect()
    }
}

/// The hottest of what several sketches have, each name once.
pub(crate) fn merged(mut hot: Vec<Hot>) -> Vec<Hot> {
    hot.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    hot.dedup_by(|again, first| {
        let is_same = again.name == first.name;
        if is_same {
            first.requests += again.requests;
            first.error += again.error;
        }
        is_same
    });
    hot.sort_by_key(|hot| std::cmp::Reverse(hot.requests));
    hot.truncate(TOP_SHOWN);
    hot
}

impl Shard {
    /// Looks at one request in so many.
    pub(crate) fn sample(&self, conn: &Conn, request: &Request, now_ms: u64) {
        if !self.top.is_due() {
            return;
        }
        let head = &conn.input[conn.at..conn.at + request.head_len];
        let (_, name) = hit::split(request.target.of_buffer(head));
        self.top.take(name, conn.peer.ip().to_string().as_bytes(), now_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hot_ones_are_found_among_many_that_are_not() {
        let top = Top::new(0);
        let mut asked = 0u64;
        for round in 0..200_000u64 {
            let name = if round % 4 == 0 { "/hot".to_owned() } else { format!("/{round}") };
            if top.is_due() {
                top.take(name.as_bytes(), b"192.0.2.1", 1_000);
                asked += 1;
            }
        }
        let expected = 200_000 / u64::from(TOP_ONE_IN);
        assert!((expected / 2..expected * 2).contains(&asked), "{asked} samples");
        let report = top.report(2_000);
        assert_eq!(report.urls[0].name, "/hot");
        assert!((25_000..100_000).contains(&report.urls[0].requests), "{:?}", report.urls[0]);
        assert_eq!((report.clients.len(), report.clients[0].requests), (1, asked * u64::from(TOP_ONE_IN)));
        assert!(report.urls.len() <= TOP_SHOWN);
    }

    #[test]
    fn what_was_asked_two_windows_ago_is_forgotten() {
        let top = Top::new(0);
        for (at, name) in [(0, "/a"), (1, "/b"), (2, "/c")] {
            top.take(name.as_bytes(), b"c", at * TOP_WINDOW_MS);
        }
        let names: Vec<String> = top.report(2 * TOP_WINDOW_MS).urls.into_iter().map(|hot| hot.name).collect();
        assert_eq!(names.len(), 2);
        assert!(!names.contains(&"/a".to_owned()));
    }
}
