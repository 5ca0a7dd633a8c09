//! Whoever has the answer: the owner edge of a target, the shield, the origins.
//!
//! ```text
//! ask -> order (who, first choice first) -> race (a try; another one when it fails or is silent) -> head -> body on the connection
//! ```
//!
//! - [`places`], [`sources`]: what there is, and how one shard has fared with it. [`rendezvous`]: who comes first for a target.
//! - [`breaker`], [`health`], [`budget`]: when a place is left alone, and how often may be tried again. Pure.
//! - [`exchange`], [`race`]: a request. [`pool`], [`tls`]: connections. [`request`]: the head that is sent.
//! - [`fellow`]: another edge that asks us. [`loops`]: a request that comes round again.
//! - [`watch`]: the thread that resolves names again and probes origins. [`seen`]: what an operator sees.

mod breaker;
mod budget;
mod exchange;
pub(crate) mod fellow;
mod health;
pub(crate) mod loops;
mod places;
mod pool;
mod race;
mod rendezvous;
pub(crate) mod request;
mod resolve;
mod seen;
mod sources;
pub(crate) mod tls;
pub(crate) mod watch;

pub(crate) use exchange::{Body, Call, Exchanged, Informed, Reach, ask, broke_off, gather};
pub(crate) use places::{Level, Place, places};
pub(crate) use pool::{Origin, give_back};
pub(crate) use resolve::resolve;
pub(crate) use seen::{Seen, Slot, View};
pub(crate) use sources::Sources;
pub(crate) use watch::News;
