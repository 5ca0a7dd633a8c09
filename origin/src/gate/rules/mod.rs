//! Rules: who may watch an asset, as an operator wrote it.
//!
//! ```text
//!   tree.rs     the rule as a value: all, any, not, and leaves
//!   password.rs a secret: as it is written, as it is kept, and whether a guess is it
//!   playback.rs where, and how many at once, by tokens that it gives
//!   words.rs    addresses and amounts as rules write them
//!   bounds.rs   what a tree may be, without asking anyone
//!   probe.rs    before it is saved: is there such a contract, does it keep to its standard?
//!   delegates.rs wallets that have named the viewer's in the registry of delegate.xyz
//!   describe.rs what a contract is, for whoever writes a rule
//!   read.rs     one leaf for the wallets of one viewer: yes, no, or doubt
//!   said.rs     one word that a contract answered at a block, and how long it is kept
//!   accounts.rs one leaf of Solana, and the accounts that its answer rests on
//!   amount.rs   what a wallet of Solana has: by all its accounts, or by those that are expected
//!   decide.rs   the tree over its leaves, and what is missing; pure
//! ```
//!
//! The logic has three values (Kleene's): doubt about a leaf is doubt about the whole unless the rest decides it alone. Only
//! yes opens.

mod accounts;
mod amount;
mod bounds;
mod decide;
mod delegates;
mod describe;
mod password;
mod playback;
mod probe;
mod read;
mod said;
mod tree;
mod words;

pub(crate) use accounts::Accounts;
pub(crate) use decide::{Doubt, Truth, missing, truth};
pub(crate) use describe::{describe, describe_account};
pub(crate) use password::{Made, Plain, SealError, seal};
pub(crate) use playback::Playback;
pub(crate) use probe::{ProbeError, probe};
pub(crate) use read::{Reads, Shown, Sources};
pub(crate) use tree::{Node, Rule};
pub(crate) use words::{Amount, Holder, Member};
