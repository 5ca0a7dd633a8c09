//! Promised: what was flushed comes back, byte by byte, after a restart; what was removed does not; the oldest leaves first; no bytes in
//! the file, whatever they are, make a start fail or an object wrong.

mod disk_file;

use std::collections::HashMap;
use std::os::unix::fs::FileExt;

use cache::disk::Geometry;
use cache::{Key, KeySeed};
use disk_file::Tier;
use proptest::prelude::*;

const BYTES: u64 = 8 << 20;

fn name(i: u64) -> Vec<u8> {
    format!("/v/asset/{i}.m4s").into_bytes()
}

fn key(i: u64) -> Key {
    KeySeed(1).key(&name(i))
}

/// A body that says what it is.
fn body(i: u64, version: u64, len: usize) -> Vec<u8> {
    (0..len as u64).map(|at| (i.wrapping_mul(31) ^ version.wrapping_mul(17) ^ at.wrapping_mul(at >> 3)) as u8).collect()
}

fn head(version: u64) -> Vec<u8> {
    format!("head {version}").into_bytes()
}

fn put(tier: &mut Tier, i: u64, version: u64, len: usize) -> bool {
    tier.put(key(i), &name(i), &head(version), &body(i, version, len))
}

fn expect(tier: &mut Tier, i: u64, version: u64, len: usize) {
    assert_eq!(tier.get(key(i), &name(i)), Some((head(version), body(i, version, len))), "object {i}");
}

#[test]
fn an_object_counts_once_it_is_flushed_and_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let mut tier = Tier::open(&path, BYTES);
    assert!(put(&mut tier, 1, 1, 1000));
    assert!(put(&mut tier, 2, 1, 0));
    assert!(put(&mut tier, 3, 1, 400_000), "longer than the buffer: its beginning is already written");
    assert_eq!(tier.get(key(3), &name(3)), None);
    tier.flush();
    for (i, len) in [(1, 1000), (2, 0), (3, 400_000)] {
        expect(&mut tier, i, 1, len);
    }
    assert!(!put(&mut tier, 4, 1, 600_000), "more than half a region");
    assert!(put(&mut tier, 5, 1, 10), "not flushed");
    drop(tier);
    let mut tier = Tier::open(&path, BYTES);
    for (i, len) in [(1, 1000), (2, 0), (3, 400_000)] {
        expect(&mut tier, i, 1, len);
    }
    assert_eq!(tier.get(key(5), &name(5)), None);
    assert_eq!(tier.log.entries(), 3);
    assert!(put(&mut tier, 5, 2, 10));
    tier.flush();
    expect(&mut tier, 5, 2, 10);
    expect(&mut tier, 3, 1, 400_000);
}

#[test]
fn the_later_record_wins_and_a_removed_object_stays_away() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let mut tier = Tier::open(&path, BYTES);
    for version in 1..4 {
        put(&mut tier, 1, version, 5000);
        tier.flush();
        expect(&mut tier, 1, version, 5000);
    }
    put(&mut tier, 2, 1, 5000);
    put(&mut tier, 3, 1, 5000);
    tier.flush();
    tier.forget(key(2));
    assert_eq!(tier.get(key(2), &name(2)), None);
    // Removed before it was even written.
    put(&mut tier, 4, 1, 100);
    tier.forget(key(4));
    tier.flush();
    for _ in 0..2 {
        expect(&mut tier, 1, 3, 5000);
        expect(&mut tier, 3, 1, 5000);
        for gone in [2, 4] {
            assert_eq!(tier.get(key(gone), &name(gone)), None);
        }
        assert_eq!(tier.log.entries(), 2);
        drop(tier);
        tier = Tier::open(&path, BYTES);
    }
    put(&mut tier, 2, 9, 10);
    tier.flush();
    expect(&mut tier, 2, 9, 10);
}

#[test]
fn a_torn_record_does_not_hide_what_was_written_after_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let mut tier = Tier::open(&path, BYTES);
    put(&mut tier, 1, 1, 1000);
    put(&mut tier, 2, 1, 400_000);
    // Its beginning is on the disk, its end is not.
    drop(tier);
    let mut tier = Tier::open(&path, BYTES);
    expect(&mut tier, 1, 1, 1000);
    put(&mut tier, 3, 1, 200_000);
    tier.flush();
    drop(tier);
    let mut tier = Tier::open(&path, BYTES);
    expect(&mut tier, 3, 1, 200_000);
    assert_eq!(tier.get(key(2), &name(2)), None);
}

#[test]
fn the_log_runs_in_a_ring_and_the_oldest_leave() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let mut tier = Tier::open(&path, BYTES);
    let regions = Geometry::of(BYTES).expect("large enough").regions;
    for i in 0..1000u64 {
        assert!(put(&mut tier, i, 1, 50_000));
        tier.flush();
        if i % 97 == 0 {
            drop(tier);
            tier = Tier::open(&path, BYTES);
        }
    }
    let there: Vec<u64> = (0..1000).filter(|i| tier.get(key(*i), &name(*i)).is_some()).collect();
    let first = there[0];
    assert!(there.iter().copied().eq(first..1000), "the latest, without a gap");
    // Nineteen of them in a region, one region being written over.
    assert!(there.len() as u64 >= (regions - 1) * 19, "{} of them", there.len());
    assert_eq!(tier.log.entries(), there.len() as u64);
    for i in there {
        expect(&mut tier, i, 1, 50_000);
    }
    assert!(tier.log.used_bytes() <= BYTES);
}

#[test]
fn a_file_of_another_cut_or_seed_is_begun_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let mut tier = Tier::open(&path, BYTES);
    put(&mut tier, 1, 1, 10);
    tier.flush();
    drop(tier);
    let mut tier = Tier::open(&path, 2 * BYTES);
    assert_eq!(tier.get(key(1), &name(1)), None);
}

#[test]
fn a_damaged_footer_costs_a_walk_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("log");
    let mut tier = Tier::open(&path, BYTES);
    for i in 0..40 {
        put(&mut tier, i, 1, 50_000);
    }
    tier.flush();
    let region_bytes = tier.log.geometry().region_bytes;
    for at in [4096 + region_bytes - 4000, 4096 + 2 * region_bytes - 4096 - 100] {
        tier.file.write_all_at(b"?", at).expect("writes");
    }
    drop(tier);
    let mut tier = Tier::open(&path, BYTES);
    for i in 0..40 {
        expect(&mut tier, i, 1, 50_000);
    }
}

#[derive(Clone, Debug)]
enum Op {
    Put(u64, usize),
    Forget(u64),
    Flush,
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0u64..40, prop_oneof![0usize..3000, 3000usize..70_000, Just(300_000)]).prop_map(|(i, len)| Op::Put(i, len)),
        2 => (0u64..40).prop_map(Op::Forget),
        3 => Just(Op::Flush),
        1 => Just(Op::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_never_gives_back_anything_but_the_latest(ops in prop::collection::vec(op(), 1..400)) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        let mut tier = Tier::open(&path, BYTES);
        let mut put_as: HashMap<(u64, u64), usize> = HashMap::new();
        let mut latest: HashMap<u64, u64> = HashMap::new();
        // Nothing older than this may be found: what a flush or a removal has settled.
        let mut settled: HashMap<u64, u64> = HashMap::new();
        for (version, op) in (1u64..).zip(ops) {
            match op {
                Op::Put(i, len) => {
                    put(&mut tier, i, version, len);
                    put_as.insert((i, version), len);
                    latest.insert(i, version);
                }
                Op::Forget(i) => {
                    tier.forget(key(i));
                    tier.flush();
                    latest.insert(i, version);
                    settled.extend(&latest);
                }
                Op::Flush => {
                    tier.flush();
                    settled.extend(&latest);
                }
                Op::Restart => {
                    drop(tier);
                    tier = Tier::open(&path, BYTES);
                    // What was not flushed may be lost, or not.
                    latest.clear();
                }
            }
            // Reading everything after every step would take a minute.
            for i in [version % 40, version * 7 % 40, version * 13 % 40] {
                let Some((head_found, body_found)) = tier.get(key(i), &name(i)) else { continue };
                let text = String::from_utf8(head_found).expect("text");
                let version: u64 = text.trim_start_matches("head ").parse().expect("a version");
                prop_assert!(settled.get(&i).is_none_or(|settled| version >= *settled), "{i}: {version} was replaced");
                prop_assert!(body_found == body(i, version, put_as[&(i, version)]), "{i}: not what was written");
            }
        }
    }

    #[test]
    fn no_damage_makes_a_start_fail_or_an_object_wrong(
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 1usize..5000), 1..12),
        near_the_end in any::<bool>(),
    ) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        let mut tier = Tier::open(&path, BYTES);
        for i in 0..60 {
            put(&mut tier, i, 1, 60_000);
        }
        tier.flush();
        let geometry = tier.log.geometry();
        for (at, value, len) in hits {
            let at = if near_the_end {
                // Footers and trailers.
                let slot = at.index(geometry.regions as usize) as u64;
                4096 + (slot + 1) * geometry.region_bytes - len as u64
            } else {
                4096 + at.index((geometry.file_bytes() - 4096 - 5000) as usize) as u64
            };
            tier.file.write_all_at(&vec![value; len], at).expect("writes");
        }
        drop(tier);
        let mut tier = Tier::open(&path, BYTES);
        for i in 0..60 {
            if let Some(found) = tier.get(key(i), &name(i)) {
                prop_assert_eq!(found, (head(1), body(i, 1, 60_000)));
            }
        }
        put(&mut tier, 99, 1, 10);
        tier.flush();
        expect(&mut tier, 99, 1, 10);
    }

    #[test]
    fn no_bytes_make_a_walk_panic(bytes in prop::collection::vec(any::<u8>(), 0..20_000), seq in any::<u32>()) {
        let header = disk_file::header(BYTES);
        let recovery = cache::disk::Recovery::new(&header, cache::disk::Buffer::new(4096));
        let region = cache::disk::recovery::Region { seq: u64::from(seq), file_at: 4096, trailer: None };
        let mut walk = recovery.walk(&region);
        for part in bytes.chunks(4096) {
            let mut block = part.to_vec();
            block.resize(4096, 0);
            walk.feed(&block);
        }
        prop_assert!(walk.finish().is_empty());
    }
}
