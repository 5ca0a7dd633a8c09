//! Vaults: wallets that have said in the registry of delegate.xyz (version 2) that another wallet acts for them, for all that they hold, for a
//! contract, or for one token of ERC-721. So the key to what is dear stays where it is.

use alloy_primitives::{Address, U256, address};

use super::words::Wallet;
use crate::gate::chains::abi::{self, Word};
use crate::gate::chains::{Block, Call, Chain, ChainError, Returned};
use crate::limits::VAULTS_MAX;

/// The registry, at the same address on every chain that has it.
pub(crate) const REGISTRY: Address = address!("00000000000000447e69651d841bD8D104Bed493");

/// Words of one delegation: what of, to whom, from whom, rights, contract, token, amount.
const WORDS: usize = 7;

/// Somebody acts for this wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Vault {
    pub(super) wallet: Wallet,
    /// For this token alone.
    pub(super) only: Option<U256>,
}

/// For whom a wallet acts where a contract is concerned. `None`: the registry is not there, or answers what it does not have.
pub(super) async fn vaults(
    chain: &Chain,
    wallet: Wallet,
    contract: Address,
    at: &Block,
) -> Result<Option<Vec<Vault>>, ChainError> {
    let data = abi::call("getIncomingDelegations(address)", &[Word::Address(wallet.0)]);
    Ok(match chain.eth_call(&Call { to: Some(REGISTRY), data, gas: None }, at).await? {
        Returned::Data(data) => read(&data, wallet, contract),
        Returned::Reverted => None,
    })
}

/// `Delegation[]`, of which those count that give all rights over the contract, or over one token of it.
fn read(data: &[u8], to: Wallet, contract: Address) -> Option<Vec<Vault>> {
    let (begin, count) = (data.get(..32)?, data.get(32..64)?);
    if abi::number(begin)? != U256::from(32) || abi::number(count)? != U256::from((data.len() - 64) / (WORDS * 32)) {
        return None;
    }
    let mut vaults = Vec::new();
    for row in data[64..].chunks_exact(WORDS * 32) {
        let word = |n: usize| &row[n * 32..n * 32 + 32];
        let kind = abi::number(word(0))?;
        let (whom, from, of) = (abi::address(word(1))?, abi::address(word(2))?, abi::address(word(4))?);
        // Rights that are narrowed to a purpose are not ours.
        if whom != to.0 || !abi::number(word(3))?.is_zero() {
            continue;
        }
        let only = match kind.to::<u64>() {
            1 => None,
            2 if of == contract => None,
            3 if of == contract => Some(abi::number(word(5))?),
            _ => continue,
        };
        vaults.push(Vault { wallet: Wallet(from), only });
    }
    // Anyone may name anyone: with more than that nobody knows who is meant.
    (vaults.len() <= VAULTS_MAX).then_some(vaults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: u8) -> Address {
        Address::with_last_byte(n)
    }

    fn answer(rows: &[[u64; WORDS]]) -> Vec<u8> {
        let words = [32, rows.len() as u64].into_iter().chain(rows.iter().flatten().copied());
        words.flat_map(|n| U256::from(n).to_be_bytes::<32>()).collect()
    }

    #[test]
    fn what_gives_all_rights_over_the_contract_or_a_token_of_it_counts_and_nothing_else() {
        let vault = |n: u8, only: Option<u64>| Vault { wallet: Wallet(at(n)), only: only.map(U256::from) };
        let data = answer(&[
            [1, 9, 1, 0, 0, 0, 0],
            [2, 9, 2, 0, 7, 0, 0],
            [2, 9, 3, 0, 8, 0, 0],
            [3, 9, 4, 0, 7, 55, 0],
            [3, 9, 5, 0, 8, 55, 0],
            [4, 9, 6, 0, 7, 0, 5],
            [5, 9, 6, 0, 7, 1, 5],
            [1, 9, 7, 1, 0, 0, 0],
            [1, 8, 8, 0, 0, 0, 0],
            [0, 9, 8, 0, 0, 0, 0],
        ]);
        let expected = vec![vault(1, None), vault(2, None), vault(4, Some(55))];
        assert_eq!(read(&data, Wallet(at(9)), at(7)), Some(expected));
        assert_eq!(read(&answer(&[]), Wallet(at(9)), at(7)), Some(Vec::new()));
        for bad in [&data[..data.len() - 32], &data[..64], &data[..32], &[], &[0; 64 + 224]] {
            assert_eq!(read(bad, Wallet(at(9)), at(7)), None, "{} bytes", bad.len());
        }
        let many = vec![[1, 9, 1, 0, 0, 0, 0]; VAULTS_MAX + 1];
        assert_eq!(read(&answer(&many), Wallet(at(9)), at(7)), None);
    }
}
