//! Origin and edge in one process, talking HTTP to each other over loopback: what `serve` and `demo` run.

use crate::config::{AccessLog, Config};
use crate::feed::{self, Feed, Source};
use crate::{logging, pages};
use anyhow::{Context, Result};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::runtime::Runtime;

/// The two halves, running.
pub struct Stack {
    pub origin: origin::Origin,
    pub edge: edge::Edge,
    feed: Option<Feed>,
}

/// Starts the origin, then an edge in front of it that holds its keys.
pub fn start(config: &Config, runtime: &Runtime) -> Result<Stack> {
    let origin = start_origin(config, runtime)?;
    let upstream = upstream(config, &origin)?;
    let source = Source::of(&upstream)?.map(Source::asked);
    let settings = settings(config, upstream, origin.verification_keys());
    let edge = edge::start(settings).context("the edge did not start")?;
    let feed = follow(config, source, &edge)?;
    Ok(Stack { origin, edge, feed })
}

/// What the edge beside `origin` pulls from: that one, whatever is configured.
fn upstream(config: &Config, origin: &origin::Origin) -> Result<edge::Upstream> {
    let own = format!("http://{}", reachable(origin.addr()));
    let own = edge::Source::parse(&own).context("the origin's own address")?;
    let edge_key = Some(origin.edge_key().to_owned());
    Ok(edge::Upstream { origins: vec![own], edge_key, ..config.upstream.clone() })
}

impl Stack {
    /// Gives the edge another configuration.
    pub fn reload(&self, config: &Config) -> Result<edge::Reloaded> {
        let upstream = upstream(config, &self.origin)?;
        let settings = settings(config, upstream, self.origin.verification_keys());
        self.edge.reload(settings).context("the edge cannot use it")
    }

    /// Drains the edge, then the origin: nothing that was asked for is cut within the limit.
    pub fn stop(self, runtime: &Runtime, limit: Duration) {
        drop(self.feed);
        self.edge.drain(limit);
        runtime.block_on(self.origin.shutdown());
    }
}

/// Starts the origin alone.
pub fn start_origin(config: &Config, runtime: &Runtime) -> Result<origin::Origin> {
    let mut settings = origin::Config {
        listen: config.origin_listen,
        data: config.data.clone(),
        catalogue: config.catalogue.clone(),
        objects: config.objects.clone(),
        admin_key: config.origin_admin_key.clone(),
        upload_bytes_max: config.upload_bytes_max,
        owner_bytes_max: config.owner_bytes_max,
        key_rate: config.api_key_rate,
        address_rate: config.api_address_rate,
        cors_origins: config.origin_cors.clone(),
        trusted_proxies: config.origin_trusted.clone(),
        hook_private: config.hook_private.clone(),
        chains: config.chains.clone(),
        signin: config.signin.clone(),
        lanes: config.lanes,
        encrypt: config.encrypt,
        backups: config.backups.clone(),
        redis: config.redis.clone(),
        roles: config.roles,
        role_addresses: config.role_addresses.clone(),
        role_secret: config.role_secret.clone(),
        nats: config.nats.clone(),
        cache_bytes_max: config.cache_bytes_max,
        logs: logging::kept(),
        shutdown_limit: config.drain,
        ..origin::Config::default()
    };
    settings.ladder.av1_speed = config.av1_speed;
    runtime.block_on(origin::start(settings)).context("the origin did not start")
}

/// What an edge is told.
pub fn settings(config: &Config, upstream: edge::Upstream, keys: wire::token::KeySet) -> edge::Config {
    edge::Config {
        http: config.edge_http,
        h2c: config.h2c,
        https: config.edge_https.clone(),
        admin: config.edge_admin,
        shards: config.edge_shards,
        ram_bytes: config.edge_ram_bytes,
        disks: config.edge_disks.clone(),
        keys,
        access_log_sample: config.access_log_sample,
        access_log: match &config.access_log {
            AccessLog::Off => edge::AccessLog::Off,
            AccessLog::Stdout => edge::AccessLog::Stdout,
            AccessLog::File(path) => edge::AccessLog::File(path.clone()),
        },
        pages: if config.demo_wallets { pages::of_demo() } else { pages::all() },
        defaults: config.edge_defaults,
        client_directives: config.client_directives,
        staleness_max: config.staleness_max,
        countries: config.countries.clone(),
        prefetch: config.prefetch,
        cmsd: config.cmsd,
        gzip: config.gzip,
        send_zc: config.send_zc,
        limits: config.edge_limits.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        proxy_protocol: config.proxy_protocol,
        trusted_field: config.trusted_field,
        ..edge::Config::new(upstream)
    }
}

/// Follows an origin's events at this edge, if there is one to follow.
pub fn follow(config: &Config, source: Option<Source>, edge: &edge::Edge) -> Result<Option<Feed>> {
    let (Some(source), Some(purger)) = (source, edge.purger()) else { return Ok(None) };
    let told = (edge.gatekeeper(), edge.playing());
    feed::follow(source, config, purger, told).map(Some).context("the origin's events cannot be followed")
}

/// The address by which this machine reaches what listens on `listening`.
pub fn reachable(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
        _ => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listening.port())
}
