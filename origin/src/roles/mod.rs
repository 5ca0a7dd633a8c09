//! Roles apart: which parts of an origin run in this process, and where the others are. The way of a request whose role is elsewhere:
//!
//! ```text
//! guard (here) -> pick an instance that is well (instances.rs) -> vouch for the caller (vouch.rs) -> forward (forward.rs)
//! ```
//!
//! Whoever takes requests decides about rights and rates; an instance believes what it says of the caller because of the secret that
//! both have. All of them share one catalogue, and so one queue of jobs. Decision 0172.

mod forward;
mod instances;
mod vouch;

use std::fmt;
use std::str::FromStr;

pub(crate) use forward::{Elsewhere, forward};
pub use instances::{Address, BadAddress};
pub(crate) use vouch::vouched;

/// A part of an origin that can run by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// REST and gRPC for everybody.
    Gateway,
    /// What takes bytes of uploads.
    Upload,
    /// What edges pull.
    Streaming,
    /// What works off jobs: encodes, sweeps, tells webhooks.
    Worker,
}

impl Role {
    const ALL: [Self; 4] = [Self::Gateway, Self::Upload, Self::Streaming, Self::Worker];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Upload => "upload",
            Self::Streaming => "streaming",
            Self::Worker => "worker",
        }
    }

    /// Where it listens when it is alone.
    pub fn port(self) -> u16 {
        match self {
            Self::Gateway => 9090,
            Self::Upload => 9091,
            Self::Streaming => 9093,
            Self::Worker => 9008,
        }
    }
}

/// Roles of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles(u8);

/// The text names a role that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no role \"{0}\"; write all, or some of gateway, upload, streaming, worker")]
pub struct NoRole(String);

impl Roles {
    /// All of them: the whole origin.
    pub const ALL: Self = Self(0b1111);

    /// Whether it is one of them.
    pub fn has(self, role: Role) -> bool {
        self.0 & Self::bit(role) != 0
    }

    /// Where they listen when nothing else is said.
    pub fn port(self) -> u16 {
        Role::ALL.into_iter().find(|role| self.has(*role)).map_or(9090, Role::port)
    }

    fn bit(role: Role) -> u8 {
        1 << role as u8
    }
}

impl FromStr for Roles {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words
            .map(|word| match (word, Role::ALL.into_iter().find(|role| role.word() == word)) {
                ("all", _) => Ok(Self::ALL.0),
                // The same program works off all kinds of jobs.
                ("transcoder", _) => Ok(Self::bit(Role::Worker)),
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
    /// The role that answers a route, named as the router does, when it does not run here. What needs the catalogue alone every
    /// process answers.
    pub(crate) fn elsewhere(self, path: &str) -> Option<Role> {
        let role = match path {
            _ if path.starts_with("/api/v1/upload") => Role::Upload,
            "/v/{*path}" => Role::Streaming,
            _ => return None,
        };
        (!self.has(role)).then_some(role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_and_written() {
        let read = |text: &str| text.parse::<Roles>();
        assert_eq!(read("all"), Ok(Roles::ALL));
        let two = read("upload, worker").unwrap();
        assert_eq!((two.to_string().as_str(), two.port()), ("upload,worker", 9091));
        assert!(two.has(Role::Worker) && !two.has(Role::Gateway));
        assert_eq!(read("transcoder"), read("worker"));
        for bad in ["", "gate", "gateway,x"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(two.elsewhere("/api/v1/upload/tus/{id}"), None);
        assert_eq!(two.elsewhere("/v/{*path}"), Some(Role::Streaming));
        assert_eq!(two.elsewhere("/healthz"), None);
        assert_eq!(Roles::ALL.elsewhere("/v/{*path}"), None);
    }
}
