//! `GET /api/v1/search?q=..`: assets that have all words of `q`, those with them in the title first, each by age.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use durable::catalogue::Place;
use serde::Deserialize;
use serde_json::{Value, json};

use super::content::{self, FilterWords};
use super::problem::{Problem, Refusal};
use super::{json, page};
use crate::house::House;
use crate::limits::SEARCH_CHARS_MAX;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    q: String,
    limit: Option<u32>,
    after: Option<String>,
    owner: Option<String>,
    state: Option<content::StateWord>,
    visibility: Option<content::VisibilityWord>,
    language: Option<String>,
    tag: Option<String>,
    category: Option<String>,
}

pub(super) async fn search(State(house): State<Arc<House>>, uri: Uri) -> Result<Response, Problem> {
    let asked: Asked = json::query(&uri)?;
    if asked.q.chars().count() > SEARCH_CHARS_MAX {
        return Err(Refusal::BadQuery.because(format!("q has at most {SEARCH_CHARS_MAX} characters.")));
    }
    let limit = page::limit(asked.limit)?;
    let after = page::open(asked.after.as_deref(), |text| {
        let (tier, row) = text.split_once('.')?;
        Some(Place { tier: tier.parse().ok()?, row: row.parse().ok()? })
    })?;
    let Asked { q, owner, state, visibility, language, tag, category, .. } = asked;
    let filter = FilterWords { owner, state, visibility, language, tag, category, from_ms: None, until_ms: None };
    let hits = house.store.catalogue.search(&q, &filter.filter()?, after.as_ref(), limit).await?;
    let last = hits.last().filter(|_| hits.len() == limit as usize);
    let next = last.map(|hit| page::seal(&format!("{}.{}", hit.place.tier, hit.place.row)));
    let items: Vec<Value> = hits.iter().map(|hit| content::summary(&hit.asset)).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}
