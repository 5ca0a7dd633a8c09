//! One writer at a time to an upload, and the running hashes of those that are between two requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use durable::RunningHash;
use tokio::sync::{Mutex as Turn, Notify, OwnedMutexGuard};

use crate::api::problem::{Problem, Refusal};
use crate::limits::{CLAIM_WAIT, RUNNING_HASHES_MAX};

/// Who writes to which upload.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    held: Mutex<HashMap<String, Arc<Held>>>,
    hashes: Mutex<HashMap<String, RunningHash>>,
}

#[derive(Debug, Default)]
struct Held {
    turn: Arc<Turn<()>>,
    /// Of the present holder alone: one that comes later is not ended by what was meant for the one before.
    stop: Mutex<Arc<Notify>>,
}

impl Held {
    fn claim(&self, turn: OwnedMutexGuard<()>) -> Claim {
        let stop = Arc::<Notify>::default();
        *lock(&self.stop) = stop.clone();
        Claim { stop, _turn: turn }
    }
}

/// The right to write to one upload, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    stop: Arc<Notify>,
    _turn: OwnedMutexGuard<()>,
}

impl Claim {
    /// Returns when someone asks this writer to end.
    pub(crate) async fn interrupted(&self) {
        self.stop.notified().await;
    }
}

impl Claims {
    /// The right to write, unless someone has it.
    pub(crate) fn take(&self, id: &str) -> Result<Claim, Problem> {
        let held = self.held(id);
        let turn = held.turn.clone().try_lock_owned().map_err(|_| locked())?;
        Ok(held.claim(turn))
    }

    /// Ends whoever writes, and takes its place.
    pub(crate) async fn interrupt(&self, id: &str) -> Result<Claim, Problem> {
        let held = self.held(id);
        if let Ok(turn) = held.turn.clone().try_lock_owned() {
            return Ok(held.claim(turn));
        }
        lock(&held.stop).notify_one();
        let turn = tokio::time::timeout(CLAIM_WAIT, held.turn.clone().lock_owned()).await.map_err(|_| locked())?;
        Ok(held.claim(turn))
    }

    /// Keeps what is hashed until the next request.
    pub(crate) fn keep(&self, id: &str, hash: Option<RunningHash>) {
        let mut hashes = lock(&self.hashes);
        match hash {
            Some(hash) if hashes.len() < RUNNING_HASHES_MAX || hashes.contains_key(id) => {
                hashes.insert(id.to_owned(), hash);
            }
            _ => drop(hashes.remove(id)),
        }
    }

    /// What was hashed by the requests before.
    pub(crate) fn hash(&self, id: &str) -> Option<RunningHash> {
        lock(&self.hashes).get(id).cloned()
    }

    /// An upload is over.
    pub(crate) fn forget(&self, id: &str) {
        lock(&self.hashes).remove(id);
    }

    fn held(&self, id: &str) -> Arc<Held> {
        let mut held = lock(&self.held);
        // Whoever asks has a count until it has the turn. Those that nobody holds leave before a new one comes: there are as many as requests at most.
        held.retain(|name, held| name == id || Arc::strong_count(held) > 1 || held.turn.try_lock().is_err());
        held.entry(id.to_owned()).or_default().clone()
    }
}

fn locked() -> Problem {
    Refusal::UploadLocked.because("Another request writes to this upload. Ask for the offset, and go on from there.")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing under these locks can panic half way, so a poisoned map is a whole one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_writes_and_whoever_asks_for_the_offset_ends_it() {
        let claims = Arc::new(Claims::default());
        let first = claims.take("a").unwrap();
        assert_eq!(claims.take("a").unwrap_err().refusal, Refusal::UploadLocked);
        drop(claims.take("b").unwrap());
        let asking = tokio::spawn({
            let claims = claims.clone();
            async move { claims.interrupt("a").await.is_ok() }
        });
        first.interrupted().await;
        drop(first);
        assert!(asking.await.unwrap());
        drop(claims.take("a").unwrap());
        claims.held("c");
        let again = claims.take("a").unwrap();
        assert!(again.interrupted().now_or_never().is_none(), "what was meant for the first is not for this one");
        drop(again);
        claims.held("c");
        assert_eq!(lock(&claims.held).len(), 1, "what nobody holds leaves");
    }
}
