//! Signatures of contracts: a wallet that is a contract says itself what is its signature (EIP-1271), also one that is not on the chain yet
//! (ERC-6492). One `eth_call` asks, by the code of `judge/judge.sol`, whose calls have a bound of gas each and whose answer is one word.

use alloy_primitives::{Address, B256, Bytes, U256, b256, hex};
use durable::UnixMs;

use super::prove::{Proven, not_signed};
use crate::api::problem::{Problem, Refusal};
use crate::gate::chains::abi::{self, Part, Word};
use crate::gate::chains::{Call, Chain, ChainError, Returned};
use crate::house::House;
use crate::limits::JUDGE_GAS;

/// `judge/judge.sol`, compiled by solc 0.8.37 for London; `tests/chain` compiles it again and compares.
const JUDGE: &str = include_str!("judge/judge.hex");

/// What a signature ends with that brings the making of its wallet along (ERC-6492).
const UNMADE: B256 = b256!("6492649264926492649264926492649264926492649264926492649264926492");

/// A signature that is not of the key of its address, and that a contract there may call its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    /// EIP-155.
    pub(super) chain: u64,
    pub(super) wallet: [u8; 20],
    pub(super) hash: [u8; 32],
    pub(super) signature: Vec<u8>,
    /// What is proved when it does.
    pub(super) proven: Proven,
}

/// A signature with what makes its wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unwrapped<'a> {
    signature: &'a [u8],
    factory: Address,
    setup: &'a [u8],
}

/// Takes a signature of ERC-6492 apart; any other one is itself. `None`: it ends like one and is none.
fn unwrap(signature: &[u8]) -> Option<Unwrapped<'_>> {
    let Some(body) = signature.strip_suffix(UNMADE.as_slice()) else {
        return Some(Unwrapped { signature, factory: Address::ZERO, setup: &[] });
    };
    let factory = abi::address(body.get(..32)?).filter(|factory| !factory.is_zero())?;
    Some(Unwrapped { signature: abi::bytes(body, 2)?, factory, setup: abi::bytes(body, 1)? })
}

/// Asks the contract. Of as many as may be asked at once one more is told to come again.
pub(crate) async fn judge(house: &House, claim: Claim, now: UnixMs) -> Result<Proven, Problem> {
    let unread = |sentence: String| Refusal::ChainNotRead.because(sentence).after(1);
    // On a chain that is not read here nobody can say whose it is.
    let chain = house.chains.numbered(claim.chain).ok_or_else(not_signed)?;
    let _permit = house
        .judges
        .try_acquire()
        .map_err(|_| unread("As many contract wallets sign in as may at once. Try again in a moment.".to_owned()))?;
    match is_its_own(chain, &claim, now).await {
        Ok(true) => Ok(claim.proven),
        Ok(false) => Err(not_signed()),
        Err(error) => Err(unread(format!("The contract at the address cannot be asked now: {error}."))),
    }
}

/// Whether the contract calls the signature its own, at the last block.
async fn is_its_own(chain: &Chain, claim: &Claim, now: UnixMs) -> Result<bool, ChainError> {
    let Some(Unwrapped { signature, factory, setup }) = unwrap(&claim.signature) else { return Ok(false) };
    let arguments = abi::parts(&[
        Part::Word(Word::Address(claim.wallet.into())),
        Part::Word(Word::Number(U256::from_be_bytes(claim.hash))),
        Part::Bytes(signature),
        Part::Word(Word::Address(factory)),
        Part::Bytes(setup),
    ]);
    let code = hex::decode(JUDGE.trim()).expect("a test reads it");
    let call = Call { to: None, data: Bytes::from([code, arguments].concat()), gas: Some(JUDGE_GAS) };
    let at = chain.heads(now).await?.last;
    Ok(match chain.eth_call(&call, &at).await? {
        Returned::Data(word) => abi::truth(&word) == Some(true),
        Returned::Reverted => false,
    })
}

#[cfg(any(fuzzing, test))]
pub(super) fn fuzz(bytes: &[u8]) {
    if let Some(read) = unwrap(bytes) {
        assert!(read.signature.len() + read.setup.len() <= 2 * bytes.len(), "more than there is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_that_asks_is_code() {
        assert!(hex::decode(JUDGE.trim()).is_ok_and(|code| code.len() > 500));
    }

    #[test]
    fn a_wrapped_signature_is_taken_apart_and_a_damaged_one_is_none() {
        let factory = Address::repeat_byte(7);
        let wrapped = |at: Address| {
            let mut bytes = abi::parts(&[Part::Word(Word::Address(at)), Part::Bytes(b"setup"), Part::Bytes(b"signed")]);
            bytes.extend_from_slice(UNMADE.as_slice());
            bytes
        };
        let good = wrapped(factory);
        assert_eq!(unwrap(&good), Some(Unwrapped { signature: b"signed", factory, setup: b"setup" }));
        assert_eq!(unwrap(b"signed"), Some(Unwrapped { signature: b"signed", factory: Address::ZERO, setup: &[] }));
        assert_eq!(unwrap(&wrapped(Address::ZERO)), None);
        assert_eq!(unwrap(UNMADE.as_slice()), None);
        for at in 0..good.len() - 32 {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = byte;
                let Some(read) = unwrap(&bytes) else { continue };
                assert!(read.signature.len() + read.setup.len() < bytes.len(), "{at}");
            }
        }
    }
}
