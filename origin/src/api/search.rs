//! `GET /api/v1/search?q=..`: assets that have all words of `q`, best first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::content::{self, FilterWords};
use super::problem::{Problem, Refusal};
use super::{json, page};
use crate::house::House;
use crate::limits::{SEARCH_CHARS_MAX, SEARCH_HITS_MAX};

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
    let skip = page::open(asked.after.as_deref(), |text| text.parse::<u32>().ok())?.unwrap_or(0);
    if skip >= SEARCH_HITS_MAX {
        return Err(Refusal::BadQuery.because(format!("A search goes {SEARCH_HITS_MAX} hits deep; use more words.")));
    }
    let Asked { q, owner, state, visibility, language, tag, category, .. } = asked;
    let filter = FilterWords { owner, state, visibility, language, tag, category, from_ms: None, until_ms: None };
    let hits = house.store.catalogue.search(&q, &filter.filter()?, skip, limit).await?;
    let next = (hits.len() == limit as usize).then(|| page::seal(&(skip + limit).to_string()));
    let items: Vec<Value> = hits.iter().map(content::summary).collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items, "next": next })))
}
