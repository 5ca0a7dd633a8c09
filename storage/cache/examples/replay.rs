//! Replays a trace against the RAM tier's policies: `replay POLICY BUDGET_BYTES < TRACE`, POLICY one of `s3fifo`, `lru`.
//!
//! A trace is one request a line: `ID BYTES GROUP`. Prints, a line a group, `GROUP REQUESTS MISSES BYTES MISSED_BYTES`. Nothing is stored: an
//! object is charged what its line says. `bench/traces/compare.py` makes traces and compares with other people's policies.

use std::collections::BTreeMap;
use std::io::{BufRead, stdin};
use std::sync::Arc;

use cache::ram::ENTRY_OVERHEAD;
use cache::{KeySeed, Object, Policy, Ram};

fn main() {
    let mut args = std::env::args().skip(1);
    let policy = match args.next().as_deref() {
        Some("s3fifo") => Policy::s3fifo(),
        Some("lru") => Policy::lru(),
        other => panic!("{other:?} is no policy; take s3fifo or lru"),
    };
    let budget = args.next().and_then(|n| n.parse().ok()).expect("a budget in bytes");
    let mut ram: Ram<()> = Ram::new(budget, policy);
    let mut groups: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    for line in stdin().lock().lines() {
        let line = line.expect("text");
        let mut words = line.split(' ');
        let (id, bytes) =
            (words.next().expect("an id"), words.next().and_then(|n| n.parse::<u64>().ok()).expect("bytes"));
        let group = words.next().unwrap_or("all");
        let key = KeySeed(1).key(id.as_bytes());
        let hit = ram.get(key).is_some();
        if !hit {
            let object = Object::filling(key, (), Some(0));
            object.complete(Box::default());
            // The overhead is ours: without it the same bytes are compared.
            let _ = ram.put(Arc::new(object), bytes.saturating_sub(ENTRY_OVERHEAD));
        }
        let missed = u64::from(!hit);
        if !groups.contains_key(group) {
            groups.insert(group.to_owned(), [0; 4]);
        }
        let sums = groups.get_mut(group).expect("just entered");
        for (sum, n) in sums.iter_mut().zip([1, missed, bytes, missed * bytes]) {
            *sum += n;
        }
    }
    for (group, [requests, misses, bytes, missed_bytes]) in groups {
        println!("{group} {requests} {misses} {bytes} {missed_bytes}");
    }
}
