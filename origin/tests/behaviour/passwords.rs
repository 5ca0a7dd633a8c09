//! Promised: a rule may ask for a password, or for the secret of a link; it is tried by who lacks nothing else, so often and not more; it
//! is nowhere to be read, and another one takes back what was given by the old one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::signin::{self, Wallet};
use crate::support::Site;
use crate::support::http::Answer;

const SECRET: &str = "open, sesame 7";
const SOON: Duration = Duration::from_secs(5);

struct Scene {
    site: Site,
    id: String,
    viewer: Wallet,
    token: String,
}

impl Scene {
    async fn start() -> Self {
        let site = Site::start(signin::settings).await;
        let id = site.upload("", b"no video at all").await;
        let viewer = Wallet::new(1);
        let token = signin::login(&site, &viewer).await["access_token"].as_str().unwrap().to_owned();
        Self { site, id, viewer, token }
    }

    async fn put(&self, rule: &Value) -> Answer {
        let body = json!({ "rule": rule }).to_string();
        self.site.api("PUT", &format!("/api/v1/content/{}/gating-rules", self.id), body.as_bytes()).await
    }

    async fn write(&self, rule: &Value) -> Value {
        let answer = self.put(rule).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn watch_as(&self, token: &str, secret: Option<&str>) -> Answer {
        let body = secret.map_or_else(String::new, |secret| json!({ "password": secret }).to_string());
        self.site.with(token, "POST", &format!("/api/v1/content/{}/watch", self.id), body.as_bytes()).await
    }

    async fn watch(&self, secret: Option<&str>) -> Answer {
        self.watch_as(&self.token, secret).await
    }

    async fn refused(&self, secret: Option<&str>, code: &str) -> Value {
        let answer = self.watch(secret).await;
        assert_eq!(answer.problem(), (403, code.into()), "{answer:?}");
        answer.json()["missing"].clone()
    }
}

fn password() -> Value {
    json!({ "password": { "secret": SECRET, "name": "for friends" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_lets_in_and_is_nowhere_to_be_read() {
    let scene = Scene::start().await;
    scene.write(&password()).await;
    let missing = scene.refused(None, "password_needed").await;
    assert_eq!(missing[0], json!({ "standard": "password", "name": "for friends", "wanted": true, "why": "not-met" }));
    for wrong in ["", "open, sesame 8", "OPEN, SESAME 7"] {
        scene.refused(Some(wrong), "password_wrong").await;
    }
    assert_eq!(scene.watch(Some(SECRET)).await.status, 201);
    assert_eq!(scene.watch(None).await.status, 201, "this session has shown it");
    let other = signin::login(&scene.site, &scene.viewer).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(scene.watch_as(&other, None).await.problem(), (403, "password_needed".into()), "another one has not");

    let rule = scene.site.api("GET", &format!("/api/v1/content/{}/gating-rules", scene.id), b"").await.json();
    let leaf = rule["rule"]["password"].as_object().unwrap();
    assert_eq!(leaf.keys().collect::<Vec<_>>(), ["id", "name"]);
    for path in ["/api/v1/monitor/logs?limit=200", "/api/v1/audit?limit=200", "/api/v1/events?after=0"] {
        let said = String::from_utf8_lossy(&scene.site.api("GET", path, b"").await.body).into_owned();
        assert!(!said.contains("sesame"), "{path}");
    }
    let data = scene.site.config.data.clone();
    for entry in std::fs::read_dir(&data).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(6).any(|some| some == b"sesame"), "{:?}", entry.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_once_and_kept_by_its_id() {
    let scene = Scene::start().await;
    let written = scene.write(&json!({ "password": { "make": true } })).await;
    let link = &written["links"][0];
    let secret = link["secret"].as_str().unwrap().to_owned();
    assert!(secret.len() >= 22, "128 bits and more");
    scene.refused(Some("AAAAAAAAAAAAAAAAAAAAAAAA"), "password_wrong").await;
    assert_eq!(scene.watch(Some(&secret)).await.status, 201);

    let kept = scene.write(&json!({ "password": { "id": link["id"], "name": "the link" } })).await;
    assert_eq!(kept["links"], Value::Null, "shown once");
    assert_eq!(scene.watch(Some(&secret)).await.status, 201);
    let unknown = scene.put(&json!({ "password": { "id": "another" } })).await;
    assert_eq!(unknown.problem(), (422, "bad_rule".into()));
    for bad in [json!({ "not": password() }), json!({ "password": { "secret": "short" } }), json!({ "password": {} })] {
        assert_eq!(scene.put(&bad).await.problem(), (422, "bad_rule".into()), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_something_else_cannot_try_passwords_and_one_of_two_ways_is_enough() {
    let scene = Scene::start().await;
    let nobody = json!({ "allow": ["0x1111111111111111111111111111111111111111"] });
    scene.write(&json!({ "all": [nobody, password()] })).await;
    for secret in [None, Some("wrong, wrong"), Some(SECRET)] {
        scene.refused(secret, "rule_not_met").await;
    }
    scene.write(&json!({ "any": [nobody, password()] })).await;
    let missing = scene.refused(None, "password_needed").await;
    assert_eq!(missing[0]["any"].as_array().unwrap().len(), 2);
    assert_eq!(scene.watch(Some(SECRET)).await.status, 201);
    scene.write(&json!({ "any": [{ "allow": [scene.viewer.address()] }, password()] })).await;
    assert_eq!(scene.watch(Some("wrong, wrong")).await.status, 201, "the wallet is enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_bounded_for_an_asset_and_an_address() {
    let scene = Scene::start().await;
    scene.write(&json!({ "password": { "make": true } })).await;
    let mut refused = Vec::new();
    for n in 0..40 {
        refused.push(scene.watch(Some(&format!("guess {n}"))).await.problem().1);
    }
    assert_eq!(refused.iter().filter(|code| *code == "password_wrong").count(), 30, "{refused:?}");
    let last = scene.watch(Some(SECRET)).await;
    assert_eq!(last.problem(), (429, "too_many_requests".into()));
    assert!(last.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_password_takes_back_what_the_old_one_gave() {
    let scene = Scene::start().await;
    scene.write(&password()).await;
    let given = scene.watch(Some(SECRET)).await.json();
    scene.write(&json!({ "password": { "secret": "another, for others" } })).await;
    let grants = format!("/api/v1/content/{}/grants", scene.id);
    let begun = Instant::now();
    loop {
        let items = scene.site.api("GET", &grants, b"").await.json()["items"].clone();
        let grant = items.as_array().unwrap().iter().find(|one| one["id"] == given["id"]).unwrap().clone();
        if grant["why"] == "rule" {
            break;
        }
        assert!(begun.elapsed() < SOON, "{grant}");
    }
    scene.refused(None, "password_needed").await;
    scene.refused(Some(SECRET), "password_wrong").await;
}
