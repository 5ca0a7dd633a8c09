//! The disk tier of one shard on one disk: a log in a preallocated file. Pure: bytes in and out, no file, no clock, no thread.
//!
//! ```text
//! file    header | region 0 | region 1 | ... | region n-1            a ring: region `seq` lies in slot `seq % n`
//! region  record | record | pad | record | ... | footer              appended front to back, sealed by its footer
//! record  front (header, sums, name, head) | body                    each 256 KiB of body has its own sum
//! ```
//!
//! - Whoever drives it owns the file. [`Log`] says what to write where, [`Recovery`] what to read, and both are told when that is done.
//! - An entry enters the [`index`] when its bytes are on the disk; that is what *acknowledged* means.
//! - A later record of a key wins over an earlier one, a removal is a record too (a tombstone), and an earlier region is always overwritten
//!   before a later one: so what was removed never comes back.
//! - Every sum is seeded by the file's salt and the record's address: bytes of an earlier life of the file never count.
//!
//! The bytes are drawn in `docs/formats/disk-tier.md`. Reading order: [`layout`], [`header`], [`record`], [`footer`], [`index`], [`log`],
//! [`recovery`], [`admission`].

pub mod admission;
pub mod buffer;
mod bytes;
pub mod footer;
pub mod header;
pub mod index;
pub mod layout;
pub mod log;
pub mod record;
pub mod recovery;

pub use admission::{Admission, Budget};
pub use buffer::Buffer;
pub use footer::Entry;
pub use header::Header;
pub use layout::{Address, BLOCK_BYTES, Geometry, PIECE_BYTES};
pub use log::{Log, Place, Space, Write};
pub use record::{Bad, Front, Kind};
pub use recovery::Recovery;
