//! The keys of playback tokens, `<data>/keys/token.key`, one a line: the first one signs, and tokens of the others are good as well. So a key is
//! changed by a new line before the old one, which goes when the tokens that it signed have expired (`docs/operating.md`).
//!
//! Edges are told all of them with every page of events. Until they have had the time to hear of a new one the second line signs.

use std::path::Path;

use durable::UnixMs;
use wire::token::{KeySet, SigningKey};

use super::keys::{KeyFileError, read_or_make};
use super::source::Source;
use crate::limits::TOKEN_KEY_AHEAD_MS;

/// At least one.
#[derive(Debug)]
pub(crate) struct TokenKeys {
    keys: Vec<SigningKey>,
    /// When the first one begins to sign.
    from_ms: UnixMs,
    /// What edges check tokens with.
    verification: KeySet,
}

impl TokenKeys {
    /// Reads the keys at `now`, making one when there is no file yet.
    pub(super) fn open(path: &Path, source: &Source, now: UnixMs) -> Result<Self, KeyFileError> {
        let no_key = |why: String| KeyFileError::NoKey { path: path.to_path_buf(), why };
        let text = read_or_make(path, || {
            let kid: String = source.bytes::<4>("token.key name")?.iter().map(|byte| format!("{byte:02x}")).collect();
            let key = SigningKey::ed25519(&kid, &source.bytes("token.key")?).map_err(|e| no_key(e.to_string()))?;
            Ok(key.to_secret_text())
        })?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys = lines.map(SigningKey::from_secret_text).collect::<Result<Vec<_>, _>>();
        let keys = keys.ok().filter(|keys| !keys.is_empty());
        let keys = keys.ok_or_else(|| no_key("a line is no key".to_owned()))?;
        let verification = KeySet::new(keys.iter().map(SigningKey::verification_key));
        let verification = verification.map_err(|error| no_key(error.to_string()))?;
        Ok(Self { keys, from_ms: now + TOKEN_KEY_AHEAD_MS, verification })
    }

    /// What signs at `now`.
    pub(super) fn signing(&self, now: UnixMs) -> &SigningKey {
        self.keys.get(1).filter(|_| now < self.from_ms).unwrap_or(&self.keys[0])
    }

    /// What tokens are checked with.
    pub(crate) fn verification(&self) -> &KeySet {
        &self.verification
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_told_before_it_signs_and_the_old_one_stays_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token.key");
        let open = || TokenKeys::open(&path, &Source::Chance, 1_000_000);
        let kids = |keys: &TokenKeys| keys.verification().keys().len();
        let first = open().unwrap();
        let old = first.signing(1_000_000).kid().to_owned();
        assert_eq!((kids(&first), first.signing(9_000_000).kid()), (1, old.as_str()), "the only one signs at once");

        let new = SigningKey::ed25519("new", &[7; 32]).unwrap().to_secret_text();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{new}\n{text}")).unwrap();
        let both = open().unwrap();
        assert_eq!(kids(&both), 2);
        assert_eq!(both.signing(1_000_000 + TOKEN_KEY_AHEAD_MS - 1).kid(), old, "edges have not heard of it yet");
        assert_eq!(both.signing(1_000_000 + TOKEN_KEY_AHEAD_MS).kid(), "new");

        for bad in [format!("{new}\n{new}"), format!("{new}\nnonsense"), " \n".to_owned()] {
            std::fs::write(&path, &bad).unwrap();
            assert!(open().is_err(), "{bad}");
        }
    }
}
