//! What can go wrong with the store, by who is to blame.

use std::io;
use std::path::{Path, PathBuf};

use crate::ObjectId;

/// A server that the store needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// PostgreSQL; or SQLite, when it is so busy that a caller waited too long.
    Catalogue,
    /// S3.
    Objects,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Catalogue => "the catalogue",
            Self::Objects => "the object storage",
        })
    }
}

/// Why the store refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No room for the bytes or the row (`ENOSPC`, `EDQUOT`, `SQLITE_FULL`), or less than the reserve is left.
    #[error("the disk that holds the data folder is full")]
    DiskFull,
    /// The folder belongs to a running process.
    #[error("the folder {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// The system refused to work on a file.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// The verb: `create`, `write`, `sync`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The row names an object whose file is gone.
    #[error("the object {0} is missing from the data folder")]
    Missing(ObjectId),
    /// Another worker holds the job now, or the job was deleted: what this worker made must not be written.
    #[error("the job is no longer this worker's")]
    Fenced,
    /// A track without a whole run of segments was about to be published.
    #[error("track {track} has {stored} of {planned} segments and cannot be published")]
    NotWhole {
        /// Its name.
        track: String,
        /// Segments that are stored in an unbroken run from zero.
        stored: u32,
        /// Segments it ought to have.
        planned: u32,
    },
    /// A row holds what this program never wrote.
    #[error("the catalogue holds a damaged row: {0}")]
    Damaged(String),
    /// The catalogue's file is of a newer or damaged schema.
    #[error("the catalogue cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A server cannot be used at the start; a sentence that says what to do.
    #[error("{0}")]
    Server(String),
    /// A server does not answer for now. What was asked was not done, unless only its answer was lost: ask again.
    #[error("{part} does not answer: {why}")]
    Away {
        /// Which.
        part: Part,
        /// What the system says.
        why: String,
    },
    /// The database refused.
    #[error("the catalogue failed: {0}")]
    Sql(sqlx::Error),
}

impl From<StoreError> for sqlx::Error {
    fn from(error: StoreError) -> Self {
        Self::Decode(Box::new(error))
    }
}

impl StoreError {
    /// Whether the same may go well in a moment, with nobody doing anything.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. })
    }

    /// Names the step and the file of an I/O error; a full disk gets its own name.
    pub(crate) fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io { what, path: path.to_path_buf(), source },
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        // SQLITE_FULL is 13; its extended codes share the low byte. <https://sqlite.org/rescode.html#full>
        // PostgreSQL's are five characters long; 53100 is disk_full.
        let full = error.as_database_error().and_then(|e| e.code()).is_some_and(|code| match code.len() {
            5 => code == "53100",
            _ => code.parse::<u32>().is_ok_and(|code| code & 0xff == 13),
        });
        if full {
            Self::DiskFull
        } else if is_away(&error) {
            Self::Away { part: Part::Catalogue, why: error.to_string() }
        } else {
            Self::Sql(error)
        }
    }
}

/// Whether the server is gone, going, coming, or has no connection left; or only reads, as one does that another takes over from; or has undone
/// a transaction in whose middle this process was paused.
/// <https://www.postgresql.org/docs/15/errcodes-appendix.html>
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.len() == 5
                && (code.starts_with("08") || code.starts_with("57P") || ["53300", "25006", "25P03"].contains(&&*code))
        }),
        _ => false,
    }
}
