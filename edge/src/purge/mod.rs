//! Purges: what must not be given to anyone any more, or not without asking the origin again.
//!
//! A purge is a mark in a table that every shard has, with the number of its turn. Nothing is searched: an object is compared with the
//! marks that came since it was last compared, when it is next asked for. So a purge of a million objects costs what a purge of one
//! does, and what it covers leaves memory and disk as it is asked for or evicted.
//!
//! ```text
//! admin API, event feed, Cache-Group-Invalidation -> [thread]: number it -> journal -> every shard's [table] -> answer
//! look-up: object older than the table's last mark? -> compare -> clean | soft (ask the origin first) | gone
//! ```
//!
//! - [`table`]: the marks, and what they mean for an object. Pure.
//! - [`journal`]: the marks on disk, so that what is read back after a restart is compared with them too.
//! - [`thread`]: one after the other, in one order for all shards.

pub(crate) mod journal;
pub(crate) mod table;
pub(crate) mod thread;

pub use thread::{PurgeError, Purger};

use serde::{Deserialize, Serialize};

/// What is purged.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// One target (`/path?query`), every variant of it.
    Url(String),
    /// Every target that begins so.
    Prefix(String),
    /// Everything that carries this cache tag (`Surrogate-Key`).
    Tag(String),
    /// Everything in this cache group (`Cache-Groups`, RFC 9875).
    Group(String),
    /// Everything.
    All,
}

/// A purge.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Purge {
    /// What is purged.
    #[serde(flatten)]
    pub what: What,
    /// Not gone, but stale: the origin is asked whether it has changed, and what it granted for failures stands.
    #[serde(default)]
    pub soft: bool,
}

impl Purge {
    /// The same with a target in the place of a whole URL: an edge has one name for a path, whichever host it was asked of.
    pub(crate) fn of_this_host(mut self) -> Purge {
        if let What::Url(url) | What::Prefix(url) = &mut self.what
            && let Some((_, rest)) = url.split_once("://")
        {
            *url = rest.find('/').map_or_else(|| "/".to_owned(), |at| rest[at..].to_owned());
        }
        self
    }
}

/// A purge with the number of its turn.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) seq: u64,
    #[serde(flatten)]
    pub(crate) purge: Purge,
}
