//! What an edge is told. Already checked: the program's own configuration file is read elsewhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::limits::Limits;
use crate::rt::Faults;

/// Everything an edge needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients connect, plain HTTP. Port 0 picks a free one.
    pub http: SocketAddr,
    /// Where `/metrics`, `/healthz`, `/readyz` and `/shards` are served; `None`: nowhere. Not for the public.
    pub admin: Option<SocketAddr>,
    /// Threads, each with its own ring, listener and memory. 0: one a core.
    pub shards: usize,
    /// Memory for cached objects in bytes, all shards together, overhead included.
    pub ram_bytes: u64,
    /// What is pulled from.
    pub upstream: Upstream,
    /// Keys that playback tokens are verified with.
    pub keys: wire::token::KeySet,
    /// Where access records go.
    pub access_log: AccessLog,
    /// Pages served from memory under their exact path.
    pub pages: Vec<Page>,
    /// Bounds an operator may set.
    pub limits: Limits,
    /// TCP congestion control of client connections (`reno`, `bbr`, ...); `None`: the system's.
    pub congestion: Option<String>,
    /// Pin shard n to the n-th core this process may run on.
    pub pin: bool,
    /// Lifetimes of answers that name none.
    pub defaults: Defaults,
    /// Whether a client's Cache-Control can ask for a fresher answer than what is kept (`no-cache`, `max-age`, `min-fresh`), or make do
    /// with a staler one (`max-stale`). `only-if-cached` is always kept to. Off, as it lets anyone send every request to the origin.
    pub client_directives: bool,
    /// Faults of a test. Default: none.
    pub faults: Faults,
}

/// How long an answer is fresh that does not say it. Both zero: it is not kept, unless a Last-Modified allows a guess
/// (RFC 9111 section 4.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Answers that may be kept.
    pub ttl: Duration,
    /// Answers that say that there is nothing (404, 405, 410, 414, 501), instead of `ttl`.
    pub negative_ttl: Duration,
}

/// The HTTP origin an edge pulls from.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// `host:port`; also the `Host` it is sent.
    pub authority: String,
    /// Sent as `StreamGate-Edge-Key`: the origin gives gated objects only to who knows it.
    pub edge_key: Option<String>,
}

/// A page of the program itself.
#[derive(Clone, Debug)]
pub struct Page {
    /// Exact path, e.g. `/` or `/assets/watch.js`.
    pub path: String,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The bytes.
    pub body: &'static [u8],
}

/// Where access records go: one JSON object a line, see `docs/formats/access-log.md`.
#[derive(Clone, Debug, Default)]
pub enum AccessLog {
    /// Nowhere.
    #[default]
    Off,
    /// Standard output.
    Stdout,
    /// Appended to a file.
    File(PathBuf),
}

impl Config {
    /// An edge on a free port of the loopback in front of `authority`: two shards at most, 256 MiB, no admin port, no log.
    #[must_use]
    pub fn new(authority: &str) -> Config {
        Config {
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: None,
            shards: 0,
            ram_bytes: 256 * 1024 * 1024,
            upstream: Upstream { authority: authority.to_owned(), edge_key: None },
            keys: wire::token::KeySet::default(),
            access_log: AccessLog::Off,
            pages: Vec::new(),
            limits: Limits::default(),
            congestion: None,
            pin: true,
            defaults: Defaults::default(),
            client_directives: false,
            faults: Faults::default(),
        }
    }
}
