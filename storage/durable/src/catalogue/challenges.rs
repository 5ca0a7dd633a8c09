//! Challenges that were answered. One that was not costs no row: it proves itself (`gate/signin/nonce.rs` of the origin).

use super::Catalogue;
use super::sql::Tx;
use crate::{StoreError, UnixMs};

impl Catalogue {
    /// Forgets challenges whose time is over, which are refused for that. Answers how many.
    pub async fn sweep_challenges(&self, now: UnixMs) -> Result<u64, StoreError> {
        let sql = "DELETE FROM used_challenges WHERE expires_ms < $1";
        Ok(sqlx::query(sql).bind(now).execute(&self.write).await?.rows_affected())
    }
}

/// A challenge that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its nonce.
    pub nonce: String,
    /// From when on it would be refused anyway.
    pub expires_ms: UnixMs,
}

/// Takes the one use that a challenge has; `false` when someone did before.
pub(super) async fn take(tx: &mut Tx, answered: &Answered) -> Result<bool, StoreError> {
    let sql = "INSERT INTO used_challenges (nonce, expires_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql).bind(&answered.nonce).bind(answered.expires_ms).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}
