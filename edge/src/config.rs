//! What an edge is told. Already checked: the program's own configuration file is read elsewhere.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::limits::Limits;
use crate::rt::Faults;
use crate::source::Source;
pub use wire::net::{Net, NetError};

/// Everything an edge needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients connect, plain HTTP. Port 0 picks a free one.
    pub http: SocketAddr,
    /// Whether a plain connection may begin with HTTP/2 (prior knowledge, RFC 9113 section 3.3), as proxies and balancers do that end TLS.
    pub h2c: bool,
    /// HTTPS; `None`: none.
    pub https: Option<Https>,
    /// Where `/metrics`, `/healthz`, `/readyz` and `/shards` are served; `None`: nowhere. Not for the public.
    pub admin: Option<SocketAddr>,
    /// Threads, each with its own ring, listener and memory. 0: one a core.
    pub shards: usize,
    /// Memory for cached objects in bytes, all shards together, overhead included.
    pub ram_bytes: u64,
    /// Disks for what does not fit into memory, and for what should be there after a restart. None: memory alone.
    pub disks: Vec<Disk>,
    /// What is pulled from.
    pub upstream: Upstream,
    /// Keys that playback tokens are verified with.
    pub keys: wire::token::KeySet,
    /// Longest silence of an origin whose events are followed, after which gated objects are refused. Zero: any.
    pub staleness_max: Duration,
    /// Which country an address is in. None: tokens for some countries open nothing.
    pub countries: Option<Arc<crate::Countries>>,
    /// Where access records go.
    pub access_log: AccessLog,
    /// One request in so many is logged.
    pub access_log_sample: u32,
    /// Pages served from memory under their exact path.
    pub pages: Vec<Page>,
    /// Bounds an operator may set.
    pub limits: Limits,
    /// TCP congestion control of client connections (`reno`, `bbr`, ...); `None`: the system's.
    pub congestion: Option<String>,
    /// Whether bodies leave memory without a copy.
    pub send_zc: SendZc,
    /// Pin shard n to the n-th core this process may run on.
    pub pin: bool,
    /// A shard that has no time hands connections to one that has some, between two requests.
    pub balance: bool,
    /// Lifetimes of answers that name none.
    pub defaults: Defaults,
    /// Whether a client's Cache-Control can ask for a fresher answer than what is kept (`no-cache`, `max-age`, `min-fresh`), or make do
    /// with a staler one (`max-stale`). `only-if-cached` is always kept to. Off, as it lets anyone send every request to the origin.
    pub client_directives: bool,
    /// Answers for media objects say what they are and how the line is (CMSD, CTA-5006).
    pub cmsd: bool,
    /// Whether playlists are kept compressed beside the plain ones, for clients that accept gzip.
    pub gzip: bool,
    /// What will be asked for next is fetched before it is: so many at a time and shard. 0: nothing is.
    pub prefetch: usize,
    /// Proxies that are believed whom they speak for.
    pub trusted_proxies: Vec<Net>,
    /// Whether trusted proxies begin each connection with a PROXY header, version 1 or 2. Then every one of theirs must.
    pub proxy_protocol: bool,
    /// Where trusted proxies write whom they speak for.
    pub trusted_field: TrustedField,
    /// A Unix socket by which a process that is started later takes the listeners over; `None`: it cannot.
    pub handover: Option<PathBuf>,
    /// Faults of a test. Default: none.
    pub faults: Faults,
}

/// Whether bodies of 32 KiB and more that are not in a memory file leave memory without a copy (`IORING_OP_SEND_ZC`), where the kernel has that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendZc {
    /// They are copied into the socket.
    Off,
    /// Without a copy to clients that are not on the loopback, until the kernel says that it copies all the same.
    #[default]
    Auto,
    /// Without a copy to every client, whatever the kernel says: for measurements.
    On,
}

/// HTTPS towards clients: TLS 1.3 and 1.2; HTTP/2 and HTTP/1.1 by ALPN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Https {
    /// Where clients connect. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// Which one a client is shown its SNI selects; the first is for every other name, and for clients that say none.
    pub certificates: Vec<Certificate>,
    /// Secrets of at least 32 bytes, one a line, from which the keys of tickets are derived: edges that share it, and restarts, go on
    /// with each other's sessions. The first line seals, up to three open. `None`: a random one a process.
    pub ticket_secret: Option<PathBuf>,
    /// Whether HTTP/2 is offered. Most players take it: one connection for all they ask for.
    pub http2: bool,
    /// What `Strict-Transport-Security` tells browsers (RFC 6797 section 6.1): from then on they do not come without TLS. `None`: nothing.
    pub hsts: Option<String>,
    /// How often the files are looked at; changed ones are used without a restart.
    pub look_every: Duration,
}

/// A certificate with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// PEM file of the certificate, and of those that lead to its root.
    pub cert: PathBuf,
    /// PEM file of the private key.
    pub key: PathBuf,
    /// DER file of an OCSP response that is stapled; renewed by someone else.
    pub ocsp: Option<PathBuf>,
}

impl Https {
    /// With one certificate, everything else by default.
    #[must_use]
    pub fn new(listen: SocketAddr, cert: PathBuf, key: PathBuf) -> Https {
        let certificates = vec![Certificate { cert, key, ocsp: None }];
        Https { listen, certificates, ticket_secret: None, http2: true, hsts: None, look_every: Duration::from_secs(5) }
    }
}

/// The field in which a trusted proxy appends whom it was asked by. One, not either: a proxy that writes one of them may well pass a
/// client's own idea of the other on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustedField {
    /// Neither.
    None,
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
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

/// A folder on a disk, used by one process at a time. Its files are allocated as a whole at the first start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The folder; made when its parent is there.
    pub path: PathBuf,
    /// Bytes of it that are used, all shards together.
    pub bytes: u64,
    /// Bytes a second that are written to it at most, over time, all shards together. 0: no bound.
    pub write_bytes_per_second: u64,
}

/// What an edge pulls from.
#[derive(Clone, PartialEq, Debug)]
pub struct Upstream {
    /// The origins: any of them has every answer. Not empty.
    pub origins: Vec<Source>,
    /// A parent that every miss goes to first; when it fails, the origins are asked.
    pub shield: Option<Source>,
    /// The edges that share one cache between them.
    pub tier: Option<Tier>,
    /// The `Host` origins are sent; `None`: each its own authority.
    pub host: Option<String>,
    /// Sent as `StreamGate-Edge-Key`: the origin gives gated objects only to who knows it, and edges know each other by it.
    pub edge_key: Option<String>,
    /// What this edge, and others of the same operator, call themselves in `CDN-Loop` (RFC 8586). Empty: a random name a process.
    pub cdn_id: String,
    /// What tells this process from others of that name. Empty: random.
    pub node: String,
    /// How often a request may already have passed an edge of that name; more is a loop. 2 leaves room for a tier and a shield.
    pub cdn_passes_max: usize,
    /// When a place has said nothing for this long, the next one is asked as well.
    pub try_timeout: Duration,
    /// Second tries at an origin that a hundred requests allow.
    pub retry_percent: u32,
    /// Second tries a second and a shard that are always allowed.
    pub retry_per_second: u32,
    /// Failures in a row after which a place is left alone for a while. 0: never.
    pub breaker_after: u32,
    /// Probes of the origins.
    pub health: Health,
    /// How often names are resolved again.
    pub resolve_interval: Duration,
    /// What resolves names.
    pub resolver: Resolver,
    /// Certificates (PEM) that `https` sources are verified against; `None`: the public roots.
    pub ca_file: Option<PathBuf>,
}

/// Edges that share one cache: each target has one owner among them, which the others ask.
#[derive(Clone, PartialEq, Debug)]
pub struct Tier {
    /// All of them; this one may be among them.
    pub peers: Vec<Source>,
    /// This one, as the others call it.
    pub me: Source,
}

/// Probes of the origins: `GET path` from one thread, whose verdict goes to every shard.
#[derive(Clone, PartialEq, Debug)]
pub struct Health {
    /// What is asked for; `None`: nothing, and only requests show how an origin is.
    pub path: Option<String>,
    /// From one probe to the next.
    pub interval: Duration,
    /// A probe that takes longer has failed.
    pub timeout: Duration,
    /// Failed probes in a row that take an origin out of service.
    pub unhealthy_after: u32,
    /// Good probes in a row that bring it back.
    pub healthy_after: u32,
}

/// What turns a name into addresses.
#[derive(Clone, Default)]
pub enum Resolver {
    /// The system's.
    #[default]
    System,
    /// A test's: host and port in, addresses out.
    Scripted(Arc<Script>),
}

/// A test's resolver.
pub type Script = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl PartialEq for Resolver {
    fn eq(&self, other: &Resolver) -> bool {
        match (self, other) {
            (Resolver::System, Resolver::System) => true,
            (Resolver::Scripted(a), Resolver::Scripted(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resolver::System => "System",
            Resolver::Scripted(_) => "Scripted",
        })
    }
}

impl Default for Health {
    fn default() -> Health {
        Health {
            path: None,
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            unhealthy_after: 3,
            healthy_after: 2,
        }
    }
}

impl Default for Upstream {
    fn default() -> Upstream {
        Upstream {
            origins: Vec::new(),
            shield: None,
            tier: None,
            host: None,
            edge_key: None,
            cdn_id: String::new(),
            node: String::new(),
            cdn_passes_max: 2,
            try_timeout: Duration::from_millis(500),
            retry_percent: 20,
            retry_per_second: 10,
            breaker_after: 5,
            health: Health::default(),
            resolve_interval: Duration::from_secs(30),
            resolver: Resolver::System,
            ca_file: None,
        }
    }
}

impl Upstream {
    /// One origin, everything else by default.
    #[must_use]
    pub fn new(origin: Source) -> Upstream {
        Upstream { origins: vec![origin], ..Upstream::default() }
    }
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// An edge on a free port of the loopback in front of `upstream`: a shard a core, 256 MiB, no admin port, no log.
    #[must_use]
    pub fn new(upstream: Upstream) -> Config {
        Config {
            http: SocketAddr::from(([127, 0, 0, 1], 0)),
            h2c: true,
            https: None,
            admin: None,
            shards: 0,
            ram_bytes: 256 * 1024 * 1024,
            disks: Vec::new(),
            upstream,
            keys: wire::token::KeySet::default(),
            staleness_max: Duration::ZERO,
            countries: None,
            access_log: AccessLog::Off,
            access_log_sample: 1,
            pages: Vec::new(),
            limits: Limits::default(),
            congestion: None,
            send_zc: SendZc::default(),
            pin: true,
            balance: true,
            defaults: Defaults::default(),
            client_directives: false,
            cmsd: false,
            gzip: false,
            prefetch: 0,
            trusted_proxies: Vec::new(),
            proxy_protocol: false,
            trusted_field: TrustedField::default(),
            handover: None,
            faults: Faults::default(),
        }
    }
}
