//! One leaf for the wallets of one viewer.

use std::sync::Arc;

use alloy_primitives::{Bytes, U256};
use durable::UnixMs;
use futures_util::future::{join_all, try_join_all};

use super::accounts::Accounts;
use super::decide::{Doubt, Truth};
use super::delegates::{self, Vault};
use super::said::{Said, Words};
use super::tree::{Erc721, Node, Window};
use super::words::{Amount, Holder, Wallet};
use crate::cache::Cache as Shared;
use crate::gate::chains::abi::{self, Word};
use crate::gate::chains::solana::Key;
use crate::gate::chains::{Block, Chain, ChainError, Chains};

/// What contracts said, and what accounts of Solana did.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    words: Words,
    accounts: Accounts,
}

/// What a viewer has shown.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    /// Each has proved itself.
    pub(crate) wallets: &'a [Holder],
    /// Ids of the passwords that were right.
    pub(crate) passwords: &'a [String],
}

/// Where what contracts say is had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) chains: &'a Chains,
    /// The role cache: what one process has read at a block, others need not ask.
    pub(crate) cache: &'a Shared,
}

/// Why a leaf was not read.
#[derive(Debug, Clone, thiserror::Error)]
enum Unread {
    #[error("there is no such chain in the configuration")]
    NoChain,
    #[error(transparent)]
    Chain(#[from] Arc<ChainError>),
}

impl Reads {
    /// What accounts of Solana said.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// Every leaf of a tree, in order.
    pub(crate) async fn leaves(&self, node: &Node, shown: Shown<'_>, from: Sources<'_>, now: UnixMs) -> Vec<Truth> {
        join_all(node.leaves().into_iter().map(|leaf| self.leaf(leaf, shown, from, now))).await
    }

    async fn leaf(&self, leaf: &Node, shown: Shown<'_>, from: Sources<'_>, now: UnixMs) -> Truth {
        let known = |holds: bool| if holds { Truth::Yes } else { Truth::No };
        if let Node::Password(password) = leaf {
            return password.truth(shown);
        }
        let holders = shown.wallets;
        if holders.is_empty() && !matches!(leaf, Node::Valid(_)) {
            return Truth::Doubt(Doubt::NoWallet);
        }
        match leaf {
            Node::Allow(list) => {
                known(holders.iter().any(|holder| list.iter().any(|member| holder.is_let_in_as(member))))
            }
            Node::Deny(list) => known(!holders.iter().any(|holder| list.iter().any(|member| holder.is(member)))),
            Node::Valid(Window { from_ms, until_ms }) => {
                known(from_ms.is_none_or(|from| from <= now) && until_ms.is_none_or(|until| now < until))
            }
            _ => match self.held(leaf, holders, from, now).await {
                Ok(truth) => truth,
                Err(error) => {
                    tracing::warn!(%error, "a rule could not be read: nobody is let in by it");
                    Truth::Doubt(Doubt::Unread)
                }
            },
        }
    }

    async fn held(&self, leaf: &Node, holders: &[Holder], from: Sources<'_>, now: UnixMs) -> Result<Truth, Unread> {
        if let Some(name) = leaf.cluster() {
            let cluster = from.chains.cluster(name).ok_or(Unread::NoChain)?;
            let keys: Vec<Key> = holders.iter().filter_map(Holder::solana).collect();
            return self.accounts.held(leaf, &keys, cluster, now).await.map_err(Unread::Chain);
        }
        let Some((name, _)) = leaf.contract() else { return Ok(Truth::No) };
        let chain = from.chains.named(name).ok_or(Unread::NoChain)?;
        let wallets: Vec<Wallet> = holders.iter().filter_map(|holder| holder.on(chain.config.id)).collect();
        if wallets.is_empty() {
            return Ok(Truth::Doubt(Doubt::NoWallet));
        }
        let heads = chain.heads(now).await.map_err(Arc::new)?;
        let (settled, last) = (
            self.held_at(leaf, &wallets, (chain, &heads.settled), (from, now)),
            self.held_at(leaf, &wallets, (chain, &heads.last), (from, now)),
        );
        Ok(match futures_util::future::try_join(settled, last).await? {
            (one, other) if one == other => one,
            (doubt @ Truth::Doubt(_), _) | (_, doubt @ Truth::Doubt(_)) => doubt,
            _ => Truth::Doubt(Doubt::NotSettled),
        })
    }

    /// Whether one of the wallets holds what the leaf asks for.
    async fn held_at(
        &self,
        leaf: &Node,
        wallets: &[Wallet],
        (chain, at): (&Arc<Chain>, &Block),
        (from, now): (Sources<'_>, UnixMs),
    ) -> Result<Truth, Unread> {
        let Some((_, contract)) = leaf.contract() else { return Ok(Truth::No) };
        let mut vaults = Vec::new();
        if leaf.is_delegated() {
            let named = wallets.iter().map(|wallet| delegates::vaults(chain, *wallet, contract.0, at));
            for some in try_join_all(named).await.map_err(Arc::new)? {
                let Some(some) = some else { return Ok(Truth::Doubt(Doubt::Garbled)) };
                vaults.extend(some);
            }
        }
        if let Node::Erc721(Erc721 { token_ids, .. }) = leaf
            && !token_ids.is_empty()
        {
            let acts_for = |owner: Wallet, id: &Amount| {
                let is_it = |vault: &Vault| vault.wallet == owner && vault.only.is_none_or(|only| only == id.0);
                wallets.contains(&owner) || vaults.iter().any(is_it)
            };
            let told = token_ids.iter().map(|id| {
                let is_theirs = |said: Said| match said {
                    Said::Word(word) => abi::address(&word).map(|owner| acts_for(Wallet(owner), id)),
                    // As it does for a token that there is not.
                    Said::Reverted => Some(false),
                    Said::Garbled => None,
                };
                let asked = abi::call("ownerOf(uint256)", &[Word::Number(id.0)]);
                self.told((chain, at), (contract, asked), (from, now), is_theirs)
            });
            return Ok(any(try_join_all(told).await?.into_iter()));
        }
        // Whoever acts for one token alone acts for no balance.
        let whole = vaults.iter().filter(|vault| vault.only.is_none()).map(|vault| &vault.wallet);
        let is_enough = |said: Said| match (said, leaf) {
            (Said::Word(word), Node::Unlock(_)) => abi::truth(&word),
            (Said::Word(word), _) => abi::number(&word).map(|held| held >= least(leaf)),
            (Said::Reverted | Said::Garbled, _) => None,
        };
        let told = wallets
            .iter()
            .chain(whole)
            .map(|wallet| self.told((chain, at), (contract, question(leaf, *wallet)), (from, now), is_enough));
        Ok(any(try_join_all(told).await?.into_iter()))
    }

    /// What a contract's answer means; `None`: that cannot be told.
    async fn told(
        &self,
        place: (&Arc<Chain>, &Block),
        (contract, asked): (Wallet, Bytes),
        (from, now): (Sources<'_>, UnixMs),
        means: impl Fn(Said) -> Option<bool>,
    ) -> Result<Option<bool>, Unread> {
        let opens = |said| means(said) == Some(true);
        let said = self.words.word(place, (contract.0, asked), from.cache, now, opens).await;
        Ok(means(said.map_err(Unread::Chain)?))
    }
}

/// Whether one of them is so; one that cannot be told is doubt, unless another is.
fn any(mut told: impl Iterator<Item = Option<bool>>) -> Truth {
    let mut sum = Truth::No;
    told.find_map(|one| match one {
        Some(true) => Some(Truth::Yes),
        Some(false) => None,
        None => {
            sum = Truth::Doubt(Doubt::Garbled);
            None
        }
    })
    .unwrap_or(sum)
}

fn question(leaf: &Node, wallet: Wallet) -> Bytes {
    let wallet = Word::Address(wallet.0);
    match leaf {
        Node::Erc1155(leaf) => abi::call("balanceOf(address,uint256)", &[wallet, Word::Number(leaf.id.0)]),
        Node::Unlock(_) => abi::call("getHasValidKey(address)", &[wallet]),
        _ => abi::call("balanceOf(address)", &[wallet]),
    }
}

/// What must be held; a leaf that says nothing asks for more than there can be.
fn least(leaf: &Node) -> U256 {
    match leaf {
        Node::Erc721(leaf) => leaf.min_balance.map_or(U256::MAX, |amount| amount.0),
        Node::Erc1155(leaf) => leaf.min_balance.0,
        Node::Erc20(leaf) => leaf.min_units.0,
        _ => U256::MAX,
    }
}
