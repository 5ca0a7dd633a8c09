//! The checksum of one request's bytes (tus 1.0, extension "checksum"; `Repr-Digest` is for whole uploads).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What `Tus-Checksum-Algorithm` says.
pub(crate) const ALGORITHMS: &str = "sha1,sha256";

/// A checksum that is being made, and the one that is expected.
#[derive(Debug, Clone)]
pub(crate) struct Checksum {
    running: Running,
    expected: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Running {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// Reads `Upload-Checksum: sha1 <base64>`; `None`: another algorithm, or no checksum of it.
    pub(crate) fn read(value: &str) -> Option<Self> {
        let (algorithm, digest) = value.split_once(' ')?;
        let expected = STANDARD.decode(digest.trim()).ok()?;
        let (running, bytes) = match algorithm {
            "sha1" => (Running::Sha1(Sha1::new()), 20),
            "sha256" => (Running::Sha256(Sha256::new()), 32),
            _ => return None,
        };
        (expected.len() == bytes).then_some(Self { running, expected })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.running {
            Running::Sha1(hash) => hash.update(bytes),
            Running::Sha256(hash) => hash.update(bytes),
        }
    }

    /// Whether the bytes were those that the client meant.
    pub(crate) fn holds(self) -> bool {
        match self.running {
            Running::Sha1(hash) => hash.finalize().as_slice() == self.expected,
            Running::Sha256(hash) => hash.finalize().as_slice() == self.expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_holds_for_its_bytes_alone() {
        let check = |value: &str, bytes: &[u8]| {
            let mut checksum = Checksum::read(value)?;
            checksum.update(bytes);
            Some(checksum.holds())
        };
        assert_eq!(check("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", b"hello world"), Some(true));
        assert_eq!(check("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=", b"hello worlds"), Some(false));
        for bad in ["", "sha1", "sha1 !", "sha1 Kq5s", "crc32 AAAA"] {
            assert_eq!(check(bad, b""), None, "{bad}");
        }
    }
}
