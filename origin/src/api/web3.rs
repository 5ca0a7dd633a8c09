//! `/api/v1/web3`: which chains rules may name, and how their endpoints do.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::json;
use crate::clock::now_ms;
use crate::gate::ChainConfig;
use crate::gate::chains::solana::{Cluster, Slot};
use crate::gate::chains::{Block, Chain, ChainError, Endpoint};
use crate::house::House;

/// `GET /api/v1/web3/supported-chains`.
pub(super) async fn supported_chains(State(house): State<Arc<House>>) -> Response {
    let configs = house.chains.iter().map(|chain| &chain.config).chain(house.chains.clusters().map(|it| it.config()));
    let chains =
        configs.map(|config| json!({ "name": config.name, "id": config.id, "finality": config.finality.to_string() }));
    json::answer(StatusCode::OK, &json!({ "chains": chains.collect::<Vec<_>>() }))
}

/// `GET /api/v1/web3/rpc-status`: asks each chain for its blocks, then tells how the endpoints did.
pub(super) async fn rpc_status(State(house): State<Arc<House>>) -> Response {
    let chains = futures_util::future::join_all(house.chains.iter().map(|chain| status(chain))).await;
    let clusters = futures_util::future::join_all(house.chains.clusters().map(|cluster| slots(cluster))).await;
    let all = [chains, clusters].concat();
    json::answer(StatusCode::OK, &json!({ "chains": all }))
}

async fn status(chain: &Chain) -> Value {
    let heads = chain.heads(now_ms()).await;
    let block = |block: &Block| json!({ "number": block.number, "hash": block.hash.to_string(), "at_s": block.at_s });
    let heads = heads.map(|heads| (block(&heads.last), block(&heads.settled)));
    told((&chain.config, &chain.endpoints), heads, chain.is_told())
}

/// Of a cluster of Solana the slots stand for blocks; they have no hash here.
async fn slots(cluster: &Cluster) -> Value {
    let slot = |slot: &Slot| json!({ "number": slot.number, "hash": "", "at_s": slot.at_s });
    let slots = cluster.slots(now_ms()).await.map(|slots| (slot(&slots.last), slot(&slots.settled)));
    told((cluster.config(), cluster.endpoints()), slots, None)
}

fn told(
    (config, endpoints): (&ChainConfig, &[Arc<Endpoint>]),
    heads: Result<(Value, Value), ChainError>,
    is_told: Option<bool>,
) -> Value {
    let now = Instant::now();
    let endpoints = endpoints.iter().map(|endpoint| {
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
    let error = heads.as_ref().err().map(ToString::to_string);
    let (last, settled) = heads.ok().unzip();
    json!({
        "name": config.name,
        "id": config.id,
        "quorum": config.quorum,
        "last": last,
        "settled": settled,
        "error": error,
        "blocks": match is_told {
            Some(true) => "told",
            Some(false) => "told-no-more",
            None => "looked-for",
        },
        "endpoints": endpoints.collect::<Vec<_>>(),
    })
}
