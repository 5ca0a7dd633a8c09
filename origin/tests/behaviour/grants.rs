//! Promised: a token that a rule has given is taken back when the rule is not met any more, with an event that names it, and given back
//! when a reorganisation has undone the transfer.

use std::time::{Duration, Instant};

use origin::ChainConfig;
use serde_json::{Value, json};

use crate::signin::{self, Wallet};
use crate::support::Site;
use crate::support::chain::FakeChain;

const NFT: &str = "0x1111111111111111111111111111111111111111";
const OTHER: &str = "0x2222222222222222222222222222222222222222";
const ERC721: &str = "80ac58cd";
const SOON: Duration = Duration::from_secs(5);

struct Scene {
    chain: FakeChain,
    site: Site,
    id: String,
    holder: Wallet,
    token: String,
    seq: i64,
}

/// Somebody holds a token, and has been let in.
async fn scene() -> Scene {
    let chain = FakeChain::start().await;
    chain.contract(NFT, ERC721);
    let holder = Wallet::new(1);
    chain.balance(NFT, &holder.address(), 1);
    let url = chain.url.clone();
    let site = Site::start(|config| {
        signin::settings(config);
        config.chains = vec![ChainConfig::known("anvil", vec![url]).unwrap()];
    })
    .await;
    let id = site.upload("", b"no video at all").await;
    let mut scene = Scene { chain, site, id, holder, token: String::new(), seq: 0 };
    scene.write(&held("1")).await;
    scene.token = signin::login(&scene.site, &scene.holder).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(scene.watch().await, 201);
    scene.seq = scene.events("").await["last"].as_i64().unwrap();
    scene
}

fn held(amount: &str) -> Value {
    json!({ "erc721": { "chain": "anvil", "contract": NFT, "min_balance": amount } })
}

impl Scene {
    async fn write(&self, rule: &Value) {
        let body = json!({ "rule": rule }).to_string();
        let path = format!("/api/v1/content/{}/gating-rules", self.id);
        assert_eq!(self.site.api("PUT", &path, body.as_bytes()).await.status, 200);
    }

    async fn watch(&self) -> u16 {
        self.site.with(&self.token, "POST", &format!("/api/v1/content/{}/watch", self.id), b"").await.status
    }

    async fn events(&self, query: &str) -> Value {
        let key = self.site.origin.edge_key().to_owned();
        self.site.get(&format!("/api/v1/events{query}"), &[("streamgate-edge-key", &key)]).await.json()
    }

    /// The next event of this kind, which must come soon.
    async fn told(&mut self, kind: &str) -> Value {
        let begun = Instant::now();
        loop {
            let page = self.events(&format!("?after={}", self.seq)).await;
            self.seq = page["last"].as_i64().unwrap();
            if let Some(event) = page["events"].as_array().unwrap().iter().find(|event| event["kind"] == kind) {
                return event.clone();
            }
            assert!(begun.elapsed() < SOON, "no {kind} is told");
        }
    }

    /// What an edge is told that starts now.
    async fn revoked(&self) -> Vec<Value> {
        self.events("").await["revoked"].as_array().unwrap().iter().map(|one| one["cti"].clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_takes_a_token_back_and_a_reorganisation_gives_it_back() {
    let mut scene = scene().await;
    scene.chain.transfer(NFT, &scene.holder.address(), OTHER);
    let event = scene.told("token.revoked").await;
    assert_eq!((&event["why"], &event["asset"]), (&json!("rule"), &json!(scene.id)));
    assert!(event["until_s"].as_u64().unwrap() > 0, "{event}");
    assert_eq!(scene.revoked().await, [event["cti"].clone()]);

    scene.chain.reorganise();
    let restored = scene.told("token.restored").await;
    assert_eq!(restored["cti"], event["cti"]);
    assert!(scene.revoked().await.is_empty());
}

/// An endpoint that gives no logs makes it dearer, not blind.
#[tokio::test(flavor = "multi_thread")]
async fn without_logs_everyone_is_looked_at() {
    let mut scene = scene().await;
    scene.chain.mine(|state| state.hides_logs = true);
    scene.chain.transfer(NFT, &scene.holder.address(), OTHER);
    assert_eq!(scene.told("token.revoked").await["why"], "rule");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_rule_did_not_take_the_rule_does_not_give_back() {
    let mut scene = scene().await;
    scene.chain.transfer(NFT, &scene.holder.address(), OTHER);
    let cti = scene.told("token.revoked").await["cti"].clone();
    let token = scene.token.clone();
    assert_eq!(scene.site.with(&token, "POST", "/api/v1/auth/logout", b"").await.status, 204);
    let event = scene.told("token.revoked").await;
    assert_eq!((&event["cti"], &event["why"]), (&cti, &json!("session")));
    scene.chain.reorganise();
    // The same account holds it again and is let in by another token; the old one stays void.
    scene.token = signin::login(&scene.site, &scene.holder).await["access_token"].as_str().unwrap().to_owned();
    let begun = Instant::now();
    while scene.watch().await != 201 {
        assert!(begun.elapsed() < SOON);
    }
    assert_eq!(scene.revoked().await, [cti]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_rule_a_ban_and_an_operator_each_take_back_what_was_given() {
    let mut scene = scene().await;
    scene.write(&held("2")).await;
    assert_eq!(scene.told("token.revoked").await["why"], "rule");
    scene.write(&held("1")).await;
    scene.told("token.restored").await;

    let grants = format!("/api/v1/content/{}/grants", scene.id);
    let listed = scene.site.api("GET", &grants, b"").await.json();
    let cti = listed["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed["items"][0]["revoked_ms"], Value::Null, "{listed}");
    assert_eq!(scene.site.api("DELETE", &format!("{grants}/{cti}"), b"").await.status, 204);
    assert_eq!(scene.told("token.revoked").await["cti"], cti.as_str());
    let other = scene.site.upload("", b"another").await;
    let elsewhere = format!("/api/v1/content/{other}/grants/{cti}");
    assert_eq!(scene.site.api("DELETE", &elsewhere, b"").await.problem(), (404, "unknown_grant".into()));

    assert_eq!(scene.watch().await, 201);
    let profile = scene.site.with(&scene.token, "GET", "/api/v1/auth/profile", b"").await.json();
    let account = format!("/api/v1/accounts/{}", profile["id"].as_str().unwrap());
    assert_eq!(scene.site.api("PATCH", &account, br#"{"banned":true}"#).await.status, 200);
    assert_eq!(scene.told("token.revoked").await["why"], "account");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_runs_out_takes_its_tokens_with_it() {
    let mut scene = scene().await;
    let until = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap() + 1_500;
    scene.write(&json!({ "all": [held("1"), { "valid": { "until_ms": until } }] })).await;
    assert_eq!(scene.watch().await, 201);
    assert_eq!(scene.told("token.revoked").await["why"], "rule");
}

/// What `POST /content/{id}/token` gave is taken back by whatever takes back what a rule gave, but for the rule.
#[tokio::test(flavor = "multi_thread")]
async fn a_minted_token_is_taken_back_by_its_id_with_its_key_its_session_its_account_and_its_asset() {
    let mut scene = scene().await;
    let path = format!("/api/v1/content/{}/token", scene.id);
    let mint = async |site: &Site, key: &str| {
        let answer = site.with(key, "POST", &path, br#"{"ttl_seconds":600}"#).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].clone()
    };
    let admin = scene.site.origin.api_key().to_owned();
    let body = json!({ "name": "back end", "role": "operator", "owner": "shop" }).to_string();
    let key = scene.site.api("POST", "/api/v1/keys", body.as_bytes()).await.json();
    let (key, key_id) = (key["key"].as_str().unwrap(), key["id"].as_str().unwrap());
    let grants = format!("/api/v1/content/{}/grants", scene.id);

    let one = mint(&scene.site, key).await;
    let by_id = format!("{grants}/{}", one.as_str().unwrap());
    assert_eq!(scene.site.with(key, "DELETE", &by_id, b"").await.status, 204);
    let event = scene.told("token.revoked").await;
    assert_eq!((&event["cti"], &event["why"]), (&one, &json!("operator")));

    let one = mint(&scene.site, key).await;
    // Another rule, and a transfer, are nothing to it: only the viewer's goes.
    scene.write(&held("2")).await;
    assert_eq!(scene.told("token.revoked").await["why"], "rule");
    assert_eq!(scene.site.api("DELETE", &format!("/api/v1/keys/{key_id}"), b"").await.status, 204);
    let event = scene.told("token.revoked").await;
    assert_eq!((&event["cti"], &event["why"]), (&one, &json!("key")));

    let operator = Wallet::new(2);
    let tokens = signin::login(&scene.site, &operator).await;
    let account = format!("/api/v1/accounts/{}", tokens["account"]["id"].as_str().unwrap());
    assert_eq!(scene.site.api("PATCH", &account, br#"{"role":"operator"}"#).await.status, 200);
    let session = tokens["access_token"].as_str().unwrap();
    let one = mint(&scene.site, session).await;
    assert_eq!(scene.site.with(session, "POST", "/api/v1/auth/logout", b"").await.status, 204);
    let event = scene.told("token.revoked").await;
    assert_eq!((&event["cti"], &event["why"]), (&one, &json!("session")));

    let again = signin::login(&scene.site, &operator).await["access_token"].as_str().unwrap().to_owned();
    let one = mint(&scene.site, &again).await;
    assert_eq!(scene.site.api("PATCH", &account, br#"{"banned":true}"#).await.status, 200);
    let event = scene.told("token.revoked").await;
    assert_eq!((&event["cti"], &event["why"]), (&one, &json!("account")));

    let one = mint(&scene.site, &admin).await;
    assert_eq!(scene.site.api("DELETE", &grants, b"").await.status, 200);
    let cti = scene.told("token.revoked").await["cti"].clone();
    assert!(scene.revoked().await.contains(&one), "{cti}");
}
