//! Accounts as the RPC of a Solana node answers them: the bytes in base64, and the program that they belong to.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::CORE;
use super::cluster::{Cluster, Slot};
use super::core;
use super::key::Key;
use super::token::{Holding, holding};
use crate::gate::chains::error::{ChainError, RpcError};
use crate::gate::chains::rpc::Question;
use crate::limits::{ACCOUNT_BYTES_READ, ACCOUNTS_A_QUESTION_MAX, RPC_ACCOUNTS_BYTES_MAX};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// The program that may change it.
    pub(crate) owner: Key,
    pub(crate) data: Vec<u8>,
}

/// Which of a wallet's token accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Of {
    /// Of this program, which is `TOKEN` or `TOKEN_2022`.
    Program(Key),
    /// Of this mint, of this program.
    Mint { mint: Key, program: Key },
}

/// A value, and the slot that it was read at.
#[derive(Deserialize)]
pub(super) struct Answer<V> {
    context: Context,
    value: V,
}

#[derive(Deserialize)]
struct Context {
    slot: u64,
}

/// An account in an answer.
#[derive(Deserialize)]
pub(super) struct Row {
    data: (String, String),
    owner: String,
}

/// An account, and where it is.
#[derive(Deserialize)]
struct Placed {
    pubkey: String,
    account: Row,
}

impl<V> Answer<V> {
    /// The value, if it was not read before the slot that was asked for.
    pub(super) fn since(self, slot: u64) -> Result<(u64, V), RpcError> {
        if self.context.slot < slot { Err(RpcError::BadValue) } else { Ok((self.context.slot, self.value)) }
    }
}

impl Row {
    pub(super) fn read(&self) -> Result<Account, RpcError> {
        if self.data.1 != "base64" {
            return Err(RpcError::BadValue);
        }
        let data = STANDARD.decode(&self.data.0).map_err(|_| RpcError::BadValue)?;
        Ok(Account { owner: self.owner.parse().map_err(|()| RpcError::BadValue)?, data })
    }
}

/// Accounts with their places, each of which is there once.
fn placed(rows: &[Placed]) -> Result<Vec<(Key, Account)>, RpcError> {
    let mut seen = HashSet::new();
    let read = |row: &Placed| {
        let key: Key = row.pubkey.parse().map_err(|()| RpcError::BadValue)?;
        // What is told twice would count twice.
        if seen.insert(key) { Ok((key, row.account.read()?)) } else { Err(RpcError::BadValue) }
    };
    let mut all = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    // Endpoints tell them in any order; equal answers are equal.
    all.sort_unstable_by_key(|(key, _)| *key);
    Ok(all)
}

impl Cluster {
    /// The accounts at these addresses, in order; `None` where there is none. Of each the first [`ACCOUNT_BYTES_READ`] bytes, so that nobody
    /// makes the answer too large for the others in it.
    pub(crate) async fn accounts(&self, keys: &[Key], at: &Slot) -> Result<Vec<Option<Account>>, ChainError> {
        let mut all = Vec::with_capacity(keys.len());
        for some in keys.chunks(ACCOUNTS_A_QUESTION_MAX) {
            let names: Vec<String> = some.iter().map(Key::to_string).collect();
            let read = |answer: Answer<Vec<Option<Row>>>| {
                let (_, rows) = answer.since(at.number)?;
                if rows.len() != some.len() {
                    return Err(RpcError::BadValue);
                }
                rows.iter().map(|row| row.as_ref().map(Row::read).transpose()).collect::<Result<Vec<_>, _>>()
            };
            let mut options = options(at);
            options["dataSlice"] = json!({ "offset": 0, "length": ACCOUNT_BYTES_READ });
            all.extend(self.told(&question("getMultipleAccounts", json!([names, options])), read).await?);
        }
        Ok(all)
    }

    /// What a wallet has in its token accounts, and where. An answer with anything else in it is none.
    pub(crate) async fn holdings(&self, wallet: &Key, of: Of, at: &Slot) -> Result<Vec<(Key, Holding)>, ChainError> {
        let filter = match of {
            Of::Program(program) => json!({ "programId": program }),
            Of::Mint { mint, .. } => json!({ "mint": mint }),
        };
        let (Of::Program(program) | Of::Mint { program, .. }) = of;
        let read = |answer: Answer<Vec<Placed>>| {
            let (_, rows) = answer.since(at.number)?;
            let fits = |account: &Account| {
                let is_of = |holding: &Holding| match of {
                    Of::Program(_) => true,
                    Of::Mint { mint, .. } => holding.mint == mint,
                };
                let found = holding(account).filter(|found| found.owner == *wallet && is_of(found));
                found.filter(|_| account.owner == program).ok_or(RpcError::BadValue)
            };
            placed(&rows)?.into_iter().map(|(key, account)| Ok((key, fits(&account)?))).collect::<Result<Vec<_>, _>>()
        };
        let params = json!([wallet, filter, options(at)]);
        self.told(&question("getTokenAccountsByOwner", params), read).await
    }

    /// Where the assets of a Core collection are that a wallet has. An answer with anything else in it is none.
    pub(crate) async fn assets(&self, wallet: &Key, collection: &Key, at: &Slot) -> Result<Vec<Key>, ChainError> {
        let front = bs58::encode(core::front(wallet, collection)).into_string();
        let mut options = options(at);
        options["withContext"] = json!(true);
        options["filters"] = json!([{ "memcmp": { "offset": 0, "bytes": front } }]);
        let read = |answer: Answer<Vec<Placed>>| {
            let (_, rows) = answer.since(at.number)?;
            let fits = |(key, account): (Key, Account)| {
                if core::is_asset(&account, wallet, collection) { Ok(key) } else { Err(RpcError::BadValue) }
            };
            placed(&rows)?.into_iter().map(fits).collect::<Result<Vec<_>, _>>()
        };
        self.told(&question("getProgramAccounts", json!([CORE, options])), read).await
    }
}

fn question(method: &'static str, params: Value) -> Question {
    Question { method, params, bytes_max: RPC_ACCOUNTS_BYTES_MAX }
}

/// Bytes in base64, of a state that is not older than the slot; a node that has not reached it refuses.
pub(super) fn options(at: &Slot) -> Value {
    json!({ "encoding": "base64", "commitment": at.commitment.word(), "minContextSlot": at.number })
}

#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(bytes: &[u8]) {
    use crate::gate::chains::rpc;
    let account = |owner| Account { owner, data: bytes.to_vec() };
    let key = Key::at(bytes, 1).unwrap_or(Key([0; 32]));
    for owner in [super::TOKEN, super::TOKEN_2022] {
        assert!(
            holding(&account(owner)).is_none() || !super::token::is_mint(&account(owner)),
            "either an account or a mint"
        );
    }
    let _ = super::metadata::read(Some(&account(super::METADATA)), &Key::at(bytes, 33).unwrap_or(key));
    let _ = (core::is_collection(&account(CORE)), core::is_asset(&account(CORE), &key, &key));
    if let Ok(answer) = rpc::read::<Answer<Vec<Placed>>>(bytes, 1)
        && let Ok((_, rows)) = answer.since(1)
        && let Ok(all) = placed(&rows)
    {
        for (_, account) in all {
            assert!(holding(&account).is_none_or(|found| Key::at(&account.data, 0) == Some(found.mint)));
        }
    }
}
