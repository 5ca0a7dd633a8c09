//! Solana: an address is an Ed25519 key in base58, a signature is checked strictly (no key or point of small order, no
//! second spelling), over the text itself or over the envelope that Ledger devices put around it.

use ed25519_dalek::{Signature, VerifyingKey};

use crate::gate::chains::solana::Key;

/// Reads an address; only of 32 bytes, and in the one spelling that they have.
pub(super) fn address(text: &str) -> Option<[u8; 32]> {
    text.parse().ok().map(|Key(bytes)| bytes)
}

/// Reads base58 of at most so many letters.
pub(super) fn bytes(text: &str, letters_max: usize) -> Option<Vec<u8>> {
    if text.len() > letters_max { None } else { bs58::decode(text).into_vec().ok() }
}

/// Whether the key signed these bytes.
pub(super) fn signed(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(key) else { return false };
    key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
}
