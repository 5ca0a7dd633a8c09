//! Keys. A key is of one algorithm; a token only names it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::{Signer, Verifier};
use sha2::Sha256;

use super::claims::AUDIENCE;
use super::cose::Shape;
use crate::limits::{KEYS_MAX, KID_BYTES_MAX};

/// Numbers of the IANA registry "COSE Algorithms".
const EDDSA: i64 = -8;
const ES256: i64 = -7;
const HS256: i64 = 5;
/// Bytes of a shared secret: at least as many as the hash gives (RFC 7518 section 3.2), at most a block of it.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 32..=64;

/// Why text or bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The id is not 1 to [`KID_BYTES_MAX`] of `[A-Za-z0-9._-]`.
    #[error("the key's id is not 1 to {KID_BYTES_MAX} of letters, digits, `.`, `_` and `-`")]
    Kid,
    /// The bytes are no key of the algorithm, or a weak one; a shared secret has 32 to 64 bytes.
    #[error("the bytes are no key of this algorithm")]
    Bytes,
    /// Not `<algorithm>:<id>:<base64url>` with an algorithm that is known.
    #[error("a key is written as <algorithm>:<id>:<base64url>")]
    Text,
    /// Two keys of a set have one id.
    #[error("two keys have the same id")]
    KidTwice,
    /// More than [`KEYS_MAX`] keys.
    #[error("more than {KEYS_MAX} keys")]
    TooMany,
}

/// Signs tokens. Its `Debug` shows the id only.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Ed25519(ed25519_dalek::SigningKey),
    Es256(p256::ecdsa::SigningKey),
    Hs256(Vec<u8>),
}

/// Verifies tokens. Of `HS256` it is the secret itself, so its `Debug` shows the id only.
#[derive(Clone, PartialEq, Eq)]
pub struct VerificationKey {
    kid: String,
    public: Public,
}

#[derive(Clone, PartialEq, Eq)]
enum Public {
    Ed25519(ed25519_dalek::VerifyingKey),
    Es256(p256::ecdsa::VerifyingKey),
    Hs256(Vec<u8>),
}

impl SigningKey {
    /// An Ed25519 key from its 32 random bytes.
    pub fn ed25519(kid: &str, seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ok(Self { kid: check_kid(kid)?, secret: Secret::Ed25519(ed25519_dalek::SigningKey::from_bytes(seed)) })
    }

    /// A P-256 key from its scalar, big-endian.
    pub fn es256(kid: &str, scalar: &[u8; 32]) -> Result<Self, KeyError> {
        let key = p256::ecdsa::SigningKey::from_slice(scalar).map_err(|_| KeyError::Bytes)?;
        Ok(Self { kid: check_kid(kid)?, secret: Secret::Es256(key) })
    }

    /// A shared secret of 32 to 64 bytes.
    pub fn hs256(kid: &str, secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { kid: check_kid(kid)?, secret: Secret::Hs256(check_secret(secret)?) })
    }

    /// Reads what [`SigningKey::to_secret_text`] writes.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let (algorithm, kid, bytes) = split(text)?;
        let array = || bytes.as_slice().try_into().map_err(|_| KeyError::Bytes);
        match algorithm {
            "ed25519-private" => Self::ed25519(kid, array()?),
            "es256-private" => Self::es256(kid, array()?),
            "hs256-secret" => Self::hs256(kid, &bytes),
            _ => Err(KeyError::Text),
        }
    }

    /// `ed25519-private:<kid>:<base64url>`, `es256-private:..` or `hs256-secret:..`. For a file that only the owner reads.
    pub fn to_secret_text(&self) -> String {
        match &self.secret {
            Secret::Ed25519(key) => join("ed25519-private", &self.kid, &key.to_bytes()),
            Secret::Es256(key) => join("es256-private", &self.kid, &key.to_bytes()),
            Secret::Hs256(secret) => join("hs256-secret", &self.kid, secret),
        }
    }

    /// What an edge needs to check this key's tokens.
    pub fn verification_key(&self) -> VerificationKey {
        let public = match &self.secret {
            Secret::Ed25519(key) => Public::Ed25519(key.verifying_key()),
            Secret::Es256(key) => Public::Es256(*key.verifying_key()),
            Secret::Hs256(secret) => Public::Hs256(secret.clone()),
        };
        VerificationKey { kid: self.kid.clone(), public }
    }

    /// The name that tokens call it by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn algorithm(&self) -> i64 {
        match self.secret {
            Secret::Ed25519(_) => EDDSA,
            Secret::Es256(_) => ES256,
            Secret::Hs256(_) => HS256,
        }
    }

    pub(super) fn shape(&self) -> Shape {
        if self.algorithm() == HS256 { Shape::Mac0 } else { Shape::Sign1 }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Secret::Es256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_bytes().to_vec()
            }
            Secret::Hs256(secret) => mac(secret, message).finalize().into_bytes().to_vec(),
        }
    }
}

impl VerificationKey {
    /// The name that tokens call it by.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn algorithm(&self) -> i64 {
        match self.public {
            Public::Ed25519(_) => EDDSA,
            Public::Es256(_) => ES256,
            Public::Hs256(_) => HS256,
        }
    }

    pub(super) fn shape(&self) -> Shape {
        if self.algorithm() == HS256 { Shape::Mac0 } else { Shape::Sign1 }
    }

    /// Of an ES256 key its point, uncompressed (SEC 1 section 2.3.3).
    pub fn es256_point(&self) -> Option<[u8; 65]> {
        match &self.public {
            Public::Es256(key) => key.to_sec1_point(false).as_bytes().try_into().ok(),
            _ => None,
        }
    }

    /// Ed25519 by the strict rules (no weak keys, no second encodings); ES256 takes either `s`, as other issuers do not
    /// normalise it; HS256 in constant time, the whole tag only.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.public {
            Public::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
            Public::Es256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Public::Hs256(secret) => mac(secret, message).verify_slice(signature).is_ok(),
        }
    }
}

impl VerificationKey {
    /// Whether it is a shared secret: who has it can sign as well.
    pub fn is_secret(&self) -> bool {
        matches!(self.public, Public::Hs256(_))
    }
}

impl fmt::Display for VerificationKey {
    /// `ed25519:<kid>:<base64url>`, `es256:..` (compressed point) or `hs256-secret:..`, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match &self.public {
            Public::Ed25519(key) => join("ed25519", &self.kid, key.as_bytes()),
            Public::Es256(key) => join("es256", &self.kid, key.to_sec1_point(true).as_bytes()),
            Public::Hs256(secret) => join("hs256-secret", &self.kid, secret),
        })
    }
}

impl FromStr for VerificationKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (algorithm, kid, bytes) = split(text)?;
        let public = match algorithm {
            "ed25519" => {
                let bytes = bytes.as_slice().try_into().map_err(|_| KeyError::Bytes)?;
                let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::Bytes)?;
                if key.is_weak() {
                    return Err(KeyError::Bytes);
                }
                Public::Ed25519(key)
            }
            "es256" => Public::Es256(p256::ecdsa::VerifyingKey::from_sec1_bytes(&bytes).map_err(|_| KeyError::Bytes)?),
            "hs256-secret" => Public::Hs256(check_secret(&bytes)?),
            _ => return Err(KeyError::Text),
        };
        Ok(Self { kid: check_kid(kid)?, public })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({})", self.kid)
    }
}

/// The keys that a checker trusts, and the audience it answers to. The empty set trusts nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    audience: String,
}

impl Default for KeySet {
    fn default() -> Self {
        Self { keys: Vec::new(), audience: AUDIENCE.into() }
    }
}

impl KeySet {
    /// A set whose audience is [`AUDIENCE`]; ids are unique.
    pub fn new(keys: impl IntoIterator<Item = VerificationKey>) -> Result<Self, KeyError> {
        let mut set = Self::default();
        for key in keys {
            if set.find(key.kid.as_bytes()).is_some() {
                return Err(KeyError::KidTwice);
            }
            if set.keys.len() == KEYS_MAX {
                return Err(KeyError::TooMany);
            }
            set.keys.push(key);
        }
        Ok(set)
    }

    /// These keys and those of `others` whose ids are not among them, as long as there is room.
    pub fn and(mut self, others: &Self) -> Self {
        for key in &others.keys {
            if self.keys.len() < KEYS_MAX && self.find(key.kid.as_bytes()).is_none() {
                self.keys.push(key.clone());
            }
        }
        self
    }

    /// The same keys for another audience.
    pub fn with_audience(self, audience: impl Into<String>) -> Self {
        Self { audience: audience.into(), ..self }
    }

    /// The keys.
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    pub(super) fn find(&self, kid: &[u8]) -> Option<&VerificationKey> {
        self.keys.iter().find(|key| key.kid.as_bytes() == kid)
    }
}

fn mac(secret: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of every length");
    mac.update(message);
    mac
}

fn check_kid(kid: &str) -> Result<String, KeyError> {
    let letter = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let fits = (1..=KID_BYTES_MAX).contains(&kid.len()) && kid.bytes().all(letter);
    if fits { Ok(kid.into()) } else { Err(KeyError::Kid) }
}

fn check_secret(secret: &[u8]) -> Result<Vec<u8>, KeyError> {
    if SECRET_BYTES.contains(&secret.len()) { Ok(secret.to_vec()) } else { Err(KeyError::Bytes) }
}

fn join(algorithm: &str, kid: &str, bytes: &[u8]) -> String {
    format!("{algorithm}:{kid}:{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn split(text: &str) -> Result<(&str, &str, Vec<u8>), KeyError> {
    let mut parts = text.trim_end_matches(['\r', '\n']).splitn(3, ':');
    let mut part = || parts.next().ok_or(KeyError::Text);
    let (algorithm, kid, bytes) = (part()?, part()?, part()?);
    Ok((algorithm, kid, URL_SAFE_NO_PAD.decode(bytes).map_err(|_| KeyError::Text)?))
}
