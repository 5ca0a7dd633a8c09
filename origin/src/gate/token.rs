//! Playback tokens: minted here, checked by edges without asking us.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::{AssetId, UnixMs};
use wire::token::{Claims, TokenError, UnixSeconds};

use super::Keys;
use super::rules::Playback;

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
    /// The name of its stream, base64url, where streams are counted: who renews the token shows it.
    pub stream: Option<String>,
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

/// What is to be minted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) asset: &'a AssetId,
    pub(crate) seconds: u64,
    /// Whom it is for.
    pub(crate) subject: Option<&'a str>,
    pub(crate) playback: &'a Playback,
    /// The stream that goes on with it; none: a new one.
    pub(crate) stream: Option<[u8; 16]>,
    /// Tokens that were made by then have been taken back: this one says that it was made later.
    pub(crate) taken_back: Option<UnixMs>,
}

/// Mints a token that opens one asset from `now` on.
pub(crate) fn mint(keys: &Keys, wanted: &Wanted<'_>, now: UnixMs) -> Result<Minted, MintError> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(MintError::Random)?;
    let (cti, fresh): ([u8; 16], [u8; 16]) =
        (std::array::from_fn(|at| random[at]), std::array::from_fn(|at| random[16 + at]));
    let asset = wire::url::AssetId::parse(wanted.asset.as_str()).map_err(|_| MintError::BadAsset)?;
    let key = keys.token.signing(now);
    let now = UnixSeconds(u64::try_from(now / 1000).unwrap_or(0));
    let mut claims = Claims::for_asset(asset, now, wanted.seconds, cti);
    claims.iat = claims.iat.max(wanted.taken_back.map(|then| UnixSeconds(u64::try_from(then / 1000).unwrap_or(0) + 1)));
    claims.sub = wanted.subject.map(str::to_owned);
    wanted.playback.restrict(&mut claims, asset.as_str(), wanted.stream.unwrap_or(fresh))?;
    let stream = claims.streams.as_ref().map(|streams| URL_SAFE_NO_PAD.encode(&streams.id));
    if stream.is_some() && claims.sub.is_none() {
        // Streams are counted by whom they are for; a token that names nobody is counted for itself.
        claims.sub = Some(URL_SAFE_NO_PAD.encode(cti));
    }
    let token = wire::token::mint(&claims, key)?;
    Ok(Minted { token, expires: claims.exp.0, prefix: claims.catu_path_prefix, cti, stream })
}
