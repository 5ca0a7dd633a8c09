//! The edge's tiers. No sockets, no HTTP, no clock, no threads of its own.
//!
//! One [`Ram`] belongs to one shard and is touched by that shard alone, so nothing in it takes a lock. What it hands out is an
//! `Arc<Object>`: immutable once whole, and readable by any shard while it fills.
//!
//! ```text
//!  Key ──> index ──> slot ──> Arc<Object<M>>            M: what the edge keeps beside a body (its head)
//!                     │          │ state   filling | whole | broken
//!                     │          │ dead    one atomic flag that ends every lease on it
//!                     │          └ chunks  c0 ─> c1 ─> c2   filled in order, each with a watermark
//!                     └ bytes charged, place in the policy's queues
//! ```
//!
//! - [`key`]: 128-bit hash of a name; which shard owns it.
//! - [`chunk`]: memory written once, front to back, by one writer while any number of readers follow.
//! - [`arena`]: memory that is also a file, for large chunks. It and `chunk` hold the crate's only `unsafe`.
//! - [`object`]: a run of chunks with a state, and [`object::Reader`], which walks it as it arrives.
//! - [`bell`]: which shards have readers asleep on an object.
//! - [`ram`]: index, byte accounting, eviction, pins.
//! - [`policy`]: which entry leaves next. S3-FIFO by bytes; LRU stands beside it for comparison.
//! - [`disk`]: the log on one disk: layout, index, what to write where, recovery. It names no file; the edge drives it.

pub mod arena;
pub mod bell;
pub mod chunk;
pub mod disk;
mod ghost;
pub mod key;
mod list;
mod lru;
pub mod object;
pub mod policy;
pub mod ram;
mod s3fifo;
mod slots;

pub use arena::Arena;
pub use bell::Bell;
pub use chunk::{Chunk, ChunkWriter, Slice};
pub use key::{Key, KeySeed};
pub use object::{Next, Object, Reader, State};
pub use policy::Policy;
pub use ram::{Found, Full, Ram, Ticket};
