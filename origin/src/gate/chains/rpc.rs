//! JSON-RPC 2.0 as Ethereum's execution API speaks it: a request as bytes, an answer out of bytes.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::error::RpcError;

/// The code of `execution reverted` (EIP-1474 leaves it open; Geth and those after it).
const REVERTED: i64 = 3;

/// A question.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) method: &'static str,
    pub(super) params: Value,
    /// An answer of more bytes is none.
    pub(super) bytes_max: usize,
}

impl Question {
    pub(super) fn body(&self, id: u64) -> String {
        json!({ "jsonrpc": "2.0", "id": id, "method": self.method, "params": self.params }).to_string()
    }
}

#[derive(Deserialize)]
struct Answer<R> {
    id: Value,
    #[serde(default = "nothing")]
    result: Option<R>,
    #[serde(default)]
    error: Option<Fault>,
}

fn nothing<R>() -> Option<R> {
    None
}

#[derive(Deserialize)]
struct Fault {
    code: i64,
    #[serde(default)]
    message: String,
}

/// The result in an answer to the question of this id.
pub(super) fn read<R: DeserializeOwned>(bytes: &[u8], id: u64) -> Result<R, RpcError> {
    // serde_json refuses nesting beyond 128 by itself.
    let answer: Answer<R> = serde_json::from_slice(bytes).map_err(|_| RpcError::NotRpc)?;
    if answer.id.as_u64() != Some(id) {
        return Err(RpcError::WrongId);
    }
    match (answer.result, answer.error) {
        (Some(result), None) => Ok(result),
        (None, Some(fault)) if fault.code == REVERTED => Err(RpcError::Reverted),
        (None, Some(fault)) if fault.message.to_ascii_lowercase().contains("revert") => Err(RpcError::Reverted),
        (None, Some(fault)) => Err(RpcError::Refused(fault.code)),
        _ => Err(RpcError::NotRpc),
    }
}

/// `QUANTITY` (hex without leading zeros; those are let pass).
pub(super) fn quantity(text: &str) -> Result<u64, RpcError> {
    let digits = text.strip_prefix("0x").filter(|digits| (1..=16).contains(&digits.len())).ok_or(RpcError::BadValue)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(RpcError::BadValue);
    }
    u64::from_str_radix(digits, 16).map_err(|_| RpcError::BadValue)
}

/// `DATA`: an even number of hex digits.
pub(super) fn data(text: &str) -> Result<Vec<u8>, RpcError> {
    let digits = text.strip_prefix("0x").ok_or(RpcError::BadValue)?;
    alloy_primitives::hex::decode(digits).map_err(|_| RpcError::BadValue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_to_this_question_is_one() {
        let check = |text: &str, expected| assert_eq!(read::<String>(text.as_bytes(), 7), expected, "{text}");
        check(r#"{"jsonrpc":"2.0","id":7,"result":"0x"}"#, Ok("0x".into()));
        check(r#"{"jsonrpc":"2.0","id":8,"result":"0x"}"#, Err(RpcError::WrongId));
        check(r#"{"jsonrpc":"2.0","id":"7","result":"0x"}"#, Err(RpcError::WrongId));
        check(r#"{"id":7,"result":"0x","error":{"code":1}}"#, Err(RpcError::NotRpc));
        check(r#"{"id":7,"result":"0x","result":"0x1"}"#, Err(RpcError::NotRpc));
        check(r#"{"id":7}"#, Err(RpcError::NotRpc));
        check(r#"{"id":7,"result":1}"#, Err(RpcError::NotRpc));
        check(r#"{"id":7,"error":{"code":3,"message":"no"}}"#, Err(RpcError::Reverted));
        check(r#"{"id":7,"error":{"code":-32000,"message":"execution reverted: x"}}"#, Err(RpcError::Reverted));
        check(r#"{"id":7,"error":{"code":-32601}}"#, Err(RpcError::Refused(-32601)));
        check(&"[".repeat(100_000), Err(RpcError::NotRpc));
        check(&format!(r#"{{"id":7,"result":{}"#, "[".repeat(100_000)), Err(RpcError::NotRpc));
    }

    #[test]
    fn numbers_and_bytes_are_hex_and_nothing_else() {
        assert_eq!(quantity("0x1b4"), Ok(436));
        for bad in ["", "0x", "1", "0x+1", "0x 1", "0x11111111111111111", "0xg"] {
            assert_eq!(quantity(bad), Err(RpcError::BadValue), "{bad}");
        }
        assert_eq!(data("0x00ff"), Ok(vec![0, 255]));
        for bad in ["", "00", "0x0", "0xzz"] {
            assert_eq!(data(bad), Err(RpcError::BadValue), "{bad}");
        }
    }
}
