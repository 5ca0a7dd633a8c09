//! The whole catalogue as lines of JSON, and back: the same lines out of SQLite and PostgreSQL, so that a backup of one is restored
//! into the other. Drawn in `docs/formats/backup.md`.

use std::io::{BufRead, Write};

use serde_json::{Map, Value, json};
use sqlx::any::AnyTypeInfoKind;
use sqlx::{Column, Row, TypeInfo, ValueRef};

use super::reach::Line;
use super::sql::{AnyRow, Sql};
use super::{Catalogue, Dialect, Tx};
use crate::StoreError;

/// Every table that people's rows are in, those first that others refer to. What is made of other rows (the search index) is made
/// anew; uploads and requests under way end with the process that had them.
const TABLES: &[&str] = &[
    "assets",
    "tracks",
    "segments",
    "pictures",
    "jobs",
    "job_waits",
    "schedules",
    "seeds",
    "events",
    "api_keys",
    "labels",
    "categories",
    "audit",
    "playback_days",
    "accounts",
    "wallets",
    "sessions",
    "refresh_tokens",
    "gating_rules",
    "grants",
    "taken_back",
    "webhooks",
    "deliveries",
];

/// Tables that are not in a dump.
const LEFT_OUT: &[&str] = &[
    "search",
    "search_rows",
    "uploads",
    "idempotency",
    "used_challenges",
    "streams",
    "chunk_claims",
    "_sqlx_migrations",
    "sqlite_sequence",
];

/// Tables whose rows are numbered by the database, and by which column.
const NUMBERED: &[(&str, &str)] = &[("jobs", "id"), ("events", "seq"), ("audit", "seq"), ("deliveries", "id")];

/// The first line's `format`; a change of what the lines mean changes it.
const FORMAT: &str = "streamgate catalogue 1";

impl Catalogue {
    /// Writes all rows as they are at one moment, whoever writes meanwhile. Answers how many.
    pub async fn dump(&self, to: &mut impl Write) -> Result<u64, StoreError> {
        let mut tx = match self.dialect {
            Dialect::Sqlite => self.read.begin(None).await?,
            Dialect::Postgres => self.read.begin(Some("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?,
        };
        self.unhurried(&mut tx).await?;
        let head = json!({ "format": FORMAT, "schema": self.schema(&mut tx).await? });
        line(to, &head)?;
        let mut rows = 0;
        for table in TABLES {
            let sql = format!("SELECT * FROM {table}");
            let mut found = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch(&mut tx);
            while let Some(row) = futures_util::TryStreamExt::try_next(&mut found).await? {
                line(to, &json!({ "table": table, "row": read(&row)? }))?;
                rows += 1;
            }
        }
        line(to, &json!({ "rows": rows }))?;
        Ok(rows)
    }

    /// Enters the rows of a dump into a catalogue that has none, all or nothing. Answers how many.
    pub async fn load(&self, from: &mut impl BufRead) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        self.unhurried(&mut tx).await?;
        let mut lines = from.lines().map(|line| {
            let line = line.map_err(|e| StoreError::Damaged(format!("the dump cannot be read: {e}")))?;
            serde_json::from_str::<Value>(&line).map_err(|e| StoreError::Damaged(format!("a line of the dump: {e}")))
        });
        let head = lines.next().transpose()?.unwrap_or_default();
        let schema = self.schema(&mut tx).await?;
        if head["format"] != FORMAT || head["schema"] != schema {
            let told = format!(
                "this program reads \"{FORMAT}\" of schema {schema}; the dump is {head}. Restore it with the program that made it, then start this one."
            );
            return Err(StoreError::Server(told));
        }
        if super::sql::is_there(&mut tx, sqlx::query("SELECT 1 FROM assets LIMIT 1")).await? {
            return Err(StoreError::Server("this catalogue has assets already; restore into an empty one".into()));
        }
        for table in TABLES {
            // What a first start wrote by itself.
            sqlx::query(sqlx::AssertSqlSafe(format!("DELETE FROM {table}"))).execute(&mut *tx).await?;
        }
        let (mut rows, mut told) = (0, None);
        for line in lines {
            let line = line?;
            let Some(table) = line["table"].as_str() else {
                told = line["rows"].as_u64();
                break;
            };
            let table = TABLES.iter().find(|known| **known == table);
            let (Some(table), Some(row)) = (table, line["row"].as_object()) else {
                return Err(StoreError::Damaged(format!("a line of the dump: {line}")));
            };
            insert(&mut tx, table, row).await?;
            rows += 1;
        }
        if told != Some(rows) {
            return Err(StoreError::Damaged(format!("the dump ends early, after {rows} rows")));
        }
        self.number_on(&mut tx).await?;
        tx.commit().await?;
        self.index_missing().await?;
        if self.dialect == Dialect::Postgres {
            // Until its autovacuum has counted these rows, the server plans as for a few.
            if let Err(error) = sqlx::query("ANALYZE").execute(&self.write).await {
                tracing::warn!(%error, "the new rows are not counted yet");
            }
        }
        Ok(rows)
    }

    /// Tables that a dump would forget: none, as a test asks.
    pub async fn undumped(&self) -> Result<Vec<String>, StoreError> {
        let sql = match self.dialect {
            Dialect::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_%'",
            Dialect::Postgres => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()",
        };
        let all: Vec<String> = sqlx::query_scalar(sql).fetch_all(&self.read).await?;
        Ok(all.into_iter().filter(|name| ![TABLES, LEFT_OUT].concat().contains(&name.as_str())).collect())
    }

    /// Whoever takes or brings the lines may be slow, and the transaction waits for them.
    async fn unhurried(&self, tx: &mut Line) -> Result<(), StoreError> {
        if self.dialect == Dialect::Postgres {
            sqlx::query("SET LOCAL idle_in_transaction_session_timeout = 0").execute(tx).await?;
        }
        Ok(())
    }

    /// The number of the last migration.
    async fn schema(&self, tx: &mut Line) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(tx).await?)
    }

    /// The next row of each table gets a number above those that were entered.
    async fn number_on(&self, tx: &mut Tx) -> Result<(), StoreError> {
        if self.dialect == Dialect::Sqlite {
            return Ok(()); // it looks at the rows by itself
        }
        for (table, column) in NUMBERED {
            let sql = format!(
                "SELECT 1 FROM (SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) \
                 FROM {table} HAVING max({column}) IS NOT NULL) AS numbered"
            );
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut **tx).await?;
        }
        Ok(())
    }
}

fn line(to: &mut impl Write, value: &Value) -> Result<(), StoreError> {
    let written =
        serde_json::to_writer(&mut *to, value).map_err(std::io::Error::from).and_then(|()| to.write_all(b"\n"));
    written.map_err(|e| StoreError::io("write", std::path::Path::new("the dump"), e))
}

/// The columns that have a value. Bytes are `{"hex": "..."}`.
fn read(row: &AnyRow) -> Result<Map<String, Value>, StoreError> {
    let mut values = Map::new();
    for (index, column) in row.columns().iter().enumerate() {
        let raw = row.try_get_raw(index)?;
        if raw.is_null() {
            continue;
        }
        let value = match raw.type_info().kind() {
            AnyTypeInfoKind::Text => row.try_get::<String, _>(index)?.into(),
            AnyTypeInfoKind::Real | AnyTypeInfoKind::Double => row.try_get::<f64, _>(index)?.into(),
            AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
                row.try_get::<i64, _>(index)?.into()
            }
            AnyTypeInfoKind::Blob => json!({ "hex": hex(row.try_get(index)?) }),
            _ => return Err(StoreError::Damaged(format!("a column of type {}", raw.type_info().name()))),
        };
        values.insert(column.name().to_owned(), value);
    }
    Ok(values)
}

async fn insert(tx: &mut Tx, table: &str, row: &Map<String, Value>) -> Result<(), StoreError> {
    let bad = || StoreError::Damaged(format!("a row of {table} in the dump"));
    let mut sql = Sql::new(&format!("INSERT INTO {table} ("));
    for (n, name) in row.keys().enumerate() {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err(bad());
        }
        sql.push(if n == 0 { "" } else { ", " }).push(name);
    }
    sql.push(") VALUES (");
    for (n, value) in row.values().enumerate() {
        sql.push(if n == 0 { "" } else { ", " });
        match value {
            Value::String(text) => sql.push_bind(text.clone()),
            Value::Number(number) => match number.as_i64() {
                Some(whole) => sql.push_bind(whole),
                None => sql.push_bind(number.as_f64().ok_or_else(bad)?),
            },
            Value::Object(bytes) => sql.push_bind(unhex(bytes["hex"].as_str().ok_or_else(bad)?).ok_or_else(bad)?),
            _ => return Err(bad()),
        };
    }
    sql.push(")");
    sql.build_query().execute(&mut **tx).await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok().filter(|p| p.len() == 2)?, 16).ok()).collect()
}
