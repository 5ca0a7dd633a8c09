//! How the databases are reached: every statement gets its answer within a time, or none. A server that is gone says so by itself; one that
//! hangs, with its connections open, says nothing at all, and would hold whoever asked it for ever.

use std::future::Future;
use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Database, Describe, Either, Error, Execute, Executor, SqlStr};
use sqlx_core::transaction::TransactionManager;

type Transactions = <Any as Database>::TransactionManager;
type Step = Either<AnyQueryResult, AnyRow>;

/// Connections to a database.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    pool: AnyPool,
    /// How long a statement may take; `None`: as long as it takes, since SQLite is in this process.
    within: Option<Duration>,
    /// The connection, SQLite's one that writes, was last used for what need not be synced.
    is_lax: Arc<AtomicBool>,
}

/// Of SQLite, whose commits are on disk when they return, unless a transaction says otherwise (sqlite.org/pragma.html#pragma_synchronous).
const STRICT: &str = "PRAGMA synchronous = FULL";
const STRICT_WRITE: &str = "PRAGMA synchronous = FULL; BEGIN IMMEDIATE";
const LAX_WRITE: &str = "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE";

/// One connection, for several statements in a row.
#[derive(Debug)]
pub(super) struct Line {
    connection: PoolConnection<Any>,
    within: Option<Duration>,
    in_transaction: bool,
}

impl Reach {
    pub(super) fn new(pool: AnyPool, within: Option<Duration>) -> Self {
        Self { pool, within, is_lax: Arc::default() }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn line(&self) -> Result<Line, Error> {
        let mut line = self.acquire().await?;
        if self.is_lax.load(Ordering::Relaxed) {
            line.connection.execute(STRICT).await?;
            self.is_lax.store(false, Ordering::Relaxed);
        }
        Ok(line)
    }

    async fn acquire(&self) -> Result<Line, Error> {
        Ok(Line { connection: self.pool.acquire().await?, within: self.within, in_transaction: false })
    }

    /// A transaction of SQLite's that writes.
    pub(super) async fn begin_write(&self) -> Result<Line, Error> {
        let line = self.acquire().await?.begin(Some(STRICT_WRITE)).await?;
        self.is_lax.store(false, Ordering::Relaxed);
        Ok(line)
    }

    /// The same, for what nobody misses after a power cut unless something later was synced, which syncs it as well: its commit waits for no
    /// disk.
    pub(super) async fn begin_lax_write(&self) -> Result<Line, Error> {
        let line = self.acquire().await?;
        // While nobody else can have the connection, and before it is so.
        self.is_lax.store(true, Ordering::Relaxed);
        line.begin(Some(LAX_WRITE)).await
    }

    /// A connection in a transaction that `statement` begins; `None`: `BEGIN`.
    pub(super) async fn begin(&self, statement: Option<&'static str>) -> Result<Line, Error> {
        self.line().await?.begin(statement).await
    }
}

impl Line {
    async fn begin(mut self, statement: Option<&'static str>) -> Result<Self, Error> {
        // First, so that one which is dropped meanwhile is undone.
        self.in_transaction = true;
        let statement = statement.map(sqlx::SqlSafeStr::into_sql_str);
        answered(self.within, Transactions::begin(&mut self.connection, statement))
            .await
            .inspect_err(|_| self.hang_up())?;
        Ok(self)
    }

    /// On disk when it returns.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        let done = answered(self.within, Transactions::commit(&mut self.connection)).await;
        match done {
            Ok(()) => self.in_transaction = false,
            Err(_) => self.hang_up(),
        }
        done
    }

    /// The connection is of no more use: whether the server did what it was asked is not known, and it may never answer. A transaction
    /// that is open on it is undone by the server.
    fn hang_up(&mut self) {
        if self.within.is_some() {
            self.connection.close_on_drop();
        }
    }

    fn is_late(&mut self, error: &Error) {
        if matches!(error, Error::Io(error) if error.kind() == ErrorKind::TimedOut) {
            self.hang_up();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.in_transaction {
            Transactions::start_rollback(&mut self.connection);
        }
    }
}

/// The work's result, or [`ErrorKind::TimedOut`].
async fn answered<T>(within: Option<Duration>, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let Some(within) = within else { return work.await };
    let late = |_| IoError::new(ErrorKind::TimedOut, format!("no answer within {} s", within.as_secs()));
    tokio::time::timeout(within, work).await.map_err(late)?
}

impl<'c> Executor<'c> for &'c mut Line {
    type Database = Any;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<AnyQueryResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move {
            let done = answered(self.within, self.connection.execute(query)).await;
            done.inspect_err(|error| self.is_late(error))
        })
    }

    /// Each row within the time.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let within = self.within;
        let steps = self.connection.fetch_many(query);
        let next = move |mut steps: BoxStream<'e, Result<Step, Error>>| async move {
            Ok(answered(within, steps.try_next()).await?.map(|step| (step, steps)))
        };
        stream::try_unfold(steps, next).boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move {
            let done = answered(self.within, self.connection.fetch_all(query)).await;
            done.inspect_err(|error| self.is_late(error))
        })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move {
            let done = answered(self.within, self.connection.fetch_optional(query)).await;
            done.inspect_err(|error| self.is_late(error))
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let done = answered(self.within, self.connection.prepare_with(sql, parameters)).await;
            done.inspect_err(|error| self.is_late(error))
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let done = answered(self.within, self.connection.describe(sql)).await;
            done.inspect_err(|error| self.is_late(error))
        })
    }
}

/// One statement by itself, on a connection of its own.
impl<'c> Executor<'c> for &'c Reach {
    type Database = Any;

    fn execute<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<AnyQueryResult, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move { self.line().await?.execute(query).await })
    }

    /// All rows, then one after another.
    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Step, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let rows =
            async move { Ok::<_, Error>(stream::iter(self.fetch_all(query).await?).map(|row| Ok(Either::Right(row)))) };
        stream::once(rows).try_flatten().boxed()
    }

    fn fetch_all<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Vec<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move { self.line().await?.fetch_all(query).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move { self.line().await?.fetch_optional(query).await })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.line().await?.prepare_with(sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Any>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { self.line().await?.describe(sql).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    /// 1 is NORMAL, 2 is FULL.
    async fn level<'e>(reached: impl Executor<'e, Database = Any>) -> i64 {
        sqlx::query_scalar("PRAGMA synchronous").fetch_one(reached).await.unwrap()
    }

    #[tokio::test]
    async fn all_but_a_claim_is_on_disk_when_it_returns() {
        let folder = tempfile::tempdir().unwrap();
        let catalogue = Catalogue::open_sqlite(&folder.path().join("catalogue.sqlite")).await.unwrap();
        assert_eq!(level(&catalogue.write).await, 2);
        let mut claim = catalogue.begin_claim().await.unwrap();
        assert_eq!(level(&mut *claim).await, 1);
        claim.commit().await.unwrap();
        assert_eq!(level(&mut *catalogue.begin().await.unwrap()).await, 2, "a transaction behind it, which is undone");
        drop(catalogue.begin_claim().await.unwrap());
        assert_eq!(level(&catalogue.write).await, 2, "a statement behind one that was broken off");
        assert_eq!(level(&mut *catalogue.begin().await.unwrap()).await, 2);
    }
}
