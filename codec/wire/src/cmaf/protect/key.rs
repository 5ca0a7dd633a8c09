//! The key of an asset's media, and what is public of it.

use std::fmt;

use sha2::{Digest, Sha256};

/// AES-128, with its name. Its `Debug` shows the name alone.
#[derive(Clone, PartialEq, Eq)]
pub struct ContentKey {
    /// `default_KID`: stands in every header and manifest.
    pub id: [u8; 16],
    /// The key itself.
    pub key: [u8; 16],
}

impl ContentKey {
    /// The constant vector of all samples, as public as the name it comes of; another key has another one.
    #[must_use]
    pub fn iv(&self) -> [u8; 16] {
        iv(&self.id)
    }
}

/// See [`ContentKey::iv`].
#[must_use]
pub fn iv(key_id: &[u8; 16]) -> [u8; 16] {
    let hash = Sha256::new().chain_update(b"streamgate cbcs iv\0").chain_update(key_id).finalize();
    std::array::from_fn(|at| hash[at])
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentKey({:02x?})", self.id)
    }
}
