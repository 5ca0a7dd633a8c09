//! Promised: whoever names an address is told of every event that it wants, signed, in order, and by each message's name once,
//! however long it was away and however often the origin was started anew; and nobody reaches by that what is inside.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::Site;

/// One message as it arrived, and what was answered.
#[derive(Debug, Clone)]
struct Got {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Got {
    fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// Which of its signatures is by `secret` (Standard Webhooks, "Verifying signatures").
    fn signed_by(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let at = &self.headers["webhook-timestamp"];
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(at.parse::<u64>().unwrap().abs_diff(now) < 300, "{at}");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{at}.{}", self.id(), self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.headers["webhook-signature"].split(' ').any(|signature| signature == expected)
    }
}

/// Listens, keeps what comes, and answers what it is told to.
struct Receiver {
    addr: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    answers: Arc<Mutex<u16>>,
}

impl Receiver {
    async fn start(status: u16) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (got, answers) = (Arc::<Mutex<Vec<Got>>>::default(), Arc::new(Mutex::new(status)));
        let shared = (got.clone(), answers.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, shared.0.clone(), shared.1.clone()));
            }
        });
        Receiver { addr, got, answers }
    }

    fn answer(&self, status: u16) {
        *self.answers.lock().unwrap() = status;
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// What was taken, once there are `count` of it.
    async fn taken(&self, count: usize) -> Vec<Got> {
        let begun = Instant::now();
        loop {
            let taken: Vec<Got> = self.got().into_iter().filter(|got| got.status == 200).collect();
            if taken.len() >= count {
                return taken;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{} of {count}: {taken:#?}", taken.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn receive(stream: TcpStream, got: Arc<Mutex<Vec<Got>>>, answers: Arc<Mutex<u16>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        assert!(line.starts_with("POST /hook"), "{line}");
        loop {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        let status = *answers.lock().unwrap();
        got.lock().unwrap().push(Got { status, headers, body: String::from_utf8(body).unwrap() });
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nlocation: http://127.0.0.1:1/\r\n\r\n");
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn site() -> Site {
    Site::start(|config| {
        config.hook_private = vec!["127.0.0.0/8".parse().unwrap()];
        config.hook_retry_first = Duration::from_millis(20);
    })
    .await
}

/// Makes a webhook; answers its name and secret.
async fn hook(site: &Site, to: SocketAddr, kinds: Value) -> (String, String) {
    let body = json!({ "url": format!("http://{to}/hook"), "kinds": kinds }).to_string();
    let answer = site.api("POST", "/api/v1/webhooks", body.as_bytes()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let value = answer.json();
    (value["id"].as_str().unwrap().to_owned(), value["secret"].as_str().unwrap().to_owned())
}

/// Changes an asset, which makes one event.
async fn change(site: &Site, id: &str, title: &str) {
    let body = json!({ "title": title }).to_string();
    let answer = site.api("PATCH", &format!("/api/v1/content/{id}"), body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_told_signed_and_only_to_who_wants_it() {
    let site = site().await;
    let (all, some) = (Receiver::start(200).await, Receiver::start(200).await);
    let (id, secret) = hook(&site, all.addr, json!([])).await;
    hook(&site, some.addr, json!(["asset.deleted"])).await;
    let asset = site.ready("").await;
    site.api("DELETE", &format!("/api/v1/content/{asset}"), b"").await;
    let deleted = some.taken(1).await;
    let deleted = deleted[0].json();
    assert_eq!(
        (deleted["type"].as_str(), deleted["data"]["asset"].as_str()),
        (Some("asset.deleted"), Some(asset.as_str()))
    );
    let begun = Instant::now();
    while !all.got().iter().any(|got| got.json()["type"] == "asset.deleted") {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = all.got();
    assert!(told.iter().all(|got| got.signed_by(&secret)));
    let seqs: Vec<_> = told.iter().map(|got| got.json()["data"]["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    assert_eq!(told[0].json()["type"], "asset.created");
    assert_eq!(some.got().len(), 1);
    let shown = site.api("GET", &format!("/api/v1/webhooks/{id}"), b"").await;
    assert!(!shown.text().contains("whsec_"), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_away_is_told_everything_once_in_order() {
    let site = site().await;
    let receiver = Receiver::start(503).await;
    hook(&site, receiver.addr, json!(["asset.updated"])).await;
    let asset = site.ready("").await;
    for n in 0..10 {
        change(&site, &asset, &format!("title {n}")).await;
    }
    let begun = Instant::now();
    while receiver.got().len() < 3 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let tried: Vec<_> = receiver.got();
    assert!(tried.iter().all(|got| got.id() == tried[0].id()), "the first one is tried until it is taken");
    let site = site.restart().await;
    for n in 10..20 {
        change(&site, &asset, &format!("title {n}")).await;
    }
    receiver.answer(200);
    let taken = receiver.taken(20).await;
    let seqs: Vec<_> = taken.iter().map(|got| got.json()["data"]["seq"].as_i64().unwrap()).collect();
    assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
    let names: std::collections::BTreeSet<_> = taken.iter().map(Got::id).collect();
    assert_eq!((names.len(), taken.len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_signs_beside_the_old_one_for_a_while() {
    let site = site().await;
    let receiver = Receiver::start(200).await;
    let (id, old) = hook(&site, receiver.addr, json!(["webhook.test"])).await;
    let test = format!("/api/v1/webhooks/{id}/test");
    let rotate = format!("/api/v1/webhooks/{id}/rotate");
    let rotated = site.api("POST", &rotate, b"{\"keep_old_seconds\":60}").await;
    let new = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_eq!(site.api("POST", &test, b"").await.status, 202);
    let got = &receiver.taken(1).await[0];
    assert!(got.signed_by(&old) && got.signed_by(&new));
    let rotated = site.api("POST", &rotate, b"{\"keep_old_seconds\":0}").await;
    let newest = rotated.json()["secret"].as_str().unwrap().to_owned();
    site.api("POST", &test, b"").await;
    let got = &receiver.taken(2).await[1];
    assert!(got.signed_by(&newest) && !got.signed_by(&new) && !got.signed_by(&old));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_given_up_is_played_again_under_its_name() {
    let site = site().await;
    let receiver = Receiver::start(410).await;
    let (id, _) = hook(&site, receiver.addr, json!([])).await;
    let path = format!("/api/v1/webhooks/{id}");
    site.api("POST", &format!("{path}/test"), b"").await;
    let begun = Instant::now();
    while site.api("GET", &path, b"").await.json()["enabled"] == true {
        assert!(begun.elapsed() < Duration::from_secs(60), "410 says that nobody listens there any more");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let failed = site.api("GET", &format!("{path}/deliveries?state=failed"), b"").await.json();
    let delivery = &failed["items"][0];
    assert_eq!((delivery["status"].as_u64(), delivery["attempts"].as_u64()), (Some(410), Some(1)), "{failed}");
    receiver.answer(200);
    assert_eq!(site.api("PATCH", &path, b"{\"enabled\":true}").await.status, 200);
    let number = delivery["id"].as_i64().unwrap();
    assert_eq!(site.api("POST", &format!("{path}/deliveries/{number}/replay"), b"").await.status, 202);
    assert_eq!(receiver.taken(1).await[0].id(), delivery["message"].as_str().unwrap());
    let none = site.api("POST", &format!("{path}/deliveries/{}/replay", number + 9), b"").await;
    assert_eq!(none.problem(), (404, "unknown_delivery".into()));
    site.api("POST", &format!("{path}/deliveries/{number}/replay"), b"").await;
    receiver.taken(2).await;
    assert_eq!(site.api("DELETE", &path, b"").await.status, 204);
    assert_eq!(site.api("GET", &format!("{path}/deliveries"), b"").await.problem().0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inside_is_not_reached() {
    let site = Site::start(|config| config.hook_retry_first = Duration::from_millis(20)).await;
    let receiver = Receiver::start(200).await;
    for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "[fd00:ec2::254]"] {
        let body = json!({ "url": format!("http://{host}/hook") }).to_string();
        let answer = site.api("POST", "/api/v1/webhooks", body.as_bytes()).await;
        assert_eq!(answer.problem(), (422, "private_address".into()), "{host}");
    }
    for bad in ["ftp://a/", "/hook", "http://user:word@a.example/", "http://a.example/#x", "", "http://"] {
        let body = json!({ "url": bad }).to_string();
        assert_eq!(site.api("POST", "/api/v1/webhooks", body.as_bytes()).await.problem().0, 400, "{bad}");
    }
    let body = json!({ "url": format!("http://localhost:{}/hook", receiver.addr.port()) }).to_string();
    let made = site.api("POST", "/api/v1/webhooks", body.as_bytes()).await.json();
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
    site.api("POST", &format!("{path}/test"), b"").await;
    let begun = Instant::now();
    let error = loop {
        let rows = site.api("GET", &format!("{path}/deliveries"), b"").await.json();
        if let Some(error) = rows["items"][0]["error"].as_str() {
            break error.to_owned();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{rows}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert!(error.ends_with("is not a public address"), "{error}");
    assert!(receiver.got().is_empty());
}
