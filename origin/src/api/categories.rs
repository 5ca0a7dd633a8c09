//! `/api/v1/categories`: what operators offer for sorting assets.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use durable::catalogue::{CategoryEnd, CategoryMade};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::json;
use super::problem::{Problem, Refusal};
use crate::access::Caller;
use crate::clock::now_ms;
use crate::house::House;
use crate::limits::NAME_CHARS_MAX;

/// `GET /api/v1/categories`: all of them.
pub(super) async fn list(State(house): State<Arc<House>>) -> Result<Response, Problem> {
    let all = house.store.catalogue.categories().await?;
    let items: Vec<Value> = all
        .iter()
        .map(|c| json!({ "id": c.id, "name": c.name, "assets": c.assets, "created_ms": c.created_ms }))
        .collect();
    Ok(json::answer(StatusCode::OK, &json!({ "items": items })))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCategory)]
pub(super) struct Wanted {
    id: String,
    name: String,
}

/// `POST /api/v1/categories` with `{ "id", "name" }`.
pub(super) async fn create(
    caller: Caller,
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Wanted { id, name } = json::read(&headers, body).await?;
    let plain = id.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if !(1..=64).contains(&id.len()) || !plain {
        return Err(Refusal::BadBody.because("The id of a category is 1 to 64 of a-z, 0-9 and -."));
    }
    let name = checked(name)?;
    match house.store.catalogue.create_category(&id, &name, &caller.actor(), now_ms()).await? {
        CategoryMade::Made => Ok(json::answer(StatusCode::CREATED, &json!({ "id": id, "name": name }))),
        CategoryMade::Taken => Err(Refusal::CategoryTaken.because("Choose another id, or change that one's name.")),
        CategoryMade::Full => Err(Refusal::CategoryTaken.because("There are as many categories as may be.")),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CategoryName)]
pub(super) struct Renamed {
    name: String,
}

/// `PATCH /api/v1/categories/{id}` with `{ "name" }`.
pub(super) async fn rename(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Renamed { name } = json::read(&headers, body).await?;
    let name = checked(name)?;
    if !house.store.catalogue.rename_category(&id, &name, &caller.actor(), now_ms()).await? {
        return Err(unknown());
    }
    Ok(json::answer(StatusCode::OK, &json!({ "id": id, "name": name })))
}

/// `DELETE /api/v1/categories/{id}`.
pub(super) async fn delete(
    caller: Caller,
    State(house): State<Arc<House>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    match house.store.catalogue.delete_category(&id, &caller.actor(), now_ms()).await? {
        CategoryEnd::Gone => Ok(StatusCode::NO_CONTENT.into_response()),
        CategoryEnd::Unknown => Err(unknown()),
        CategoryEnd::InUse => Err(Refusal::CategoryInUse.because("Take it off the assets that carry it first.")),
    }
}

fn checked(name: String) -> Result<String, Problem> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_CHARS_MAX || name.contains(char::is_control) {
        let rule = format!("A name has 1 to {NAME_CHARS_MAX} characters and no control characters.");
        return Err(Refusal::BadBody.because(rule));
    }
    Ok(name.to_owned())
}

fn unknown() -> Problem {
    Refusal::UnknownCategory.because("GET /api/v1/categories names those that there are.")
}
