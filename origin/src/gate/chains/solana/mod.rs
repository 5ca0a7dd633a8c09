//! Solana, read as strictly as the other chains: accounts by their bytes, at a slot that does not go back.
//!
//! ```text
//!   cluster.rs   one cluster: its last confirmed slot and its finalized one
//!   account.rs   what nodes answer: accounts at addresses, of a wallet, of a program
//!   together.rs  accounts that several ask for at once: a hundred with one question
//!   key.rs       keys, and addresses that programs keep (PDA)
//!   layout.rs    bytes of accounts from the front
//!   token.rs     mints and token accounts, of SPL Token and Token-2022
//!   metadata.rs  Metaplex Token Metadata: collections that have confirmed their tokens
//!   core.rs      Metaplex Core: assets and collections
//! ```

mod account;
mod cluster;
pub(crate) mod core;
mod key;
mod layout;
pub(crate) mod metadata;
#[cfg(test)]
mod tests;
mod together;
mod token;

pub(crate) use account::{Account, Of};
pub(crate) use cluster::{Cluster, Commitment, Slot};
pub(crate) use key::Key;
pub(crate) use token::{holding, is_mint};

/// SPL Token.
pub(crate) const TOKEN: Key = Key::known(b"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Token-2022.
pub(crate) const TOKEN_2022: Key = Key::known(b"TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// The program of associated token accounts.
const ASSOCIATED: Key = Key::known(b"ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
/// Metaplex Token Metadata.
pub(crate) const METADATA: Key = Key::known(b"metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s");
/// Metaplex Core.
pub(crate) const CORE: Key = Key::known(b"CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d");
/// Owner of accounts that are of no program.
const SYSTEM: Key = Key([0; 32]);

/// Where a wallet's account of a mint is, when it is where everybody expects it.
pub(crate) fn associated(wallet: &Key, mint: &Key, program: &Key) -> Option<Key> {
    Key::derived(&[&wallet.0, &program.0, &mint.0], &ASSOCIATED)
}

#[cfg(any(fuzzing, test))]
pub(crate) fn fuzz(bytes: &[u8]) {
    account::fuzz(bytes);
    cluster::fuzz(bytes);
}
