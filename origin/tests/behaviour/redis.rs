//! Promised: gateways that share a Redis count together, exactly; and one that does not answer is done without: nothing is refused for
//! it, and it is used again when it is there.

use std::time::{Duration, Instant};

use origin::{ChainConfig, Rate};
use serde_json::{Value, json};

use crate::signin::{Wallet, login, settings};
use crate::support::chain::FakeChain;
use crate::support::redis::Redis;
use crate::support::{Site, http};

const PATIENCE: Duration = Duration::from_secs(60);

async fn stats(site: &Site) -> Value {
    let answer = site.api("GET", "/api/v1/cache/stats", b"").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// A request that costs one of the address's bucket and reads nothing.
async fn ask(site: &Site) -> u16 {
    let headers = [("authorization", "Bearer sg-guess")];
    http::request(site.origin.addr(), "GET", "/api/v1/content", &headers, b"").await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn three_gateways_let_as_many_through_as_one_would() {
    let redis = Redis::start();
    let start = || {
        Site::start(|config| {
            config.redis = Some(redis.url());
            // Less than one fills again while the test runs.
            config.address_rate = Some(Rate { per_second: 1, burst: 50 });
        })
    };
    let sites = [start().await, start().await, start().await];
    let begun = Instant::now();
    let asks = (0..150).map(|n| ask(&sites[n % 3]));
    let statuses = futures_util::future::join_all(asks).await;
    let through = statuses.iter().filter(|status| **status == 401).count();
    let filled = begun.elapsed().as_secs() as usize + 1;
    assert!((50..=50 + filled).contains(&through), "{through}, and {filled} were filled again");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 150 - through);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_gone_refuses_nothing_and_is_used_again_when_it_is_back() {
    let mut redis = Redis::planned();
    let site = Site::start(|config| {
        settings(config);
        config.redis = Some(redis.url());
        config.key_rate = Some(Rate { per_second: 100_000, burst: 100_000 });
    })
    .await;
    let is_asked = async |wanted: bool| {
        let begun = Instant::now();
        loop {
            let now = stats(&site).await;
            if now["reachable"] == wanted {
                return now;
            }
            assert!(begun.elapsed() < PATIENCE, "{now}");
        }
    };
    // It is not there from the start.
    let gone = is_asked(false).await;
    assert_eq!(gone["engine"], "redis");
    let standing = async || {
        let ready = site.get("/readyz", &[]).await;
        (ready.status, ready.json()["status"].clone(), ready.json()["parts"]["redis"].clone())
    };
    assert_eq!(standing().await, (200, "ready in part".into(), "away".into()));
    assert!(gone["unanswered"].as_u64().unwrap() >= 3, "{gone}");
    let alice = login(&site, &Wallet::new(1)).await;
    let token = alice["access_token"].as_str().unwrap();
    let verify = async || site.with(token, "GET", "/api/v1/auth/verify", b"").await;
    assert_eq!(verify().await.status, 200, "the catalogue knows the session");
    for round in 0..2 {
        redis.run();
        is_asked(true).await;
        let before = stats(&site).await["hits"].as_u64().unwrap();
        while stats(&site).await["hits"].as_u64().unwrap() == before {
            assert_eq!(verify().await.status, 200);
        }
        let answer = verify().await;
        assert_eq!((answer.status, answer.headers.contains_key("ratelimit")), (200, true), "round {round}");
        redis.stop();
        for _ in 0..20 {
            assert_eq!(verify().await.status, 200, "it is gone, round {round}");
        }
        is_asked(false).await;
    }
    redis.run();
    is_asked(true).await;
    assert_eq!(standing().await, (200, "ready".into(), "ok".into()));
    while stats(&site).await["hits"].as_u64().unwrap() < 4 {
        assert_eq!(verify().await.status, 200);
    }
    assert_eq!(site.with(token, "POST", "/api/v1/auth/logout", b"").await.status, 204);
    assert_eq!(verify().await.problem(), (401, "session_ended".into()), "at once, though it was kept");
}

/// What a contract said at a block is immutable under the block's hash, and so good for every process that trusts the same Redis.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_gateway_has_read_of_a_chain_another_does_not_ask() {
    let nft = "0x1111111111111111111111111111111111111111";
    let ann = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let redis = Redis::start();
    let chain = FakeChain::start().await;
    chain.contract(nft, "80ac58cd");
    chain.balance(nft, ann, 1);
    let rule = json!({ "rule": { "erc721": { "chain": "anvil", "contract": nft, "min_balance": "1" } } }).to_string();
    let mut sites = Vec::new();
    for _ in 0..2 {
        let site = Site::start(|config| {
            config.redis = Some(redis.url());
            config.chains = vec![ChainConfig::known("anvil", vec![chain.url.clone()]).unwrap()];
        })
        .await;
        let id = site.upload("", b"no video at all").await;
        let path = format!("/api/v1/content/{id}/gating-rules");
        assert_eq!(site.api("PUT", &path, rule.as_bytes()).await.status, 200);
        sites.push((site, id));
    }
    let before = chain.calls();
    for (site, id) in &sites {
        site.origin.watch(id, &[ann]).await.unwrap();
    }
    assert_eq!(chain.calls() - before, 1);
}
