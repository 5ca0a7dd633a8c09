//! How the databases are reached: every statement gets its answer within a time, or none. A server that is gone says so by itself; one that
//! hangs, with its connections open, says nothing at all, and would hold whoever asked it for ever.

use std::future::Future;
use std::io::{Error as IoError, ErrorKind};
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
}

/// One connection, for several statements in a row.
#[derive(Debug)]
pub(super) struct Line {
    connection: PoolConnection<Any>,
    within: Option<Duration>,
    in_transaction: bool,
}

impl Reach {
    pub(super) fn new(pool: AnyPool, within: Option<Duration>) -> Self {
        Self { pool, within }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn line(&self) -> Result<Line, Error> {
        Ok(Line { connection: self.pool.acquire().await?, within: self.within, in_transaction: false })
    }

    /// A connection in a transaction that `statement` begins; `None`: `BEGIN`.
    pub(super) async fn begin(&self, statement: Option<&'static str>) -> Result<Line, Error> {
        let mut line = self.line().await?;
        // First, so that one which is dropped meanwhile is undone.
        line.in_transaction = true;
        let statement = statement.map(sqlx::SqlSafeStr::into_sql_str);
        answered(line.within, Transactions::begin(&mut line.connection, statement))
            .await
            .inspect_err(|_| line.hang_up())?;
        Ok(line)
    }
}

impl Line {
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
