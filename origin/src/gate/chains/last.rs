//! What was read of a chain last, by one of those who wait. The others take what it has read, and its failure as well: else each of them would
//! sit out the time limits of all who asked a silent chain before.

use std::time::Instant;

use super::error::ChainError;

/// Behind a lock that is held while it is read anew.
#[derive(Debug)]
pub(super) struct Last<T> {
    pub(super) read: Option<T>,
    failed: Option<(Instant, ChainError)>,
}

impl<T> Default for Last<T> {
    fn default() -> Self {
        Self { read: None, failed: None }
    }
}

impl<T> Last<T> {
    /// # Errors
    /// That of whoever has tried since then.
    pub(super) fn failed_since(&self, asked: Instant) -> Result<(), ChainError> {
        match &self.failed {
            Some((at, error)) if *at >= asked => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Keeps what was read; a failure leaves what was read before.
    pub(super) fn noted(&mut self, read: Result<T, ChainError>) -> Result<&T, ChainError> {
        match read {
            Ok(read) => {
                self.failed = None;
                Ok(self.read.insert(read))
            }
            Err(error) => {
                self.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }
}
