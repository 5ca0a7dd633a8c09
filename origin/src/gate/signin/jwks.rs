//! The keys of access tokens, `<data>/keys/session.keys`, one a line: `name seed from_ms`. Each signs from its time until the next
//! one's, is published before (RFC 7517) and verifies until the last token that it signed has died: no gap on either side.
//! Beside them `<data>/keys/challenge.key`, the secret of the nonces.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::UnixMs;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use crate::gate::keys::{KeyFileError, random, read_or_make, write_new};
use crate::limits::{ACCESS_MS_MAX, SESSION_KEY_AHEAD_MS, SESSION_KEY_MS};

/// What sign-ins are checked and signed with. Its `Debug` shows nothing.
pub(crate) struct SignInKeys {
    secret: [u8; 32],
    path: PathBuf,
    /// By their times.
    ring: RwLock<Vec<SessionKey>>,
}

#[derive(Clone)]
struct SessionKey {
    kid: String,
    seed: [u8; 32],
    from_ms: UnixMs,
}

impl SessionKey {
    fn make(from_ms: UnixMs) -> Result<Self, KeyFileError> {
        let kid = random::<6>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { kid, seed: random()?, from_ms })
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (kid, seed, from) = (words.next()?, words.next()?, words.next()?);
        let seed = URL_SAFE_NO_PAD.decode(seed).ok()?.try_into().ok()?;
        Some(Self { kid: kid.to_owned(), seed, from_ms: from.parse().ok()? }).filter(|_| words.next().is_none())
    }

    fn line(&self) -> String {
        format!("{} {} {}", self.kid, URL_SAFE_NO_PAD.encode(self.seed), self.from_ms)
    }

    fn public(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.seed).verifying_key().to_bytes()
    }
}

impl SignInKeys {
    /// Reads the keys in the folder, making those that are not there yet.
    pub(crate) fn open(folder: &Path, now: UnixMs) -> Result<Self, KeyFileError> {
        let no_key = |path: &Path, why: &str| KeyFileError::NoKey { path: path.to_path_buf(), why: why.to_owned() };
        let path = folder.join("challenge.key");
        let secret = read_or_make(&path, || Ok(URL_SAFE_NO_PAD.encode(random::<32>()?)))?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok().and_then(|bytes| bytes.try_into().ok());
        let secret = secret.ok_or_else(|| no_key(&path, "it is not 32 bytes of base64url"))?;
        let path = folder.join("session.keys");
        let text = read_or_make(&path, || Ok(SessionKey::make(now)?.line()))?;
        let ring: Option<Vec<_>> = text.lines().map(SessionKey::parse).collect();
        let mut ring = ring.filter(|ring| !ring.is_empty()).ok_or_else(|| no_key(&path, "a line is not a key"))?;
        ring.sort_by_key(|key| key.from_ms);
        Ok(Self { secret, path, ring: RwLock::new(ring) })
    }

    /// The secret of the nonces.
    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Name and seed of the key that signs now.
    pub(super) fn signing(&self, now: UnixMs) -> (String, [u8; 32]) {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        // The first one signs too when the clock was set back before it.
        let key = ring.iter().rev().find(|key| key.from_ms <= now).unwrap_or(&ring[0]);
        (key.kid.clone(), key.seed)
    }

    /// The public key of this name, while tokens of it may be alive.
    pub(super) fn verifying(&self, kid: &str, now: UnixMs) -> Option<[u8; 32]> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        live(&ring, now).iter().find(|key| key.kid == kid).map(SessionKey::public)
    }

    /// The JSON Web Key Set: what signs, what did, what will.
    pub(crate) fn jwks(&self, now: UnixMs) -> Value {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let shown = |key: &SessionKey| {
            let x = URL_SAFE_NO_PAD.encode(key.public());
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid, "x": x })
        };
        json!({ "keys": live(&ring, now).iter().map(shown).collect::<Vec<_>>() })
    }

    /// Whether the key that signs is so old that another should follow.
    pub(crate) fn is_due(&self, now: UnixMs) -> bool {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.last().is_none_or(|last| last.from_ms + SESSION_KEY_MS <= now)
    }

    /// Makes the next key, which signs after a while so that others have read of it before, or at once. Answers its name.
    ///
    /// # Errors
    /// The file cannot be written; then nothing has changed.
    pub(crate) fn rotate(&self, is_at_once: bool, now: UnixMs) -> Result<String, KeyFileError> {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let next = SessionKey::make(if is_at_once { now } else { now + SESSION_KEY_AHEAD_MS })?;
        let kid = next.kid.clone();
        let mut keys = live(&ring, now).to_vec();
        // Whatever was to follow later does not: the newest one is the one that signs in the end.
        keys.retain(|key| key.from_ms <= next.from_ms);
        keys.push(next);
        let text: Vec<String> = keys.iter().map(SessionKey::line).collect();
        write_new(&self.path, &text.join("\n"))
            .map_err(|source| KeyFileError::Io { path: self.path.clone(), source })?;
        *ring = keys;
        Ok(kid)
    }
}

/// Those that are not dead: a key is once the last token that it signed is.
fn live(ring: &[SessionKey], now: UnixMs) -> &[SessionKey] {
    let is_dead = |next: &SessionKey| next.from_ms + ACCESS_MS_MAX <= now;
    let dead = ring.iter().skip(1).take_while(|next| is_dead(next)).count();
    &ring[dead..]
}

impl std::fmt::Debug for SignInKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInKeys(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{access_token, read_access_token};
    use super::*;

    const NOW: UnixMs = 1_795_402_800_000;

    #[test]
    fn a_key_is_published_before_it_signs_and_verifies_until_its_tokens_are_dead() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SignInKeys::open(folder.path(), NOW).unwrap();
        let names = |keys: &SignInKeys, now| {
            let value = keys.jwks(now);
            value["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key["kid"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let (first, _) = keys.signing(NOW);
        assert!(!keys.is_due(NOW) && keys.is_due(NOW + SESSION_KEY_MS));
        let second = keys.rotate(false, NOW).unwrap();
        assert_eq!(names(&keys, NOW), [first.clone(), second.clone()]);
        assert_eq!(keys.signing(NOW).0, first);
        let change = NOW + SESSION_KEY_AHEAD_MS;
        let token = access_token(&keys, ("a", "s"), ACCESS_MS_MAX, change - 1).unwrap();
        assert_eq!(keys.signing(change).0, second);
        assert!(read_access_token(&keys, token.as_bytes(), change + ACCESS_MS_MAX - 2000).is_ok(), "until it dies");
        let keys = SignInKeys::open(folder.path(), change).unwrap();
        assert_eq!(names(&keys, change), [first, second.clone()], "kept over a restart");
        assert_eq!(names(&keys, change + ACCESS_MS_MAX), [second]);
        let third = keys.rotate(true, change).unwrap();
        assert_eq!(keys.signing(change).0, third);
    }

    #[test]
    fn a_damaged_file_is_named_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        SignInKeys::open(folder.path(), NOW).unwrap();
        std::fs::write(folder.path().join("session.keys"), "nonsense").unwrap();
        let error = SignInKeys::open(folder.path(), NOW).unwrap_err();
        assert!(error.to_string().contains("session.keys holds no key"), "{error}");
    }
}
