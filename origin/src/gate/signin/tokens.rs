//! The two tokens of a session. Access: a JWT (RFC 7519) by EdDSA (RFC 8037), short-lived. Refresh: random, of use once,
//! of which the catalogue keeps the hash.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::UnixMs;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SignInKeys;
use super::evm_address::hex;
use crate::api::problem::Problem;
use crate::limits::ACCESS_TOKEN_BYTES_MAX;

const ISSUER: &str = "streamgate";
const AUDIENCE: &str = "streamgate-api";
const PREFIX: &str = "sgr_";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// The account.
    pub(crate) sub: String,
    /// The session.
    pub(crate) sid: String,
    iat: i64,
    /// In seconds.
    pub(crate) exp: i64,
}

/// Why an access token is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessError {
    /// Not one of ours.
    Wrong,
    /// Its time is over.
    Expired,
}

/// Signs an access token.
pub(crate) fn access_token(
    keys: &SignInKeys,
    (account, session): (&str, &str),
    lifetime_ms: i64,
    now: UnixMs,
) -> Result<String, Problem> {
    let (kid, seed) = keys.signing(now);
    let header = Header { kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
    let claims = Claims {
        iss: ISSUER.into(),
        aud: AUDIENCE.into(),
        sub: account.into(),
        sid: session.into(),
        iat: now / 1000,
        exp: (now + lifetime_ms) / 1000,
    };
    let key = EncodingKey::from_ed_der(&pkcs8(&seed));
    jsonwebtoken::encode(&header, &claims, &key).map_err(|error| Problem::internal(&error))
}

/// Reads an access token: one algorithm, one of our keys by its name, our names in it, its time.
pub(crate) fn read_access_token(keys: &SignInKeys, token: &[u8], now: UnixMs) -> Result<Claims, AccessError> {
    if token.len() > ACCESS_TOKEN_BYTES_MAX {
        return Err(AccessError::Wrong);
    }
    let wrong = |_| AccessError::Wrong;
    let header = jsonwebtoken::decode_header(token).map_err(wrong)?;
    let key = header.kid.as_deref().and_then(|kid| keys.verifying(kid, now)).ok_or(AccessError::Wrong)?;
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // The library would read the clock itself.
    rules.validate_exp = false;
    let claims: Claims = jsonwebtoken::decode(token, &DecodingKey::from_ed_der(&key), &rules).map_err(wrong)?.claims;
    if claims.exp <= now / 1000 { Err(AccessError::Expired) } else { Ok(claims) }
}

/// A refresh token that was just made. Its text is shown once.
pub(crate) struct Refresh {
    pub(crate) text: String,
    pub(crate) hash: String,
}

impl Refresh {
    /// Makes one of random numbers.
    pub(crate) fn make() -> Result<Self, Problem> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| Problem::internal(&error))?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret));
        let hash = Self::hash(&text).unwrap_or_default();
        Ok(Self { text, hash })
    }

    /// The hash of what may be one.
    pub(crate) fn hash(text: &str) -> Option<String> {
        let secret = text.strip_prefix(PREFIX).filter(|secret| secret.len() == 43)?;
        Some(hex(&Sha256::digest(secret.as_bytes())))
    }
}

/// An Ed25519 seed as PKCS #8 version 1 (RFC 8410 section 7).
fn pkcs8(seed: &[u8; 32]) -> Vec<u8> {
    const BEGIN: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    [BEGIN.as_slice(), seed].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = 1_795_402_800_000;

    #[test]
    fn a_token_reads_until_its_time_is_over_and_with_every_bit_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SignInKeys::open(folder.path(), &crate::gate::Source::Chance, NOW).unwrap();
        let token = access_token(&keys, ("alice", "s1"), 60_000, NOW).unwrap();
        let claims = read_access_token(&keys, token.as_bytes(), NOW + 59_000).unwrap();
        assert_eq!((claims.sub.as_str(), claims.sid.as_str()), ("alice", "s1"));
        assert_eq!(read_access_token(&keys, token.as_bytes(), NOW + 60_000), Err(AccessError::Expired));
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                assert_eq!(read_access_token(&keys, &bytes, NOW), Err(AccessError::Wrong), "{at} {bit}");
            }
        }
        for end in 0..token.len() {
            assert_eq!(read_access_token(&keys, &token.as_bytes()[..end], NOW), Err(AccessError::Wrong));
        }
    }

    #[test]
    fn another_algorithm_key_issuer_or_audience_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SignInKeys::open(folder.path(), &crate::gate::Source::Chance, NOW).unwrap();
        let (kid, seed) = keys.signing(NOW);
        let good = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: "a".into(),
            sid: "s".into(),
            iat: NOW / 1000,
            exp: NOW / 1000 + 60,
        };
        let sign = |claims: &Claims, kid: &str, seed: &[u8; 32]| {
            let header = Header { kid: Some(kid.into()), ..Header::new(Algorithm::EdDSA) };
            jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&pkcs8(seed))).unwrap()
        };
        let read = |token: &str| read_access_token(&keys, token.as_bytes(), NOW);
        assert_eq!(read(&sign(&good, &kid, &seed)), Ok(good.clone()));
        assert_eq!(read(&sign(&good, &kid, &[1; 32])), Err(AccessError::Wrong));
        assert_eq!(read(&sign(&good, "nobody", &seed)), Err(AccessError::Wrong));
        assert_eq!(read(&sign(&Claims { iss: "x".into(), ..good.clone() }, &kid, &seed)), Err(AccessError::Wrong));
        assert_eq!(read(&sign(&Claims { aud: "x".into(), ..good.clone() }, &kid, &seed)), Err(AccessError::Wrong));
        // The public key as the secret of HS256, and no algorithm at all.
        let public = keys.verifying(&kid, NOW).unwrap();
        let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::HS256) };
        let swapped = jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(&public)).unwrap();
        assert_eq!(read(&swapped), Err(AccessError::Wrong));
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let none = part(serde_json::json!({ "alg": "none", "kid": kid }));
        let body = part(serde_json::to_value(&good).unwrap());
        assert_eq!(read(&format!("{none}.{body}.")), Err(AccessError::Wrong));
    }
}
