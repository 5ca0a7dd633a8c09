//! Accounts: who signed in with a wallet. Several wallets may prove themselves to one account.

use super::Catalogue;
use super::audit::{self, Actor};
use super::challenges::{self, Answered};
use super::grants;
use super::keys::Role;
use super::sessions::{self, NewSession};
use super::sql::Tx;
use super::taken_back::{self, Whole};
use crate::limits::WALLETS_AN_ACCOUNT_MAX;
use crate::{StoreError, UnixMs};

/// A row of `accounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name; whoever is signed in acts as the owner of this name.
    pub id: String,
    /// What it may do.
    pub role: Role,
    /// When it first signed in.
    pub created_ms: UnixMs,
    /// When it was shut out.
    pub banned_ms: Option<UnixMs>,
}

/// A row of `wallets`.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Wallet {
    /// `eip155`: a key, the same on every EVM chain. `eip155:N`: a contract, which is itself on chain N alone. `solana`.
    pub chain: String,
    /// As the chain writes it: EIP-55, base58.
    pub address: String,
    /// When it proved itself.
    pub linked_ms: UnixMs,
}

/// What became of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignedIn {
    /// The session is there.
    Done(Account),
    /// The challenge was answered before.
    Used,
    /// The account is shut out.
    Banned,
}

/// What became of a wallet that should be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linked {
    /// It is the account's, maybe it was before.
    Done,
    /// The challenge was answered before.
    Used,
    /// It is another account's.
    Taken,
    /// The account has as many as may be.
    TooMany,
}

/// What became of a wallet that should be let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlinked {
    /// It is nobody's.
    Done,
    /// The account has no such wallet.
    Unknown,
    /// Without it nobody could sign in.
    Last,
}

impl Catalogue {
    /// Answers a challenge: finds the wallet's account, or makes one with `id` and `role`, and begins the session.
    pub async fn sign_in(
        &self,
        answered: &Answered,
        (chain, address): (&str, &str),
        (id, role): (&str, Role),
        session: &NewSession,
    ) -> Result<SignedIn, StoreError> {
        let now = session.created_ms;
        let mut tx = self.begin().await?;
        if !challenges::take(&mut tx, answered).await? {
            return Ok(SignedIn::Used);
        }
        if owner(&mut tx, chain, address).await?.is_none() {
            let sql = "INSERT INTO accounts (id, role, created_ms) VALUES ($1, $2, $3)";
            sqlx::query(sql).bind(id).bind(role).bind(now).execute(&mut *tx).await?;
            if !insert(&mut tx, (chain, address), id, now).await? {
                // The same wallet signed in elsewhere just now; an account without one is of no use.
                sqlx::query("DELETE FROM accounts WHERE id = $1").bind(id).execute(&mut *tx).await?;
            }
        }
        let account = owner(&mut tx, chain, address).await?;
        let account = account.ok_or_else(|| StoreError::Damaged("a wallet without an account".into()))?;
        if account.banned_ms.is_some() {
            return Ok(SignedIn::Banned);
        }
        sessions::begin(&mut tx, &account.id, session).await?;
        tx.commit().await?;
        Ok(SignedIn::Done(account))
    }

    /// Answers a challenge: the wallet belongs to the account from now on.
    pub async fn link_wallet(
        &self,
        answered: &Answered,
        (chain, address): (&str, &str),
        account: &str,
        now: UnixMs,
    ) -> Result<Linked, StoreError> {
        let mut tx = self.begin().await?;
        if !challenges::take(&mut tx, answered).await? {
            return Ok(Linked::Used);
        }
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM wallets WHERE account = $1")
            .bind(account)
            .fetch_one(&mut *tx)
            .await?;
        let is_new = count < WALLETS_AN_ACCOUNT_MAX && insert(&mut tx, (chain, address), account, now).await?;
        let linked = match owner(&mut tx, chain, address).await? {
            Some(owner) if owner.id == account => Linked::Done,
            Some(_) => Linked::Taken,
            None => Linked::TooMany,
        };
        if is_new {
            let actor = Actor { owner: account.into(), key: "wallet".into() };
            audit::append(&mut tx, &actor, "wallet.linked", address, "{}", now).await?;
        }
        tx.commit().await?;
        Ok(linked)
    }

    /// Lets a wallet go.
    pub async fn unlink_wallet(&self, account: &str, address: &str, now: UnixMs) -> Result<Unlinked, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "DELETE FROM wallets WHERE account = $1 AND address = $2";
        if sqlx::query(sql).bind(account).bind(address).execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(Unlinked::Unknown);
        }
        let sql = "SELECT count(*) FROM wallets WHERE account = $1";
        let left: i64 = sqlx::query_scalar(sql).bind(account).fetch_one(&mut *tx).await?;
        if left == 0 {
            return Ok(Unlinked::Last);
        }
        let actor = Actor { owner: account.into(), key: "wallet".into() };
        audit::append(&mut tx, &actor, "wallet.unlinked", address, "{}", now).await?;
        grants::revoke_of_wallet(&mut tx, account, address, now).await?;
        tx.commit().await?;
        Ok(Unlinked::Done)
    }

    /// The wallets that have proved themselves to an account, oldest first.
    pub async fn wallets(&self, account: &str) -> Result<Vec<Wallet>, StoreError> {
        let sql = "SELECT chain, address, linked_ms FROM wallets WHERE account = $1 ORDER BY linked_ms, chain, address";
        Ok(sqlx::query_as(sql).bind(account).fetch_all(&self.read).await?)
    }

    /// One account.
    pub async fn account(&self, id: &str) -> Result<Option<Account>, StoreError> {
        let sql = "SELECT id, role, created_ms, banned_ms FROM accounts WHERE id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(&self.read).await?.map(account))
    }

    /// Up to `limit` accounts by name, after `after`.
    pub async fn accounts(&self, after: &str, limit: u32) -> Result<Vec<Account>, StoreError> {
        let sql = "SELECT id, role, created_ms, banned_ms FROM accounts WHERE id > $1 ORDER BY id LIMIT $2";
        let rows: Vec<Columns> = sqlx::query_as(sql).bind(after).bind(i64::from(limit)).fetch_all(&self.read).await?;
        Ok(rows.into_iter().map(account).collect())
    }

    /// Changes what an account may do, and whether it may at all; a ban ends its sessions in the same commit. `None`: there
    /// is no such account.
    pub async fn change_account(
        &self,
        id: &str,
        (role, banned): (Option<Role>, Option<bool>),
        actor: &Actor,
        now: UnixMs,
    ) -> Result<Option<Account>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = "SELECT id, role, created_ms, banned_ms FROM accounts WHERE id = $1";
        let found: Option<Columns> = sqlx::query_as(sql).bind(id).fetch_optional(&mut *tx).await?;
        let Some(mut changed) = found.map(account) else { return Ok(None) };
        changed.role = role.unwrap_or(changed.role);
        changed.banned_ms = match banned {
            Some(true) => changed.banned_ms.or(Some(now)),
            Some(false) => None,
            None => changed.banned_ms,
        };
        let sql = "UPDATE accounts SET role = $2, banned_ms = $3 WHERE id = $1";
        sqlx::query(sql).bind(id).bind(changed.role).bind(changed.banned_ms).execute(&mut *tx).await?;
        if banned == Some(true) {
            sessions::end_all(&mut tx, id, "banned", now).await?;
            taken_back::take_back(&mut tx, Whole::Subject(id), now).await?;
        }
        let body = serde_json::json!({ "role": role.map(|role| format!("{role:?}").to_lowercase()), "banned": banned });
        audit::append(&mut tx, actor, "account.changed", id, &body.to_string(), now).await?;
        tx.commit().await?;
        Ok(Some(changed))
    }
}

type Columns = (String, Role, UnixMs, Option<UnixMs>);

fn account((id, role, created_ms, banned_ms): Columns) -> Account {
    Account { id, role, created_ms, banned_ms }
}

async fn owner(tx: &mut Tx, chain: &str, address: &str) -> Result<Option<Account>, StoreError> {
    let sql = "SELECT a.id, a.role, a.created_ms, a.banned_ms FROM wallets w JOIN accounts a ON a.id = w.account \
               WHERE w.chain = $1 AND w.address = $2";
    Ok(sqlx::query_as(sql).bind(chain).bind(address).fetch_optional(&mut **tx).await?.map(account))
}

async fn insert(tx: &mut Tx, (chain, address): (&str, &str), account: &str, now: UnixMs) -> Result<bool, StoreError> {
    let sql = "INSERT INTO wallets (chain, address, account, linked_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql).bind(chain).bind(address).bind(account).bind(now).execute(&mut **tx).await?;
    Ok(done.rows_affected() == 1)
}
