//! Promised: the stored rule decides who may watch, whatever a client says; any doubt is a refusal, and a refusal says what is
//! missing.

use std::time::{Duration, Instant};

use origin::{ChainConfig, NotLetIn};
use serde_json::{Value, json};

use crate::signin;
use crate::support::chain::FakeChain;
use crate::support::{Site, http};

const NFT: &str = "0x1111111111111111111111111111111111111111";
const ANN: &str = "0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "0xbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const ERC721: &str = "80ac58cd";

async fn site(chain: &FakeChain) -> Site {
    let url = chain.url.clone();
    Site::start(|config| config.chains = vec![ChainConfig::known("anvil", vec![url]).unwrap()]).await
}

fn held() -> Value {
    json!({ "erc721": { "chain": "anvil", "contract": NFT, "min_balance": "1", "name": "Seals", "link": "https://seals.example" } })
}

async fn put(site: &Site, id: &str, rule: &Value) -> http::Answer {
    site.api("PUT", &format!("/api/v1/content/{id}/gating-rules"), rule.to_string().as_bytes()).await
}

/// Until whoever asks is told this.
async fn until(site: &Site, id: &str, wallets: &[&str], wanted: impl Fn(&Result<origin::Minted, NotLetIn>) -> bool) {
    let begun = Instant::now();
    loop {
        let got = site.origin.watch(id, wallets).await;
        if wanted(&got) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays at {got:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_is_let_in_until_the_token_is_given_away_and_others_are_told_what_is_missing() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    for (holder, n) in [(ANN, 1), (BOB, 0)] {
        chain.balance(NFT, holder, n);
    }
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    assert!(matches!(site.origin.watch(&id, &[ANN]).await, Err(NotLetIn::NoRule)));
    let answer = put(&site, &id, &json!({ "rule": held(), "token_seconds": 600 })).await;
    assert_eq!((answer.status, answer.header("etag")), (200, "\"1\""), "{answer:?}");
    assert_eq!(site.api("GET", &format!("/api/v1/content/{id}"), b"").await.json()["visibility"], "gated");

    let minted = site.origin.watch(&id, &[BOB, ANN]).await.unwrap();
    assert_eq!(minted.prefix, format!("/v/{id}/"));
    let Err(NotLetIn::NotMet(missing)) = site.origin.watch(&id, &[BOB]).await else { panic!("not let in") };
    let said = json!([{ "standard": "erc721", "chain": "anvil", "contract": NFT, "amount": "1", "token_ids": [],
        "name": "Seals", "link": "https://seals.example", "wanted": true, "why": "not-met" }]);
    assert_eq!(Value::from(missing), said);

    chain.balance(NFT, ANN, 0);
    until(&site, &id, &[ANN], |got| matches!(got, Err(NotLetIn::NotMet(_)))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signed_in_with_the_wallet_that_holds_it_is_let_in_and_nobody_else() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    let (holder, other) = (signin::Wallet::new(1), signin::Wallet::new(2));
    for (wallet, n) in [(&holder, 1), (&other, 0)] {
        chain.balance(NFT, &wallet.address(), n);
    }
    let url = chain.url.clone();
    let site = Site::start(|config| {
        signin::settings(config);
        config.chains = vec![ChainConfig::known("anvil", vec![url]).unwrap()];
    })
    .await;
    let id = site.upload("", b"no video at all").await;
    assert_eq!(put(&site, &id, &json!({ "rule": held() })).await.status, 200);
    let path = format!("/api/v1/content/{id}/watch");
    let mut answers = Vec::new();
    for wallet in [&holder, &other] {
        let tokens = signin::login(&site, wallet).await;
        answers.push(site.with(tokens["access_token"].as_str().unwrap(), "POST", &path, b"").await);
    }
    assert_eq!(answers[0].status, 201, "{:?}", answers[0]);
    assert!(answers[0].json()["playback"]["hls"].as_str().unwrap().ends_with(&format!("/v/{id}/master.m3u8")));
    assert_eq!(answers[1].problem(), (403, "rule_not_met".into()));
    assert_eq!(answers[1].json()["missing"][0]["contract"], NFT);
    assert_eq!(
        site.api("POST", &path, b"").await.problem(),
        (403, "rule_not_met".into()),
        "the bootstrap key is no wallet"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_client_says_names_a_contract_and_the_problem_lists_what_is_missing() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    assert_eq!(put(&site, &id, &json!({ "rule": held() })).await.status, 200);
    for (query, body) in [
        ("", String::new()),
        ("?contract=0x2222222222222222222222222222222222222222&chain=anvil&min_balance=0", String::new()),
        (
            "?wallet=0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            json!({ "rule": { "valid": { "from_ms": 0 } }, "wallets": [ANN] }).to_string(),
        ),
    ] {
        let answer = site.api("POST", &format!("/api/v1/content/{id}/watch{query}"), body.as_bytes()).await;
        assert_eq!(answer.problem(), (403, "rule_not_met".into()), "{query}");
        assert_eq!(answer.json()["missing"][0]["contract"], NFT, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_endpoint_lets_nobody_in_but_those_of_the_rule_s_grace() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    chain.balance(NFT, ANN, 1);
    let site = site(&chain).await;
    let (strict, kind) = (site.upload("", b"no video at all").await, site.upload("", b"nor this").await);
    assert_eq!(put(&site, &strict, &json!({ "rule": held() })).await.status, 200);
    assert_eq!(put(&site, &kind, &json!({ "rule": held(), "grace_seconds": 600 })).await.status, 200);
    for id in [&strict, &kind] {
        site.origin.watch(id, &[ANN]).await.unwrap();
    }
    chain.mine(|state| state.is_dead = true);
    until(&site, &strict, &[ANN], |got| matches!(got, Err(NotLetIn::NotRead(_)))).await;
    site.origin.watch(&kind, &[ANN]).await.unwrap();
    assert!(matches!(site.origin.watch(&kind, &[BOB]).await, Err(NotLetIn::NotRead(_))));
    // What the dead chain is asked for twice over is in doubt; a rule that others decide is not.
    let answer = put(&site, &strict, &json!({ "rule": held() })).await;
    assert_eq!(answer.problem(), (503, "chain_not_read".into()));
    let status = site.api("GET", "/api/v1/web3/rpc-status", b"").await.json();
    assert!(status["chains"][0]["last"].is_null(), "{status}");
}

/// A token given away before the chain fell silent: the grace is for who held it when it was last read.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_has_no_grace_when_the_chain_falls_silent_afterwards() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    chain.balance(NFT, ANN, 1);
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    assert_eq!(put(&site, &id, &json!({ "rule": held(), "grace_seconds": 600 })).await.status, 200);
    site.origin.watch(&id, &[ANN]).await.unwrap();
    chain.balance(NFT, ANN, 0);
    until(&site, &id, &[ANN], |got| matches!(got, Err(NotLetIn::NotMet(_)))).await;
    chain.mine(|state| state.is_dead = true);
    until(&site, &id, &[ANN], |got| matches!(got, Err(NotLetIn::NotRead(_)))).await;
}

/// What stands under `not` opens for an answer of no, and for nothing less.
#[tokio::test(flavor = "multi_thread")]
async fn no_wallet_and_no_clear_answer_open_what_stands_under_not() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    chain.balance(NFT, ANN, 0);
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    let doubt = async |wallets: &[&str], why: &str| {
        let Err(NotLetIn::NotMet(missing)) = site.origin.watch(&id, wallets).await else { panic!("{why}: let in") };
        assert_eq!(missing[0]["why"], why);
    };
    for list in ["allow", "deny"] {
        assert_eq!(put(&site, &id, &json!({ "rule": { "not": { list: [BOB] } } })).await.status, 200);
        doubt(&[], "no-wallet").await;
    }
    assert_eq!(put(&site, &id, &json!({ "rule": { "not": held() } })).await.status, 200);
    site.origin.watch(&id, &[ANN]).await.unwrap();
    doubt(&[], "no-wallet").await;
    // The balance of BOB reverts.
    doubt(&[BOB], "contract-garbled").await;
    let balance_of = |holder: &str| format!("0x70a08231{:0>64}", holder.trim_start_matches("0x"));
    let zeros = format!("0x{}", "00".repeat(64));
    chain.mine(|state| drop(state.words.insert((NFT.to_owned(), balance_of(ANN)), zeros)));
    until(
        &site,
        &id,
        &[ANN],
        |got| matches!(got, Err(NotLetIn::NotMet(missing)) if missing[0]["why"] == "contract-garbled"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_looked_at_before_it_is_stored() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    let nowhere = "0x3333333333333333333333333333333333333333";
    let with = |key: &str, value: &str| {
        let mut rule = held();
        rule["erc721"][key] = value.into();
        rule
    };
    let erc1155 = json!({ "erc1155": { "chain": "anvil", "contract": NFT, "id": "7", "min_balance": "1" } });
    let erc20 = json!({ "erc20": { "chain": "anvil", "contract": NFT, "min_units": "1" } });
    for (rule, words) in [
        (with("chain", "base"), "There is no chain \"base\""),
        (with("contract", nowhere), "There is no contract at"),
        (erc1155, "is no ERC-1155"),
        (erc20, "is no ERC-20"),
        (json!({ "all": [] }), "need a condition"),
    ] {
        let answer = put(&site, &id, &json!({ "rule": rule })).await;
        assert_eq!(answer.problem(), (422, "bad_rule".into()), "{rule}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{answer:?}");
    }
    for bad in [json!({}), json!({ "rule": { "erc404": {} } }), json!({ "rule": with("min_balance", "-1") })] {
        assert_eq!(put(&site, &id, &bad).await.problem(), (400, "bad_body".into()), "{bad}");
    }
    assert!(matches!(site.origin.watch(&id, &[ANN]).await, Err(NotLetIn::NoRule)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_someone_else_wrote_is_not_overwritten_and_one_taken_away_closes() {
    let chain = FakeChain::start().await;
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    let path = format!("/api/v1/content/{id}/gating-rules");
    let rule = json!({ "rule": { "any": [{ "allow": [ANN] }, { "valid": { "until_ms": 5 } }] } });
    assert_eq!(site.api("GET", &path, b"").await.problem(), (404, "unknown_rule".into()));
    assert_eq!(put(&site, &id, &rule).await.status, 200);
    let key = format!("Bearer {}", site.origin.api_key());
    let write = async |tag: &str| {
        let headers = [("authorization", key.as_str()), ("if-match", tag)];
        http::request(site.origin.addr(), "PUT", &path, &headers, rule.to_string().as_bytes()).await
    };
    assert_eq!(write("\"1\"").await.header("etag"), "\"2\"");
    assert_eq!(write("\"1\"").await.problem(), (412, "stale".into()));
    assert_eq!(site.api("GET", &path, b"").await.json()["version"], 2);
    site.origin.watch(&id, &[ANN]).await.unwrap();
    assert!(matches!(site.origin.watch(&id, &[BOB]).await, Err(NotLetIn::NotMet(_))));
    assert_eq!(site.api("DELETE", &path, b"").await.status, 200);
    assert!(matches!(site.origin.watch(&id, &[ANN]).await, Err(NotLetIn::NoRule)));
}

/// What is kept is kept under the hash of its block: in another history nothing of it counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_reorganisation_voids_what_was_read() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    for (holder, n) in [(ANN, 1), (BOB, 0)] {
        chain.balance(NFT, holder, n);
    }
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    assert_eq!(put(&site, &id, &json!({ "rule": held() })).await.status, 200);
    chain.transfer(NFT, ANN, BOB);
    until(&site, &id, &[BOB], Result::is_ok).await;
    chain.reorganise();
    until(&site, &id, &[BOB], |got| matches!(got, Err(NotLetIn::NotMet(_)))).await;
    site.origin.watch(&id, &[ANN]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_at_a_block_is_asked_once() {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    chain.balance(NFT, ANN, 1);
    let site = site(&chain).await;
    let id = site.upload("", b"no video at all").await;
    assert_eq!(put(&site, &id, &json!({ "rule": held() })).await.status, 200);
    let before = chain.calls();
    let asked = (0..50).map(|_| site.origin.watch(&id, &[ANN]));
    for got in futures_util::future::join_all(asked).await {
        got.unwrap();
    }
    assert_eq!(chain.calls() - before, 1);
}
