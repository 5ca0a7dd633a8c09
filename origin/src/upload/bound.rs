//! How many bytes an upload may have: what this server takes, and what its owner has left.

use crate::api::problem::{Problem, Refusal};
use crate::house::House;

/// A bound, and which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) bytes: u64,
    is_quota: bool,
}

impl Bound {
    /// For a new upload of an owner.
    pub(crate) async fn of(house: &House, owner: &str) -> Result<Self, Problem> {
        let max = house.config.upload_bytes_max;
        let Some(quota) = house.config.owner_bytes_max else { return Ok(Self { bytes: max, is_quota: false }) };
        let left = quota.saturating_sub(house.store.catalogue.taken_bytes(owner).await?);
        Ok(Self { bytes: max.min(left), is_quota: left < max })
    }

    /// For one whose length is announced, and so in the quota already.
    pub(crate) fn announced(length: u64) -> Self {
        Self { bytes: length, is_quota: false }
    }

    /// What is there already is not too much.
    pub(crate) fn or_at_least(self, bytes: u64) -> Self {
        Self { bytes: self.bytes.max(bytes), ..self }
    }

    /// Why it was too much.
    pub(crate) fn refuse(self) -> Problem {
        if self.is_quota {
            return over_quota();
        }
        Refusal::UploadTooLarge.because(format!("At most {} bytes are taken.", self.bytes))
    }
}

/// Its owner has no room left.
pub(crate) fn over_quota() -> Problem {
    let sentence =
        "What you have stored, the bin included, and what you have announced would be more than you may keep.";
    Refusal::QuotaExceeded.because(sentence)
}
