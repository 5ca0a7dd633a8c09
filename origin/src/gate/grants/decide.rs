//! decide: one grant, by the rule that holds now.

use durable::catalogue::{Grant, TakenBack, Which};
use durable::{StoreError, UnixMs};
use futures_util::future::try_join_all;

use crate::gate::rules::{Doubt, Holder, Rule, Shown, Truth, truth};
use crate::house::House;
use crate::limits::{GRANT_LOOK_AGAIN_MS, GRANT_LOOK_SOON_MS, GRANTS_AT_ONCE};

/// Decides about several, a few at once. `rule`: the one that holds for a grant; `None` when there is none that can be read.
pub(super) async fn decide_all<'r>(
    house: &House,
    rule: impl Fn(&Grant) -> Option<&'r Rule>,
    grants: &[&Grant],
    now: UnixMs,
) -> Result<(), StoreError> {
    for some in grants.chunks(GRANTS_AT_ONCE) {
        let looks = try_join_all(some.iter().map(|grant| decide(house, rule(grant), grant, now))).await?;
        let looks: Vec<(&Grant, UnixMs)> = some.iter().copied().zip(looks).collect();
        house.store.catalogue.look_at_grants_again(&looks).await?;
    }
    Ok(())
}

/// Takes back what is not a clear yes any more, gives back what is one again, and says when to look next. A chain that cannot be read
/// changes nothing: the token was given by what it said, and is short-lived.
async fn decide(house: &House, rule: Option<&Rule>, grant: &Grant, now: UnixMs) -> Result<UnixMs, StoreError> {
    let catalogue = &house.store.catalogue;
    let wallets: Vec<Holder> = serde_json::from_str(&grant.wallets).unwrap_or_default();
    let told = match rule {
        Some(rule) => {
            // A password that was changed has another id.
            let passwords: Vec<String> = serde_json::from_str(&grant.passwords).unwrap_or_default();
            let shown = Shown { wallets: &wallets, passwords: &passwords };
            let leaves = house.door.leaves(&rule.rule, shown, house.sources(), now).await;
            truth(&rule.rule, &mut leaves.into_iter())
        }
        None => Truth::No,
    };
    match (told, grant.revoked_ms.is_some()) {
        (Truth::Yes, true) => {
            if catalogue.restore_grant(&grant.cti, now).await? {
                tracing::info!(
                    asset = grant.asset,
                    account = grant.account,
                    "a token is given back: its rule is met again"
                );
            }
        }
        (Truth::Yes, false) | (Truth::Doubt(Doubt::Unread), _) | (_, true) => {}
        (told, false) => {
            if catalogue.revoke_grants(Which::One(&grant.cti), TakenBack::Rule, now).await? > 0 {
                tracing::info!(
                    asset = grant.asset,
                    account = grant.account,
                    ?told,
                    "a token is taken back: its rule is not met any more"
                );
            }
        }
    }
    Ok(next(told, rule, now))
}

fn next(told: Truth, rule: Option<&Rule>, now: UnixMs) -> UnixMs {
    let wait = match told {
        Truth::Doubt(Doubt::Unread | Doubt::NotSettled) => GRANT_LOOK_SOON_MS,
        _ => GRANT_LOOK_AGAIN_MS,
    };
    rule.and_then(|rule| rule.rule.next_time(now)).map_or(now + wait, |then| then.min(now + wait))
}
