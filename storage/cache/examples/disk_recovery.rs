//! How long a start takes: writes a log of N small objects and finds it again.
//!
//! `cargo run --release -p streamgate-cache --example disk_recovery -- FILE [OBJECTS] [BYTES_EACH]`

#[path = "../tests/disk_file/mod.rs"]
mod disk_file;

use std::path::PathBuf;
use std::time::Instant;

use cache::KeySeed;
use disk_file::Tier;

fn main() {
    let mut args = std::env::args().skip(1);
    let path = PathBuf::from(args.next().expect("the name of a file to write"));
    let objects: u64 = args.next().map_or(1_000_000, |n| n.parse().expect("a number of objects"));
    let len: usize = args.next().map_or(1024, |n| n.parse().expect("bytes of an object"));
    let bytes = objects * (len as u64 + 512) * 5 / 4 + (64 << 20);
    let name = |i: u64| format!("/v/asset/video/{i}.m4s").into_bytes();
    let mut tier = Tier::open(&path, bytes);
    let (head, body) = (vec![b'h'; 250], vec![7; len]);
    for i in 0..objects {
        assert!(tier.put(KeySeed(1).key(&name(i)), &name(i), &head, &body));
    }
    tier.flush();
    tier.file.sync_all().expect("syncs");
    drop(tier);
    let started = Instant::now();
    let mut tier = Tier::open(&path, bytes);
    let took = started.elapsed();
    let (entries, index) = (tier.log.entries(), tier.log.index_bytes());
    println!("{entries} objects found in {:.0} ms", took.as_secs_f64() * 1000.0);
    println!("index: {index} bytes, {:.1} an entry", index as f64 / entries as f64);
    let key = KeySeed(1).key(&name(objects / 2));
    assert_eq!(tier.get(key, &name(objects / 2)), Some((head, body)));
    std::fs::remove_file(&path).expect("removed");
}
