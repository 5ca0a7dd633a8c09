//! What must not be lost: the catalogue (assets, tracks, segments, jobs, events) and the objects (bytes).
//!
//! ```text
//!   <data>/lock                one process at a time
//!   <data>/catalogue.sqlite    rows, unless they are in PostgreSQL; written by one connection, read by several (WAL)
//!   <data>/instance            the name of this folder among those that share a database
//!   <data>/objects/ab/cdef...  bytes, named by their SHA-256, never changed once named, unless they are in an S3
//!   <data>/fetched/<name>      copies of objects, when those are in an S3; emptied at start
//!   <data>/uploads/<name>      bytes of uploads that go on over several requests
//!   <data>/tmp/...             bytes that have no name yet; emptied at start
//! ```
//!
//! One rule orders every write: **objects before the row that names them**. A crash between the two leaves bytes
//! that nothing refers to, which [`Store::sweep`] removes; it never leaves a row that points at nothing. In the other
//! direction a row goes first and its bytes after it, and an object that is being written or about to be named is
//! *pinned*, so that a delete never takes what an upload of the same bytes just found.
//!
//! The catalogue's SQL stands in one file a concern under `catalogue/`; time and chance are arguments everywhere.
//! [`disk::Disk`] is the one seam through which files are written, so that a test can fill the disk.
#![forbid(unsafe_code)]

mod backup;
pub mod catalogue;
pub mod disk;
mod error;
mod id;
pub mod limits;
mod lock;
pub mod objects;
mod rotation;
mod store;

pub use backup::{BackedUp, backup, restore};
pub use catalogue::Catalogue;
pub use disk::Disk;
pub use error::{Part, StoreError};
pub use id::{AssetId, ObjectId, random_name};
pub use objects::{
    Batch, Bytestream, Copied, Local, NotS3, Objects, Opened, Partial, Presigned, RunningHash, S3Place, Shelves,
    Stored, Writer,
};
pub use rotation::{Rotated, backups, rotate};
pub use store::{Places, Store};

/// Milliseconds since 1970-01-01 UTC.
pub type UnixMs = i64;
