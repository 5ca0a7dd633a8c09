//! `GET /api/v1/monitor/logs[?level=warn]`: the last lines of this process's log, youngest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::Level;

use super::problem::Problem;
use super::{json, page};
use crate::house::House;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LevelWord {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<u32>,
    after: Option<String>,
    /// And what is graver.
    level: Option<LevelWord>,
}

pub(super) async fn list(State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let asked: Asked = json::query(&uri)?;
    let limit = page::limit(asked.limit)?;
    let before = page::open(asked.after.as_deref(), |text| text.parse().ok())?.unwrap_or(u64::MAX);
    let level = match asked.level {
        Some(LevelWord::Error) => Level::ERROR,
        Some(LevelWord::Warn) => Level::WARN,
        Some(LevelWord::Info) => Level::INFO,
        Some(LevelWord::Debug) => Level::DEBUG,
        Some(LevelWord::Trace) | None => Level::TRACE,
    };
    let lines = house.config.logs.before(before, level, limit);
    let next = lines.last().filter(|_| lines.len() == limit as usize).map(|line| page::seal(&line.seq.to_string()));
    let items: Vec<Value> = lines
        .iter()
        .map(|line| {
            let level = line.level.as_str().to_ascii_lowercase();
            json!({ "seq": line.seq, "at_ms": line.at_ms, "level": level, "target": line.target, "text": line.text })
        })
        .collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}
