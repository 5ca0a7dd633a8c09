//! deliver: an endpoint is worked off by one task at a time, so that its messages come in order and a slow one holds up nobody
//! else. What is sent is first leased, so that it is not sent by two.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use durable::StoreError;
use durable::catalogue::{Actor, Attempted, Delivery, Webhook, WebhookChange};
use http_body_util::Full;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::message;
use super::sign::Key;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::{
    EVENTS_A_PAGE, HOOK_BYTES_MAX, HOOK_KEPT_MS, HOOK_LEASE_MS, HOOK_RETRY_MS_MAX, HOOK_WITHIN, HOOKS_LOOK,
    HOOKS_QUEUED_MAX,
};
use crate::web::Bounds;

/// Tells everybody who wants it, until `stop` turns true. What is under way then is sent again by the next start.
pub(crate) async fn deliver(house: Arc<House>, mut stop: watch::Receiver<bool>) {
    let busy: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut tasks = JoinSet::new();
    while !*stop.borrow() {
        match house.store.catalogue.webhooks().await {
            Ok(all) => {
                for webhook in all.into_iter().filter(|webhook| webhook.enabled) {
                    if busy.lock().unwrap_or_else(PoisonError::into_inner).insert(webhook.id.clone()) {
                        tasks.spawn(turn(house.clone(), webhook, busy.clone()));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the webhooks cannot be read"),
        }
        while tasks.try_join_next().is_some() {}
        tokio::select! {
            () = tokio::time::sleep(HOOKS_LOOK) => {}
            () = house.bells.hooks().notified() => {}
            _ = stop.changed() => {}
        }
    }
    // Dropping the set ends the tasks.
}

async fn turn(house: Arc<House>, webhook: Webhook, busy: Arc<Mutex<HashSet<String>>>) {
    let id = webhook.id.clone();
    match work_off(&house, webhook).await {
        Ok(()) => {}
        Err(StoreError::Fenced) => tracing::debug!(webhook = id, "someone else tells it, or it was deleted"),
        Err(error) => tracing::warn!(webhook = id, %error, "a webhook's deliveries were cut short"),
    }
    busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
}

async fn work_off(house: &House, mut webhook: Webhook) -> Result<(), StoreError> {
    let catalogue = &house.store.catalogue;
    fan_out(house, &webhook).await?;
    while let Some(delivery) = catalogue.lease_delivery(&webhook.id, now_ms() + HOOK_LEASE_MS, now_ms()).await? {
        let (became, is_gone) = send(house, &webhook, &delivery).await;
        if let Some(error) = &became.error {
            tracing::info!(webhook = webhook.id, message = delivery.message, error, "a webhook was not taken");
        }
        catalogue.end_delivery(&delivery, &became, now_ms()).await?;
        if is_gone {
            let (change, actor) = (WebhookChange { enabled: Some(false), ..Default::default() }, house_actor());
            catalogue.update_webhook(&webhook.id, &change, &actor, now_ms()).await?;
        }
        if became.again_ms.is_some() {
            return Ok(());
        }
        // It may have been changed meanwhile.
        match catalogue.webhook(&webhook.id).await? {
            Some(now) if now.enabled => webhook = now,
            _ => return Ok(()),
        }
    }
    Ok(())
}

fn house_actor() -> Actor {
    Actor { owner: "streamgate".into(), key: "webhooks".into() }
}

/// Turns events into deliveries, as far as there is room.
async fn fan_out(house: &House, webhook: &Webhook) -> Result<(), StoreError> {
    let catalogue = &house.store.catalogue;
    let mut from = webhook.after_seq;
    loop {
        let (oldest, last) = catalogue.event_bounds().await?;
        if last <= from || catalogue.deliveries_queued(&webhook.id).await? >= HOOKS_QUEUED_MAX {
            return Ok(());
        }
        let now = now_ms();
        let events = catalogue.events_after(from, EVENTS_A_PAGE).await?;
        let Some(to) = events.last().map(|event| event.seq) else { return Ok(()) };
        let gap = (from + 1 < oldest).then(|| message::gap(from, oldest, now));
        let wanted = events.iter().filter(|event| message::wants(&webhook.kinds, &event.kind));
        let messages: Vec<_> = gap.into_iter().chain(wanted.map(message::of)).collect();
        if !catalogue.fan_out(&webhook.id, from, to, &messages, now).await? {
            return Err(StoreError::Fenced);
        }
        from = to;
    }
}

/// Sends one message once. Also says whether the receiver wants no more, ever (410).
async fn send(house: &House, webhook: &Webhook, delivery: &Delivery) -> (Attempted, bool) {
    let now = now_ms();
    let at_s = now / 1000;
    let old = webhook.old_secret.as_ref().filter(|_| webhook.old_until_ms.is_some_and(|until| until > now));
    let keys = [Some(&webhook.secret), old].into_iter().flatten().filter_map(|text| Key::parse(text));
    let signatures: Vec<_> = keys.map(|key| key.sign(&delivery.message, at_s, &delivery.body)).collect();
    let request = Request::post(&webhook.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, concat!("StreamGate/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &delivery.message)
        .header("webhook-timestamp", at_s)
        .header("webhook-signature", signatures.join(" "))
        .body(Full::new(Bytes::from(delivery.body.clone())));
    let bounds = Bounds { within: HOOK_WITHIN, body_bytes_max: HOOK_BYTES_MAX };
    let (status, error) = match request {
        Err(error) => (None, Some(error.to_string())),
        Ok(request) => match house.hooks.ask(request, bounds).await {
            Ok(answer) if answer.status().is_success() => (Some(answer.status()), None),
            Ok(answer) => (Some(answer.status()), Some(format!("answered {}", answer.status().as_u16()))),
            Err(error) => (None, Some(error.to_string())),
        },
    };
    let is_gone = status == Some(StatusCode::GONE);
    let now = now_ms();
    let first_ms = i64::try_from(house.config.hook_retry_first.as_millis()).unwrap_or(i64::MAX);
    let again = now + wait_ms(first_ms, delivery.attempts);
    let again_ms = (error.is_some() && !is_gone && again < delivery.queued_ms + HOOK_KEPT_MS).then_some(again);
    (Attempted { status: status.map(|status| status.as_u16()), error, again_ms }, is_gone)
}

/// Twice as long each time, up to a bound, and a chance part, so that endpoints which failed together do not come back together.
fn wait_ms(first_ms: i64, attempts: u32) -> i64 {
    let doubled = 1i64.checked_shl(attempts.saturating_sub(1).min(40)).unwrap_or(i64::MAX);
    let wait = first_ms.saturating_mul(doubled).min(HOOK_RETRY_MS_MAX);
    let mut chance = [0];
    // Without random numbers there is no chance part.
    let _ = getrandom::fill(&mut chance);
    wait - wait / 4 + wait / 2 * i64::from(chance[0]) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_tried_often_at_first_and_for_a_day() {
        let (mut at, mut attempts) = (0, 1);
        while at < HOOK_KEPT_MS {
            let wait = wait_ms(5_000, attempts);
            assert!((3_000..=HOOK_RETRY_MS_MAX * 5 / 4).contains(&wait), "{wait}");
            (at, attempts) = (at + wait, attempts + 1);
        }
        assert!((80..200).contains(&attempts), "{attempts}");
        assert!(wait_ms(5_000, u32::MAX) > 0);
    }
}
