//! How long an edge takes to find its disk tier again: writes a log of N small objects, then starts on it.
//!
//! `cargo run --release -p streamgate-edge --example disk_start -- FOLDER [OBJECTS] [BYTES_EACH]`

#[path = "../../storage/cache/tests/disk_file/mod.rs"]
mod disk_file;

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cache::KeySeed;
use cache::disk::Header;
use cache::disk::layout::BLOCK_BYTES;
use disk_file::Tier;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().ok_or("the name of a folder that is not there yet")?);
    let objects: u64 = args.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let len: usize = args.next().map_or(Ok(1024), |n| n.parse())?;
    let bytes = objects * (len as u64 + 512) * 5 / 4 + (64 << 20);
    std::fs::create_dir(&folder)?;
    let config = || -> Result<edge::Config, Box<dyn std::error::Error>> {
        let mut config = edge::Config::new(edge::Upstream::new(edge::Source::parse("http://127.0.0.1:9")?));
        config.shards = 1;
        config.disks = vec![edge::Disk { path: folder.clone(), bytes, write_bytes_per_second: 0 }];
        Ok(config)
    };
    // A log as the edge lays it out, with its seed and its version of what is kept.
    drop(edge::start(config()?)?);
    let path = folder.join("shard-0-of-1.log");
    let mut block = vec![0; BLOCK_BYTES as usize];
    File::open(&path)?.read_exact(&mut block)?;
    let header = Header::parse(&block).ok_or("the edge has laid out no log")?;
    let mut tier = Tier::with(&path, &header);
    let (head, body) = (vec![b'h'; 250], vec![7; len]);
    for i in 0..objects {
        let name = format!("/v/asset/video/{i}.m4s").into_bytes();
        assert!(tier.put(KeySeed(header.seed).key(&name), &name, &head, &body));
    }
    tier.flush();
    tier.file.sync_all()?;
    drop(tier);
    let started = Instant::now();
    let edge = edge::start(config()?)?;
    let took_ms = |started: Instant| started.elapsed().as_secs_f64() * 1000.0;
    println!("the edge serves after {:.0} ms", took_ms(started));
    let found = || {
        let metrics = edge.metrics();
        let line = metrics.lines().find(|line| line.starts_with("streamgate_edge_disk_objects{"));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    while found() < objects {
        if started.elapsed() > Duration::from_secs(30) {
            return Err(format!("only {} objects of {objects} were found again", found()).into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("all {} objects are known after {:.0} ms", found(), took_ms(started));
    drop(edge);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
