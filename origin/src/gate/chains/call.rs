//! `eth_call` and `eth_getCode`, at a block that is named by its hash (EIP-1898): after a reorganisation the question fails
//! instead of being answered from another history.

use alloy_primitives::{Address, Bytes};
use serde_json::{Value, json};

use super::Chain;
use super::block::Block;
use super::error::ChainError;
use super::rpc::{Question, data};
use crate::limits::{RPC_CALL_BYTES_MAX, RPC_CODE_BYTES_MAX};

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// `None`: `data` is run as code that makes a contract, and what it returns is the answer (EIP-6492).
    pub(crate) to: Option<Address>,
    pub(crate) data: Bytes,
    /// What it may burn; `None`: what the endpoint lets it.
    pub(crate) gas: Option<u64>,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Returned {
    Data(Vec<u8>),
    Reverted,
}

impl Chain {
    /// Runs a call that changes nothing. The answer has [`RPC_CALL_BYTES_MAX`] bytes as text at most, and comes within the
    /// chain's time limit.
    pub(crate) async fn eth_call(&self, call: &Call, at: &Block) -> Result<Returned, ChainError> {
        self.call_within(call, at, RPC_CALL_BYTES_MAX).await
    }

    /// The same with another bound of the answer.
    pub(super) async fn call_within(&self, call: &Call, at: &Block, bytes_max: usize) -> Result<Returned, ChainError> {
        let mut what = json!({ "data": call.data.to_string() });
        if let Some(to) = call.to {
            what["to"] = json!(format!("{to:#x}"));
        }
        if let Some(gas) = call.gas {
            what["gas"] = json!(format!("0x{gas:x}"));
        }
        let params = json!([what, by_hash(at)]);
        let question = Question { method: "eth_call", params, bytes_max };
        let answer = self.ask(&question, self.config.quorum, |text: String| data(&text)).await?;
        Ok(answer.map_or(Returned::Reverted, Returned::Data))
    }

    /// Whether there is a contract at an address.
    pub(crate) async fn has_code(&self, address: Address, at: &Block) -> Result<bool, ChainError> {
        let params = json!([format!("{address:#x}"), by_hash(at)]);
        let question = Question { method: "eth_getCode", params, bytes_max: RPC_CODE_BYTES_MAX };
        let answer = self.ask(&question, self.config.quorum, |text: String| data(&text)).await?;
        Ok(answer.is_some_and(|code| !code.is_empty()))
    }
}

fn by_hash(at: &Block) -> Value {
    json!({ "blockHash": format!("{:#x}", at.hash), "requireCanonical": true })
}
