//! Roles apart: which parts of an origin run in this process, and where the others are. The way of a request whose role is elsewhere:
//!
//! ```text
//! guard (here) -> whose part is it (table.rs) -> an instance that is well, or the one that has the upload (place.rs, instances.rs)
//!     -> vouch for the caller (vouch.rs) -> forward (forward.rs)
//! ```
//!
//! Whoever takes requests decides about rights and rates; an instance believes what it says of the caller because of the secret that
//! all have (apart.rs). They share one catalogue, and so one queue of jobs. Decisions 0172 to 0175.

mod apart;
mod forward;
mod instances;
mod place;
mod table;
mod vouch;

use std::fmt;
use std::str::FromStr;

pub(crate) use forward::{Elsewhere, forward};
pub use instances::{Address, BadAddress};
pub(crate) use place::Clue;
pub(crate) use vouch::vouched;

use crate::Config;

/// A part of an origin that can run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// REST and gRPC for everybody.
    Gateway,
    /// What takes bytes of uploads.
    Upload,
    /// What makes uploads playable: probes, packages, encodes.
    Transcoder,
    /// What edges pull.
    Streaming,
    /// The catalogue: content, search, categories, webhooks.
    Metadata,
    /// What may be lost: its figures, and what ends it.
    Cache,
    /// Who signs in, who may watch: accounts, keys, rules, tokens.
    Auth,
    /// The house's own work: schedules, sweeps, messages to webhooks; and what jobs there are.
    Worker,
    /// How the place is.
    Monitor,
}

impl Role {
    /// In the order of DESIGN's table of ports: the first one of a process says where it listens.
    pub const ALL: [Self; 9] = [
        Self::Gateway,
        Self::Upload,
        Self::Transcoder,
        Self::Streaming,
        Self::Metadata,
        Self::Cache,
        Self::Auth,
        Self::Worker,
        Self::Monitor,
    ];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Upload => "upload",
            Self::Transcoder => "transcoder",
            Self::Streaming => "streaming",
            Self::Metadata => "metadata",
            Self::Cache => "cache",
            Self::Auth => "auth",
            Self::Worker => "worker",
            Self::Monitor => "monitor",
        }
    }

    /// Where it listens when it is alone.
    pub fn port(self) -> u16 {
        match self {
            Self::Gateway => 9090,
            Self::Upload => 9091,
            Self::Transcoder => 9092,
            Self::Streaming => 9093,
            Self::Metadata => 9005,
            Self::Cache => 9006,
            Self::Auth => 9007,
            Self::Worker => 9008,
            Self::Monitor => 9009,
        }
    }

    /// A gateway stands in for it where it has no address: all that its answers need is the catalogue, which every process has.
    fn needs_the_catalogue_alone(self) -> bool {
        !matches!(self, Self::Gateway | Self::Upload | Self::Streaming)
    }
}

/// Roles of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles(u16);

/// The text names a role that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no role \"{0}\"; write all, or some of gateway, upload, transcoder, streaming, metadata, cache, auth, worker, monitor"
)]
pub struct NoRole(String);

impl Roles {
    /// All of them: the whole origin.
    pub const ALL: Self = Self(0b1_1111_1111);
    /// What takes jobs off the queue: `streamgate worker`.
    pub const OF_JOBS: Self = Self(1 << Role::Transcoder as u16 | 1 << Role::Worker as u16);

    /// Whether it is one of them.
    pub fn has(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    /// Whether nothing is elsewhere.
    pub fn is_whole(self) -> bool {
        self == Self::ALL
    }

    /// Where they listen when nothing else is said.
    pub fn port(self) -> u16 {
        Role::ALL.into_iter().find(|role| self.has(*role)).map_or(9090, Role::port)
    }

    fn bit(role: Role) -> u16 {
        1 << role as u16
    }
}

impl FromStr for Roles {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words
            .map(|word| match (word, Role::ALL.into_iter().find(|role| role.word() == word)) {
                ("all", _) => Ok(Self::ALL.0),
                (_, Some(role)) => Ok(Self::bit(role)),
                (word, None) => Err(NoRole(word.to_owned())),
            })
            .try_fold(0, |all, one| Ok(all | one?))
            .and_then(|bits| if bits == 0 { Err(NoRole(text.to_owned())) } else { Ok(Self(bits)) })
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = Role::ALL.into_iter().filter(|role| self.has(*role)).map(Role::word).collect();
        f.write_str(&words.join(","))
    }
}

impl Roles {
    /// Whether this process does what the role does: it is here, or a gateway stands in for it.
    pub(crate) fn answers(self, role: Role, config: &Config) -> bool {
        let stands_in = || self.has(Role::Gateway) && role.needs_the_catalogue_alone();
        self.has(role) || (stands_in() && config.role_addresses.of(role).is_empty())
    }
}

impl Config {
    /// The role that answers a route, named as the router does, when this process does not.
    pub(crate) fn elsewhere(&self, method: &str, route: &str) -> Option<Role> {
        table::role_of(method, route).filter(|role| !self.roles.answers(*role, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_and_written() {
        let read = |text: &str| text.parse::<Roles>();
        assert_eq!(read("all"), Ok(Roles::ALL));
        let words: Vec<_> = Role::ALL.into_iter().map(Role::word).collect();
        assert_eq!(read(&words.join(",")), Ok(Roles::ALL));
        let two = read("upload, worker").unwrap();
        assert_eq!((two.to_string().as_str(), two.port()), ("upload,worker", 9091));
        assert!(two.has(Role::Worker) && !two.has(Role::Gateway) && !two.is_whole());
        assert_eq!(read("worker,transcoder"), Ok(Roles::OF_JOBS));
        for bad in ["", "gate", "gateway,x"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_gateway_stands_in_for_what_has_no_address_and_nobody_else_does() {
        let elsewhere = |roles: &str, metadata: &[&str], route: &str| {
            let metadata = metadata.iter().map(|text| text.parse().unwrap()).collect();
            let role_addresses = crate::RoleAddresses { metadata, ..Default::default() };
            let config = Config { roles: roles.parse().unwrap(), role_addresses, ..Config::default() };
            config.elsewhere("GET", route)
        };
        assert_eq!(elsewhere("upload,worker", &[], "/api/v1/upload/tus/{id}"), None);
        assert_eq!(elsewhere("upload,worker", &[], "/v/{id}/{file}"), Some(Role::Streaming));
        assert_eq!(elsewhere("upload,worker", &[], "/healthz"), None);
        assert_eq!(elsewhere("upload,worker", &[], "/api/v1/content"), Some(Role::Metadata));
        assert_eq!(elsewhere("gateway", &[], "/api/v1/content"), None);
        assert_eq!(elsewhere("gateway", &["http://a:1"], "/api/v1/content"), Some(Role::Metadata));
        assert_eq!(elsewhere("gateway", &["http://a:1"], "/api/v1/content/{id}/watch"), None);
        assert_eq!(elsewhere("gateway", &[], "/v/{id}/{file}"), Some(Role::Streaming));
        assert_eq!(elsewhere("all", &["http://a:1"], "/api/v1/content"), None);
    }
}
