//! The keys of access tokens, `<data>/keys/session.keys`, one a line: `name seed from_ms`. Each signs from its time until the next
//! one's, is published before (RFC 7517) and verifies until the last token that it signed has died: no gap on either side.
//! Beside them `<data>/keys/challenge.key`, the secret of the nonces. Where several processes are one installation the keys come from the
//! secret of its roles, one a month of the calendar that the clock counts, so that all of them change at the same moment.

use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::UnixMs;
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};

use crate::gate::Source;
use crate::gate::keys::{KeyFileError, random, read_or_make, write_new};
use crate::gate::source::derived;
use crate::limits::{ACCESS_MS_MAX, SESSION_KEY_AHEAD_MS, SESSION_KEY_MS};

/// What sign-ins are checked and signed with. Its `Debug` shows nothing.
pub(crate) struct SignInKeys {
    secret: [u8; 32],
    ring: Ring,
}

enum Ring {
    /// In a file, by their times.
    File { path: PathBuf, ring: RwLock<Vec<SessionKey>> },
    /// Out of the secret of the roles.
    Derived(String),
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

    /// That of a period of [`SESSION_KEY_MS`], by its number.
    fn derived(secret: &str, period: i64) -> Self {
        let kid = derived::<6>(secret, &format!("session.keys name {period}"));
        let kid = kid.iter().map(|byte| format!("{byte:02x}")).collect();
        Self { kid, seed: derived(secret, &format!("session.keys {period}")), from_ms: period * SESSION_KEY_MS }
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
    pub(crate) fn open(folder: &Path, source: &Source, now: UnixMs) -> Result<Self, KeyFileError> {
        let no_key = |path: &Path, why: &str| KeyFileError::NoKey { path: path.to_path_buf(), why: why.to_owned() };
        let path = folder.join("challenge.key");
        let secret = read_or_make(&path, || Ok(URL_SAFE_NO_PAD.encode(source.bytes::<32>("challenge.key")?)))?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok().and_then(|bytes| bytes.try_into().ok());
        let secret = secret.ok_or_else(|| no_key(&path, "it is not 32 bytes of base64url"))?;
        if let Source::Secret(text) = source {
            return Ok(Self { secret, ring: Ring::Derived(text.clone()) });
        }
        let path = folder.join("session.keys");
        let text = read_or_make(&path, || Ok(SessionKey::make(now)?.line()))?;
        let ring: Option<Vec<_>> = text.lines().map(SessionKey::parse).collect();
        let mut ring = ring.filter(|ring| !ring.is_empty()).ok_or_else(|| no_key(&path, "a line is not a key"))?;
        ring.sort_by_key(|key| key.from_ms);
        Ok(Self { secret, ring: Ring::File { path, ring: RwLock::new(ring) } })
    }

    /// The secret of the nonces.
    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Name and seed of the key that signs now.
    pub(super) fn signing(&self, now: UnixMs) -> (String, [u8; 32]) {
        let ring = self.ring(now);
        // The first one signs too when the clock was set back before it.
        let key = ring.iter().rev().find(|key| key.from_ms <= now).unwrap_or(&ring[0]);
        (key.kid.clone(), key.seed)
    }

    /// The public key of this name, while tokens of it may be alive.
    pub(super) fn verifying(&self, kid: &str, now: UnixMs) -> Option<[u8; 32]> {
        let ring = self.ring(now);
        live(&ring, now).iter().find(|key| key.kid == kid).map(SessionKey::public)
    }

    /// The JSON Web Key Set: what signs, what did, what will.
    pub(crate) fn jwks(&self, now: UnixMs) -> Value {
        let ring = self.ring(now);
        let shown = |key: &SessionKey| {
            let x = URL_SAFE_NO_PAD.encode(key.public());
            json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.kid, "x": x })
        };
        json!({ "keys": live(&ring, now).iter().map(shown).collect::<Vec<_>>() })
    }

    /// Whether the key that signs is so old that another should follow.
    pub(crate) fn is_due(&self, now: UnixMs) -> bool {
        let Ring::File { ring, .. } = &self.ring else { return false };
        let ring = ring.read().unwrap_or_else(PoisonError::into_inner);
        ring.last().is_none_or(|last| last.from_ms + SESSION_KEY_MS <= now)
    }

    /// Makes the next key, which signs after a while so that others have read of it before, or at once. Answers its name.
    ///
    /// # Errors
    /// The file cannot be written, or there is none since all processes of an installation would have to change; then nothing has changed.
    pub(crate) fn rotate(&self, is_at_once: bool, now: UnixMs) -> Result<String, KeyFileError> {
        let Ring::File { path, ring } = &self.ring else { return Err(KeyFileError::FromSecret) };
        let mut ring = ring.write().unwrap_or_else(PoisonError::into_inner);
        let next = SessionKey::make(if is_at_once { now } else { now + SESSION_KEY_AHEAD_MS })?;
        let kid = next.kid.clone();
        let mut keys = live(&ring, now).to_vec();
        // Whatever was to follow later does not: the newest one is the one that signs in the end.
        keys.retain(|key| key.from_ms <= next.from_ms);
        keys.push(next);
        let text: Vec<String> = keys.iter().map(SessionKey::line).collect();
        write_new(path, &text.join("\n")).map_err(|source| KeyFileError::Io { path: path.clone(), source })?;
        *ring = keys;
        Ok(kid)
    }
}

impl SignInKeys {
    /// What signs, what did, what will, by their times.
    fn ring(&self, now: UnixMs) -> Vec<SessionKey> {
        match &self.ring {
            Ring::File { ring, .. } => ring.read().unwrap_or_else(PoisonError::into_inner).clone(),
            Ring::Derived(secret) => {
                let last = (now + SESSION_KEY_AHEAD_MS).div_euclid(SESSION_KEY_MS);
                (last - 2..=last).map(|period| SessionKey::derived(secret, period)).collect()
            }
        }
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
        let keys = SignInKeys::open(folder.path(), &Source::Chance, NOW).unwrap();
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
        let keys = SignInKeys::open(folder.path(), &Source::Chance, change).unwrap();
        assert_eq!(names(&keys, change), [first, second.clone()], "kept over a restart");
        assert_eq!(names(&keys, change + ACCESS_MS_MAX), [second]);
        let third = keys.rotate(true, change).unwrap();
        assert_eq!(keys.signing(change).0, third);
    }

    #[test]
    fn processes_of_one_secret_know_each_others_keys_at_every_moment() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let source = Source::Secret("0123456789abcdef0123456789abcdef".into());
        let open = |folder: &tempfile::TempDir, now| SignInKeys::open(folder.path(), &source, now).unwrap();
        let (signs, reads) = (open(&one, NOW), open(&two, NOW + SESSION_KEY_MS));
        assert_eq!(signs.secret(), reads.secret());
        for step in 0..200 {
            let now = NOW + step * SESSION_KEY_MS / 50;
            let token = access_token(&signs, ("a", "s"), ACCESS_MS_MAX, now).unwrap();
            assert!(read_access_token(&reads, token.as_bytes(), now).is_ok());
            assert!(read_access_token(&reads, token.as_bytes(), now + ACCESS_MS_MAX - 2000).is_ok(), "until it dies");
        }
        let change = (NOW / SESSION_KEY_MS + 1) * SESSION_KEY_MS;
        let shown = |now| signs.jwks(now)["keys"].as_array().unwrap().len();
        let ahead = change - SESSION_KEY_AHEAD_MS;
        assert_eq!((shown(ahead - 1), shown(ahead), shown(change), shown(change + ACCESS_MS_MAX)), (1, 2, 2, 1));
        assert_ne!(signs.signing(change - 1).0, signs.signing(change).0);
        assert!(!signs.is_due(NOW + 9 * SESSION_KEY_MS) && signs.rotate(true, NOW).is_err());
        assert!(!one.path().join("session.keys").exists());
    }

    #[test]
    fn a_damaged_file_is_named_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        SignInKeys::open(folder.path(), &Source::Chance, NOW).unwrap();
        std::fs::write(folder.path().join("session.keys"), "nonsense").unwrap();
        let error = SignInKeys::open(folder.path(), &Source::Chance, NOW).unwrap_err();
        assert!(error.to_string().contains("session.keys holds no key"), "{error}");
    }
}
