//! Playback tokens: minted here, checked by edges without asking us.

use durable::{AssetId, UnixMs};
use wire::token::{Claims, TokenError, UnixSeconds};

use super::Keys;

/// A fresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// base64url without padding; stands in URLs as `/p/<token>/v/...`.
    pub token: String,
    /// It is valid before this time, in seconds since 1970 UTC.
    pub expires: u64,
    /// It opens the paths below this one.
    pub prefix: String,
    /// Its id (`cti`), by which it is taken back.
    pub cti: [u8; 16],
}

/// Why no token was minted.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// Not an asset's name.
    #[error("this is not an asset's name")]
    BadAsset,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The claims cannot be signed.
    #[error("the token could not be signed: {0}")]
    Token(#[from] TokenError),
}

/// Mints a token that opens one asset for `ttl_seconds` from `now` on, for `subject` when there is one.
pub(crate) fn mint(
    keys: &Keys,
    asset: &AssetId,
    ttl_seconds: u64,
    subject: Option<String>,
    now: UnixMs,
) -> Result<Minted, MintError> {
    let mut cti = [0; 16];
    getrandom::fill(&mut cti).map_err(MintError::Random)?;
    let asset = wire::url::AssetId::parse(asset.as_str()).map_err(|_| MintError::BadAsset)?;
    let now = UnixSeconds(u64::try_from(now / 1000).unwrap_or(0));
    let claims = Claims { sub: subject, ..Claims::for_asset(asset, now, ttl_seconds, cti) };
    let token = wire::token::mint(&claims, &keys.token)?;
    Ok(Minted { token, expires: claims.exp.0, prefix: claims.catu_path_prefix, cti })
}
