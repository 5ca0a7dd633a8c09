//! Nonces that prove themselves: a challenge costs the server no memory, so nobody can fill it with questions. Only the answer to one
//! is entered (`used_challenges`), which makes it single.
//!
//! ```text
//!   seconds u32 | random 7 | genuine 4 | chain 2 | bound 8        25 bytes, base58 (letters and digits)
//! ```
//!
//! The three last are the beginnings of HMAC-SHA-256 over the first two and: nothing; the chain; the chain, the address and the
//! purpose. `bound` alone decides, 64 bits that can only be guessed here; the others tell which field is wrong.

use durable::UnixMs;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::solana;
use crate::limits::CHALLENGE_MS;

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    /// To sign in.
    SignIn,
    /// To link a wallet to this account.
    Link(&'a str),
}

/// Why a nonce is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonceError {
    /// Not of this server.
    Foreign,
    /// Given out for another chain.
    Chain,
    /// Given out for another address, or to do something else.
    Address,
    /// Its time is over.
    Expired,
}

/// Whom a challenge is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whom<'a> {
    pub(super) chain: &'a str,
    pub(super) address: &'a str,
    pub(super) purpose: Purpose<'a>,
}

/// Makes a nonce of random bytes.
pub(super) fn make(secret: &[u8; 32], whom: Whom<'_>, now: UnixMs, random: [u8; 7]) -> String {
    let seconds = u32::try_from(now / 1000).unwrap_or(u32::MAX);
    let mut bytes = [seconds.to_be_bytes().as_slice(), &random].concat();
    let marks = marks(secret, &bytes, whom);
    bytes.extend_from_slice(&marks);
    bs58::encode(bytes).into_string()
}

/// When a nonce was made, if it was for this one and its time is not over.
pub(super) fn read(secret: &[u8; 32], nonce: &str, whom: Whom<'_>, now: UnixMs) -> Result<UnixMs, NonceError> {
    let bytes = solana::bytes(nonce, 36).filter(|bytes| bytes.len() == 25).ok_or(NonceError::Foreign)?;
    if bs58::encode(&bytes).into_string() != nonce {
        return Err(NonceError::Foreign);
    }
    let (begin, given) = bytes.split_at(11);
    let expected = marks(secret, begin, whom);
    if !same(&given[..4], &expected[..4]) {
        return Err(NonceError::Foreign);
    }
    if !same(&given[4..6], &expected[4..6]) {
        return Err(NonceError::Chain);
    }
    if !same(&given[6..], &expected[6..]) {
        return Err(NonceError::Address);
    }
    let seconds = u32::from_be_bytes([begin[0], begin[1], begin[2], begin[3]]);
    let made = UnixMs::from(seconds) * 1000;
    // One from the future was made before the clock was set back: its use might be forgotten before it ends.
    if now >= made + CHALLENGE_MS || made > now + 1000 { Err(NonceError::Expired) } else { Ok(made) }
}

fn marks(secret: &[u8; 32], begin: &[u8], Whom { chain, address, purpose }: Whom<'_>) -> [u8; 14] {
    let purpose = match purpose {
        Purpose::SignIn => "sign-in".to_owned(),
        Purpose::Link(account) => format!("link {account}"),
    };
    let mac = |parts: &[&str]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length fits");
        mac.update(begin);
        for part in parts {
            // No part holds a zero, so two lists never read the same.
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        <[u8; 32]>::from(mac.finalize().into_bytes())
    };
    let mut marks = [0; 14];
    marks[..4].copy_from_slice(&mac(&[])[..4]);
    marks[4..6].copy_from_slice(&mac(&[chain])[..2]);
    marks[6..].copy_from_slice(&mac(&[chain, address, &purpose])[..8]);
    marks
}

fn same(a: &[u8], b: &[u8]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(a.len() ^ b.len(), |sum, (a, b)| sum | usize::from(a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; 32] = [3; 32];
    const NOW: UnixMs = 1_795_402_800_000;

    #[test]
    fn a_nonce_is_for_one_address_on_one_chain_and_for_five_minutes() {
        let whom = Whom { chain: "eip155:1", address: "0xA", purpose: Purpose::SignIn };
        let nonce = make(&SECRET, whom, NOW, [1; 7]);
        assert!(nonce.len() >= 8 && nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{nonce}");
        let read = |nonce: &str, whom, now| read(&SECRET, nonce, whom, now);
        assert_eq!(read(&nonce, whom, NOW), Ok(NOW));
        assert_eq!(read(&nonce, whom, NOW + CHALLENGE_MS - 1), Ok(NOW));
        assert_eq!(read(&nonce, whom, NOW + CHALLENGE_MS), Err(NonceError::Expired));
        assert_eq!(read(&nonce, whom, NOW - 5000), Err(NonceError::Expired));
        assert_eq!(read(&nonce, Whom { chain: "eip155:2", ..whom }, NOW), Err(NonceError::Chain));
        assert_eq!(read(&nonce, Whom { address: "0xB", ..whom }, NOW), Err(NonceError::Address));
        assert_eq!(read(&nonce, Whom { purpose: Purpose::Link("x"), ..whom }, NOW), Err(NonceError::Address));
        assert_eq!(super::read(&[4; 32], &nonce, whom, NOW), Err(NonceError::Foreign));
        for bad in ["", "12345678", &format!("1{nonce}"), &"z".repeat(34), &"0".repeat(34)] {
            assert_eq!(read(bad, whom, NOW), Err(NonceError::Foreign), "{bad}");
        }
        assert_ne!(nonce, make(&SECRET, whom, NOW, [2; 7]));
    }
}
