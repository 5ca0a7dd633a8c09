//! Opening the catalogue: connections, and a schema that is up to date.

use std::path::Path;
use std::sync::{Arc, Once};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, Connection, Executor};

use super::reach::Reach;
use super::sql::Dialect;
use super::{Catalogue, PostgresUrl};
use crate::limits::{
    ACQUIRE_TIMEOUT_MS, POSTGRES_ACQUIRE_TIMEOUT_MS, POSTGRES_ANSWER_MS, POSTGRES_CONNECTIONS, POSTGRES_IDLE_MS,
    READERS,
};
use crate::{Places, StoreError};

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
        let mut migrator = write.acquire().await?;
        migrate(&SQLITE, &mut migrator, Dialect::Sqlite).await?;
        drop(migrator);
        let read = pragmas("PRAGMA synchronous = FULL")
            .max_connections(READERS)
            .connect_with(options(&sqlite_url(path, "ro")?)?)
            .await?;
        let (write, read) = (Reach::new(write, None), Reach::new(read, None));
        Ok(Self { write, read, dialect: Dialect::Sqlite, instance: String::new(), ends: Arc::default() })
    }

    /// Opens the catalogue of a data folder that another process may have open, for a look.
    pub(crate) async fn open_beside(data: &Path, places: &Places) -> Result<Self, StoreError> {
        let file = data.join("catalogue.sqlite");
        match &places.catalogue {
            Some(url) => Self::open_postgres(url, "").await,
            None if file.exists() => Self::open_sqlite(&file).await,
            None => Err(StoreError::Server(format!("there is no catalogue at {}", file.display()))),
        }
    }

    /// Connects to a PostgreSQL database and brings its schema up to date. `instance` names this data folder among the
    /// processes that share the database.
    ///
    /// Writes and reads use the same connections. A commit is on disk when it returns (`synchronous_commit`, whatever the
    /// server's default), as with SQLite. Nothing here runs for so long that another process would help with it, or machine code:
    /// to start either takes longer than a search.
    pub(crate) async fn open_postgres(url: &PostgresUrl, instance: &str) -> Result<Self, StoreError> {
        install_drivers();
        let told = |source: sqlx::Error| unusable(url, source);
        // One connection first: a pool would try for half a minute where nobody listens.
        let within = Duration::from_millis(POSTGRES_ANSWER_MS);
        let first =
            async { fits(url, AnyConnection::connect_with(&options(url.secret())?).await.map_err(told)?).await };
        let hung = |_| StoreError::Server(format!("PostgreSQL at {url} does not answer within {} s", within.as_secs()));
        tokio::time::timeout(within, first).await.map_err(hung)??;
        let all = AnyPoolOptions::new()
            .acquire_timeout(Duration::from_millis(POSTGRES_ACQUIRE_TIMEOUT_MS))
            // A server that was started anew has left its old connections dead.
            .test_before_acquire(true)
            .max_connections(POSTGRES_CONNECTIONS)
            .after_connect(|connection, _| {
                let sql = format!(
                    "SET synchronous_commit = on; SET max_parallel_workers_per_gather = 0; SET jit = off; SET idle_in_transaction_session_timeout = {POSTGRES_IDLE_MS}"
                );
                Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(sql)).await.map(drop) })
            })
            .connect_with(options(url.secret())?)
            .await
            .map_err(told)?;
        let mut migrator = all.acquire().await?;
        migrate(&POSTGRES, &mut migrator, Dialect::Postgres).await?;
        drop(migrator);
        let all = Reach::new(all, Some(Duration::from_millis(POSTGRES_ANSWER_MS)));
        Ok(Self {
            write: all.clone(),
            read: all,
            dialect: Dialect::Postgres,
            instance: instance.to_owned(),
            ends: Arc::default(),
        })
    }
}

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// All that are missing, in one transaction and under a lock: a failure halfway leaves the schema as it was, and of two
/// processes that start at once one waits for the other.
async fn migrate(all: &Migrator, connection: &mut AnyConnection, dialect: Dialect) -> Result<(), StoreError> {
    let mut tx = match dialect {
        Dialect::Sqlite => connection.begin_with("BEGIN IMMEDIATE").await?,
        Dialect::Postgres => {
            let mut tx = connection.begin().await?;
            sqlx::query("SELECT 1 FROM (SELECT pg_advisory_xact_lock($1)) AS locked")
                .bind(MIGRATION_LOCK)
                .execute(&mut *tx)
                .await?;
            tx
        }
    };
    all.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

/// Any number that nobody else takes for an advisory lock of this database; another than that of writers.
const MIGRATION_LOCK: i64 = 0x5374_7247_0001;

/// Whether the server is one that the schema was written for.
async fn fits(url: &PostgresUrl, mut connection: AnyConnection) -> Result<(), StoreError> {
    let sql = "SELECT CAST(current_setting('server_version_num') AS BIGINT), current_setting('server_encoding')";
    let (version, encoding): (i64, String) = sqlx::query_as(sql).fetch_one(&mut connection).await?;
    connection.close().await?;
    let unfit = |what: String| Err(StoreError::Server(format!("PostgreSQL at {url} {what}")));
    if version < 150_000 {
        return unfit(format!("is of version {}; 15 or younger is needed", version / 10_000));
    }
    if encoding != "UTF8" {
        return unfit(format!(
            "keeps {encoding} in this database; make one with `createdb --encoding=UTF8 --template=template0`"
        ));
    }
    Ok(())
}

/// What an operator can do about a database that cannot be used.
fn unusable(url: &PostgresUrl, source: sqlx::Error) -> StoreError {
    let code = source.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned()).unwrap_or_default();
    let what = match (&source, code.as_str()) {
        (sqlx::Error::Io(error), _) => {
            format!("cannot be reached ({error}); is it running there, and is storage.catalogue right?")
        }
        (_, "28P01" | "28000") => "refuses the user or the password of storage.catalogue".into(),
        (_, "3D000") => format!("has no database of this name; make it: createdb {}", url.database()),
        (_, "53300") => "has no connection left; raise its max_connections, or stop what holds them".into(),
        (_, "57P03") => "is starting or stopping; try again in a moment".into(),
        (sqlx::Error::Tls(error), _) => format!("and we do not agree on TLS ({error}); see sslmode and sslrootcert"),
        (source, _) => format!("cannot be used: {source}"),
    };
    StoreError::Server(format!("PostgreSQL at {url} {what}"))
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
