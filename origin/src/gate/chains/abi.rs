//! The few shapes of the contract ABI that the gate needs: arguments of one word each, and answers of exactly one. An answer of
//! another length is none: a megabyte of zeros is no balance of 0.

use alloy_primitives::{Address, Bytes, U256, keccak256};

/// Bytes of a word.
const WORD: usize = 32;

/// One argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    Address(Address),
    Number(U256),
    /// `bytes4`, at the front of its word.
    Bytes4([u8; 4]),
}

impl Word {
    fn bytes(self) -> [u8; WORD] {
        match self {
            Self::Address(address) => address.into_word().0,
            Self::Number(number) => number.to_be_bytes(),
            Self::Bytes4(bytes) => {
                let mut word = [0; WORD];
                word[..4].copy_from_slice(&bytes);
                word
            }
        }
    }
}

/// The data of a call; `signature` as in `balanceOf(address)`.
pub(crate) fn call(signature: &str, arguments: &[Word]) -> Bytes {
    let mut data = Vec::with_capacity(4 + WORD * arguments.len());
    data.extend_from_slice(&keccak256(signature)[..4]);
    for argument in arguments {
        data.extend_from_slice(&argument.bytes());
    }
    data.into()
}

/// An argument that may be as long as it likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Word(Word),
    Bytes(&'a [u8]),
}

/// Arguments: a word each, which of bytes says where they stand after all of the words.
pub(crate) fn parts(parts: &[Part<'_>]) -> Vec<u8> {
    let number = |n: usize| Word::Number(U256::from(n)).bytes();
    let (mut heads, mut tails) = (Vec::with_capacity(parts.len() * WORD), Vec::new());
    for part in parts {
        match part {
            Part::Word(word) => heads.extend_from_slice(&word.bytes()),
            Part::Bytes(bytes) => {
                heads.extend_from_slice(&number(parts.len() * WORD + tails.len()));
                tails.extend_from_slice(&number(bytes.len()));
                tails.extend_from_slice(bytes);
                tails.resize(tails.len().next_multiple_of(WORD), 0);
            }
        }
    }
    [heads, tails].concat()
}

/// The bytes that the word of this index says where to find.
pub(crate) fn bytes(data: &[u8], index: usize) -> Option<&[u8]> {
    let size = |at: usize| usize::try_from(number(data.get(at..at.checked_add(WORD)?)?)?).ok();
    let at = size(index.checked_mul(WORD)?)?;
    let begin = at.checked_add(WORD)?;
    data.get(begin..begin.checked_add(size(at)?)?)
}

/// A `uint256`.
pub(crate) fn number(data: &[u8]) -> Option<U256> {
    Some(U256::from_be_bytes(<[u8; WORD]>::try_from(data).ok()?))
}

/// A `bool`: 0 or 1, as a compiler writes it.
pub(crate) fn truth(data: &[u8]) -> Option<bool> {
    match number(data)? {
        U256::ZERO => Some(false),
        U256::ONE => Some(true),
        _ => None,
    }
}

/// An `address`: its twelve first bytes are zero.
pub(crate) fn address(data: &[u8]) -> Option<Address> {
    let word = <[u8; WORD]>::try_from(data).ok()?;
    word[..12].iter().all(|&b| b == 0).then(|| Address::from_slice(&word[12..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_reads_as_solidity_has_it() {
        let holder = Address::repeat_byte(0x11);
        let expected = format!("0x70a08231000000000000000000000000{}", "11".repeat(20));
        assert_eq!(call("balanceOf(address)", &[Word::Address(holder)]).to_string(), expected);
        let expected = format!("0x01ffc9a780ac58cd{}", "0".repeat(56));
        let erc721 = Word::Bytes4([0x80, 0xac, 0x58, 0xcd]);
        assert_eq!(call("supportsInterface(bytes4)", &[erc721]).to_string(), expected);
    }

    #[test]
    fn bytes_are_found_where_they_were_put_and_nowhere_else() {
        let data = parts(&[Part::Word(Word::Number(U256::ONE)), Part::Bytes(b"one"), Part::Bytes(&[7; 33])]);
        assert_eq!(data.len(), 3 * 32 + 2 * 32 + 3 * 32);
        assert_eq!((bytes(&data, 1), bytes(&data, 2)), (Some(b"one".as_slice()), Some([7; 33].as_slice())));
        assert_eq!((bytes(&data, 9), bytes(&data, usize::MAX), bytes(&[0xff; 64], 0)), (None, None, None));
        assert_eq!(bytes(&data[..data.len() - 32], 2), None);
    }

    #[test]
    fn an_answer_has_exactly_one_word() {
        let mut one = [0; 32];
        one[31] = 1;
        assert_eq!((number(&one), truth(&one), truth(&[0; 32])), (Some(U256::ONE), Some(true), Some(false)));
        assert_eq!(address(&one), Some(Address::with_last_byte(1)));
        for bad in [vec![], vec![0; 31], vec![0; 33], vec![0; 64], vec![0; 1 << 20]] {
            assert_eq!((number(&bad), truth(&bad), address(&bad)), (None, None, None), "{} bytes", bad.len());
        }
        assert_eq!((truth(&[1; 32]), address(&[1; 32])), (None, None));
    }
}
