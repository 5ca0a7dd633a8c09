//! See `crate::fuzz`.

use serde_json::Value;

use super::{abi, batch, block, logs, rpc, solana, subscribe};

pub(crate) fn fuzz_abi(bytes: &[u8]) {
    let _ = (abi::truth(bytes), abi::address(bytes), abi::number(bytes));
    assert!(bytes.len() == 32 || abi::number(bytes).is_none(), "an answer is one word");
    for index in 0..4 {
        assert!(abi::bytes(bytes, index).is_none_or(|found| found.len() < bytes.len()));
    }
    batch::fuzz(bytes);
}

pub(crate) fn fuzz_rpc(bytes: &[u8]) {
    for id in [0, 1] {
        let _ = rpc::read::<Value>(bytes, id);
    }
    if let Ok(text) = rpc::read::<String>(bytes, 1) {
        let _ = (rpc::quantity(&text), rpc::data(&text));
    }
    block::fuzz(bytes);
    logs::fuzz(bytes);
    subscribe::fuzz(bytes);
}

pub(crate) fn fuzz_solana(bytes: &[u8]) {
    solana::fuzz(bytes);
}
