//! The configuration after the check: typed, complete, immutable.

use super::upstream;
use super::written::{Edge, EdgeCertificate, EdgeDisk, Gate, GateChain, Storage, Work, Written};
use anyhow::{Context, Result, bail, ensure};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Below this a shard cannot hold one large segment and its neighbours.
const EDGE_RAM_BYTES_MIN: u64 = 16 << 20;
/// Below this a disk holds less than the least memory.
const EDGE_DISK_BYTES_MIN: u64 = 64 << 20;
/// How often certificate files are looked at: soon enough after a renewal, and a few `stat` calls.
const CERTIFICATES_LOOK_EVERY: Duration = Duration::from_secs(5);
/// Fetching more than this ahead at a time would be in the way of what is asked for.
const PREFETCH_MAX: usize = 256;
/// More threads than this on one machine is a typing error.
const THREADS_MAX: usize = 1024;
/// Ten years of nights.
const BACKUPS_MAX: usize = 3650;

/// What the rest of the program sees.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub data: PathBuf,
    /// `None`: SQLite in the data folder.
    pub catalogue: Option<origin::PostgresUrl>,
    /// `None`: files in the data folder.
    pub objects: Option<origin::S3Place>,
    pub origin_listen: SocketAddr,
    pub origin_admin_key: Option<origin::AdminKey>,
    /// Pages of these origins may ask the origin's API with scripts.
    pub origin_cors: Vec<String>,
    pub origin_trusted: Vec<edge::Net>,
    pub edge_http: SocketAddr,
    pub edge_https: Option<edge::Https>,
    pub h2c: bool,
    pub edge_admin: Option<SocketAddr>,
    pub edge_handover: Option<PathBuf>,
    pub edge_shards: usize,
    pub edge_ram_bytes: u64,
    pub edge_disks: Vec<edge::Disk>,
    pub access_log: AccessLog,
    pub access_log_sample: u32,
    pub edge_defaults: edge::Defaults,
    pub client_directives: bool,
    /// Zero: any silence of the origin.
    pub staleness_max: Duration,
    pub countries: Option<Arc<edge::Countries>>,
    pub prefetch: usize,
    pub cmsd: bool,
    pub gzip: bool,
    pub send_zc: edge::SendZc,
    pub trusted_proxies: Vec<edge::Net>,
    pub proxy_protocol: bool,
    pub trusted_field: edge::TrustedField,
    /// The edge's bounds; those that have no key are the edge's defaults.
    pub edge_limits: edge::Limits,
    /// What the edge pulls from.
    pub upstream: edge::Upstream,
    /// Verification keys as written; each was parsed once by the check.
    pub gate_keys: Vec<String>,
    /// Ranges that webhooks may name beside public addresses.
    pub hook_private: Vec<edge::Net>,
    /// `None`: the cache of the origin is its own memory.
    pub redis: Option<origin::RedisUrl>,
    pub cache_bytes_max: u64,
    pub nats: Option<origin::NatsUrl>,
    pub roles: origin::Roles,
    pub role_addresses: origin::RoleAddresses,
    pub role_secret: Option<origin::AdminKey>,
    pub chains: Vec<origin::ChainConfig>,
    /// Who may sign in at the origin.
    pub signin: origin::SignIn,
    pub lanes: usize,
    pub av1_speed: u8,
    /// Whether the media of uploads that do not say is encrypted.
    pub encrypt: bool,
    pub backups: Option<origin::Backups>,
    pub upload_bytes_max: u64,
    pub owner_bytes_max: Option<u64>,
    pub api_key_rate: Option<origin::Rate>,
    pub api_address_rate: Option<origin::Rate>,
    pub drain: Duration,
    /// Wallets in the page itself, with public keys. No key of the file: the demo alone has them.
    pub demo_wallets: bool,
    /// What a process that was taken over from waits for its answers under way.
    pub handover: Duration,
}

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq)]
pub enum AccessLog {
    Off,
    Stdout,
    File(PathBuf),
}

pub fn check(written: Written) -> Result<Config> {
    let Written { storage, origin, edge, upstream: pulled, gate, work, webhooks, cache, nats, roles, limits } = written;
    ensure!(!storage.data.is_empty(), "storage.data is empty; name a folder");
    let edge_ram_bytes = edge.ram.bytes().context("edge.ram is not a size such as \"512 MiB\"")?;
    ensure!(edge_ram_bytes >= EDGE_RAM_BYTES_MIN, "edge.ram is below the least useful size, 16 MiB");
    ensure!(edge.access_log_sample > 0, "edge.access_log_sample is 0; write access_log = \"off\" to log nothing");
    ensure!(edge.shards <= THREADS_MAX, "edge.shards is above {THREADS_MAX}; 0 means one a core");
    ensure!(edge.prefetch <= PREFETCH_MAX, "edge.prefetch is above {PREFETCH_MAX}; 4 is plenty");
    ensure!(work.lanes <= THREADS_MAX, "work.lanes is above {THREADS_MAX}; 0 means one a core");
    ensure!(work.av1_speed <= 10, "work.av1_speed goes from 0 to 10");
    for key in &gate.keys {
        key.parse::<wire::token::VerificationKey>()
            .map_err(|error| anyhow::anyhow!("gate.keys: {error}; copy the line that `streamgate token key` prints"))?;
    }
    let signin = signin(&gate)?;
    let backups = backups(&work, Path::new(&storage.data))?;
    Ok(Config {
        catalogue: catalogue(&storage.catalogue)?,
        objects: objects(&storage)?,
        data: PathBuf::from(storage.data),
        origin_listen: address("origin.listen", &origin.listen)?,
        origin_admin_key: admin_key(origin.admin_key)?,
        origin_cors: cors(origin.cors_origins)?,
        origin_trusted: origin
            .trusted_proxies
            .iter()
            .map(|text| net("origin.trusted_proxies", text))
            .collect::<Result<_>>()?,
        edge_http: address("edge.http", &edge.http)?,
        edge_https: https(&edge)?,
        h2c: edge.h2c,
        edge_admin: if edge.admin.is_empty() { None } else { Some(address("edge.admin", &edge.admin)?) },
        edge_handover: (!edge.handover.is_empty()).then(|| PathBuf::from(&edge.handover)),
        edge_shards: edge.shards,
        edge_ram_bytes,
        edge_disks: edge.disks.iter().map(disk).collect::<Result<_>>()?,
        access_log_sample: edge.access_log_sample,
        access_log: match edge.access_log.as_str() {
            "off" => AccessLog::Off,
            "stdout" => AccessLog::Stdout,
            "" => bail!("edge.access_log is empty; write \"off\", \"stdout\" or a path"),
            path => AccessLog::File(PathBuf::from(path)),
        },
        edge_defaults: edge::Defaults {
            ttl: Duration::from_secs(edge.default_ttl_seconds),
            negative_ttl: Duration::from_secs(edge.negative_ttl_seconds),
        },
        client_directives: edge.client_directives,
        staleness_max: Duration::from_secs(gate.staleness_max_seconds),
        countries: countries(&gate.countries)?,
        prefetch: edge.prefetch,
        cmsd: edge.cmsd,
        gzip: edge.gzip,
        send_zc: match edge.send_zc.as_str() {
            "off" => edge::SendZc::Off,
            "auto" => edge::SendZc::Auto,
            "on" => edge::SendZc::On,
            other => bail!("edge.send_zc = \"{other}\"; write \"auto\", \"on\" or \"off\""),
        },
        trusted_proxies: edge
            .trusted_proxies
            .iter()
            .map(|text| net("edge.trusted_proxies", text))
            .collect::<Result<_>>()?,
        proxy_protocol: proxy_protocol(&edge)?,
        trusted_field: match edge.trusted_field.as_str() {
            "" => edge::TrustedField::None,
            "x-forwarded-for" => edge::TrustedField::XForwardedFor,
            "forwarded" => edge::TrustedField::Forwarded,
            other => bail!("edge.trusted_field = \"{other}\"; write \"x-forwarded-for\", \"forwarded\" or \"\""),
        },
        edge_limits: edge::Limits {
            connections_per_address: limits.connections_per_address,
            requests_per_address_per_second: limits.requests_per_address_per_second,
            requests_per_address_burst: limits.requests_per_address_burst,
            ..edge::Limits::default()
        },
        upstream: upstream::check(pulled)?,
        gate_keys: gate.keys,
        hook_private: webhooks.private.iter().map(|text| net("webhooks.private", text)).collect::<Result<_>>()?,
        redis: redis(&cache.redis)?,
        roles: roles.run.parse().map_err(|why: origin::NoRole| anyhow::anyhow!("roles.run: {why}"))?,
        role_addresses: origin::RoleAddresses {
            upload: role_addresses("roles.upload", &roles.upload)?,
            transcoder: role_addresses("roles.transcoder", &roles.transcoder)?,
            streaming: role_addresses("roles.streaming", &roles.streaming)?,
            metadata: role_addresses("roles.metadata", &roles.metadata)?,
            cache: role_addresses("roles.cache", &roles.cache)?,
            auth: role_addresses("roles.auth", &roles.auth)?,
            worker: role_addresses("roles.worker", &roles.worker)?,
            monitor: role_addresses("roles.monitor", &roles.monitor)?,
        },
        role_secret: role_secret(roles.secret)?,
        nats: nats_url(&nats.url)?,
        cache_bytes_max: cache.memory.bytes().context("cache.memory is not a size such as \"64 MiB\"")?,
        chains: gate.chains.into_iter().map(chain).collect::<Result<_>>()?,
        signin,
        lanes: work.lanes,
        av1_speed: work.av1_speed,
        encrypt: match work.encryption.as_str() {
            "none" => false,
            "cbcs" => true,
            _ => bail!("work.encryption is \"none\" or \"cbcs\""),
        },
        backups,
        upload_bytes_max: limits.upload.bytes().context("limits.upload is not a size such as \"16 GiB\"")?,
        api_key_rate: rate(limits.api_requests_per_key_per_second, limits.api_requests_burst),
        api_address_rate: rate(limits.api_requests_per_address_per_second, limits.api_requests_burst),
        owner_bytes_max: Some(limits.owner.bytes().context("limits.owner is not a size such as \"1 TiB\"")?)
            .filter(|&b| b > 0),
        drain: Duration::from_secs(limits.drain_seconds),
        demo_wallets: false,
        handover: Duration::from_secs(limits.handover_seconds),
    })
}

fn backups(work: &Work, data: &Path) -> Result<Option<origin::Backups>> {
    let (folder, kept) = (PathBuf::from(&work.backup_folder), work.backups_kept);
    ensure!((1..=BACKUPS_MAX).contains(&kept), "work.backups_kept goes from 1 to {BACKUPS_MAX}");
    if folder.as_os_str().is_empty() {
        return Ok(None);
    }
    ensure!(
        !folder.starts_with(data),
        "work.backup_folder is within storage.data; name a folder elsewhere, best on another disk"
    );
    Ok(Some(origin::Backups { folder, kept }))
}

fn countries(path: &str) -> Result<Option<Arc<edge::Countries>>> {
    if path.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(edge::Countries::open(Path::new(path)).context("gate.countries")?)))
}

fn signin(gate: &Gate) -> Result<origin::SignIn> {
    let signin = origin::SignIn {
        domains: gate.signin_domains.clone(),
        uri: Some(gate.signin_uri.clone()).filter(|uri| !uri.is_empty()),
        statement: gate.signin_statement.clone(),
        access: Duration::from_secs(gate.access_seconds),
        refresh: Duration::from_secs(gate.refresh_seconds),
        new_are_creators: match gate.signin_role.as_str() {
            "viewer" => false,
            "creator" => true,
            other => bail!("gate.signin_role = \"{other}\"; write \"viewer\" or \"creator\""),
        },
    };
    signin.check().map_err(|reason| anyhow::anyhow!("gate.{reason}"))?;
    Ok(signin)
}

/// A bound on requests; none when it is 0.
fn rate(per_second: u32, burst: u32) -> Option<origin::Rate> {
    (per_second > 0).then_some(origin::Rate { per_second, burst: burst.max(1) })
}

fn objects(storage: &Storage) -> Result<Option<origin::S3Place>> {
    let Storage { objects, s3_endpoint, s3_region, s3_access_key, s3_secret_key, .. } = storage;
    if objects.is_empty() {
        return Ok(None);
    }
    let place = origin::S3Place::parse(objects, s3_endpoint, s3_region, s3_access_key, s3_secret_key);
    Ok(Some(place.map_err(|why| match why {
        origin::NotS3::Endpoint => anyhow::anyhow!("storage.s3_endpoint: {why}"),
        origin::NotS3::Keys => anyhow::anyhow!("storage.s3_access_key, storage.s3_secret_key: {why}"),
        _ => anyhow::anyhow!("storage.objects: {why}"),
    })?))
}

fn catalogue(text: &str) -> Result<Option<origin::PostgresUrl>> {
    if text.is_empty() {
        return Ok(None);
    }
    // The text itself is not repeated: it has a password in it.
    Ok(Some(text.parse().map_err(|why: origin::NotPostgres| anyhow::anyhow!("storage.catalogue: {why}"))?))
}

fn redis(text: &str) -> Result<Option<origin::RedisUrl>> {
    if text.is_empty() {
        return Ok(None);
    }
    // The text itself is not repeated: it may have a password in it.
    Ok(Some(text.parse().map_err(|why: origin::NotRedis| anyhow::anyhow!("cache.redis: {why}"))?))
}

fn role_addresses(key: &str, texts: &[String]) -> Result<Vec<origin::Address>> {
    let read =
        |text: &String| text.parse().map_err(|why: origin::BadAddress| anyhow::anyhow!("{key}: \"{text}\": {why}"));
    texts.iter().map(read).collect()
}

fn role_secret(text: String) -> Result<Option<origin::AdminKey>> {
    let secret = origin::AdminKey::new(text);
    ensure!(
        secret.is_empty() || secret.is_secret_enough(),
        "roles.secret is shorter than 32 characters; `openssl rand -hex 32` makes one"
    );
    Ok(Some(secret).filter(|secret| !secret.is_empty()))
}

fn nats_url(text: &str) -> Result<Option<origin::NatsUrl>> {
    if text.is_empty() {
        return Ok(None);
    }
    // The text itself is not repeated: it may have a password in it.
    Ok(Some(text.parse().map_err(|why: origin::NotNats| anyhow::anyhow!("nats.url: {why}"))?))
}

fn admin_key(text: String) -> Result<Option<origin::AdminKey>> {
    let key = origin::AdminKey::new(text);
    ensure!(
        key.is_empty() || key.is_long_enough(),
        "origin.admin_key is shorter than 16 characters; `openssl rand -hex 32` makes one"
    );
    Ok(Some(key).filter(|key| !key.is_empty()))
}

fn cors(origins: Vec<String>) -> Result<Vec<String>> {
    let bad = origins.iter().find(|text| !origin::is_origin(text));
    if let Some(bad) = bad {
        bail!("origin.cors_origins: \"{bad}\" is no origin as browsers write it, such as \"https://app.example\"");
    }
    Ok(origins)
}

fn net(key: &str, text: &str) -> Result<edge::Net> {
    text.parse().with_context(|| format!("{key}: \"{text}\" is no range such as \"10.0.0.0/8\" or \"2001:db8::1\""))
}

fn proxy_protocol(written: &Edge) -> Result<bool> {
    ensure!(
        !written.proxy_protocol || !written.trusted_proxies.is_empty(),
        "edge.proxy_protocol is of no use without edge.trusted_proxies; name the balancers, e.g. [\"10.0.0.0/8\"]"
    );
    Ok(written.proxy_protocol)
}

/// HTTPS, when it has an address.
fn https(written: &Edge) -> Result<Option<edge::Https>> {
    let Edge { https, tls_certificates, tls_ticket_secret_file, .. } = written;
    if https.is_empty() {
        ensure!(
            tls_certificates.is_empty(),
            "edge.tls_certificates is of no use without edge.https; write https = \"0.0.0.0:8443\""
        );
        return Ok(None);
    }
    ensure!(
        !tls_certificates.is_empty(),
        "edge.https needs a certificate; write tls_certificates = [{{ cert = \"edge.pem\", key = \"edge.key\" }}]"
    );
    let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
    let certificate = |written: &EdgeCertificate| {
        let EdgeCertificate { cert, key, ocsp } = written;
        ensure!(!cert.is_empty() && !key.is_empty(), "an entry of edge.tls_certificates has no cert, or no key");
        Ok(edge::Certificate { cert: PathBuf::from(cert), key: PathBuf::from(key), ocsp: path(ocsp) })
    };
    Ok(Some(edge::Https {
        listen: address("edge.https", https)?,
        certificates: tls_certificates.iter().map(certificate).collect::<Result<_>>()?,
        ticket_secret: path(tls_ticket_secret_file),
        http2: written.http2,
        hsts: hsts(&written.hsts)?,
        look_every: CERTIFICATES_LOOK_EVERY,
    }))
}

/// What browsers are told (RFC 6797 section 6.1): a word that is not understood would be kept by nobody.
fn hsts(text: &str) -> Result<Option<String>> {
    let words: Vec<&str> = text.split(';').map(str::trim).collect();
    let is_age = |word: &&str| {
        word.strip_prefix("max-age=").is_some_and(|age| age.parse::<u32>().is_ok() && !age.starts_with('+'))
    };
    let is_other = |word: &&str| matches!(*word, "includeSubDomains" | "preload");
    let is_right = is_age(&words[0]) && words[1..].iter().all(is_other);
    ensure!(
        text.is_empty() || is_right,
        "edge.hsts is not understood; write \"max-age=31536000\", or \"max-age=31536000; includeSubDomains\""
    );
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A chain: one that is built in, or any other one with its number.
fn chain(written: GateChain) -> Result<origin::ChainConfig> {
    let GateChain { name, id, rpc, ws, finality, quorum } = written;
    let mut chain = match origin::ChainConfig::known(&name, rpc.clone()) {
        Some(known) => {
            ensure!(id == 0 || id == known.id, "gate.chains: {name} has the id {}", known.id);
            known
        }
        None => origin::ChainConfig::other(&name, id, rpc),
    };
    chain.quorum = quorum;
    chain.ws = (!ws.is_empty()).then_some(ws);
    if !finality.is_empty() {
        chain.finality = finality.parse().map_err(|()| {
            anyhow::anyhow!("gate.chains: the finality of {name} is \"safe\", \"finalized\" or a number of blocks")
        })?;
    }
    chain.check()?;
    Ok(chain)
}

fn disk(written: &EdgeDisk) -> Result<edge::Disk> {
    let EdgeDisk { path, size, writes } = written;
    ensure!(
        !path.is_empty(),
        "an entry of edge.disks has no path; write {{ path = \"/var/cache/streamgate\", size = \"100 GiB\" }}"
    );
    let bytes =
        size.bytes().with_context(|| format!("edge.disks: the size of {path} is not one such as \"100 GiB\""))?;
    ensure!(bytes >= EDGE_DISK_BYTES_MIN, "edge.disks: {path} has a size below the least useful one, 64 MiB");
    let write_bytes_per_second = writes
        .bytes()
        .with_context(|| format!("edge.disks: the writes of {path} are not a size such as \"64 MiB\""))?;
    Ok(edge::Disk { path: PathBuf::from(path), bytes, write_bytes_per_second })
}

fn address(key: &str, text: &str) -> Result<SocketAddr> {
    text.parse()
        .with_context(|| format!("{key} = \"{text}\" is not an address such as \"0.0.0.0:8080\" or \"[::]:8080\""))
}
