//! The catalogue, in SQLite or PostgreSQL: one file a concern, one SQL for both ([`sql`] is the seam).
//!
//! **Adding a table**: a migration is four files, `migrations/{sqlite,postgres}/NNNN_name.{up,down}.sql`; `migrations/README.md`
//! says what to write there. **Adding a query**: `sqlx::query(...)` on `&self.read`, `&self.write` or `&mut *tx` of
//! `self.begin()`, in SQL that both databases read:
//!
//! - placeholders `$1`; values are `i64`, `f64`, text and bytes: `i64::from(limit)`, a flag is a number 0 or 1, an enum gets
//!   `words!`; in a derived `FromRow` a `u32` says `#[sqlx(try_from = "i64")]`, a `bool` `#[sqlx(try_from = "Flag")]`;
//! - `ON CONFLICT DO NOTHING`, `RETURNING`, `CASE WHEN`, `coalesce`, `string_agg(text, ',')`; not `INSERT OR IGNORE`, `iif`, two-argument
//!   `max`, `json_each`; in `DO UPDATE SET` name the table of a column (`t.n + excluded.n`); every selected column is aggregated
//!   or grouped; a `sum` of whole numbers is `CAST(... AS BIGINT)`;
//! - whether something is there: `SELECT 1 ... LIMIT 1` and [`sql::is_there`], since one database's `EXISTS` is a number;
//! - where they must differ: `self.dialect`, `tx.dialect`.

mod accounts;
mod address;
mod assets;
mod audit;
mod categories;
mod challenges;
mod chunks;
mod counts;
mod dump;
mod edits;
mod ends;
mod events;
mod grants;
mod idempotency;
mod jobs;
mod keys;
mod labels;
mod lexemes;
mod listing;
mod open;
mod pictures;
mod playback;
mod publish;
mod queue;
mod reach;
mod references;
mod rules;
mod schedules;
mod search;
mod segment;
mod sessions;
mod shares;
mod sql;
mod streams;
mod taken_back;
mod tracks;
mod uploads;
mod webhooks;

pub use accounts::{Account, Linked, SignedIn, Unlinked, Wallet};
pub use address::{NotPostgres, PostgresUrl};
pub use assets::{Asset, AssetState, Failure, Meta, NewAsset, SealedKey, Visibility};
pub use audit::{Actor, Deed};
pub use categories::{Category, CategoryEnd, CategoryMade};
pub use challenges::Answered;
pub use chunks::StoredChunk;
pub use counts::{Count, CountSource, Day};
pub use edits::{Change, Changed};
pub use events::Event;
pub use grants::{Grant, NewGrant, TakenBack, Which, key_as_session};
pub use idempotency::{Earlier, KeptAnswer};
pub use jobs::{Job, JobKind, JobState, Lease, QueueDepth, Stage};
pub use keys::{ApiKey, Role};
pub use listing::{Cursor, Filter};
pub use pictures::{FoundPicture, Picture, WhichPicture};
pub use playback::Found;
pub use publish::Published;
pub use queue::{JobFilter, JobRow, Submitted, Wished};
pub use rules::{RuleWritten, StoredRule};
pub use schedules::{Chore, Schedule};
pub use search::{Hit, Place};
pub use sessions::{NewSession, Refreshed, Session};
pub use shares::{Claim, Share};
pub use sql::Dialect;
pub use streams::{Held, Playing};
pub use taken_back::{TakenWhole, Whole};
pub use tracks::{Init, Planned, SegmentRow, Track, TrackState};
pub use uploads::{Entered, Upload};
pub use webhooks::{Attempted, Delivery, DeliveryState, Message, Webhook, WebhookChange};

use std::sync::Arc;

use crate::{ObjectId, StoreError};
use ends::Ends;
use reach::Reach;
use sql::Tx;

/// Rows and the rules that hold between them.
#[derive(Debug, Clone)]
pub struct Catalogue {
    write: Reach,
    read: Reach,
    dialect: Dialect,
    /// Names this data folder among those whose processes share a server; empty when nobody does.
    instance: String,
    /// Jobs that end.
    ends: Arc<Ends>,
}

impl Catalogue {
    /// Answers when the catalogue answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.read).await?;
        Ok(())
    }

    /// Whether other processes may have the same catalogue: a server's, yes; a file's, never, since its data folder is locked.
    pub fn is_shared(&self) -> bool {
        self.dialect == Dialect::Postgres
    }

    /// Closes all connections; the write-ahead log is folded into the file.
    pub(crate) async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }

    /// A transaction that writes, alone: others wait until it is committed or undone. In PostgreSQL that is a lock of the
    /// transaction, let go of after its commit can be seen. So the numbers of events are given in the order of commits, and
    /// "look, then write" needs no second thought. A statement by itself (on `&self.write`) does not take it; it must not number
    /// anything, and is right when it touches one row whose state it asks for.
    async fn begin(&self) -> Result<Tx, StoreError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(Tx::new(self.write.begin_write().await?, self.dialect));
        }
        let mut line = self.write.begin(None).await?;
        sqlx::query("SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS locked")
            .bind(WRITE_LOCK)
            .execute(&mut line)
            .await?;
        Ok(Tx::new(line, self.dialect))
    }
}

impl Catalogue {
    /// A transaction that takes one job and numbers nothing: in PostgreSQL many of them go on at once, since rows that one of them
    /// holds are passed over by the others (`SKIP LOCKED`). In SQLite it is not synced: whoever has the job dies by the power cut that takes
    /// it back, and whatever they store is synced behind it.
    async fn begin_claim(&self) -> Result<Tx, StoreError> {
        match self.dialect {
            Dialect::Sqlite => Ok(Tx::new(self.write.begin_lax_write().await?, self.dialect)),
            Dialect::Postgres => Ok(Tx::new(self.write.begin(None).await?, self.dialect)),
        }
    }
}

/// Any number that nobody else takes for an advisory lock of this database.
const WRITE_LOCK: i64 = 0x5374_7247_0000;

/// An object's name out of a row.
fn object_id(text: &str) -> Result<ObjectId, StoreError> {
    text.parse().map_err(|_| StoreError::Damaged(format!("object name {text:?}")))
}

/// A number that this program wrote from an unsigned one.
fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Damaged(format!("negative number {value}")))
}

/// A number that this program wrote from a small unsigned one.
fn small(value: i64) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|_| StoreError::Damaged(format!("number {value} out of its range")))
}

/// Integers of a row are signed; a time or size beyond them is no real one.
fn signed(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Damaged(format!("number {value} does not fit a row")))
}
