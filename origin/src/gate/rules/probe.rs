//! Before a rule is saved: is there such a contract, and does it keep to its standard? A rule that nobody can ever meet, or
//! that reads the wrong kind of contract, is found now and not by the first viewer.

use alloy_primitives::Address;
use durable::UnixMs;

use super::tree::{Node, Rule};
use super::words::Wallet;
use crate::gate::chains::abi::{self, Word};
use crate::gate::chains::solana::{Account, Cluster, Key, TOKEN, TOKEN_2022, core, is_mint, metadata};
use crate::gate::chains::{Block, Call, Chain, ChainError, Chains, Returned};

/// ERC-165 ids (EIP-721, EIP-1155).
pub(super) const ERC721: [u8; 4] = [0x80, 0xac, 0x58, 0xcd];
pub(super) const ERC1155: [u8; 4] = [0xd9, 0xb6, 0x7a, 0x26];
/// What no contract may say it supports (EIP-165).
const NOTHING: [u8; 4] = [0xff; 4];

/// Why a rule is not saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProbeError {
    #[error("There is no chain {0:?} in this origin's configuration.")]
    NoChain(String),
    #[error("There is no contract at {contract} on {chain}.")]
    NoContract { chain: String, contract: Wallet },
    #[error("The contract {contract} on {chain} is no {standard}.")]
    OtherStandard { chain: String, contract: Wallet, standard: &'static str },
    #[error(
        "{0} is no chain for this condition: contracts are on chains of Ethereum's kind, mints and collections on Solana."
    )]
    OtherKind(String),
    #[error("There is no {what} at {key} on {chain}.")]
    NoAccount { chain: String, key: Key, what: &'static str },
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// Looks at every contract that a rule names.
pub(crate) async fn probe(rule: &Rule, chains: &Chains, now: UnixMs) -> Result<(), ProbeError> {
    futures_util::future::try_join_all(rule.rule.leaves().into_iter().map(|leaf| leaf_fits(leaf, chains, now))).await?;
    Ok(())
}

async fn leaf_fits(leaf: &Node, chains: &Chains, now: UnixMs) -> Result<(), ProbeError> {
    if let Some(name) = leaf.cluster() {
        let no_cluster = || match chains.named(name) {
            Some(_) => ProbeError::OtherKind(name.to_owned()),
            None => ProbeError::NoChain(name.to_owned()),
        };
        return account_fits(leaf, chains.cluster(name).ok_or_else(no_cluster)?, now).await;
    }
    let Some((name, contract)) = leaf.contract() else { return Ok(()) };
    let no_chain = || match chains.cluster(name) {
        Some(_) => ProbeError::OtherKind(name.to_owned()),
        None => ProbeError::NoChain(name.to_owned()),
    };
    let chain = chains.named(name).ok_or_else(no_chain)?;
    // A contract that was made just now counts: nobody is let in before its blocks are settled.
    let at = chain.heads(now).await?.last;
    if !chain.has_code(contract.0, &at).await? {
        return Err(ProbeError::NoContract { chain: name.to_owned(), contract });
    }
    let to = contract.0;
    let anyone = Word::Address(Address::repeat_byte(0x11));
    let (standard, fits) = match leaf {
        Node::Erc721(_) => ("ERC-721", supports(chain, to, ERC721, &at).await?),
        Node::Erc1155(_) => ("ERC-1155", supports(chain, to, ERC1155, &at).await?),
        Node::Erc20(_) => {
            let held = word(chain, to, "balanceOf(address)", &[anyone], &at).await?;
            let supply = word(chain, to, "totalSupply()", &[], &at).await?;
            let is_nft = supports(chain, to, ERC721, &at).await?;
            ("ERC-20", abi::number(&held).is_some() && abi::number(&supply).is_some() && !is_nft)
        }
        _ => {
            let answer = word(chain, to, "getHasValidKey(address)", &[anyone], &at).await?;
            ("lock of Unlock", abi::truth(&answer).is_some())
        }
    };
    if fits { Ok(()) } else { Err(ProbeError::OtherStandard { chain: name.to_owned(), contract, standard }) }
}

/// Whether there is such a mint, or such a collection.
async fn account_fits(leaf: &Node, cluster: &Cluster, now: UnixMs) -> Result<(), ProbeError> {
    let at = cluster.slots(now).await?.last;
    let one = |key: Key| async move { Ok::<_, ChainError>(cluster.accounts(&[key], &at).await?.pop().flatten()) };
    let mint_of = |account: &Account, program: Key| account.owner == program && is_mint(account);
    let (what, key, fits) = match leaf {
        Node::Spl(leaf) => {
            ("mint of SPL Token", leaf.mint, one(leaf.mint).await?.is_some_and(|it| mint_of(&it, TOKEN)))
        }
        Node::Token2022(leaf) => {
            ("mint of Token-2022", leaf.mint, one(leaf.mint).await?.is_some_and(|it| mint_of(&it, TOKEN_2022)))
        }
        Node::Core(leaf) => {
            let fits = one(leaf.collection).await?.is_some_and(|it| core::is_collection(&it));
            ("collection of Metaplex Core", leaf.collection, fits)
        }
        Node::Metaplex(leaf) => {
            let found = match metadata::address(&leaf.collection) {
                Some(address) => metadata::read(one(address).await?.as_ref(), &leaf.collection),
                None => metadata::Found::Nothing,
            };
            ("collection with metadata", leaf.collection, matches!(found, metadata::Found::Metadata(_)))
        }
        _ => return Ok(()),
    };
    if fits { Ok(()) } else { Err(ProbeError::NoAccount { chain: cluster.config().name.clone(), key, what }) }
}

/// As EIP-165 has it: yes to the id, and no to the one that nobody supports.
pub(super) async fn supports(chain: &Chain, to: Address, id: [u8; 4], at: &Block) -> Result<bool, ChainError> {
    let ask = |id| async move { word(chain, to, "supportsInterface(bytes4)", &[Word::Bytes4(id)], at).await };
    Ok(abi::truth(&ask(id).await?) == Some(true) && abi::truth(&ask(NOTHING).await?) == Some(false))
}

/// What is returned; nothing when it reverts.
pub(super) async fn word(
    chain: &Chain,
    to: Address,
    signature: &str,
    arguments: &[Word],
    at: &Block,
) -> Result<Vec<u8>, ChainError> {
    Ok(match chain.eth_call(&Call { to: Some(to), data: abi::call(signature, arguments), gas: None }, at).await? {
        Returned::Data(data) => data,
        Returned::Reverted => Vec::new(),
    })
}
