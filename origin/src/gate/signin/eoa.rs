//! Signatures of keys (externally owned accounts): recover the signer of a hash (SEC 1 section 4.1.6) and compare.
//!
//! One signature has one spelling here: 65 bytes r, s, v with a low s (EIP-2) and a v of 0, 1, 27 or 28. Compact ones of
//! 64 bytes (EIP-2098) are refused on purpose: no wallet's `personal_sign` answers with them.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

use super::evm_address::{EvmAddress, keccak};

/// Who signed the hash; `None` when nobody can have.
pub(super) fn recover(hash: &[u8; 32], signature: &[u8]) -> Option<EvmAddress> {
    let (scalars, &[v]) = signature.split_at_checked(64)? else { return None };
    let parity = match v {
        0 | 27 => 0,
        1 | 28 => 1,
        _ => return None,
    };
    // Refuses zero and what is not below the order.
    let signature = Signature::from_slice(scalars).ok()?;
    if signature.normalize_s() != signature {
        return None;
    }
    let key = VerifyingKey::recover_from_prehash(hash, &signature, RecoveryId::from_byte(parity)?).ok()?;
    let point = key.to_sec1_point(false);
    let hash = keccak(&[&point.as_bytes()[1..]]);
    hash[12..].try_into().ok().map(EvmAddress)
}
