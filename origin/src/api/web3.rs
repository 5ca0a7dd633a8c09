//! `/api/v1/web3`: which chains rules may name, and how their endpoints do.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::json;
use crate::clock::now_ms;
use crate::gate::chains::{Block, Chain};
use crate::house::House;

/// `GET /api/v1/web3/supported-chains`.
pub(super) async fn supported_chains(State(house): State<Arc<House>>) -> Response {
    let chains = house.chains.iter().map(|chain| {
        let config = &chain.config;
        json!({ "name": config.name, "id": config.id, "finality": config.finality.to_string() })
    });
    json::answer(StatusCode::OK, &json!({ "chains": chains.collect::<Vec<_>>() }))
}

/// `GET /api/v1/web3/rpc-status`: asks each chain for its blocks, then tells how the endpoints did.
pub(super) async fn rpc_status(State(house): State<Arc<House>>) -> Response {
    let chains = futures_util::future::join_all(house.chains.iter().map(|chain| status(chain))).await;
    json::answer(StatusCode::OK, &json!({ "chains": chains }))
}

async fn status(chain: &Chain) -> Value {
    let heads = chain.heads(now_ms()).await;
    let now = Instant::now();
    let endpoints = chain.endpoints.iter().map(|endpoint| {
        let health = endpoint.health();
        json!({
            "host": endpoint.host(),
            "on_this_chain": health.is_verified,
            "latency_ms": health.latency.map(|latency| latency.as_millis()),
            "answers_total": health.answers_total,
            "failures_total": health.failures_total,
            "resting": health.rests(now),
            "last_error": health.last_error.as_ref().map(crate::gate::chains::RpcError::word),
        })
    });
    let block = |block: &Block| json!({ "number": block.number, "hash": block.hash.to_string(), "at_s": block.at_s });
    json!({
        "name": chain.config.name,
        "id": chain.config.id,
        "quorum": chain.config.quorum,
        "last": heads.as_ref().ok().map(|heads| block(&heads.last)),
        "settled": heads.as_ref().ok().map(|heads| block(&heads.settled)),
        "error": heads.as_ref().err().map(ToString::to_string),
        "blocks": match chain.is_told() {
            Some(true) => "told",
            Some(false) => "told-no-more",
            None => "looked-for",
        },
        "endpoints": endpoints.collect::<Vec<_>>(),
    })
}
