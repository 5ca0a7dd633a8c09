//! How long an edge takes to find its disk tier again: writes a log of N small objects, then starts on it.
//!
//! `cargo run --release -p streamgate-edge --example disk_start -- FOLDER [OBJECTS] [BYTES_EACH]`

#[path = "../../storage/cache/tests/disk_file/mod.rs"]
mod disk_file;

use std::path::PathBuf;
use std::time::Instant;

use cache::KeySeed;
use cache::disk::{Geometry, Header};
use disk_file::Tier;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("the name of a folder that is not there yet")?);
    let objects: u64 = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let len: usize = args.next().map_or(Ok(1024), |n| n.parse())?;
    let bytes = objects * (len as u64 + 512) * 5 / 4 + (64 << 20);
    std::fs::create_dir(&folder)?;
    std::fs::write(folder.join("seed"), "0000000000000001\n")?;
    let geometry = Geometry::of(bytes).ok_or("too few objects")?;
    let header = Header { seed: 1, salt: 2, shard: 0, shards: 1, geometry, heads: 1 };
    let mut tier = Tier::with(&folder.join("shard-0-of-1.log"), &header);
    let (head, body) = (vec![b'h'; 250], vec![7; len]);
    for i in 0..objects {
        let name = format!("/v/asset/video/{i}.m4s").into_bytes();
        assert!(tier.put(KeySeed(1).key(&name), &name, &head, &body));
    }
    tier.flush();
    tier.file.sync_all()?;
    drop(tier);
    let mut config = edge::Config::new(edge::Upstream::new(edge::Source::parse("http://127.0.0.1:9")?));
    config.shards = 1;
    config.disks = vec![edge::Disk { path: folder.clone(), bytes, write_bytes_per_second: 0 }];
    let started = Instant::now();
    let edge = edge::start(config)?;
    let took_ms = started.elapsed().as_secs_f64() * 1000.0;
    let metrics = edge.metrics();
    let found = metrics.lines().filter(|line| line.starts_with("streamgate_edge_disk_"));
    println!("the edge serves after {took_ms:.0} ms\n{}", found.collect::<Vec<_>>().join("\n"));
    drop(edge);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
