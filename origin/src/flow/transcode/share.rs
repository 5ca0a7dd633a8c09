//! share: who encodes which chunk, where several workers encode one job. Each lane takes one chunk at a time from the catalogue.

use std::collections::BTreeSet;
use std::time::Duration;

use durable::catalogue::{Claim, Share};
use durable::{StoreError, UnixMs};
use media::plan::Plan;
use tokio::sync::Mutex;

use crate::clock::now_ms;
use crate::limits::{CHUNK_LOOK, LEASE_MS};
use crate::work::{Run, patiently};

/// What of a job is still to be encoded, by whomever.
pub(super) struct Missing {
    run: Run,
    share: Share,
    /// One of the renditions; all of a chunk are stored together.
    track: String,
    /// Ascending. Had no row when it was looked.
    chunks: Vec<u32>,
    /// One lane looks and takes at a time, so that two of them never take the same.
    turn: Mutex<()>,
}

impl Missing {
    /// `None` where no other worker has the job's chunks.
    pub(super) fn new(run: &Run, plan: &Plan, chunks: &[u32]) -> Option<Self> {
        let (share, rung) = (run.share.clone()?, plan.rungs.first()?);
        let (run, track, chunks) = (run.clone(), rung.name.clone(), chunks.to_vec());
        Some(Self { run, share, track, chunks, turn: Mutex::new(()) })
    }

    /// How many lanes can have something to do now.
    pub(super) async fn free(&self) -> Result<usize, StoreError> {
        Ok(self.look().await?.0.len())
    }

    /// The next chunk for a lane that did `last`; `None` when there is nothing for it now. A helper leaves when a job of its kind waits.
    pub(super) async fn take(&self, last: Option<u32>) -> Result<Option<u32>, StoreError> {
        let _turn = self.turn.lock().await;
        let (catalogue, cancel) = (&self.run.house.store.catalogue, &self.run.cancel);
        let mut refused = None;
        while self.share.leads() || !self.is_wanted_elsewhere().await? {
            let (free, held) = self.look().await?;
            let Some(index) = pick(&free, &held, last) else { return Ok(None) };
            if refused == Some(index) {
                // Nobody has it and it is not given: the job is over, or another's.
                return Err(StoreError::Fenced);
            }
            let claim = || {
                let now = now_ms();
                catalogue.claim(&self.share, &self.track, index, now + LEASE_MS, now)
            };
            if patiently(cancel, claim).await? {
                return Ok(Some(index));
            }
            refused = Some(index);
        }
        Ok(None)
    }

    /// The chunks that may be taken, and those that somebody has.
    async fn look(&self) -> Result<(Vec<u32>, BTreeSet<u32>), StoreError> {
        let catalogue = &self.run.house.store.catalogue;
        let claims = patiently(&self.run.cancel, || catalogue.claims(self.share.job)).await?;
        if self.share.leads() {
            let stored = claims.iter().filter(|claim| claim.until_ms.is_none()).map(|claim| claim.index);
            self.run.progress.stored(stored.filter(|index| self.chunks.binary_search(index).is_ok()));
        }
        Ok(sort(&self.chunks, &claims, self.share.leads(), now_ms()))
    }

    async fn is_wanted_elsewhere(&self) -> Result<bool, StoreError> {
        let catalogue = &self.run.house.store.catalogue;
        let due = patiently(&self.run.cancel, || catalogue.next_due(self.run.lease.kind)).await?;
        Ok(due.is_some_and(|due| due <= now_ms()))
    }
}

/// How long a leader waits before it looks whether its helpers are done.
pub(super) const LOOK: Duration = CHUNK_LOOK;

/// Of the missing chunks those that may be taken, and those that somebody has who lives. A chunk whose holder fell silent is the leader's.
fn sort(missing: &[u32], claims: &[Claim], leads: bool, now: UnixMs) -> (Vec<u32>, BTreeSet<u32>) {
    let held = claims.iter().filter(|claim| claim.until_ms.is_some_and(|until| until > now));
    let held: BTreeSet<u32> = held.map(|claim| claim.index).collect();
    let taken = claims.iter().filter(|claim| !leads || claim.until_ms.is_none_or(|until| until > now));
    let taken: BTreeSet<u32> = taken.map(|claim| claim.index).collect();
    (missing.iter().copied().filter(|index| !taken.contains(index)).collect(), held)
}

/// The chunk after the last one, since going on is cheaper than seeking. Else where the longest run of free chunks begins; or, when somebody
/// walks towards it, in its middle, so that both go on for as long.
fn pick(free: &[u32], held: &BTreeSet<u32>, last: Option<u32>) -> Option<u32> {
    let next = last.map(|last| last + 1).filter(|next| free.binary_search(next).is_ok());
    if next.is_some() {
        return next;
    }
    let runs = free.chunk_by(|one, other| one + 1 == *other);
    // Of several that are as long, the first.
    let longest = runs.rev().max_by_key(|run| run.len())?;
    let begun = longest[0].checked_sub(1).is_some_and(|before| held.contains(&before));
    longest.get(if begun { longest.len() / 2 } else { 0 }).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_walk_apart_and_a_new_one_takes_half_of_the_longest_run() {
        let all: Vec<u32> = (0..8).collect();
        let held = |chunks: &[u32]| chunks.iter().copied().collect::<BTreeSet<u32>>();
        let free = |taken: &[u32]| all.iter().copied().filter(|index| !taken.contains(index)).collect::<Vec<_>>();
        assert_eq!(pick(&all, &held(&[]), None), Some(0), "from the beginning");
        assert_eq!(pick(&free(&[0]), &held(&[0]), None), Some(4), "half of what is before the first lane");
        assert_eq!(pick(&free(&[0, 4]), &held(&[0, 4]), Some(0)), Some(1), "on");
        assert_eq!(pick(&free(&[0, 1, 2, 3, 4, 5]), &held(&[5]), Some(3)), Some(7), "the later half of the other's");
        assert_eq!(pick(&free(&[0, 1, 2, 3, 4, 5, 6]), &held(&[6]), Some(3)), Some(7), "the last one");
        assert_eq!(pick(&free(&[4]), &held(&[]), Some(7)), Some(0), "of a lane that is gone");
        assert_eq!(pick(&[], &held(&[7]), Some(6)), None);
    }

    #[test]
    fn what_fell_silent_is_the_leaders_and_what_is_stored_is_nobodys() {
        let claim = |index, until_ms| Claim { index, until_ms };
        let claims = [claim(0, None), claim(1, Some(50)), claim(2, Some(51)), claim(3, Some(0))];
        let held = BTreeSet::from([2]);
        assert_eq!(sort(&[0, 1, 2, 3, 4], &claims, true, 50), (vec![1, 3, 4], held.clone()));
        assert_eq!(sort(&[0, 1, 2, 3, 4], &claims, false, 50), (vec![4], held));
    }
}
