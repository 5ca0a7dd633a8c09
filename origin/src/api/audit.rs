//! `GET /api/v1/audit[?object=..]`: who did what, youngest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::{json, page};
use crate::house::House;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    limit: Option<u32>,
    after: Option<String>,
    object: Option<String>,
}

pub(super) async fn list(State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let asked: Asked = json::query(&uri)?;
    let limit = page::limit(asked.limit)?;
    let before = page::open(asked.after.as_deref(), |text| text.parse().ok())?.unwrap_or(i64::MAX);
    let deeds = house.store.catalogue.audit(asked.object.as_deref(), before, limit).await?;
    let next = deeds.last().filter(|_| deeds.len() == limit as usize).map(|deed| page::seal(&deed.seq.to_string()));
    let items: Vec<Value> = deeds
        .iter()
        .map(|deed| {
            let body: Value = serde_json::from_str(&deed.body).unwrap_or_default();
            json!({ "seq": deed.seq, "at_ms": deed.at_ms, "actor": deed.actor, "key": deed.key, "action": deed.action,
                    "object": deed.object, "body": body })
        })
        .collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}
