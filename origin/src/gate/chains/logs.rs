//! `eth_getLogs`: which tokens of these contracts changed hands in a range of blocks. Read for whom it concerns, not for how much: what
//! somebody holds is asked of the contract.

use alloy_primitives::{Address, B256, keccak256};
use serde::Deserialize;
use serde_json::json;

use super::Chain;
use super::error::{ChainError, RpcError};
use super::rpc::{Question, data, quantity};
use crate::limits::{LOGS_MAX, RPC_LOGS_BYTES_MAX};

/// Events after which somebody may hold something else: of ERC-20 and ERC-721, of ERC-1155, of Unlock's locks,
/// of the registry of delegate.xyz.
const KINDS: [&str; 8] = [
    "Transfer(address,address,uint256)",
    "TransferSingle(address,address,address,uint256,uint256)",
    "TransferBatch(address,address,address,uint256[],uint256[])",
    "ExpireKey(uint256)",
    "CancelKey(uint256,address,address,uint256)",
    "DelegateAll(address,address,bytes32,bool)",
    "DelegateContract(address,address,address,bytes32,bool)",
    "DelegateERC721(address,address,address,uint256,bytes32,bool)",
];

/// One log: where it stands, and whom it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moved {
    /// Of the block.
    pub(crate) number: u64,
    pub(crate) block: B256,
    pub(crate) index: u64,
    pub(crate) contract: Address,
    /// From whom and to whom; `None`: the log does not say, and it may be anyone.
    pub(crate) who: Option<(Address, Address)>,
}

#[derive(Deserialize)]
struct Row {
    address: String,
    topics: Vec<String>,
    #[serde(rename = "blockNumber")]
    number: String,
    #[serde(rename = "blockHash")]
    block: String,
    #[serde(rename = "logIndex")]
    index: String,
}

impl Chain {
    /// What moved in the blocks from the first number to the last.
    pub(crate) async fn moved(&self, contracts: &[Address], (from, to): (u64, u64)) -> Result<Vec<Moved>, ChainError> {
        let kinds: Vec<String> = KINDS.iter().map(|kind| format!("{:#x}", keccak256(kind))).collect();
        let params = json!([{
            "fromBlock": format!("0x{from:x}"),
            "toBlock": format!("0x{to:x}"),
            "address": contracts.iter().map(|at| format!("{at:#x}")).collect::<Vec<_>>(),
            "topics": [kinds],
        }]);
        let question = Question { method: "eth_getLogs", params, bytes_max: RPC_LOGS_BYTES_MAX };
        let answer = self.ask(&question, self.config.quorum, |rows: Vec<Row>| read(&rows)).await?;
        answer.ok_or_else(|| ChainError::NoAnswer { chain: self.config.name.clone(), last: RpcError::Reverted })
    }
}

fn read(rows: &[Row]) -> Result<Vec<Moved>, RpcError> {
    if rows.len() > LOGS_MAX {
        return Err(RpcError::TooLarge);
    }
    rows.iter().map(moved).collect()
}

fn moved(row: &Row) -> Result<Moved, RpcError> {
    let word = |text: &str| B256::try_from(data(text)?.as_slice()).map_err(|_| RpcError::BadValue);
    let topics = row.topics.iter().take(4).map(|topic| word(topic)).collect::<Result<Vec<_>, _>>()?;
    let contract = Address::try_from(data(&row.address)?.as_slice()).map_err(|_| RpcError::BadValue)?;
    let kind = topics.first().copied().unwrap_or_default();
    // An old contract that indexes nothing says in its data whom it is about: that is not read.
    let who = match topics.as_slice() {
        [_, from, to, ..] if kind == keccak256(KINDS[0]) => Some((from, to)),
        [_, _, from, to] if kind == keccak256(KINDS[1]) || kind == keccak256(KINDS[2]) => Some((from, to)),
        _ => None,
    };
    let who = who.map(|(from, to)| (Address::from_word(*from), Address::from_word(*to)));
    Ok(Moved { number: quantity(&row.number)?, block: word(&row.block)?, index: quantity(&row.index)?, contract, who })
}

#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(bytes: &[u8]) {
    if let Ok(rows) = super::rpc::read::<Vec<Row>>(bytes, 1) {
        assert!(read(&rows).is_err() || rows.len() <= LOGS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, topics: &[u8]) -> Row {
        let topics = topics.iter().map(|&n| format!("{:#x}", B256::with_last_byte(n)));
        Row {
            address: format!("{:#x}", Address::with_last_byte(9)),
            topics: std::iter::once(format!("{:#x}", keccak256(kind))).chain(topics).collect(),
            number: "0x4".into(),
            block: format!("{:#x}", B256::with_last_byte(5)),
            index: "0x3".into(),
        }
    }

    #[test]
    fn a_transfer_says_whom_it_is_about_and_whatever_does_not_is_about_anyone() {
        let pair = Some((Address::with_last_byte(1), Address::with_last_byte(2)));
        for (kind, topics, expected) in [
            (KINDS[0], &[1, 2][..], pair),
            (KINDS[0], &[1, 2, 7], pair),
            (KINDS[1], &[8, 1, 2], pair),
            (KINDS[2], &[8, 1, 2], pair),
            (KINDS[0], &[], None),
            (KINDS[1], &[1, 2], None),
            (KINDS[3], &[1], None),
        ] {
            let expected = Moved {
                number: 4,
                block: B256::with_last_byte(5),
                index: 3,
                contract: Address::with_last_byte(9),
                who: expected,
            };
            assert_eq!(moved(&row(kind, topics)), Ok(expected), "{kind} {topics:?}");
        }
        assert_eq!(moved(&Row { block: "0x12".into(), ..row(KINDS[0], &[]) }), Err(RpcError::BadValue));
        assert_eq!(moved(&Row { address: "0x".into(), ..row(KINDS[0], &[]) }), Err(RpcError::BadValue));
    }
}
