//! The configuration as a person wrote it. Meanings, units and costs stand in `deploy/streamgate.toml`, which a test
//! keeps equal to these structs.

use super::size::Size;
use serde::{Deserialize, Serialize};

macro_rules! section {
    ($name:ident { $($key:ident: $type:ty = $default:expr),* $(,)? }) => {
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $(pub $key: $type),* }
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
    pub limits: Limits,
}

section!(Storage { data: String = "data".into() });
section!(Origin { listen: String = "0.0.0.0:9090".into() });
section!(Edge {
    http: String = "0.0.0.0:8080".into(),
    admin: String = "127.0.0.1:9100".into(),
    shards: usize = 0,
    ram: Size = Size::text("512 MiB"),
    access_log: String = "off".into(),
    default_ttl_seconds: u64 = 0,
    negative_ttl_seconds: u64 = 0,
    client_directives: bool = false,
});
section!(Upstream { url: String = "http://127.0.0.1:9090".into(), edge_key: String = String::new() });
section!(Gate { keys: Vec<String> = Vec::new() });
section!(Work { lanes: usize = 0, av1_speed: u8 = 10 });
section!(Limits { upload: Size = Size::text("16 GiB"), drain_seconds: u64 = 10 });
