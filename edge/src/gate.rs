//! Who may have a gated object: a playback token, verified with public keys and remembered per shard.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use wire::token::{Claims, KeySet, TokenError, UnixSeconds};

use crate::limits::TOKENS_MAX;
use crate::refusal::Refusal;

/// What a request shows of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pass {
    /// No token.
    None,
    /// A token that is valid now and covers the path.
    Valid,
    /// A token that does not open this.
    Bad(Refusal),
}

/// Tokens whose signature has been checked.
pub(crate) struct Tokens {
    keys: KeySet,
    verified: HashMap<Box<str>, Claims, RandomState>,
}

impl Tokens {
    pub(crate) fn new(keys: KeySet) -> Tokens {
        Tokens { keys, verified: HashMap::default() }
    }

    /// Other keys from now on: what was verified with the old ones is forgotten.
    pub(crate) fn change(&mut self, keys: &KeySet) {
        *self = Tokens::new(keys.clone());
    }

    /// Whether `token` opens `path` (without the token, without a query) at `now`.
    pub(crate) fn check(&mut self, token: &[u8], path: &[u8], now_ms: u64) -> Pass {
        let (Ok(token), Ok(path)) = (std::str::from_utf8(token), std::str::from_utf8(path)) else {
            return Pass::Bad(Refusal::TokenMalformed);
        };
        let now = UnixSeconds(now_ms / 1000);
        if let Some(claims) = self.verified.get(token)
            && now < claims.exp
            && claims.nbf.is_none_or(|nbf| nbf <= now)
            && claims.covers(path)
        {
            return Pass::Valid;
        }
        match wire::token::verify(token, &self.keys, now, path) {
            Ok(claims) => {
                self.remember(token, claims, now);
                Pass::Valid
            }
            Err(error) => Pass::Bad(refusal(error)),
        }
    }

    fn remember(&mut self, token: &str, claims: Claims, now: UnixSeconds) {
        if self.verified.len() >= TOKENS_MAX {
            self.verified.retain(|_, claims| now < claims.exp);
        }
        if self.verified.len() >= TOKENS_MAX {
            // Every one is still valid: forget all rather than grow; each is verified once more.
            self.verified.clear();
        }
        self.verified.insert(token.into(), claims);
    }

    /// Whether this text is one of our tokens, valid or not: it must not be sent to the origin.
    pub(crate) fn is_token(&self, text: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(text) else { return false };
        if self.verified.contains_key(text) {
            return true;
        }
        !matches!(
            wire::token::verify(text, &self.keys, UnixSeconds(0), "/"),
            Err(TokenError::NotBase64Url | TokenError::Malformed | TokenError::TooLong)
        )
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
