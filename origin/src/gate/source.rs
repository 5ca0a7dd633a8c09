//! Where keys come from that no file has yet: chance; or the secret of the roles, so that all processes of an installation have the same
//! ones without telling each other. Decision 0174.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::keys::{KeyFileError, random};

/// Names what is made, so that nothing else that is ever made of the same secret is the same.
const LABEL: &str = "streamgate key 1";

/// See the module. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The system's random numbers.
    Chance,
    /// What every process of an installation knows, 32 characters at least.
    Secret(String),
}

impl Source {
    /// Bytes for the key of this name.
    pub(super) fn bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], KeyFileError> {
        match self {
            Self::Chance => random(),
            Self::Secret(secret) => Ok(derived(secret, name)),
        }
    }
}

/// HKDF-Expand of one block (RFC 5869 section 2.3): the secret cannot be told from what comes of it, nor one key from another.
pub(super) fn derived<const N: usize>(secret: &str, name: &str) -> [u8; N] {
    const { assert!(N <= 32, "one block") };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length will do");
    for part in [LABEL.as_bytes(), b"\0", name.as_bytes(), &[1]] {
        mac.update(part);
    }
    let block = mac.finalize().into_bytes();
    std::array::from_fn(|n| block[n])
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_makes_one_key_of_a_name() {
        let source = Source::Secret("0123456789abcdef0123456789abcdef".into());
        let key = |source: &Source, name: &str| source.bytes::<32>(name).unwrap();
        assert_eq!(key(&source, "edge.key"), key(&source.clone(), "edge.key"));
        assert_ne!(key(&source, "edge.key"), key(&source, "token.key"));
        assert_ne!(key(&source, "edge.key"), key(&Source::Secret("1".into()), "edge.key"));
        assert_ne!(key(&Source::Chance, "edge.key"), key(&Source::Chance, "edge.key"));
        assert_eq!(format!("{source:?}"), "Source(..)");
    }
}
