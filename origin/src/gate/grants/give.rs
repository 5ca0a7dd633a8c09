//! give: a token is minted and written down, so that it can be taken back.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use durable::catalogue::NewGrant;
use durable::{AssetId, StoreError, UnixMs};

use crate::gate::rules::Holder;
use crate::gate::{MintError, Minted, Playback, Wanted, mint};
use crate::house::House;
use crate::limits::GRANT_LOOK_FIRST_MS;

/// What is given, to whom.
#[derive(Debug, Clone)]
pub(crate) struct Given<'a> {
    pub(crate) asset: &'a AssetId,
    /// The account, or as whom a key acts.
    pub(crate) account: &'a str,
    /// It is in the token as `sub`.
    pub(crate) is_named: bool,
    pub(crate) session: Option<&'a str>,
    pub(crate) wallets: &'a [Holder],
    /// Ids of the passwords that counted.
    pub(crate) passwords: &'a [String],
    /// Version of the rule that lets them in; 0: whoever may has minted it, and no rule takes it back.
    pub(crate) rule: i64,
    pub(crate) seconds: u64,
    pub(crate) playback: &'a Playback,
    /// The stream that goes on; none: a new one.
    pub(crate) stream: Option<[u8; 16]>,
}

/// Why no token was given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotGiven {
    #[error(transparent)]
    Mint(#[from] MintError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token that opens the asset. One that could not be written down is not given.
pub(crate) async fn give(house: &House, given: &Given<'_>, now: UnixMs) -> Result<Minted, NotGiven> {
    let subject = given.is_named.then_some(given.account);
    let wanted = Wanted {
        asset: given.asset,
        seconds: given.seconds,
        subject,
        playback: given.playback,
        stream: given.stream,
        taken_back: house.store.catalogue.taken_back_last(subject, given.asset).await?,
    };
    let minted = mint(&house.keys, &wanted, now)?;
    let grant = NewGrant {
        cti: URL_SAFE_NO_PAD.encode(minted.cti),
        asset: given.asset.clone(),
        account: given.account.to_owned(),
        session: given.session.map(str::to_owned),
        wallets: serde_json::to_string(given.wallets).unwrap_or_default(),
        passwords: serde_json::to_string(given.passwords).unwrap_or_default(),
        rule: given.rule,
        made_ms: now,
        expires_ms: i64::try_from(minted.expires).unwrap_or(i64::MAX / 1000) * 1000,
        // What moved between the block that was read and this row was seen before there was anyone whom it concerned.
        look_ms: if given.rule == 0 { UnixMs::MAX } else { now + GRANT_LOOK_FIRST_MS },
    };
    house.store.catalogue.grant(&grant).await?;
    Ok(minted)
}
