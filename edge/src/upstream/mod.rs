//! The origin: a bounded pool of connections a shard, the request it is sent, and its answer's head.

mod exchange;
mod pool;
pub(crate) mod request;

pub(crate) use exchange::{Body, Exchanged, exchange};
pub(crate) use pool::{Origin, Pool, give_back};
