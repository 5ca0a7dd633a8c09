//! Grants: playback tokens that were given out, until they expire by themselves. One that is taken back, or given back, leaves an event
//! for the edges in the same commit.

use serde_json::json;

use super::sql::{Tx, words};
use super::taken_back::{self, Whole};
use super::{Catalogue, events};
use crate::limits::{GRANTS_A_VIEWER_MAX, GRANTS_REVOKED_MAX};
use crate::{AssetId, StoreError, UnixMs};

/// Why a token was taken back. Only what the rule took may the rule give back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenBack {
    /// The rule is not met any more.
    Rule,
    /// Its session ended.
    Session,
    /// The API key that asked for it was revoked.
    Key,
    /// Its account was shut out.
    Account,
    /// A wallet that it was given for was let go.
    Wallet,
    /// Whoever may: the owner of the asset, an operator.
    Operator,
    /// The viewer has younger ones, as many as may be.
    TooMany,
}
words!(TakenBack {
    Rule = "rule",
    Session = "session",
    Key = "key",
    Account = "account",
    Wallet = "wallet",
    Operator = "operator",
    TooMany = "too-many",
});

/// A token that is given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// Its id, base64url.
    pub cti: String,
    /// What it opens.
    pub asset: AssetId,
    /// Whom it is for.
    pub account: String,
    /// The session that it was asked for in, or the API key ([`key_as_session`]).
    pub session: Option<String>,
    /// The wallets that counted, JSON.
    pub wallets: String,
    /// Ids of the rule's passwords that were right, JSON.
    pub passwords: String,
    /// Version of the rule that let them in; 0: whoever may has minted it, and no rule takes or gives it back.
    pub rule: i64,
    /// When.
    pub made_ms: UnixMs,
    /// It expires then by itself.
    pub expires_ms: UnixMs,
    /// When the rule is to be decided again.
    pub look_ms: UnixMs,
}

/// A row of `grants`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Grant {
    /// See [`NewGrant`].
    pub cti: String,
    /// See [`NewGrant`].
    pub asset: String,
    /// See [`NewGrant`].
    pub account: String,
    /// See [`NewGrant`].
    pub wallets: String,
    /// See [`NewGrant`].
    pub passwords: String,
    /// See [`NewGrant`].
    pub rule: i64,
    /// See [`NewGrant`].
    pub made_ms: UnixMs,
    /// See [`NewGrant`].
    pub expires_ms: UnixMs,
    /// See [`NewGrant`].
    pub look_ms: UnixMs,
    /// When it was taken back.
    pub revoked_ms: Option<UnixMs>,
    /// Why, as an event says it.
    pub why: Option<String>,
}

/// Which grants are taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// This one.
    One(&'a str),
    /// All of an asset.
    Asset(&'a AssetId),
    /// All of a session.
    Session(&'a str),
    /// All of an account.
    Account(&'a str),
}

/// How an API key stands in the place of a session.
pub fn key_as_session(key: &str) -> String {
    format!("key:{key}")
}

const COLUMNS: &str = "cti, asset, account, wallets, passwords, rule, made_ms, expires_ms, look_ms, revoked_ms, why";

impl Catalogue {
    /// Writes down a token before it is handed out. Of a viewer who has as many of the asset as may be, the oldest are taken back.
    pub async fn grant(&self, new: &NewGrant) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO grants (cti, asset, account, session, wallets, passwords, rule, made_ms, expires_ms, look_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&new.cti)
        .bind(new.asset.as_str())
        .bind(&new.account)
        .bind(new.session.clone())
        .bind(&new.wallets)
        .bind(&new.passwords)
        .bind(new.rule)
        .bind(new.made_ms)
        .bind(new.expires_ms)
        .bind(new.look_ms)
        .execute(&mut *tx)
        .await?;
        // A back end mints for many.
        if new.session.is_some() && new.rule > 0 {
            oldest(&mut tx, new).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether the asset has such a grant that has not expired.
    pub async fn grant_of(&self, cti: &str, asset: &AssetId, now: UnixMs) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM grants WHERE cti = $1 AND asset = $2 AND expires_ms > $3 LIMIT 1";
        let query = sqlx::query_scalar(sql).bind(cti).bind(asset.as_str()).bind(now);
        let found: Option<i64> = query.fetch_optional(&self.read).await?;
        Ok(found.is_some())
    }

    /// What a session has proved by passwords for an asset, and has a token by that was not taken back: lists of ids, JSON.
    pub async fn passwords_proved(
        &self,
        session: &str,
        asset: &AssetId,
        now: UnixMs,
    ) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT passwords FROM grants WHERE session = $1 AND asset = $2 AND expires_ms > $3 \
                   AND revoked_ms IS NULL AND passwords <> '[]'";
        Ok(sqlx::query_scalar(sql).bind(session).bind(asset.as_str()).bind(now).fetch_all(&self.read).await?)
    }

    /// Whether somebody has a token by a rule that has not expired.
    pub async fn has_grants(&self, now: UnixMs) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM grants WHERE expires_ms > $1 AND rule > 0 LIMIT 1";
        let found: Option<i64> = sqlx::query_scalar(sql).bind(now).fetch_optional(&self.read).await?;
        Ok(found.is_some())
    }

    /// Assets of which somebody has one, with the rules that hold; empty where the rule was taken away.
    pub async fn watched_rules(&self, now: UnixMs) -> Result<Vec<(String, String)>, StoreError> {
        let sql = "SELECT r.asset, r.rule FROM gating_rules r \
                   WHERE r.asset IN (SELECT asset FROM grants WHERE expires_ms > $1 AND rule > 0) \
                   AND r.version = (SELECT max(version) FROM gating_rules WHERE asset = r.asset)";
        Ok(sqlx::query_as(sql).bind(now).fetch_all(&self.read).await?)
    }

    /// Grants whose rule is to be decided again, and that the rule may take or give back, the longest due first.
    pub async fn grants_due(&self, now: UnixMs, limit: u32) -> Result<Vec<Grant>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM grants WHERE look_ms <= $1 AND expires_ms > $1 \
             AND (why IS NULL OR why = 'rule') ORDER BY look_ms, cti LIMIT $2"
        ));
        Ok(sqlx::query_as(sql).bind(now).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }

    /// Grants of an asset that have not expired, youngest first.
    pub async fn grants(&self, asset: &AssetId, now: UnixMs, limit: u32) -> Result<Vec<Grant>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM grants WHERE asset = $1 AND expires_ms > $2 ORDER BY made_ms DESC, cti LIMIT $3"
        ));
        Ok(sqlx::query_as(sql).bind(asset.as_str()).bind(now).bind(i64::from(limit)).fetch_all(&self.read).await?)
    }

    /// Grants of an asset that its rule may take or give back, by their ids after `after`.
    pub async fn grants_by_rule(
        &self,
        asset: &str,
        after: &str,
        now: UnixMs,
        limit: u32,
    ) -> Result<Vec<Grant>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM grants WHERE asset = $1 AND expires_ms > $2 AND cti > $3 \
             AND rule > 0 AND (why IS NULL OR why = 'rule') ORDER BY cti LIMIT $4"
        ));
        let query = sqlx::query_as(sql).bind(asset).bind(now).bind(after).bind(i64::from(limit));
        Ok(query.fetch_all(&self.read).await?)
    }

    /// The rule of each grant is decided again at its time. A look that was asked for since is kept.
    pub async fn look_at_grants_again(&self, looks: &[(&Grant, UnixMs)]) -> Result<(), StoreError> {
        if looks.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for (grant, look_ms) in looks {
            let sql = "UPDATE grants SET look_ms = $2 WHERE cti = $1 AND look_ms = $3";
            sqlx::query(sql).bind(&grant.cti).bind(*look_ms).bind(grant.look_ms).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Takes tokens back; of an asset by an operator's word every token that has been made so far. Answers how many rows name.
    pub async fn revoke_grants(&self, which: Which<'_>, why: TakenBack, now: UnixMs) -> Result<usize, StoreError> {
        let mut tx = self.begin().await?;
        let taken = revoke(&mut tx, which, why, now).await?;
        if let (Which::Asset(asset), TakenBack::Operator) = (which, why) {
            // Also those that no row names.
            taken_back::take_back(&mut tx, Whole::Asset(asset.as_str()), now).await?;
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// Gives back what the rule took: a reorganisation has undone the transfer. `false`: there was nothing to give back.
    pub async fn restore_grant(&self, cti: &str, now: UnixMs) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "UPDATE grants SET revoked_ms = NULL, why = NULL WHERE cti = $1 AND expires_ms > $2 AND why = 'rule' \
                   RETURNING cti, asset, expires_ms";
        let row: Option<(String, String, UnixMs)> =
            sqlx::query_as(sql).bind(cti).bind(now).fetch_optional(&mut *tx).await?;
        let Some((cti, asset, _)) = row else { return Ok(false) };
        events::append_named(&mut tx, "token.restored", &asset, &json!({ "cti": cti }).to_string(), now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// What has been taken back and not expired: id, and when it expires. At most as many as an edge remembers.
    pub async fn revoked_grants(&self, now: UnixMs) -> Result<Vec<(String, UnixMs)>, StoreError> {
        let sql = "SELECT cti, expires_ms FROM grants WHERE revoked_ms IS NOT NULL AND expires_ms > $1 \
                   ORDER BY expires_ms DESC LIMIT $2";
        Ok(sqlx::query_as(sql).bind(now).bind(GRANTS_REVOKED_MAX).fetch_all(&self.read).await?)
    }

    /// Forgets grants that have expired. Answers how many.
    pub async fn sweep_grants(&self, now: UnixMs) -> Result<u64, StoreError> {
        let sql = "DELETE FROM grants WHERE expires_ms < $1";
        Ok(sqlx::query(sql).bind(now).execute(&self.write).await?.rows_affected())
    }
}

/// Of a viewer who has as many tokens of the asset as may be, the oldest are taken back.
async fn oldest(tx: &mut Tx, new: &NewGrant) -> Result<(), StoreError> {
    let condition = "cti IN (SELECT cti FROM grants WHERE account = $3 AND asset = $4 AND rule > 0 AND expires_ms > $1 \
                     AND revoked_ms IS NULL ORDER BY made_ms DESC, cti LIMIT 1000 OFFSET $5)";
    let sql = sqlx::AssertSqlSafe(revoking(condition));
    let rows = sqlx::query_as(sql)
        .bind(new.made_ms)
        .bind(TakenBack::TooMany)
        .bind(&new.account)
        .bind(new.asset.as_str())
        .bind(GRANTS_A_VIEWER_MAX)
        .fetch_all(&mut **tx)
        .await?;
    told(tx, rows, TakenBack::TooMany, new.made_ms).await?;
    Ok(())
}

/// Takes tokens back, with an event each. Answers how many.
pub(super) async fn revoke(tx: &mut Tx, which: Which<'_>, why: TakenBack, now: UnixMs) -> Result<usize, StoreError> {
    let (condition, name) = match which {
        Which::One(cti) => ("cti = $3", cti),
        Which::Asset(asset) => ("asset = $3", asset.as_str()),
        Which::Session(id) => ("session = $3", id),
        Which::Account(id) => ("account = $3", id),
    };
    let sql = sqlx::AssertSqlSafe(revoking(condition));
    let rows = sqlx::query_as(sql).bind(now).bind(why).bind(name).fetch_all(&mut **tx).await?;
    told(tx, rows, why, now).await
}

/// Takes the tokens of an account back that were given for one wallet.
pub(super) async fn revoke_of_wallet(tx: &mut Tx, account: &str, wallet: &str, now: UnixMs) -> Result<(), StoreError> {
    let sql = sqlx::AssertSqlSafe(revoking("account = $3 AND wallets LIKE $4"));
    let query = sqlx::query_as(sql).bind(now).bind(TakenBack::Wallet).bind(account).bind(format!("%{wallet}%"));
    let rows = query.fetch_all(&mut **tx).await?;
    told(tx, rows, TakenBack::Wallet, now).await?;
    Ok(())
}

/// The rule of an asset has changed: all who were let in by it are looked at again.
pub(super) async fn look_at(tx: &mut Tx, asset: &AssetId, now: UnixMs) -> Result<(), StoreError> {
    // Another number each time: whoever looks at this moment must not take it for what they have seen.
    let sql = "UPDATE grants SET look_ms = CASE WHEN look_ms > 0 THEN 0 ELSE look_ms - 1 END \
               WHERE asset = $1 AND expires_ms > $2 AND rule > 0";
    sqlx::query(sql).bind(asset.as_str()).bind(now).execute(&mut **tx).await?;
    Ok(())
}

/// What the rule has taken is taken once more for a reason that lasts.
fn revoking(condition: &str) -> String {
    format!(
        "UPDATE grants SET revoked_ms = $1, why = $2 WHERE expires_ms > $1 \
         AND (revoked_ms IS NULL OR (why = 'rule' AND $2 <> 'rule')) AND {condition} \
         RETURNING cti, asset, expires_ms"
    )
}

async fn told(
    tx: &mut Tx,
    rows: Vec<(String, String, UnixMs)>,
    why: TakenBack,
    now: UnixMs,
) -> Result<usize, StoreError> {
    let taken = rows.len();
    for (cti, asset, expires_ms) in rows {
        let body = json!({ "cti": cti, "until_s": expires_ms / 1000 + 1, "why": why.word() });
        events::append_named(tx, "token.revoked", &asset, &body.to_string(), now).await?;
    }
    Ok(taken)
}
