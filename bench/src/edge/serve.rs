//! The server under measurement: our edge with one shard, in a process of its own, so that its CPU time is its own.

use anyhow::{Context, Result};
use edge::{AccessLog, Config, Https, Source, Upstream};
use std::net::SocketAddr;

/// Room for every workload's objects with their overhead, twice over.
const RAM_BYTES: u64 = 1 << 30;
/// More than any measurement opens.
const CONNECTIONS_MAX: usize = 20_000;

/// Where the server listens, and what it shows those who come by TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// Plain HTTP.
    pub http: String,
    /// HTTPS.
    pub https: String,
    /// PEM files of the certificate and of its key.
    pub pair: (String, String),
}

/// Serves until the process is ended.
pub fn run(listen: &Listen, upstream: &str) -> Result<()> {
    let parse = |text: &str| -> Result<SocketAddr> { text.parse().with_context(|| format!("{text} is no address")) };
    let upstream =
        Source::parse(&format!("http://{upstream}")).with_context(|| format!("{upstream} is no authority"))?;
    let mut config = Config::new(Upstream::new(upstream));
    config.http = parse(&listen.http)?;
    config.https = Some(Https::new(parse(&listen.https)?, listen.pair.0.clone().into(), listen.pair.1.clone().into()));
    config.shards = 1;
    config.ram_bytes = RAM_BYTES;
    config.access_log = AccessLog::Off;
    config.limits.connections_max = CONNECTIONS_MAX;
    let _edge = edge::start(config)?;
    loop {
        std::thread::park();
    }
}
