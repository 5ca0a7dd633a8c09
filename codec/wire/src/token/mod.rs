//! The playback token: a Common Access Token (CTA-5007), which is a CBOR Web Token (RFC 8392) in a COSE envelope
//! (RFC 9052). Drawn in `docs/formats/playback-token.md`.
//!
//! [`mint`] is the origin's, [`verify`] the edge's: the key's id chooses the key, the key alone chooses the algorithm, and
//! whatever is not understood is refused. Time is an argument.

mod cbor;
mod claims;
mod conditions;
mod cose;
mod key;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub use claims::{AUDIENCE, Claims, ISSUER};
pub use conditions::{Country, Network, Streams};
pub use key::{KeyError, KeySet, SigningKey, VerificationKey};

use crate::limits::{TOKEN_BYTES_MAX, TOKEN_CHARS_MAX};
use crate::url::check_plain;
use cose::Envelope;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixSeconds(pub u64);

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// More than [`TOKEN_BYTES_MAX`] bytes.
    #[error("the token is too long")]
    TooLong,
    /// Not base64url without padding, or not in its one canonical form.
    #[error("the token is not base64url")]
    NotBase64Url,
    /// Not CBOR in its shortest form, not the structure of a COSE message, or bytes are left over.
    #[error("the token is not a well-formed COSE message")]
    Malformed,
    /// A header parameter that is not understood, `crit` included.
    #[error("the token has a header that is not understood")]
    HeaderUnknown,
    /// The token names no key.
    #[error("the token names no key")]
    KeyMissing,
    /// The token names a key that is not in the set.
    #[error("the token names a key that is not known")]
    KeyUnknown,
    /// The token's algorithm or its COSE tag is not the key's.
    #[error("the token's algorithm is not its key's")]
    Algorithm,
    /// The signature or the tag does not fit.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim that is not understood: it may be a restriction.
    #[error("the token has a claim that is not understood")]
    ClaimUnknown,
    /// A claim that stands twice.
    #[error("the token has a claim twice")]
    ClaimTwice,
    /// A claim of another type, too long, or with a value that cannot be.
    #[error("the token has a claim that cannot be")]
    ClaimInvalid,
    /// No expiry, or no path.
    #[error("the token lacks its expiry or its path")]
    ClaimMissing,
    /// A restriction that is understood and not supported: anything in `catu` but a path prefix, part of a country, an autonomous system.
    #[error("the token has a restriction that is not supported")]
    RestrictionUnsupported,
    /// `catv` is not 1.
    #[error("the token is of another version")]
    Version,
    /// `now` is `exp` or later.
    #[error("the token has expired")]
    Expired,
    /// `now` is before `nbf`.
    #[error("the token is not valid yet")]
    NotYet,
    /// `aud` names somebody else.
    #[error("the token is meant for somebody else")]
    Audience,
    /// The path is not below the token's.
    #[error("the token does not cover the path")]
    Path,
    /// The path asked for has dot segments, percent signs and the like.
    #[error("the path has a second reading")]
    PathNotPlain,
}

impl TokenError {
    /// A word that does not change: for counters, logs and the refusal's header.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLong => "token-too-long",
            Self::NotBase64Url => "token-not-base64url",
            Self::Malformed => "token-malformed",
            Self::HeaderUnknown => "token-header-unknown",
            Self::KeyMissing => "token-key-missing",
            Self::KeyUnknown => "token-key-unknown",
            Self::Algorithm => "token-algorithm",
            Self::Signature => "token-signature",
            Self::ClaimUnknown => "token-claim-unknown",
            Self::ClaimTwice => "token-claim-twice",
            Self::ClaimInvalid => "token-claim-invalid",
            Self::ClaimMissing => "token-claim-missing",
            Self::RestrictionUnsupported => "token-restriction-unsupported",
            Self::Version => "token-version",
            Self::Expired => "token-expired",
            Self::NotYet => "token-not-yet",
            Self::Audience => "token-audience",
            Self::Path => "token-path",
            Self::PathNotPlain => "token-path-not-plain",
        }
    }
}

/// Signs `claims`: base64url without padding, ready for a URL.
///
/// Refuses what [`verify`] would refuse whatever the time: a path that is not plain, claims that are too long.
pub fn mint(claims: &Claims, key: &SigningKey) -> Result<String, TokenError> {
    let bytes = cose::seal(&claims.encode()?, key);
    if bytes.len() > TOKEN_BYTES_MAX {
        return Err(TokenError::TooLong);
    }
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Checks `token` for a request of `path`, which is the URL's path without the token and without a query.
///
/// The signature is checked before any claim is looked at; `exp` and `nbf` without leeway. Where the viewer is, on whose page and how many
/// watch is not known here: [`Claims::networks`], `countries`, `referrers` and `streams` are left to who knows.
pub fn verify(token: &str, keys: &KeySet, now: UnixSeconds, path: &str) -> Result<Claims, TokenError> {
    verify_by(token, keys, now, path, VerificationKey::verifies)
}

/// As [`verify`], with another's arithmetic: `verifies` is given a key of the set, a message and a signature.
pub fn verify_by(
    token: &str,
    keys: &KeySet,
    now: UnixSeconds,
    path: &str,
    verifies: impl Fn(&VerificationKey, &[u8], &[u8]) -> bool,
) -> Result<Claims, TokenError> {
    check_plain(path).map_err(|_| TokenError::PathNotPlain)?;
    let claims = inspect_by(token, keys, verifies)?;
    claims.check(now, path)?;
    Ok(claims)
}

/// What `token` says, its signature and its audience checked, but neither time nor path: for showing it to a person. It
/// opens nothing by itself.
pub fn inspect(token: &str, keys: &KeySet) -> Result<Claims, TokenError> {
    inspect_by(token, keys, VerificationKey::verifies)
}

fn inspect_by(
    token: &str,
    keys: &KeySet,
    verifies: impl Fn(&VerificationKey, &[u8], &[u8]) -> bool,
) -> Result<Claims, TokenError> {
    if token.len() > TOKEN_CHARS_MAX {
        return Err(TokenError::TooLong);
    }
    let mut buffer = [0u8; TOKEN_BYTES_MAX + 3];
    let length = URL_SAFE_NO_PAD.decode_slice(token, &mut buffer).map_err(|_| TokenError::NotBase64Url)?;
    let envelope = Envelope::open(buffer.get(..length).ok_or(TokenError::TooLong)?)?;
    let key = keys.find(envelope.kid).ok_or(TokenError::KeyUnknown)?;
    if envelope.alg != key.algorithm() || envelope.shape.is_some_and(|shape| shape != key.shape()) {
        return Err(TokenError::Algorithm);
    }
    if !verifies(key, &envelope.signed_bytes(key.shape()), envelope.signature) {
        return Err(TokenError::Signature);
    }
    Claims::decode(&envelope.claims()?, keys.audience())
}
