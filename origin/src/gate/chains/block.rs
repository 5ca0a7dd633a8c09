//! Which blocks are read: the last one, and the one that counts as settled.

use std::time::{Duration, Instant};

use alloy_primitives::B256;
use durable::UnixMs;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Chain;
use super::config::Finality;
use super::error::{ChainError, RpcError};
use super::rpc::{Question, data, quantity};
use crate::limits::{HEADS_KEPT, RPC_BLOCK_BYTES_MAX, SETTLED_KEPT};

/// A block, by number and hash: two of one number are two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Block {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    /// When it was made, seconds since 1970.
    pub(crate) at_s: u64,
}

/// Where a rule is read. What it asks for must hold in both: in the settled one, so that it cannot be undone; in the last one,
/// so that what was given away counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) last: Block,
    pub(crate) settled: Block,
}

/// Heads as they were read.
#[derive(Debug)]
pub(super) struct Seen {
    at: Instant,
    /// How often new blocks had been told before.
    told: u64,
    heads: Heads,
    settled_at: Instant,
}

#[derive(Deserialize)]
struct Row {
    number: String,
    hash: String,
    timestamp: String,
}

fn block(row: Option<Row>) -> Result<Block, RpcError> {
    // A tag that an endpoint does not know yet is answered with null.
    let Row { number, hash, timestamp } = row.ok_or(RpcError::BadValue)?;
    let hash = B256::try_from(data(&hash)?.as_slice()).map_err(|_| RpcError::BadValue)?;
    Ok(Block { number: quantity(&number)?, hash, at_s: quantity(&timestamp)? })
}

impl Chain {
    /// The blocks to read now. Asked at most every [`HEADS_KEPT`], by one of those who wait.
    pub(crate) async fn heads(&self, now: UnixMs) -> Result<Heads, ChainError> {
        let asked = Instant::now();
        let mut known = self.heads.lock().await;
        known.failed_since(asked)?;
        let rung = self.rung();
        if let Some(seen) = &known.read
            && seen.at.elapsed() < HEADS_KEPT
            && seen.told == rung
        {
            return Ok(seen.heads);
        }
        let read = self.read_heads(known.read.as_ref(), rung, now).await;
        Ok(known.noted(read)?.heads)
    }

    async fn read_heads(&self, seen: Option<&Seen>, rung: u64, now: UnixMs) -> Result<Seen, ChainError> {
        let at = Instant::now();
        let last = self.tagged("latest").await?;
        if let Some(limit) = self.config.head_age_max
            && age(&last, now) > limit
        {
            return Err(ChainError::StandsStill { chain: self.config.name.clone() });
        }
        let same = seen.filter(|seen| seen.heads.last == last && seen.settled_at.elapsed() < SETTLED_KEPT);
        if let Some(Seen { heads, settled_at, .. }) = same {
            return Ok(Seen { at, told: rung, heads: *heads, settled_at: *settled_at });
        }
        let settled = match self.config.finality {
            Finality::Depth(0) => last,
            Finality::Depth(depth) => {
                self.block_at(&json!(format!("0x{:x}", last.number.saturating_sub(depth)))).await?
            }
            Finality::Safe => self.tagged("safe").await?,
            Finality::Finalized => self.tagged("finalized").await?,
        };
        Ok(Seen { at, told: rung, heads: Heads { last, settled }, settled_at: at })
    }

    /// The block of a tag. With a quorum, the highest one that so many endpoints have reached.
    async fn tagged(&self, tag: &str) -> Result<Block, ChainError> {
        if self.config.quorum == 1 {
            return self.block_at(&json!(tag)).await;
        }
        let mut numbers = self.ask_each(&question(&json!(tag)), |row| block(row).map(|block| block.number)).await;
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        let no_quorum = || ChainError::NoQuorum { chain: self.config.name.clone() };
        let number = numbers.get(self.config.quorum - 1).ok_or_else(no_quorum)?;
        self.block_at(&json!(format!("0x{number:x}"))).await
    }

    async fn block_at(&self, at: &Value) -> Result<Block, ChainError> {
        let found = self.ask(&question(at), self.config.quorum, block).await?;
        found.ok_or_else(|| ChainError::NoAnswer { chain: self.config.name.clone(), last: RpcError::Reverted })
    }
}

fn question(at: &Value) -> Question {
    Question { method: "eth_getBlockByNumber", params: json!([at, false]), bytes_max: RPC_BLOCK_BYTES_MAX }
}

fn age(block: &Block, now: UnixMs) -> Duration {
    Duration::from_secs(u64::try_from(now / 1000).unwrap_or(0).saturating_sub(block.at_s))
}

#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(bytes: &[u8]) {
    if let Ok(row) = super::rpc::read::<Option<Row>>(bytes, 1) {
        let _ = block(row);
    }
}
