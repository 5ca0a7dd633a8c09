//! Opening the catalogue: connections, and a schema that is up to date.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use sqlx::Executor;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};

use super::Catalogue;
use super::sql::Dialect;
use crate::StoreError;
use crate::limits::{ACQUIRE_TIMEOUT_MS, READERS};

impl Catalogue {
    /// Opens or makes the file `path` and brings its schema up to date.
    ///
    /// One connection writes and takes the write lock when its transaction begins (`BEGIN IMMEDIATE`), several read. With
    /// the write-ahead log readers never wait for the writer. `synchronous=FULL`: a commit is on disk when it returns,
    /// since an upload that was answered 201 must survive a power cut; that costs one sync (about 0.5 ms on the machine
    /// this was measured on) a commit, and commits are few: one a chunk, a heartbeat, a published track.
    pub(crate) async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        install_drivers();
        // sqlx waits 5 s for the write lock of a person with the `sqlite3` tool, and minds foreign keys, by itself.
        let pragmas = |sql: &'static str| {
            pool().after_connect(move |connection, _| Box::pin(async move { connection.execute(sql).await.map(drop) }))
        };
        let write = pragmas("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            .min_connections(1)
            .max_connections(1)
            .connect_with(options(&sqlite_url(path, "rwc")?)?)
            .await?;
        sqlx::migrate!("migrations/sqlite").run(&write).await?;
        let read = pragmas("PRAGMA synchronous = FULL")
            .max_connections(READERS)
            .connect_with(options(&sqlite_url(path, "ro")?)?)
            .await?;
        Ok(Self { write, read, dialect: Dialect::Sqlite })
    }
}

fn pool() -> AnyPoolOptions {
    AnyPoolOptions::new().acquire_timeout(Duration::from_millis(ACQUIRE_TIMEOUT_MS)).test_before_acquire(false)
}

fn options(url: &str) -> Result<AnyConnectOptions, StoreError> {
    Ok(url.parse()?)
}

/// The path as a URL. Its folder exists; it is made absolute first, because a URL has its own mind about `..`.
fn sqlite_url(path: &Path, mode: &str) -> Result<String, StoreError> {
    let cannot = |e| StoreError::io("find", path, e);
    let folder = path.parent().unwrap_or(Path::new(".")).canonicalize().map_err(cannot)?;
    let file = folder.join(path.file_name().unwrap_or_default());
    let Some(file) = file.to_str() else {
        return Err(cannot(std::io::Error::new(std::io::ErrorKind::InvalidFilename, "the path is not UTF-8")));
    };
    let mut url = String::from("sqlite://");
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(format!("{url}?mode={mode}"))
}

/// Once a process: sqlx wants to know which databases `Any` stands for.
fn install_drivers() {
    static ONCE: Once = Once::new();
    // It refuses a second time only, which this is not.
    ONCE.call_once(|| drop(sqlx::any::install_drivers(&[sqlx::sqlite::any::DRIVER, sqlx::postgres::any::DRIVER])));
}
