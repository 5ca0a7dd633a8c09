//! Keys of Ethereum that sign as wallets do.

use k256::ecdsa::SigningKey;
use sha3::{Digest, Keccak256};

pub struct Wallet(SigningKey);

impl Wallet {
    /// The wallet of this number.
    pub fn new(n: u32) -> Self {
        let mut seed = [0x42; 32];
        seed[..4].copy_from_slice(&n.to_be_bytes());
        Self(SigningKey::from_slice(&seed).expect("below the order, and not zero"))
    }

    pub fn address(&self) -> String {
        let point = self.0.verifying_key().to_sec1_point(false);
        format!("0x{}", hex(&Keccak256::digest(&point.as_bytes()[1..])[12..]))
    }

    /// `personal_sign`.
    pub fn sign(&self, text: &str) -> String {
        let hash = Keccak256::digest(format!("\x19Ethereum Signed Message:\n{}{text}", text.len()).as_bytes());
        let (signature, id) = self.0.sign_prehash_recoverable(&hash);
        format!("0x{}{:02x}", hex(&signature.to_bytes()), 27 + id.to_byte())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
