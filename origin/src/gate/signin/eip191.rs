//! Plain signed text: what `personal_sign` hashes (EIP-191, version `E`).

use super::evm_address::keccak;

/// The hash of `\x19Ethereum Signed Message:\n`, the length in decimal and the bytes.
pub(super) fn hash(message: &[u8]) -> [u8; 32] {
    keccak(&[b"\x19Ethereum Signed Message:\n", message.len().to_string().as_bytes(), message])
}
