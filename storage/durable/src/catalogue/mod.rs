//! The catalogue in SQLite: one file a concern, so that a second database can stand beside it.
//!
//! One connection writes and takes the write lock when its transaction begins (`BEGIN IMMEDIATE`), several read. With
//! the write-ahead log readers never wait for the writer. `synchronous=FULL`: a commit is on disk when it returns,
//! since an upload that was answered 201 must survive a power cut; that costs one sync (about 0.5 ms on the machine
//! this was measured on) a commit, and commits are few: one a chunk, a heartbeat, a published track.

mod assets;
mod audit;
mod categories;
mod chunks;
mod counts;
mod edits;
mod events;
mod idempotency;
mod jobs;
mod keys;
mod labels;
mod listing;
mod playback;
mod publish;
mod queue;
mod references;
mod schedules;
mod search;
mod segment;
mod tracks;
mod uploads;
mod webhooks;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

pub use assets::{Asset, AssetState, Failure, Meta, NewAsset, Visibility};
pub use audit::{Actor, Deed};
pub use categories::{Category, CategoryEnd, CategoryMade};
pub use chunks::StoredChunk;
pub use counts::{Count, CountSource, Day};
pub use edits::{Change, Changed};
pub use events::Event;
pub use idempotency::{Earlier, KeptAnswer};
pub use jobs::{Job, JobKind, JobState, Lease, QueueDepth, Stage};
pub use keys::{ApiKey, Role};
pub use listing::{Cursor, Filter};
pub use playback::Found;
pub use publish::Published;
pub use queue::{JobFilter, JobRow, Submitted, Wished};
pub use schedules::{Chore, Schedule};
pub use tracks::{Init, Planned, SegmentRow, Track, TrackState};
pub use uploads::{Entered, Upload};
pub use webhooks::{Attempted, Delivery, DeliveryState, Message, Webhook, WebhookChange};

use crate::limits::{ACQUIRE_TIMEOUT_MS, BUSY_TIMEOUT_MS, READERS};
use crate::{ObjectId, StoreError};

/// Rows and the rules that hold between them.
#[derive(Debug, Clone)]
pub struct Catalogue {
    write: SqlitePool,
    read: SqlitePool,
}

type Tx = Transaction<'static, Sqlite>;

impl Catalogue {
    /// Opens or makes `path` and brings its schema up to date.
    pub(crate) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS));
        let pool = || {
            SqlitePoolOptions::new()
                .acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS))
                .test_before_acquire(false)
        };
        let write = pool().min_connections(1).max_connections(1).connect_with(options.clone()).await?;
        sqlx::migrate!().run(&write).await?;
        let read = pool().max_connections(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { write, read })
    }

    /// Answers when the catalogue answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.read).await?;
        Ok(())
    }

    /// Closes all connections; the write-ahead log is folded into the file.
    pub(crate) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(self.write.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// An object's name out of a row.
fn object_id(text: &str) -> Result<ObjectId, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged(format!("object name {text:?}")))
}

/// A number that this program wrote from an unsigned one.
fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged(format!("negative number {value}")))
}

/// SQLite's integers are signed; a time or size beyond them is no real one.
fn signed(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Damaged(format!("number {value} does not fit a row")))
}
