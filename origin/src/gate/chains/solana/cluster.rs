//! One cluster: what it has confirmed, and what is final.
//!
//! A node answers from the state that it has, and says of which slot that is; it cannot be asked about an older one. So a slot is
//! the least that an answer may be of: a node that is behind refuses (`minContextSlot`), and one that answers from before is not believed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use durable::UnixMs;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::account::{Answer, Row, options};
use super::key::Key;
use super::layout::Rest;
use super::together::Together;
use crate::gate::chains::ChainConfig;
use crate::gate::chains::endpoint::Endpoint;
use crate::gate::chains::error::{ChainError, RpcError};
use crate::gate::chains::last::Last;
use crate::gate::chains::line::Line;
use crate::gate::chains::rpc::Question;
use crate::limits::{HEADS_KEPT, RPC_NUMBER_BYTES_MAX, SLOTS_KEPT};

/// The account that says what time it is, and which slot.
const CLOCK: Key = Key::known(b"SysvarC1ock11111111111111111111111111111111");
/// The owner of such accounts.
const SYSVAR: Key = Key::known(b"Sysvar1111111111111111111111111111111111111");

/// How sure a cluster is of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Commitment {
    /// Two thirds of the stake have voted for it.
    Confirmed,
    /// It cannot be undone: 31 slots stand on it, about 13 s.
    Finalized,
}

impl Commitment {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        }
    }
}

/// A slot that a cluster has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) number: u64,
    pub(crate) commitment: Commitment,
    /// Its time, seconds since 1970.
    pub(crate) at_s: i64,
}

/// Where a rule is read. What it asks for must hold in both: in the settled one, so that it cannot be undone; in the last one, so that
/// what was given away counts no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slots {
    pub(crate) last: Slot,
    pub(crate) settled: Slot,
}

/// One cluster and how it is reached.
#[derive(Debug)]
pub(crate) struct Cluster {
    line: Line,
    seen: tokio::sync::Mutex<Last<(Instant, Slots)>>,
    pub(super) together: Together,
}

impl Cluster {
    pub(in crate::gate::chains) fn new(line: Line) -> Self {
        Self { line, seen: Default::default(), together: Together::default() }
    }

    pub(crate) fn config(&self) -> &ChainConfig {
        &self.line.config
    }

    pub(crate) fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.line.endpoints
    }

    /// The slots to read now. Asked at most every [`HEADS_KEPT`], by one of those who wait. They do not go back.
    pub(crate) async fn slots(&self, now: UnixMs) -> Result<Slots, ChainError> {
        let asked = Instant::now();
        let mut seen = self.seen.lock().await;
        seen.failed_since(asked)?;
        let known = seen.read.filter(|(at, _)| at.elapsed() < SLOTS_KEPT);
        if let Some((at, slots)) = known
            && at.elapsed() < HEADS_KEPT
        {
            return Ok(slots);
        }
        let read = self.read_slots(known.map(|(_, slots)| slots), now).await.map(|slots| (Instant::now(), slots));
        Ok(seen.noted(read)?.1)
    }

    async fn read_slots(&self, known: Option<Slots>, now: UnixMs) -> Result<Slots, ChainError> {
        let before = |of: fn(&Slots) -> u64| known.as_ref().map_or(0, of);
        let settled = self.reached(Commitment::Finalized, before(|slots| slots.settled.number)).await?;
        let last = before(|slots| slots.last.number).max(settled.number);
        let last = self.reached(Commitment::Confirmed, last).await?;
        if let Some(limit) = self.config().head_age_max
            && age(&last, now) > limit
        {
            return Err(ChainError::StandsStill { chain: self.config().name.clone() });
        }
        Ok(Slots { last, settled })
    }

    /// The slot that has been reached, which is not before `least`. With a quorum, the highest one that so many endpoints have reached.
    async fn reached(&self, commitment: Commitment, least: u64) -> Result<Slot, ChainError> {
        let params = json!([CLOCK, options(&Slot { number: least, commitment, at_s: 0 })]);
        let question = Question { method: "getAccountInfo", params, bytes_max: RPC_NUMBER_BYTES_MAX };
        let read = |answer: Answer<Option<Row>>| clock(answer, commitment, least);
        let quorum = self.config().quorum;
        if quorum == 1 {
            return self.told(&question, read).await;
        }
        let mut slots = self.line.ask_each(&question, read).await;
        slots.sort_unstable_by_key(|slot| std::cmp::Reverse(slot.number));
        let no_quorum = || ChainError::NoQuorum { chain: self.config().name.clone() };
        slots.get(quorum - 1).copied().ok_or_else(no_quorum)
    }

    /// What a quorum of endpoints says.
    pub(super) async fn told<R, T>(
        &self,
        question: &Question,
        read: impl Fn(R) -> Result<T, RpcError> + Copy,
    ) -> Result<T, ChainError>
    where
        R: DeserializeOwned,
        T: PartialEq,
    {
        let answer = self.line.ask(question, self.config().quorum, read).await?;
        answer.ok_or_else(|| ChainError::NoAnswer { chain: self.config().name.clone(), last: RpcError::Reverted })
    }
}

/// Reads the account of the clock: slot 8, begin of the epoch 8, epoch 8, epoch of the next schedule 8, time 8.
fn clock(answer: Answer<Option<Row>>, commitment: Commitment, least: u64) -> Result<Slot, RpcError> {
    let (context, row) = answer.since(least)?;
    let account = row.ok_or(RpcError::BadValue)?.read()?;
    let fields = || {
        let mut rest = Rest(&account.data);
        let number = rest.u64()?;
        rest.take(24)?;
        let at_s = i64::try_from(rest.u64()?).ok()?;
        rest.0.is_empty().then_some(Slot { number, commitment, at_s })
    };
    let slot = fields().filter(|_| account.owner == SYSVAR).ok_or(RpcError::BadValue)?;
    // The state is of the slot that its own clock says; a node which says another one of it is not read further.
    if slot.number < least || slot.number > context { Err(RpcError::BadValue) } else { Ok(slot) }
}

fn age(slot: &Slot, now: UnixMs) -> Duration {
    let seconds = (now / 1000).saturating_sub(slot.at_s);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(bytes: &[u8]) {
    if let Ok(answer) = crate::gate::chains::rpc::read::<Answer<Option<Row>>>(bytes, 1) {
        assert!(clock(answer, Commitment::Confirmed, 5).map_or(true, |slot| slot.number >= 5));
    }
}
