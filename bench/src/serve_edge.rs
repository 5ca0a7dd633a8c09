//! The server under measurement: our edge with one shard, in a process of its own, so that its CPU time is its own.

use anyhow::{Context, Result};
use edge::{AccessLog, Config, Source, Upstream};
use std::net::SocketAddr;

/// Room for every workload's objects with their overhead, four times over.
const RAM_BYTES: u64 = 1 << 30;

/// Serves until the process is ended.
pub fn run(listen: &str, upstream: &str) -> Result<()> {
    let http: SocketAddr = listen.parse().with_context(|| format!("{listen} is no address"))?;
    let upstream =
        Source::parse(&format!("http://{upstream}")).with_context(|| format!("{upstream} is no authority"))?;
    let upstream = Upstream::new(upstream);
    let config = Config { http, shards: 1, ram_bytes: RAM_BYTES, access_log: AccessLog::Off, ..Config::new(upstream) };
    let _edge = edge::start(config)?;
    loop {
        std::thread::park();
    }
}
