//! A shared secret, compared in a time that does not tell how much of a guess was right.

use std::fmt;

use sha2::{Digest, Sha256};

/// Text that both sides know. Its `Debug` shows nothing.
#[derive(Clone)]
pub(crate) struct Secret {
    text: String,
    hash: [u8; 32],
}

impl Secret {
    pub(super) fn new(text: String) -> Self {
        let hash = Sha256::digest(text.as_bytes()).into();
        Self { text, hash }
    }

    /// Whether `guess` is it. Hashes are compared, all 32 bytes of them always, so neither length nor a common
    /// beginning shows in the time.
    pub(crate) fn is(&self, guess: &[u8]) -> bool {
        same(&self.hash, &Sha256::digest(guess).into())
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Compares all 32 bytes whatever they are, so that the time tells nothing.
pub(crate) fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(difference) == 0
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_itself_is_it() {
        let secret = Secret::new("sg-abc".into());
        assert!(secret.is(b"sg-abc"));
        for guess in [&b""[..], b"sg-ab", b"sg-abcd", b"SG-ABC"] {
            assert!(!secret.is(guess), "{guess:?}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
