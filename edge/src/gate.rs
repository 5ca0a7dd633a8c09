//! Who may have a gated object: a playback token, verified with public keys and remembered per shard, not taken back since ([`revoked`]),
//! shown by a viewer whom it is for ([`conditions`], [`countries`]), of whom not too many play ([`playing`]).

pub(crate) mod conditions;
pub(crate) mod countries;
pub(crate) mod playing;
pub(crate) mod revoked;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use foldhash::fast::RandomState;
use wire::token::{Claims, KeySet, TokenError, UnixSeconds, VerificationKey};

use crate::limits::TOKENS_MAX;
use crate::refusal::Refusal;
use conditions::Viewer;
use countries::Countries;
use playing::{Playing, Stream};
use revoked::{Gatekeeper, Revoked};

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
    keys: KeySet,
    verified: HashMap<Box<str>, Verified, RandomState>,
    gatekeeper: Gatekeeper,
    /// What the gatekeeper had said by then.
    version: u64,
    revoked: Arc<Revoked>,
    /// Longest silence of an origin that is followed; 0: any.
    staleness_max_ms: u64,
    playing: Playing,
    countries: Option<Arc<Countries>>,
}

/// A token whose signature was right.
struct Verified {
    claims: Claims,
    /// The stream that was last asked for with it, and from where.
    stream: Option<(IpAddr, Arc<Stream>)>,
}

impl Tokens {
    /// Nothing verified yet. With a `staleness_max` above zero every gate shuts when an origin that is followed has been silent for longer.
    #[must_use]
    pub fn new(keys: KeySet, gatekeeper: Gatekeeper, staleness_max: Duration) -> Tokens {
        Tokens {
            keys,
            verified: HashMap::default(),
            gatekeeper,
            version: 0,
            revoked: Arc::default(),
            staleness_max_ms: staleness_max.as_millis() as u64,
            playing: Playing::default(),
            countries: None,
        }
    }

    /// Streams are counted there.
    pub(crate) fn set_playing(&mut self, playing: Playing) {
        self.playing = playing;
    }

    /// Countries are looked up there.
    pub(crate) fn set_countries(&mut self, countries: Option<Arc<Countries>>) {
        self.countries = countries;
    }

    /// Other keys from now on: what was verified with the old ones is forgotten.
    pub(crate) fn change(&mut self, keys: &KeySet) {
        self.keys = keys.clone();
        self.verified.clear();
    }

    pub(crate) fn set_staleness_max(&mut self, limit: Duration) {
        self.staleness_max_ms = limit.as_millis() as u64;
    }

    /// Takes in what has changed.
    fn look(&mut self) {
        let version = self.gatekeeper.version();
        if version == self.version {
            return;
        }
        self.version = version;
        let now = self.gatekeeper.now();
        self.revoked = now.revoked;
        if let Some(keys) = now.keys.filter(|keys| **keys != self.keys) {
            self.change(&keys);
        }
    }

    fn is_out_of_touch(&self, now_ms: u64) -> bool {
        self.staleness_max_ms > 0
            && self.gatekeeper.silent_ms(now_ms).is_some_and(|silent| silent > self.staleness_max_ms)
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
        let is_known = self.verified.get(token).is_some_and(|Verified { claims, .. }| {
            now < claims.exp && claims.nbf.is_none_or(|nbf| nbf <= now) && claims.covers(path)
        });
        if !is_known {
            match wire::token::verify_by(token, &self.keys, now, path, verifies) {
                Ok(claims) => self.remember(token, claims, now),
                Err(error) => return Pass::Bad(refusal(error)),
            }
        }
        match self.admit(token, now_ms, viewer) {
            Ok(()) => Pass::Valid,
            Err(refusal) => Pass::Bad(refusal),
        }
    }

    /// What depends on more than the token: whether it was taken back, who shows it, how many play.
    fn admit(&mut self, token: &str, now_ms: u64, viewer: &Viewer<'_>) -> Result<(), Refusal> {
        let Some(Verified { claims, stream }) = self.verified.get_mut(token) else {
            return Err(Refusal::TokenMalformed);
        };
        if self.revoked.covers(claims, UnixSeconds(now_ms / 1000)) {
            return Err(Refusal::TokenRevoked);
        }
        conditions::held(claims, viewer, self.countries.as_deref())?;
        let Some(streams) = &claims.streams else { return Ok(()) };
        if self.staleness_max_ms > 0 && self.playing.silent_ms(now_ms) > self.staleness_max_ms {
            return Err(Refusal::StreamsUnknown);
        }
        let from = playing::network(viewer.address);
        let known = stream.as_ref().filter(|(network, _)| *network == from).and_then(|(_, stream)| stream.ask(now_ms));
        let plays = match known {
            Some(plays) => plays,
            None => {
                let subject = claims.sub.as_deref().ok_or(Refusal::StreamsUnknown)?;
                let entered = self.playing.enter(subject, streams, from, now_ms).ok_or(Refusal::StreamsUnknown)?;
                let plays = entered.ask(now_ms).unwrap_or(false);
                *stream = Some((from, entered));
                plays
            }
        };
        if plays { Ok(()) } else { Err(Refusal::StreamsExceeded) }
    }

    fn remember(&mut self, token: &str, claims: Claims, now: UnixSeconds) {
        if self.verified.len() >= TOKENS_MAX {
            self.verified.retain(|_, known| now < known.claims.exp);
        }
        if self.verified.len() >= TOKENS_MAX {
            // Every one is still valid: forget all rather than grow; each is verified once more.
            self.verified.clear();
        }
        self.verified.insert(token.into(), Verified { claims, stream: None });
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
