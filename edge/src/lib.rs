//! The edge: a thread-per-core HTTP cache on io_uring, in front of any HTTP origin.
//!
//! One thread, one ring, one shard a core. Nothing on the way of a GET takes a lock:
//!
//! - A key has one **owner** shard, by hash. The owner holds the object, leads its one fetch, and is the only writer. Another shard
//!   asks the owner once and keeps a lease; an object's `dead` flag ends every lease.
//! - A **fetch** is a task of its own on the owner: whoever asks meanwhile joins it, and whoever leaves is noticed by nobody.
//! - A body is a run of **chunks** with a watermark: the second viewer, a range into a filling object and a hit are the same code.
//! - A **playback token** is verified here, with public keys and no call to anyone; the cache key never contains it.
//!
//! Reading order:
//!
//! 1. [`config`], [`source`], [`limits`], [`refusal`]: what it is told, its bounds, its reasons to say no.
//! 2. `flow`: the way of a request, one step a file; `flow/mod.rs` is the table.
//! 3. `http`: the rules as pure functions. `stored`: a head as it is kept. `http2`: streams of a connection, brought onto the same way.
//! 4. `shard`: one thread's state. `upstream`: whoever has the answer. `gate`: tokens.
//!    `media`: what players say. `disk`: what memory does not hold. `door`: who connects, and how much one address may take.
//! 5. `handover`: an upgrade without a pause. `rt`: the one seam to io_uring. `features`: what of it is there. `admin`, `metrics`: what an operator sees. `start`: threads, and
//!    their end.
#![deny(unsafe_code)]

mod admin;
pub mod config;
mod disk;
mod door;
mod features;
mod flow;
#[cfg(fuzzing)]
pub mod fuzz;
mod gate;
mod handover;
mod http;
mod http2;
pub mod limits;
mod media;
mod metrics;
pub mod purge;
pub mod refusal;
mod reload;
mod rt;
mod shard;
pub mod source;
mod start;
mod stored;
mod tls;
mod upstream;

pub use config::{
    AccessLog, Certificate, Config, Defaults, Disk, Health, Https, Net, Page, Resolver, SendZc, Tier, TrustedField,
    Upstream,
};
pub use features::Feature;
pub use gate::conditions::Viewer;
pub use gate::countries::{Countries, CountriesError};
pub use gate::playing::{Asked as StreamAsked, Playing, Told as StreamTold};
pub use gate::revoked::{Gatekeeper, Revocation};
pub use gate::{Pass, Tokens};
pub use limits::Limits;
pub use refusal::Refusal;
pub use reload::Reloaded;
pub use rt::Faults;
pub use source::Source;
pub use start::{Drained, Edge, StartError, start};
pub use tls::CertificateError;
