//! Who may have a gated object: a playback token, verified with public keys and remembered per shard, and then [`admission`]: not taken
//! back since ([`revoked`]), shown by a viewer whom it is for ([`conditions`], [`countries`]), of whom not too many play ([`playing`]).

mod admission;
pub(crate) mod conditions;
pub(crate) mod countries;
pub(crate) mod playing;
pub(crate) mod revoked;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use foldhash::fast::RandomState;
use wire::token::{KeySet, TokenError, UnixSeconds, VerificationKey};

use crate::limits::TOKENS_MAX;
use crate::refusal::Refusal;
use admission::{Admission, Known};
use conditions::Viewer;
use countries::Countries;
use playing::Playing;
use revoked::Gatekeeper;

/// What a request shows of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pass {
    /// No token.
    None,
    /// A token that is valid now and covers the path.
    Valid,
    /// A token that does not open this.
    Bad(Refusal),
}

/// Checks tokens as one shard does, and remembers those whose signature was right.
pub struct Tokens {
    /// Those that the configuration names, and those that the origin has told.
    keys: KeySet,
    configured: KeySet,
    verified: HashMap<Box<str>, Known, RandomState>,
    gatekeeper: Gatekeeper,
    /// What the gatekeeper had said by then.
    version: u64,
    admission: Admission,
}

impl Tokens {
    /// Nothing verified yet. With a `staleness_max` above zero every gate shuts when an origin that is followed has been silent for longer.
    #[must_use]
    pub fn new(keys: KeySet, gatekeeper: Gatekeeper, staleness_max: Duration) -> Tokens {
        Tokens {
            configured: keys.clone(),
            keys,
            verified: HashMap::default(),
            gatekeeper,
            version: 0,
            admission: Admission { staleness_max_ms: staleness_max.as_millis() as u64, ..Admission::default() },
        }
    }

    /// Streams are counted there.
    pub(crate) fn set_playing(&mut self, playing: Playing) {
        self.admission.playing = playing;
    }

    /// Countries are looked up there.
    pub(crate) fn set_countries(&mut self, countries: Option<Arc<Countries>>) {
        self.admission.countries = countries;
    }

    /// Other configured keys from now on.
    pub(crate) fn configure(&mut self, keys: &KeySet) {
        self.configured = keys.clone();
        let told = self.gatekeeper.now().keys;
        self.change(told.as_deref());
    }

    /// What was verified with other keys is forgotten.
    fn change(&mut self, told: Option<&KeySet>) {
        let keys = told.cloned().unwrap_or_default().and(&self.configured);
        if keys != self.keys {
            self.keys = keys;
            self.verified.clear();
        }
    }

    pub(crate) fn set_staleness_max(&mut self, limit: Duration) {
        self.admission.staleness_max_ms = limit.as_millis() as u64;
    }

    /// Takes in what has changed.
    fn look(&mut self) {
        let version = self.gatekeeper.version();
        if version == self.version {
            return;
        }
        self.version = version;
        let now = self.gatekeeper.now();
        self.admission.revoked = now.revoked;
        self.change(now.keys.as_deref());
    }

    fn is_out_of_touch(&self, now_ms: u64) -> bool {
        self.gatekeeper.silent_ms(now_ms).is_some_and(|silent| self.admission.is_stale(silent))
    }

    /// Whether `token` opens `path` (without the token, without a query) at `now` for this viewer.
    pub fn check(&mut self, token: &[u8], path: &[u8], now_ms: u64, viewer: &Viewer<'_>) -> Pass {
        self.look();
        if self.is_out_of_touch(now_ms) {
            return Pass::Bad(Refusal::RevocationsStale);
        }
        let (Ok(token), Ok(path)) = (std::str::from_utf8(token), std::str::from_utf8(path)) else {
            return Pass::Bad(Refusal::TokenMalformed);
        };
        let now = UnixSeconds(now_ms / 1000);
        if let Some(known) = self.verified.get_mut(token).filter(|known| known.opens(path, now)) {
            return pass(self.admission.admit(known, now_ms, viewer));
        }
        let mut known = match wire::token::verify_by(token, &self.keys, now, path, verifies) {
            Ok(claims) => Known::new(claims),
            Err(error) => return Pass::Bad(refusal(error)),
        };
        let admitted = self.admission.admit(&mut known, now_ms, viewer);
        self.remember(token, known, now);
        pass(admitted)
    }

    fn remember(&mut self, token: &str, known: Known, now: UnixSeconds) {
        if self.verified.len() >= TOKENS_MAX {
            self.verified.retain(|_, known| !known.is_over(now));
        }
        if self.verified.len() >= TOKENS_MAX {
            // Every one is still valid: forget all rather than grow; each is verified once more.
            self.verified.clear();
        }
        self.verified.insert(token.into(), known);
    }

    /// Whether this text is one of our tokens, valid or not: it must not be sent to the origin.
    pub(crate) fn is_token(&self, text: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return false };
        if self.verified.contains_key(text) {
            return true;
        }
        !matches!(
            wire::token::verify_by(text, &self.keys, UnixSeconds(0), "/", verifies),
            Err(TokenError::NotBase64Url | TokenError::Malformed | TokenError::TooLong)
        )
    }
}

fn pass(admitted: Result<(), Refusal>) -> Pass {
    match admitted {
        Ok(()) => Pass::Valid,
        Err(refusal) => Pass::Bad(refusal),
    }
}

/// ES256 by the library that TLS uses: several times faster than in pure Rust (decision 0095). The rest as `wire` does it.
fn verifies(key: &VerificationKey, message: &[u8], signature: &[u8]) -> bool {
    match key.es256_point() {
        Some(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok(),
        None => key.verifies(message, signature),
    }
}

fn refusal(error: TokenError) -> Refusal {
    match error {
        TokenError::KeyUnknown | TokenError::KeyMissing | TokenError::Algorithm => Refusal::TokenKeyUnknown,
        TokenError::Signature => Refusal::TokenSignature,
        TokenError::Expired => Refusal::TokenExpired,
        TokenError::NotYet => Refusal::TokenNotYet,
        TokenError::Path | TokenError::PathNotPlain => Refusal::TokenPath,
        TokenError::Audience => Refusal::TokenAudience,
        TokenError::ClaimUnknown | TokenError::RestrictionUnsupported | TokenError::HeaderUnknown => {
            Refusal::TokenClaimUnknown
        }
        TokenError::TooLong
        | TokenError::NotBase64Url
        | TokenError::Malformed
        | TokenError::ClaimTwice
        | TokenError::ClaimInvalid
        | TokenError::ClaimMissing
        | TokenError::Version => Refusal::TokenMalformed,
    }
}
