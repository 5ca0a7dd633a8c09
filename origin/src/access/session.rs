//! What a session may do: of the catalogue, or what it said a moment ago. Whoever ends a session or changes an account clears it here.
//!
//! Only where all who end sessions clear the same cache is anything believed: in one process on its own catalogue, or with Redis.

use bytes::Bytes;
use durable::catalogue::Role;
use durable::{StoreError, UnixMs};

use super::role_word;
use crate::cache::Looked;
use crate::house::House;
use crate::limits::SESSION_KEPT;

/// The role of a session that has not ended.
pub(crate) async fn role(house: &House, id: &str, account: &str, now: UnixMs) -> Result<Option<Role>, StoreError> {
    let read = || house.store.catalogue.session_role(id, account, now);
    if house.config.catalogue.is_some() && !house.cache.is_shared() {
        return read().await;
    }
    let slot =
        match house.cache.look(&format!("session:{id}:{account}"), &[&of_session(id), &of_account(account)]).await {
            Looked::Hit(word) => match role_of(&word) {
                Some(role) => return Ok(Some(role)),
                None => return read().await,
            },
            Looked::Miss(slot) => slot,
        };
    let role = read().await?;
    if let Some(role) = role {
        house.cache.fill(slot, Bytes::from_static(role_word(role).as_bytes()), SESSION_KEPT).await;
    }
    Ok(role)
}

/// A session has ended.
pub(crate) async fn ended(house: &House, id: &str) {
    house.cache.clear(&of_session(id)).await;
}

/// An account has another role, or is shut out.
pub(crate) async fn account_changed(house: &House, account: &str) {
    house.cache.clear(&of_account(account)).await;
}

fn of_session(id: &str) -> String {
    format!("session:{id}")
}

fn of_account(account: &str) -> String {
    format!("account:{account}")
}

fn role_of(word: &[u8]) -> Option<Role> {
    [Role::Viewer, Role::Creator, Role::Operator, Role::Admin]
        .into_iter()
        .find(|role| role_word(*role).as_bytes() == word)
}
