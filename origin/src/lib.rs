//! The origin: takes uploads, makes them playable, decides who may watch, and serves edges.
//!
//! ```text
//!   access/    API keys, and the one table of who may do what
//!   api/       REST: keys, upload, content, status, token; every refusal in one table (problem.rs)
//!   rpc/       gRPC on the same port: each call is the request of REST that is its twin
//!   cache/     the role cache: what may be lost, in memory or in Redis
//!   bus/       NATS: events for other programs, rings for other processes
//!   roles/     parts of an origin that run elsewhere
//!   upload/    uploads that go on over several requests: claim, append, complete
//!   flow/      the way of an upload, one file a step: receive .. publish
//!   work/      who walks it: workers, leases, heartbeats, retries, live progress
//!   hooks/     webhooks: events, signed and sent to whoever wants them
//!   web.rs     requests that the origin itself makes, bounded
//!   playback/  what edges pull: playlists from the catalogue, segments from the objects
//!   gate/      who signs in, the chains that say who holds what, the rules that are read from them, what was given by them, keys and tokens
//!   monitor/   health and metrics
//! ```
//!
//! Everything that must survive is in `durable`; everything that needs a processor is in `media`, on threads of its own.
//! A request touches the catalogue and files, a job touches those and `media`; the two meet only in the catalogue, the
//! bells (a job is queued) and the board (live progress, cancel).
#![forbid(unsafe_code)]

mod access;
mod api;
mod bus;
mod cache;
mod clock;
mod config;
mod flow;
#[cfg(any(fuzzing, test))]
pub mod fuzz;
mod gate;
mod hooks;
mod house;
mod limits;
mod monitor;
mod playback;
mod roles;
mod rpc;
mod serve;
mod start;
mod upkeep;
mod upload;
mod web;
mod work;

pub use access::{Rate, is_origin, routes};
pub use bus::{NatsUrl, NotNats};
pub use cache::{NotRedis, RedisUrl};
pub use config::{AdminKey, Backups, Config, RoleAddresses, SignIn};
pub use durable::catalogue::{NotPostgres, PostgresUrl};
pub use durable::{NotS3, S3Place};
pub use gate::{ChainConfig, ChainSetupError, Finality, KeyFileError, MintError, Minted, Network, NotLetIn};
pub use monitor::Logs;
pub use roles::{Address, BadAddress, NoRole, Role, Roles};
pub use start::{Origin, StartError, start};
