//! Webhooks: who is told of events, and what became of each message. Events are turned into deliveries by a cursor an endpoint;
//! the oldest delivery that is not over is the only one of its endpoint that is tried, so that they arrive in order.

use sqlx::FromRow;

use super::sql::{Flag, Short, Sql, words};
use super::{Actor, Catalogue, audit};
use crate::limits::WEBHOOKS_MAX;
use crate::{StoreError, UnixMs};

/// A row of `webhooks`.
#[derive(Clone, PartialEq, Eq, FromRow)]
pub struct Webhook {
    /// Its name.
    pub id: String,
    /// Where messages are sent.
    pub url: String,
    /// For people.
    pub description: String,
    /// JSON list of the kinds of events it wants, `asset.*` for all that begin so; empty: all.
    pub kinds: String,
    /// Whether it is told.
    #[sqlx(try_from = "Flag")]
    pub enabled: bool,
    /// What messages are signed with, as its receiver has it.
    pub secret: String,
    /// The one before, which signs as well until `old_until_ms`.
    pub old_secret: Option<String>,
    /// See `old_secret`.
    pub old_until_ms: Option<UnixMs>,
    /// The last event that was turned into a delivery, or is not wanted.
    pub after_seq: i64,
    /// When it was made.
    pub created_ms: UnixMs,
    /// When it was last changed.
    pub updated_ms: UnixMs,
}

/// Shows no secret.
impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("url", &self.url).finish_non_exhaustive()
    }
}

/// What is to be changed of a webhook.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// See [`Webhook::url`].
    pub url: Option<String>,
    /// See [`Webhook::description`].
    pub description: Option<String>,
    /// See [`Webhook::kinds`].
    pub kinds: Option<String>,
    /// See [`Webhook::enabled`].
    pub enabled: Option<bool>,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Waits for its turn, or for its next attempt.
    Queued,
    /// The receiver took it.
    Done,
    /// Given up.
    Failed,
}

words!(DeliveryState { Queued = "queued", Done = "done", Failed = "failed" });

/// A row of `deliveries`.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Delivery {
    /// Its number; of one endpoint in the order of its events.
    pub id: i64,
    /// To whom.
    pub webhook: String,
    /// The message's name: the same at every attempt.
    pub message: String,
    /// Of which event, or `webhook.test`, `webhook.gap`.
    pub kind: String,
    /// What is sent, byte for byte.
    pub body: String,
    /// See [`DeliveryState`].
    pub state: DeliveryState,
    /// Times it was sent since it was queued.
    #[sqlx(try_from = "i64")]
    pub attempts: u32,
    /// When it may be sent.
    pub due_ms: UnixMs,
    /// Every write of whoever sends it names it.
    pub fence: i64,
    /// What the receiver last answered.
    #[sqlx(try_from = "Short")]
    pub status: Option<u16>,
    /// Why there was no answer that counts.
    pub error: Option<String>,
    /// When the event became a delivery.
    pub created_ms: UnixMs,
    /// When it was last queued: then, or when it was played again.
    pub queued_ms: UnixMs,
    /// When it last changed.
    pub updated_ms: UnixMs,
}

const DELIVERY: &str = "id, webhook, message, kind, body, state, attempts, due_ms, fence, status, error, created_ms, queued_ms, updated_ms";

/// What became of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// The receiver's status, when it answered.
    pub status: Option<u16>,
    /// Why it does not count.
    pub error: Option<String>,
    /// When it is sent again; `None`: it is over, well without an `error`.
    pub again_ms: Option<UnixMs>,
}

/// A message that is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// See [`Delivery::message`].
    pub message: String,
    /// See [`Delivery::kind`].
    pub kind: String,
    /// See [`Delivery::body`].
    pub body: String,
}

impl Catalogue {
    /// Enters a webhook that is told of what happens from now on; `false` when there are as many as may be.
    pub async fn create_webhook(&self, new: &Webhook, actor: &Actor) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM webhooks").fetch_one(&mut *tx).await?;
        if count >= WEBHOOKS_MAX {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO webhooks (id, url, description, kinds, enabled, secret, after_seq, created_ms, updated_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, (SELECT COALESCE(MAX(seq), 0) FROM events), $7, $7)",
        )
        .bind(&new.id)
        .bind(&new.url)
        .bind(&new.description)
        .bind(&new.kinds)
        .bind(i64::from(new.enabled))
        .bind(&new.secret)
        .bind(new.created_ms)
        .execute(&mut *tx)
        .await?;
        audit::append(&mut tx, actor, "webhook.created", &new.id, "{}", new.created_ms).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// All webhooks by name; there are few.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM webhooks ORDER BY id").fetch_all(&self.read).await?)
    }

    /// One webhook.
    pub async fn webhook(&self, id: &str) -> Result<Option<Webhook>, StoreError> {
        Ok(sqlx::query_as("SELECT * FROM webhooks WHERE id = $1").bind(id).fetch_optional(&self.read).await?)
    }

    /// Changes a webhook; `None` when there is none of this name.
    pub async fn update_webhook(
        &self,
        id: &str,
        change: &WebhookChange,
        actor: &Actor,
        now: UnixMs,
    ) -> Result<Option<Webhook>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE webhooks SET url = COALESCE($2, url), description = COALESCE($3, description), \
                   kinds = COALESCE($4, kinds), enabled = COALESCE($5, enabled), updated_ms = $6 WHERE id = $1 RETURNING *";
        let changed: Option<Webhook> = sqlx::query_as(sql)
            .bind(id)
            .bind(&change.url)
            .bind(&change.description)
            .bind(&change.kinds)
            .bind(change.enabled.map(i64::from))
            .bind(now)
            .fetch_optional(&mut *tx)
            .await?;
        if changed.is_some() {
            audit::append(&mut tx, actor, "webhook.updated", id, "{}", now).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Gives a webhook another secret; the present one signs as well until `old_until`.
    pub async fn rotate_webhook(
        &self,
        id: &str,
        secret: &str,
        old_until: UnixMs,
        actor: &Actor,
        now: UnixMs,
    ) -> Result<Option<Webhook>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE webhooks SET old_secret = secret, old_until_ms = $3, secret = $2, updated_ms = $4 WHERE id = $1 RETURNING *";
        let changed: Option<Webhook> =
            sqlx::query_as(sql).bind(id).bind(secret).bind(old_until).bind(now).fetch_optional(&mut *tx).await?;
        if changed.is_some() {
            audit::append(&mut tx, actor, "webhook.rotated", id, "{}", now).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Ends a webhook and its deliveries; `false` when there is none of this name.
    pub async fn delete_webhook(&self, id: &str, actor: &Actor, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let gone = sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id).execute(&mut *tx).await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut tx, actor, "webhook.deleted", id, "{}", now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Queues `messages` of the events after `from` up to `to`, and remembers `to`, in one commit. `false`: someone else did.
    pub async fn fan_out(
        &self,
        webhook: &str,
        from: i64,
        to: i64,
        messages: &[Message],
        now: UnixMs,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE webhooks SET after_seq = $3 WHERE id = $1 AND after_seq = $2";
        let moved = sqlx::query(sql).bind(webhook).bind(from).bind(to).execute(&mut *tx).await?;
        if moved.rows_affected() == 0 {
            return Ok(false);
        }
        for message in messages {
            insert(&mut tx, webhook, message, now).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Queues one message behind those that wait; answers the delivery's number, or `None` without such a webhook.
    pub async fn queue_delivery(
        &self,
        webhook: &str,
        message: &Message,
        now: UnixMs,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT count(*) FROM webhooks WHERE id = $1";
        if sqlx::query_scalar::<_, i64>(sql).bind(webhook).fetch_one(&mut *tx).await? == 0 {
            return Ok(None);
        }
        let id = insert(&mut tx, webhook, message, now).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// How many deliveries of an endpoint are not over.
    pub async fn deliveries_queued(&self, webhook: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM deliveries WHERE webhook = $1 AND state = 'queued'";
        Ok(sqlx::query_scalar(sql).bind(webhook).fetch_one(&self.read).await?)
    }

    /// Takes the oldest delivery of an endpoint that is not over, when it is due and nobody sends it.
    pub async fn lease_delivery(
        &self,
        webhook: &str,
        until: UnixMs,
        now: UnixMs,
    ) -> Result<Option<Delivery>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "UPDATE deliveries SET attempts = attempts + 1, fence = fence + 1, lease_until_ms = $2, updated_ms = $3 WHERE id = \
             (SELECT id FROM deliveries WHERE webhook = $1 AND state = 'queued' ORDER BY id LIMIT 1) AND due_ms <= $3 \
             AND (lease_until_ms IS NULL OR lease_until_ms <= $3) RETURNING {DELIVERY}"
        ));
        Ok(sqlx::query_as(sql).bind(webhook).bind(until).bind(now).fetch_optional(&self.write).await?)
    }

    /// Writes what became of an attempt.
    pub async fn end_delivery(&self, sent: &Delivery, became: &Attempted, now: UnixMs) -> Result<(), StoreError> {
        let state = match (became.again_ms, &became.error) {
            (Some(_), _) => DeliveryState::Queued,
            (None, None) => DeliveryState::Done,
            (None, Some(_)) => DeliveryState::Failed,
        };
        let sql = "UPDATE deliveries SET state = $3, status = $4, error = $5, due_ms = COALESCE($6, due_ms), lease_until_ms = NULL, \
                   updated_ms = $7 WHERE id = $1 AND fence = $2 AND state = 'queued'";
        let ended = sqlx::query(sql)
            .bind(sent.id)
            .bind(sent.fence)
            .bind(state)
            .bind(became.status.map(i64::from))
            .bind(&became.error)
            .bind(became.again_ms)
            .bind(now)
            .execute(&self.write)
            .await?;
        if ended.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Fenced) }
    }

    /// Deliveries of an endpoint that are older than `before`, youngest first.
    pub async fn deliveries(
        &self,
        webhook: &str,
        state: Option<DeliveryState>,
        before: i64,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut sql = Sql::new(&format!("SELECT {DELIVERY} FROM deliveries WHERE webhook = "));
        sql.push_bind(webhook.to_owned()).push(" AND id < ").push_bind(before);
        if let Some(state) = state {
            sql.push(" AND state = ").push_bind(state);
        }
        sql.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        Ok(sql.build_query_as().fetch_all(&self.read).await?)
    }

    /// Queues what is over again with all its time: one delivery, or all that failed. Answers how many.
    pub async fn replay_deliveries(&self, webhook: &str, id: Option<i64>, now: UnixMs) -> Result<u64, StoreError> {
        let mut sql = Sql::new(
            "UPDATE deliveries SET state = 'queued', attempts = 0, fence = fence + 1, lease_until_ms = NULL, due_ms = ",
        );
        sql.push_bind(now).push(", queued_ms = ").push_bind(now).push(", updated_ms = ").push_bind(now);
        sql.push(" WHERE webhook = ").push_bind(webhook.to_owned());
        match id {
            Some(id) => sql.push(" AND state <> 'queued' AND id = ").push_bind(id),
            None => sql.push(" AND state = 'failed'"),
        };
        Ok(sql.build_query().execute(&self.write).await?.rows_affected())
    }

    /// Forgets deliveries that have been over since before `before`.
    pub async fn sweep_deliveries(&self, before: UnixMs) -> Result<u64, StoreError> {
        let sql = "DELETE FROM deliveries WHERE state IN ('done', 'failed') AND updated_ms < $1";
        Ok(sqlx::query(sql).bind(before).execute(&self.write).await?.rows_affected())
    }
}

async fn insert(tx: &mut super::Tx, webhook: &str, message: &Message, now: UnixMs) -> Result<i64, StoreError> {
    let sql = "INSERT INTO deliveries (webhook, message, kind, body, state, due_ms, created_ms, queued_ms, updated_ms) \
               VALUES ($1, $2, $3, $4, 'queued', $5, $5, $5, $5) RETURNING id";
    let row = sqlx::query_scalar(sql).bind(webhook).bind(&message.message).bind(&message.kind);
    Ok(row.bind(&message.body).bind(now).fetch_one(&mut **tx).await?)
}
