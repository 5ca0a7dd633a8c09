//! What the targets of `fuzz/` call: a function a parser of what strangers send, with what must hold of it whatever came. Built for fuzzing, and
//! for the tests, which send each a few thousand inputs.

use crate::gate::{chains, signin};

/// EIP-4361, SIWS: what reads is written as it was.
pub fn sign_in_text(bytes: &[u8]) {
    signin::fuzz_text(bytes);
}

/// No input is an access token of keys that have signed nothing.
pub fn access_token(bytes: &[u8]) {
    signin::fuzz_access_token(bytes);
}

/// A signature of ERC-6492 has no more in it than its bytes.
pub fn wrapped_signature(bytes: &[u8]) {
    signin::fuzz_wrapped(bytes);
}

/// Answers of the ABI, and batches of them.
pub fn abi(bytes: &[u8]) {
    chains::fuzz_abi(bytes);
}

/// Answers of JSON-RPC: calls, blocks, logs.
pub fn rpc(bytes: &[u8]) {
    chains::fuzz_rpc(bytes);
}

/// Accounts of Solana, and answers with them.
pub fn solana(bytes: &[u8]) {
    chains::fuzz_solana(bytes);
}

#[cfg(test)]
mod tests {
    /// Bytes that look like what is read: pieces of right inputs, numbers at the edges, noise. The same in every run.
    fn inputs(seeds: &[&[u8]]) -> impl Iterator<Item = Vec<u8>> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or(0) % n
        };
        let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).collect();
        (0..4_000).map(move |_| {
            let mut bytes = seeds[next(seeds.len())].clone();
            for _ in 0..next(6) {
                let at = next(bytes.len().max(1));
                match next(4) {
                    0 if at < bytes.len() => bytes[at] = u8::try_from(next(256)).unwrap_or(0),
                    1 => bytes.truncate(at),
                    2 => bytes.insert(at.min(bytes.len()), [0, 0xff, b'\n', b'"'][next(4)]),
                    _ => {
                        let piece: Vec<u8> = bytes[at.min(bytes.len())..].iter().copied().take(next(64)).collect();
                        bytes.extend(piece);
                    }
                }
            }
            bytes
        })
    }

    #[test]
    fn no_input_makes_a_reader_panic_or_believe() {
        let text = b"watch.example wants you to sign in with your Ethereum account:\n\
            0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed\n\nSign in\n\nURI: https://watch.example/\nVersion: 1\nChain ID: 1\n\
            Nonce: 12345678\nIssued At: 2026-11-23T00:00:00Z\nResources:\n- https://a.example/";
        let token = b"eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.eyJpc3MiOiJzdHJlYW1nYXRlIiwiZXhwIjo5OTk5OTk5OTk5fQ.AAAA";
        let log = br#"{"jsonrpc":"2.0","id":1,"result":[{"address":"0x1111111111111111111111111111111111111111","topics":["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"],"blockNumber":"0x1","blockHash":"0x2222222222222222222222222222222222222222222222222222222222222222","logIndex":"0x0"}]}"#;
        let block = br#"{"jsonrpc":"2.0","id":1,"result":{"number":"0x5","hash":"0x2222222222222222222222222222222222222222222222222222222222222222","timestamp":"0x64"}}"#;
        let mut words = vec![0_u8; 320];
        for (n, word) in words.chunks_mut(32).enumerate() {
            word[31] = u8::try_from(n * 32).unwrap_or(0);
        }
        let wrapped = [&words[..], &[0x64, 0x92].repeat(16)].concat();
        for bytes in inputs(&[text]) {
            super::sign_in_text(&bytes);
        }
        for bytes in inputs(&[token]) {
            super::access_token(&bytes);
        }
        for bytes in inputs(&[&words, &wrapped]) {
            super::abi(&bytes);
            super::wrapped_signature(&bytes);
        }
        let account = br#"{"jsonrpc":"2.0","id":1,"result":{"context":{"slot":9},"value":[{"pubkey":"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA","account":{"data":["AAAA","base64"],"owner":"TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"}}]}}"#;
        let clock = br#"{"jsonrpc":"2.0","id":1,"result":{"context":{"slot":9},"value":{"data":["CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAA==","base64"],"owner":"Sysvar1111111111111111111111111111111111111"}}}"#;
        let mut holding = [0_u8; 165];
        holding[108] = 1;
        let extended = [&holding[..], &[2, 0, 0]].concat();
        let metadata = [&[4][..], &[0; 200]].concat();
        for bytes in inputs(&[account, clock, &holding, &extended, &metadata]) {
            super::solana(&bytes);
        }
        for bytes in inputs(&[log, block]) {
            super::rpc(&bytes);
        }
    }
}
