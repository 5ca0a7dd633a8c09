//! Promised: gateways that share a Redis count together, exactly; one that does not answer is done without, and is used again when it is there.
//! Only rules are not decided while it is away: whoever asks to watch is told 503, and nobody is let in or turned away.

use std::time::{Duration, Instant};

use origin::{ChainConfig, NotLetIn, Rate};
use serde_json::{Value, json};

use crate::grpc;
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
async fn a_redis_that_is_gone_is_done_without_and_used_again_when_it_is_back() {
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

/// The time within which somebody is told that nobody is let in now.
const SOON: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_does_not_answer_no_rule_is_decided_and_everything_else_goes_on() {
    let mut redis = Redis::start();
    let site = Site::start(|config| {
        settings(config);
        config.redis = Some(redis.url());
        config.address_rate = Some(Rate { per_second: 100_000, burst: 100_000 });
    })
    .await;
    let (alice, bob) = (Wallet::new(1), Wallet::new(2));
    let mut keys = Vec::new();
    for wallet in [&alice, &bob] {
        keys.push(login(&site, wallet).await["access_token"].as_str().unwrap().to_owned());
    }
    let (open, gated) = (site.ready("").await, site.upload("", b"no video at all").await);
    let rule = json!({ "rule": { "allow": [alice.address()] } });
    let path = format!("/api/v1/content/{gated}/gating-rules");
    assert_eq!(site.api("PUT", &path, rule.to_string().as_bytes()).await.status, 200);
    let tried = json!({ "rule": rule, "wallets": [alice.address()] }).to_string();
    let watch = async |key: &str| site.with(key, "POST", &format!("/api/v1/content/{gated}/watch"), b"").await;
    let verify = async || site.api("POST", "/api/v1/nft/verify", tried.as_bytes()).await;
    let twin =
        async || grpc::call(&site, Some(&keys[0]), "streamgate.v1.NftService/AskToWatch", &grpc::named(&gated)).await;
    for round in 0..2 {
        // Also right after it is back: an answer, or once more the 503 and nothing else.
        let begun = Instant::now();
        loop {
            let answer = watch(&keys[0]).await;
            if answer.status == 201 {
                break;
            }
            assert_eq!(answer.problem(), (503, "redis_away".into()), "{answer:?}");
            assert!(begun.elapsed() < PATIENCE, "it does not come back");
        }
        assert_eq!(watch(&keys[1]).await.problem(), (403, "rule_not_met".into()));
        assert_eq!((verify().await.status, twin().await.status), (200, 0));
        let is_hung = round == 1;
        if is_hung {
            redis.freeze()
        } else {
            redis.stop()
        }
        for _ in 0..5 {
            for key in &keys {
                let begun = Instant::now();
                let answer = watch(key).await;
                assert!(begun.elapsed() < SOON, "{:?}, hung: {is_hung}", begun.elapsed());
                assert_eq!(answer.problem(), (503, "redis_away".into()), "{answer:?}");
                assert_eq!(answer.header("retry-after"), "2");
            }
            let answer = verify().await;
            assert_eq!((answer.problem(), answer.header("retry-after")), ((503, "redis_away".into()), "2"));
            let answer = twin().await;
            assert_eq!((answer.status, answer.code.as_str()), (14, "redis_away"));
        }
        for path in [&format!("/v/{open}/master.m3u8"), &format!("/v/{open}/manifest.mpd"), "/healthz"] {
            assert_eq!(site.get(path, &[]).await.status, 200, "{path}");
        }
        for path in [&format!("/api/v1/content/{gated}"), "/api/v1/search?q=clip", "/api/v1/auth/verify"] {
            assert_eq!(site.with(&keys[0], "GET", path, b"").await.status, 200, "{path}");
        }
        site.upload("", format!("no video in round {round}").as_bytes()).await;
        let ready = site.get("/readyz", &[]).await;
        assert_eq!((ready.status, ready.json()["parts"]["redis"].clone()), (200, "away".into()));
        if is_hung { redis.thaw() } else { redis.run() }
    }
    let begun = Instant::now();
    while watch(&keys[0]).await.status != 201 {
        assert!(begun.elapsed() < PATIENCE, "it does not come back");
    }
}

/// Questions to chains are bounded by what gateways share.
#[tokio::test(flavor = "multi_thread")]
async fn no_chain_is_asked_who_holds_what_while_redis_does_not_answer() {
    let (nft, ann) = ("0x1111111111111111111111111111111111111111", "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    let mut redis = Redis::start();
    let chain = FakeChain::start().await;
    chain.contract(nft, "80ac58cd");
    chain.balance(nft, ann, 1);
    let site = Site::start(|config| {
        config.redis = Some(redis.url());
        config.chains = vec![ChainConfig::known("anvil", vec![chain.url.clone()]).unwrap()];
    })
    .await;
    let id = site.upload("", b"no video at all").await;
    let rule = json!({ "rule": { "erc721": { "chain": "anvil", "contract": nft, "min_balance": "1" } }, "grace_seconds": 600 });
    let path = format!("/api/v1/content/{id}/gating-rules");
    assert_eq!(site.api("PUT", &path, rule.to_string().as_bytes()).await.status, 200);
    redis.stop();
    assert_eq!(site.api("GET", "/api/v1/content", b"").await.status, 200, "its rate is counted here");
    let before = chain.calls();
    for _ in 0..3 {
        assert!(matches!(site.origin.watch(&id, &[ann]).await, Err(NotLetIn::Unshared)));
    }
    assert_eq!(chain.calls(), before);
    redis.run();
    let begun = Instant::now();
    while site.origin.watch(&id, &[ann]).await.is_err() {
        assert!(begun.elapsed() < PATIENCE, "it does not come back");
    }
}
