//! The configuration as a person wrote it. Meanings, units and costs stand in `deploy/streamgate.toml`, which a test
//! keeps equal to these structs.

use super::size::Size;
use serde::{Deserialize, Serialize};

macro_rules! section {
    ($name:ident { $($(#[$note:meta])* $key:ident: $type:ty = $default:expr),* $(,)? }) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$note])* pub $key: $type),* }
        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default),* }
            }
        }
    };
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Written {
    pub storage: Storage,
    pub origin: Origin,
    pub edge: Edge,
    pub upstream: Upstream,
    pub gate: Gate,
    pub work: Work,
    pub webhooks: Webhooks,
    pub cache: Cache,
    pub nats: Nats,
    pub roles: Roles,
    pub limits: Limits,
}

section!(Storage {
    data: String = "data".into(),
    catalogue: String = String::new(),
    objects: String = String::new(),
    s3_endpoint: String = String::new(),
    s3_region: String = "us-east-1".into(),
    s3_access_key: String = String::new(),
    s3_secret_key: String = String::new(),
});
section!(Origin {
    listen: String = "0.0.0.0:9090".into(),
    admin_key: String = String::new(),
    cors_origins: Vec<String> = Vec::new(),
    trusted_proxies: Vec<String> = Vec::new(),
});
section!(Edge {
    http: String = "0.0.0.0:8080".into(),
    https: String = String::new(),
    tls_certificates: Vec<EdgeCertificate> = Vec::new(),
    tls_ticket_secret_file: String = String::new(),
    hsts: String = String::new(),
    http2: bool = true,
    h2c: bool = true,
    admin: String = "127.0.0.1:9100".into(),
    handover: String = String::new(),
    shards: usize = 0,
    ram: Size = Size::text("512 MiB"),
    disks: Vec<EdgeDisk> = Vec::new(),
    access_log: String = "off".into(),
    access_log_sample: u32 = 1,
    default_ttl_seconds: u64 = 0,
    negative_ttl_seconds: u64 = 0,
    client_directives: bool = false,
    prefetch: usize = 4,
    cmsd: bool = false,
    gzip: bool = true,
    send_zc: String = "auto".into(),
    trusted_proxies: Vec<String> = Vec::new(),
    proxy_protocol: bool = false,
    trusted_field: String = "x-forwarded-for".into(),
});
section!(EdgeCertificate { cert: String = String::new(), key: String = String::new(), ocsp: String = String::new() });
section!(EdgeDisk { path: String = String::new(), size: Size = Size::Bytes(0), writes: Size = Size::text("64 MiB") });
section!(Upstream {
    url: String = "http://127.0.0.1:9090".into(),
    origins: Vec<UpstreamOrigin> = Vec::new(),
    shield: String = String::new(),
    host: String = String::new(),
    ca_file: String = String::new(),
    edge_key: String = String::new(),
    cdn_id: String = String::new(),
    try_ms: u64 = 500,
    retry_percent: u32 = 20,
    retry_per_second: u32 = 10,
    breaker_after: u32 = 5,
    resolve_seconds: u64 = 30,
    health: UpstreamHealth = UpstreamHealth::default(),
    tier: UpstreamTier = UpstreamTier::default(),
});
section!(UpstreamOrigin { url: String = String::new(), weight: u32 = 1, backup: bool = false });
section!(UpstreamHealth {
    path: String = String::new(),
    interval_ms: u64 = 5000,
    timeout_ms: u64 = 2000,
    unhealthy_after: u32 = 3,
    healthy_after: u32 = 2,
});
section!(UpstreamTier {
    peers: Vec<String> = Vec::new(),
    #[serde(rename = "self")]
    me: String = String::new(),
});
section!(Webhooks { private: Vec<String> = Vec::new() });
section!(Gate {
    keys: Vec<String> = Vec::new(),
    staleness_max_seconds: u64 = 0,
    countries: String = String::new(),
    chains: Vec<GateChain> = Vec::new(),
    signin_domains: Vec<String> = Vec::new(),
    signin_uri: String = String::new(),
    signin_statement: String = "Sign in to watch".into(),
    signin_role: String = "viewer".into(),
    access_seconds: u64 = 900,
    refresh_seconds: u64 = 2_592_000,
});
section!(GateChain {
    name: String = String::new(),
    id: u64 = 0,
    rpc: Vec<String> = Vec::new(),
    ws: String = String::new(),
    finality: String = String::new(),
    quorum: usize = 1,
});
section!(Work {
    lanes: usize = 0,
    av1_speed: u8 = 10,
    encryption: String = "none".into(),
    backup_folder: String = String::new(),
    backups_kept: usize = 7,
});
section!(Cache { redis: String = String::new(), memory: Size = Size::text("64 MiB") });
section!(Nats { url: String = String::new() });
section!(Roles {
    run: String = "all".into(),
    upload: Vec<String> = Vec::new(),
    transcoder: Vec<String> = Vec::new(),
    streaming: Vec<String> = Vec::new(),
    metadata: Vec<String> = Vec::new(),
    cache: Vec<String> = Vec::new(),
    auth: Vec<String> = Vec::new(),
    worker: Vec<String> = Vec::new(),
    monitor: Vec<String> = Vec::new(),
    secret: String = String::new(),
});
section!(Limits {
    upload: Size = Size::text("16 GiB"),
    owner: Size = Size::Bytes(0),
    api_requests_per_key_per_second: u32 = 0,
    api_requests_per_address_per_second: u32 = 0,
    api_requests_burst: u32 = 100,
    drain_seconds: u64 = 10,
    handover_seconds: u64 = 300,
    connections_per_address: u32 = 16_384,
    requests_per_address_per_second: u32 = 0,
    requests_per_address_burst: u32 = 200,
});
