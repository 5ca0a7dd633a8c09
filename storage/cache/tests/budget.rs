//! Promised: whatever is put in, looked up, held, removed or refreshed, the bytes charged never exceed the budget and equal what is
//! alive; nothing that is held is evicted; what is looked up is what was put there last. Checked against a naive map, for each policy.

use std::collections::HashMap;
use std::sync::Arc;

use cache::object::Tail;
use cache::ram::ENTRY_OVERHEAD;
use cache::{Key, Object, Policy, Ram};
use proptest::prelude::*;

const BUDGET: u64 = 64 * 1024;

#[derive(Debug, Clone)]
enum Op {
    Put { key: u8, bytes: u16 },
    Fill { key: u8, first: u16, more: u16, finish: bool },
    Get { key: u8 },
    Hold { key: u8 },
    Release { at: usize },
    Remove { key: u8 },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0u8..40, 0u16..9000).prop_map(|(key, bytes)| Op::Put { key, bytes }),
        2 => (0u8..40, 1u16..5000, 0u16..5000, any::<bool>())
            .prop_map(|(key, first, more, finish)| Op::Fill { key, first, more, finish }),
        4 => (0u8..40).prop_map(|key| Op::Get { key }),
        2 => (0u8..40).prop_map(|key| Op::Hold { key }),
        2 => (0usize..16).prop_map(|at| Op::Release { at }),
        1 => (0u8..40).prop_map(|key| Op::Remove { key }),
    ]
}

fn whole(key: u8, stamp: u64, bytes: u16) -> Arc<Object<u64>> {
    let object = Object::filling(Key(u128::from(key)), stamp, Some(u64::from(bytes)));
    object.grew(u64::from(bytes));
    object.complete(vec![cache::Chunk::copy_of(&vec![key; bytes as usize])].into());
    Arc::new(object)
}

fn check(policy: Policy, ops: Vec<Op>) {
    let mut ram: Ram<u64> = Ram::new(BUDGET, policy);
    // What the naive map believes: the stamp last put under a key, and what it costs.
    let mut model: HashMap<u8, (u64, u64)> = HashMap::new();
    let mut held: Vec<(u8, Arc<Object<u64>>)> = Vec::new();
    for (stamp, op) in ops.into_iter().enumerate() {
        let stamp = stamp as u64;
        match op {
            Op::Put { key, bytes } => {
                let cost = u64::from(bytes) + ENTRY_OVERHEAD;
                match ram.put(whole(key, stamp, bytes), u64::from(bytes)) {
                    Ok(()) => model.insert(key, (stamp, cost)),
                    Err(_) => model.remove(&key),
                };
            }
            Op::Fill { key, first, more, finish } => {
                let object = Arc::new(Object::filling(Key(u128::from(key)), stamp, None));
                let (chunk, tail) = Tail::start(None, u32::from(first));
                model.remove(&key);
                if let Ok(ticket) = ram.begin(object.clone(), Some(chunk.clone()), u64::from(first)) {
                    let grown = ram.grow(ticket, u64::from(more)).is_ok();
                    drop(tail);
                    if finish && grown {
                        object.complete(vec![chunk].into());
                        ram.finish(ticket, u64::from(more));
                        model.insert(key, (stamp, u64::from(first) + ENTRY_OVERHEAD));
                    } else {
                        ram.abandon(ticket);
                        assert!(ram.peek(Key(u128::from(key))).is_none());
                    }
                }
            }
            Op::Get { key } => {
                if let Some(cache::Found { object: found, first }) = ram.get(Key(u128::from(key))) {
                    assert!(first.is_none());
                    assert!(!found.is_dead());
                    assert_eq!(Some(found.meta), model.get(&key).map(|m| m.0), "a stale or foreign entry was found");
                }
            }
            Op::Hold { key } => {
                if let Some(found) = ram.peek(Key(u128::from(key))) {
                    held.push((key, found.clone()));
                }
            }
            Op::Release { at } => {
                if !held.is_empty() {
                    let at = at % held.len();
                    held.swap_remove(at);
                }
            }
            Op::Remove { key } => {
                assert_eq!(ram.remove(Key(u128::from(key))), model.remove(&key).is_some_and(|_| true));
            }
        }
        // Evicted ones leave the model; a held one must not be evicted while it is the current one.
        model.retain(|key, (stamp, _)| {
            let alive = ram.peek(Key(u128::from(*key))).is_some_and(|o| o.meta == *stamp);
            let pinned = held.iter().any(|(k, o)| k == key && o.meta == *stamp);
            assert!(alive || !pinned, "a held entry was evicted");
            alive
        });
        ram.reap();
        let alive: u64 = model.values().map(|m| m.1).sum();
        assert!(ram.used() <= BUDGET, "{} over the budget", ram.used());
        assert!(ram.used() >= alive, "charged less than what is alive");
        if held.is_empty() {
            assert_eq!(ram.used(), alive, "bytes leak");
        }
        assert_eq!(ram.len(), model.len());
    }
    drop(held);
    ram.reap();
    assert_eq!(ram.used(), model.values().map(|m| m.1).sum::<u64>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn s3fifo_keeps_the_budget(ops in prop::collection::vec(op(), 1..200)) {
        check(Policy::s3fifo(), ops);
    }

    #[test]
    fn lru_keeps_the_budget(ops in prop::collection::vec(op(), 1..200)) {
        check(Policy::lru(), ops);
    }
}

#[test]
fn a_scan_does_not_push_out_what_is_used() {
    let mut ram: Ram<u64> = Ram::new(BUDGET, Policy::s3fifo());
    for key in 0..8u8 {
        ram.put(whole(key, 0, 1000), 1000).expect("room");
        ram.get(Key(u128::from(key)));
    }
    for scan in 0..1000u64 {
        let object = Object::filling(Key(1000 + u128::from(scan)), scan, Some(0));
        object.complete(Box::new([]));
        ram.put(Arc::new(object), 1000).expect("room");
        ram.get(Key(u128::from(scan % 8)));
    }
    let kept = (0..8u8).filter(|key| ram.peek(Key(u128::from(*key))).is_some()).count();
    assert_eq!(kept, 8);
}

#[test]
fn when_everything_is_held_the_tier_says_full() {
    let mut ram: Ram<u64> = Ram::new(10_000, Policy::s3fifo());
    let mut held = Vec::new();
    for key in 0..4u8 {
        let object = whole(key, 0, 1500);
        held.push(object.clone());
        ram.put(object, 1500).expect("room");
    }
    assert!(ram.put(whole(9, 0, 4000), 4000).is_err());
    held.clear();
    assert!(ram.put(whole(9, 0, 4000), 4000).is_ok());
    assert!(ram.put(whole(10, 0, 60_000), 60_000).is_err(), "larger than the tier");
}
