//! What a contract is, for whoever writes a rule: its standard by ERC-165, what it calls itself, and what wallets hold of it. What it calls
//! itself is its own word, and is shown as text alone.

use alloy_primitives::Address;
use durable::UnixMs;
use serde_json::{Value, json};

use super::accounts::Accounts;
use super::probe::{ERC721, ERC1155, ProbeError, supports, word};
use super::words::{Amount, Holder, Wallet};
use crate::gate::chains::abi::{self, Word};
use crate::gate::chains::solana::{CORE, Key, TOKEN, TOKEN_2022, core, is_mint};
use crate::gate::chains::{Block, Chain, ChainError, Chains};
use crate::limits::RULE_WORDS_BYTES_MAX;

/// Describes a contract at the last block. `id`: a token of it.
pub(crate) async fn describe(
    chains: &Chains,
    (name, contract): (&str, Wallet),
    id: Option<Amount>,
    holders: &[Holder],
    now: UnixMs,
) -> Result<Value, ProbeError> {
    let chain = chains.named(name).ok_or_else(|| ProbeError::NoChain(name.to_owned()))?;
    let at = chain.heads(now).await?.last;
    if !chain.has_code(contract.0, &at).await? {
        return Err(ProbeError::NoContract { chain: name.to_owned(), contract });
    }
    let standard = standard(chain, contract.0, &at).await?;
    let mut wallets = Vec::new();
    for wallet in holders.iter().filter_map(|holder| holder.on(chain.config.id)) {
        let amount = held(chain, contract.0, (standard, id), wallet, &at).await?;
        wallets.push(json!({ "wallet": wallet, "amount": amount }));
    }
    Ok(json!({
        "chain": name,
        "contract": contract,
        "standard": standard,
        "name": said(chain, contract.0, "name()", &at).await?,
        "symbol": said(chain, contract.0, "symbol()", &at).await?,
        "block": { "number": at.number, "hash": at.hash.to_string() },
        "wallets": wallets,
    }))
}

/// Describes a mint, or a collection of Core, at the last confirmed slot.
pub(crate) async fn describe_account(
    accounts: &Accounts,
    chains: &Chains,
    (name, key): (&str, Key),
    holders: &[Holder],
    now: UnixMs,
) -> Result<Value, ProbeError> {
    let cluster = chains.cluster(name).ok_or_else(|| ProbeError::NoChain(name.to_owned()))?;
    let at = cluster.slots(now).await?.last;
    let account = cluster.accounts(&[key], &at).await?.pop().flatten();
    let standard = account.as_ref().and_then(|account| match account.owner {
        TOKEN if is_mint(account) => Some("spl"),
        TOKEN_2022 if is_mint(account) => Some("token2022"),
        CORE if core::is_collection(account) => Some("core"),
        _ => None,
    });
    let (Some(standard), Some(account)) = (standard, account) else {
        return Err(ProbeError::NoAccount { chain: name.to_owned(), key, what: "mint or collection of Metaplex Core" });
    };
    let mut wallets = Vec::new();
    for wallet in holders.iter().filter_map(Holder::solana) {
        let amount = accounts.amount((key, account.owner), wallet, cluster, (&at, now)).await;
        let amount = amount.map_err(|error| ProbeError::Chain(ChainError::clone(&error)))?.map(Amount::of);
        wallets.push(json!({ "wallet": wallet, "amount": amount }));
    }
    Ok(json!({
        "chain": name,
        "contract": key,
        "standard": standard,
        "name": null,
        "symbol": null,
        "block": { "number": at.number, "hash": "" },
        "wallets": wallets,
    }))
}

async fn standard(chain: &Chain, contract: Address, at: &Block) -> Result<Option<&'static str>, ChainError> {
    if supports(chain, contract, ERC721, at).await? {
        return Ok(Some("erc721"));
    }
    if supports(chain, contract, ERC1155, at).await? {
        return Ok(Some("erc1155"));
    }
    let supply = word(chain, contract, "totalSupply()", &[], at).await?;
    let decimals = word(chain, contract, "decimals()", &[], at).await?;
    let is_coin = abi::number(&supply).is_some() && abi::number(&decimals).is_some();
    Ok(is_coin.then_some("erc20"))
}

/// How many a wallet has; `None`: the contract does not say.
async fn held(
    chain: &Chain,
    contract: Address,
    (standard, id): (Option<&str>, Option<Amount>),
    wallet: Wallet,
    at: &Block,
) -> Result<Option<Amount>, ChainError> {
    let whose = Word::Address(wallet.0);
    let said = match (standard, id) {
        (Some("erc1155"), Some(id)) => {
            word(chain, contract, "balanceOf(address,uint256)", &[whose, Word::Number(id.0)], at).await?
        }
        (Some("erc721"), Some(id)) => {
            let owner = word(chain, contract, "ownerOf(uint256)", &[Word::Number(id.0)], at).await?;
            let owns = abi::address(&owner).is_some_and(|owner| owner == wallet.0);
            return Ok(Some(Amount::of(u64::from(owns))));
        }
        (Some("erc721" | "erc20"), None) => word(chain, contract, "balanceOf(address)", &[whose], at).await?,
        _ => return Ok(None),
    };
    Ok(abi::number(&said).map(Amount))
}

/// A short text that a contract says.
async fn said(chain: &Chain, contract: Address, what: &str, at: &Block) -> Result<Option<String>, ChainError> {
    let data = word(chain, contract, what, &[], at).await?;
    let text = abi::bytes(&data, 0).filter(|text| text.len() <= RULE_WORDS_BYTES_MAX);
    let text = text.and_then(|text| std::str::from_utf8(text).ok()).filter(|text| !text.contains(char::is_control));
    Ok(text.map(str::to_owned))
}
