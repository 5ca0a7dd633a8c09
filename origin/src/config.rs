//! What an origin is told before it starts. Checked and complete; the binary reads files and environment.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wire::net::Net;

use crate::access::Rate;
use crate::bus::NatsUrl;
use crate::cache::RedisUrl;
use crate::gate::ChainConfig;
use crate::gate::signin::{is_domain, is_statement};
use crate::monitor::Logs;
use crate::roles::{Address, Role, Roles};
use crate::web::Reach;

/// Settings of one origin.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where REST and playback are served. Port 0 picks a free one.
    pub listen: SocketAddr,
    /// The data folder. One process at a time.
    pub data: PathBuf,
    /// Where the catalogue is; `None`: SQLite in the data folder.
    pub catalogue: Option<durable::catalogue::PostgresUrl>,
    /// Where media objects are; `None`: files in the data folder.
    pub objects: Option<durable::S3Place>,
    /// The first admin's key; `None`: the one in `keys/api.key`, made at the first start.
    pub admin_key: Option<AdminKey>,
    /// Largest upload in bytes.
    pub upload_bytes_max: u64,
    /// Bytes that one owner may keep, assets in the bin and announced uploads included; `None`: no bound.
    pub owner_bytes_max: Option<u64>,
    /// How often one API key may ask; `None`: as it likes.
    pub key_rate: Option<Rate>,
    /// How often one address may ask what needs a key; `None`: as it likes.
    pub address_rate: Option<Rate>,
    /// Pages of these origins (`https://app.example`) may ask with scripts; `*`: all.
    pub cors_origins: Vec<String>,
    /// Proxies that are believed whom they speak for.
    pub trusted_proxies: Vec<Net>,
    /// Ranges of addresses that webhooks may name beside public ones.
    pub hook_private: Vec<Net>,
    /// Wait before a webhook's message is sent the second time; then twice as long each time.
    pub hook_retry_first: Duration,
    /// Chains that rules may name.
    pub chains: Vec<ChainConfig>,
    /// Who may sign in, and for how long.
    pub signin: SignIn,
    /// Threads that encode; 0: one a core.
    pub lanes: usize,
    /// Whether the media of an upload that does not say is encrypted.
    pub encrypt: bool,
    /// Where the job `backup` puts backups; `None`: nowhere.
    pub backups: Option<Backups>,
    /// Renditions to make.
    pub ladder: media::Ladder,
    /// Programs that are used when they are installed.
    pub tools: media::Tools,
    /// How files are written, and how much of the disk stays free of uploads.
    pub disk: durable::Disk,
    /// Which parts of an origin run in this process.
    pub roles: Roles,
    /// Where the others are.
    pub role_addresses: RoleAddresses,
    /// By what processes of one installation know each other, and what their keys come from, 32 characters at least; `None`: nobody is
    /// believed, and keys come from chance.
    pub role_secret: Option<AdminKey>,
    /// The Redis that several processes share; `None`: each has its own memory.
    pub redis: Option<RedisUrl>,
    /// The NATS that is told of events and carries rings; `None`: none.
    pub nats: Option<NatsUrl>,
    /// Bytes of memory for the cache, when there is no Redis.
    pub cache_bytes_max: u64,
    /// The last lines of the log, as whoever writes it keeps them.
    pub logs: Arc<Logs>,
    /// How long [`crate::Origin::shutdown`] waits for requests and jobs.
    pub shutdown_limit: Duration,
}

/// Where roles run that do not run here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleAddresses {
    /// Of the role upload.
    pub upload: Vec<Address>,
    /// Of the role transcoder.
    pub transcoder: Vec<Address>,
    /// Of the role streaming.
    pub streaming: Vec<Address>,
    /// Of the role metadata.
    pub metadata: Vec<Address>,
    /// Of the role cache.
    pub cache: Vec<Address>,
    /// Of the role auth.
    pub auth: Vec<Address>,
    /// Of the role worker.
    pub worker: Vec<Address>,
    /// Of the role monitor.
    pub monitor: Vec<Address>,
}

impl RoleAddresses {
    /// Of one role. A gateway is what asks.
    pub(crate) fn of(&self, role: Role) -> &[Address] {
        match role {
            Role::Gateway => &[],
            Role::Upload => &self.upload,
            Role::Transcoder => &self.transcoder,
            Role::Streaming => &self.streaming,
            Role::Metadata => &self.metadata,
            Role::Cache => &self.cache,
            Role::Auth => &self.auth,
            Role::Worker => &self.worker,
            Role::Monitor => &self.monitor,
        }
    }
}

/// What texts of wallets must name, and how long a sign-in lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Authorities of the pages that may ask for a signature; none: only ones of this very machine (`localhost:8080`).
    pub domains: Vec<String>,
    /// The URI that texts name; `None`: `https://DOMAIN/`, and `http://` on this very machine.
    pub uri: Option<String>,
    /// What the person agrees to; empty: nothing.
    pub statement: String,
    /// How long an access token lasts, at most an hour.
    pub access: Duration,
    /// How long a session lasts that nobody renews.
    pub refresh: Duration,
    /// Whether whoever signs in for the first time may upload; else only watch.
    pub new_are_creators: bool,
}

impl Default for SignIn {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            uri: None,
            statement: "Sign in to watch".into(),
            access: Duration::from_secs(15 * 60),
            refresh: Duration::from_secs(30 * 24 * 3600),
            new_are_creators: false,
        }
    }
}

impl SignIn {
    /// What cannot be used, as a sentence that begins with the name of the key.
    ///
    /// # Errors
    /// The first one.
    pub fn check(&self) -> Result<(), String> {
        if let Some(bad) = self.domains.iter().find(|domain| !is_domain("https", domain)) {
            return Err(format!(
                "signin_domains: \"{bad}\" is no authority such as \"example.com\" or \"localhost:8080\""
            ));
        }
        if let Some(uri) = &self.uri
            && iri_string::types::UriStr::new(uri).is_err()
        {
            return Err(format!("signin_uri = \"{uri}\" is no URI such as \"https://example.com/\""));
        }
        if !self.statement.is_empty() && !is_statement(&self.statement) {
            return Err("signin_statement may have letters, digits, spaces and -._~:/?#[]@!$&'()*+,;= alone".into());
        }
        let (access, refresh) = (self.access.as_secs(), self.refresh.as_secs());
        if !(10..=3600).contains(&access) {
            return Err("access_seconds goes from 10 to 3600".into());
        }
        if refresh < access || refresh > 366 * 24 * 3600 {
            return Err("refresh_seconds goes from access_seconds to a year".into());
        }
        Ok(())
    }

    /// Whether texts may name this domain.
    pub(crate) fn allows(&self, domain: &str) -> bool {
        if self.domains.is_empty() { is_loopback(domain) } else { self.domains.iter().any(|known| known == domain) }
    }

    /// The URI that a text for this domain names.
    pub(crate) fn uri_of(&self, domain: &str) -> String {
        let scheme = if is_loopback(domain) { "http" } else { "https" };
        self.uri.clone().unwrap_or_else(|| format!("{scheme}://{domain}/"))
    }

    /// Whether a text for this domain may name this URI: the configured one, or any of the domain's own.
    pub(crate) fn allows_uri(&self, domain: &str, uri: &str) -> bool {
        let own = self.uri_of(domain);
        match self.uri {
            Some(_) => uri == own,
            None => uri == own.trim_end_matches('/') || uri.starts_with(&own),
        }
    }
}

/// This very machine, with or without a port: no page of someone else's comes from there.
fn is_loopback(domain: &str) -> bool {
    let host = match domain.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => domain,
    };
    ["localhost", "127.0.0.1", "[::1]"].contains(&host)
}

/// The first admin's key. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminKey(String);

impl AdminKey {
    /// Any text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A shorter one could be guessed; an origin does not start with it.
    pub fn is_long_enough(&self) -> bool {
        self.0.len() >= SECRET_CHARS_MIN
    }

    /// Whether it may be the secret of the roles, see [`Config::role_secret`].
    pub fn is_secret_enough(&self) -> bool {
        self.0.len() >= ROLE_SECRET_CHARS_MIN
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for AdminKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminKey(..)")
    }
}

/// A shorter secret could be guessed.
pub(crate) const SECRET_CHARS_MIN: usize = 16;

/// The keys of an installation come from this secret, and some of them are given to edges: it must bear to be guessed at for years without
/// anybody being asked.
pub(crate) const ROLE_SECRET_CHARS_MIN: usize = 32;

/// Kept free of uploads, so that the catalogue can still be written when the disk is full.
const RESERVE_BYTES: u64 = 64 << 20;

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 9090)),
            data: PathBuf::from("data"),
            catalogue: None,
            objects: None,
            admin_key: None,
            upload_bytes_max: 16 << 30,
            owner_bytes_max: None,
            key_rate: None,
            address_rate: None,
            cors_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            hook_private: Vec::new(),
            hook_retry_first: Duration::from_secs(5),
            chains: Vec::new(),
            signin: SignIn::default(),
            lanes: 0,
            encrypt: false,
            backups: None,
            ladder: media::Ladder::default(),
            tools: media::Tools::find(),
            disk: durable::Disk::real(RESERVE_BYTES),
            roles: Roles::ALL,
            role_addresses: RoleAddresses::default(),
            role_secret: None,
            redis: None,
            nats: None,
            cache_bytes_max: 64 << 20,
            logs: Arc::default(),
            shutdown_limit: Duration::from_secs(10),
        }
    }
}

/// Backups that are made by jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backups {
    /// A folder of this machine, not within the data folder.
    pub folder: PathBuf,
    /// How many are kept, the youngest; at least 1.
    pub kept: usize,
}

impl Config {
    /// Where webhooks may lead.
    pub(crate) fn hook_reach(&self) -> Reach {
        Reach::Public(self.hook_private.clone())
    }

    /// Threads that encode, resolved.
    pub(crate) fn lanes(&self) -> usize {
        match self.lanes {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            lanes => lanes,
        }
    }
}
