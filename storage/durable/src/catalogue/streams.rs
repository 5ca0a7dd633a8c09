//! Streams: who plays by tokens that bound how many of one subject may. A lease is renewed by the edges' reports and ends by the clock;
//! who has one keeps it before somebody else gets one.

use super::Catalogue;
use super::sql::Tx;
use crate::{StoreError, UnixMs};

/// A stream that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playing {
    /// Whose.
    pub subject: String,
    /// What is counted together.
    pub class: String,
    /// As many may play at once.
    pub max: i64,
    /// Its own name.
    pub stream: String,
    /// Its lease ends then, if it has one or gets one.
    pub until_ms: UnixMs,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// It has a lease.
    pub plays: bool,
    /// There is none for one more.
    pub is_full: bool,
}

impl Catalogue {
    /// Renews the leases of streams that have one, and gives one to those for which there is room, in this order. Answers what became of
    /// each. Writers take turns, so that no two of them count the same room.
    pub async fn hold_streams(&self, playing: &[Playing], now: UnixMs) -> Result<Vec<Held>, StoreError> {
        let mut tx = self.begin().await?;
        let mut plays = Vec::with_capacity(playing.len());
        for one in playing {
            plays.push(renew(&mut tx, one, now).await? || begin(&mut tx, one, now).await?);
        }
        let mut held = Vec::with_capacity(playing.len());
        for (one, plays) in playing.iter().zip(plays) {
            held.push(Held { plays, is_full: count(&mut tx, one, now).await? >= one.max });
        }
        tx.commit().await?;
        Ok(held)
    }

    /// Forgets leases that have ended. Answers how many.
    pub async fn sweep_streams(&self, now: UnixMs) -> Result<u64, StoreError> {
        let sql = "DELETE FROM streams WHERE until_ms <= $1";
        Ok(sqlx::query(sql).bind(now).execute(&self.write).await?.rows_affected())
    }
}

async fn renew(tx: &mut Tx, one: &Playing, now: UnixMs) -> Result<bool, StoreError> {
    // Reports may overtake each other: a lease never becomes shorter.
    let sql = "UPDATE streams SET until_ms = CASE WHEN until_ms < $4 THEN $4 ELSE until_ms END \
               WHERE subject = $1 AND class = $2 AND stream = $3 AND until_ms > $5";
    let query = sqlx::query(sql).bind(&one.subject).bind(&one.class).bind(&one.stream).bind(one.until_ms).bind(now);
    Ok(query.execute(&mut **tx).await?.rows_affected() > 0)
}

async fn begin(tx: &mut Tx, one: &Playing, now: UnixMs) -> Result<bool, StoreError> {
    if one.until_ms <= now || count(tx, one, now).await? >= one.max {
        return Ok(false);
    }
    let sql = "INSERT INTO streams (subject, class, stream, until_ms) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (subject, class, stream) DO UPDATE SET until_ms = excluded.until_ms";
    let query = sqlx::query(sql).bind(&one.subject).bind(&one.class).bind(&one.stream).bind(one.until_ms);
    query.execute(&mut **tx).await?;
    Ok(true)
}

async fn count(tx: &mut Tx, one: &Playing, now: UnixMs) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) FROM streams WHERE subject = $1 AND class = $2 AND until_ms > $3";
    let query = sqlx::query_scalar(sql).bind(&one.subject).bind(&one.class).bind(now);
    Ok(query.fetch_one(&mut **tx).await?)
}
