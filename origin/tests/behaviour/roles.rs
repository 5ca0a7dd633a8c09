//! Promised: an origin whose roles run apart, on one PostgreSQL, is for its clients the same origin; a part that is gone is said to be, and
//! is used again when it is back; nobody gets past the gateway by saying that they are one.

use std::time::{Duration, Instant};

use origin::{AdminKey, Config, RoleAddresses};
use serde_json::json;

use crate::support::nats::Nats;
use crate::support::postgres::Server;
use crate::support::{Site, clip, http};

const SECRET: &str = "a secret of the roles";
const PATIENCE: Duration = Duration::from_secs(60);

fn part(config: &mut Config, postgres: &Server, roles: &str) {
    config.catalogue = Some(postgres.url().parse().unwrap());
    config.admin_key = Some(AdminKey::new("the first admin's key".into()));
    config.roles = roles.parse().unwrap();
    config.role_secret = Some(AdminKey::new(SECRET.into()));
}

/// A gateway in front of whatever listens at these addresses.
async fn gateway(postgres: &Server, of: &[&Site], change: impl FnOnce(&mut Config)) -> Site {
    let addresses: Vec<_> = of.iter().map(|site| format!("http://{}", site.origin.addr()).parse().unwrap()).collect();
    Site::start(|config| {
        part(config, postgres, "gateway");
        config.role_addresses = RoleAddresses { upload: addresses.clone(), streaming: addresses };
        change(config);
    })
    .await
}

/// Until it knows its instances.
async fn until_known(site: &Site) {
    let begun = Instant::now();
    while site.get("/v/nobody/master.m3u8", &[]).await.status == 503 {
        assert!(begun.elapsed() < PATIENCE, "nobody is found");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_takes_what_others_store_encode_and_play() {
    let postgres = Server::start();
    let behind = Site::start(|config| part(config, &postgres, "upload,streaming,worker")).await;
    let front = gateway(&postgres, &[&behind], |_| {}).await;
    until_known(&front).await;
    let alice = front.key("creator", "alice").await;
    let bytes = clip(2, 160, 90);
    let made = front.with(&alice, "POST", "/api/v1/upload?name=clip.mp4&title=Trip", &bytes).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(front.settled(&id).await["state"], "ready");
    let content = front.with(&alice, "GET", &format!("/api/v1/content/{id}"), b"").await.json();
    assert_eq!(
        (&content["owner"], &content["bytes"]),
        (&json!("alice"), &json!(bytes.len())),
        "whom the gateway knows"
    );
    let played = front.get(&format!("/v/{id}/master.m3u8"), &[]).await;
    assert_eq!((played.status, played.header("content-type")), (200, "application/vnd.apple.mpegurl"));
    assert!(played.text().starts_with("#EXTM3U"));
    assert!(behind.files("objects").len() > 1 && front.files("objects").is_empty(), "bytes are behind");
    // tus, over three requests.
    let key = format!("Bearer {alice}");
    let head = [("authorization", key.as_str()), ("tus-resumable", "1.0.0"), ("upload-length", "6")];
    let begun = http::request(front.origin.addr(), "POST", "/api/v1/upload/tus", &head, b"").await;
    let place = begun.header("location").to_owned();
    for (offset, piece) in [("0", b"abc"), ("3", b"def")] {
        let kind = "application/offset+octet-stream";
        let head = [
            ("authorization", key.as_str()),
            ("tus-resumable", "1.0.0"),
            ("upload-offset", offset),
            ("content-type", kind),
        ];
        let answer = http::request(front.origin.addr(), "PATCH", &place, &head, piece).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    let refused = front.with(&front.key("viewer", "eve").await, "POST", "/api/v1/upload?name=x.mp4", b"x").await;
    assert_eq!(refused.problem(), (403, "role_too_low".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_is_gone_is_said_to_be_and_another_one_is_asked() {
    let postgres = Server::start();
    let one = Site::start(|config| part(config, &postgres, "upload,streaming")).await;
    let two = Site::start(|config| part(config, &postgres, "upload,streaming")).await;
    let front = gateway(&postgres, &[&one, &two], |_| {}).await;
    until_known(&front).await;
    let key = front.key("creator", "alice").await;
    let upload = async || front.with(&key, "POST", "/api/v1/upload?name=x.mp4", b"no video").await;
    for _ in 0..4 {
        assert_eq!(upload().await.status, 201);
    }
    assert!(!one.files("objects").is_empty() && !two.files("objects").is_empty(), "in turn");
    let Site { origin, folder: _folder, .. } = one;
    origin.shutdown().await;
    for _ in 0..4 {
        assert_eq!(upload().await.status, 201, "the other one");
    }
    let Site { origin, folder: _folder, config, server: _server } = two;
    let at = origin.addr();
    origin.shutdown().await;
    let gone = upload().await;
    assert_eq!((gone.problem(), gone.header("retry-after")), ((503, "role_away".into()), "1"));
    assert_eq!(front.with(&key, "GET", "/api/v1/content", b"").await.status, 200, "the rest goes on");
    let back = origin::start(Config { listen: at, ..config }).await.unwrap();
    let begun = Instant::now();
    while upload().await.status != 201 {
        assert!(begun.elapsed() < PATIENCE, "it is not used again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    back.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_speaks_for_a_gateway_without_the_secret() {
    let postgres = Server::start();
    let behind = Site::start(|config| part(config, &postgres, "upload")).await;
    let admin = "eyJrZXkiOiJhZG1pbiIsIm93bmVyIjoiYWRtaW4iLCJyb2xlIjoiYWRtaW4iLCJzY29wZXMiOltdLCJzZXNzaW9uIjpudWxsfQ";
    for (secret, expected) in [("wrong", (401, "api_key_wrong")), ("", (401, "api_key_wrong"))] {
        let headers = [("streamgate-role-key", secret), ("streamgate-caller", admin)];
        let answer = http::request(behind.origin.addr(), "POST", "/api/v1/upload?name=x", &headers, b"x").await;
        assert_eq!(answer.problem(), (expected.0, expected.1.to_owned()), "{secret:?}");
    }
    let answer =
        http::request(behind.origin.addr(), "POST", "/api/v1/upload?name=x", &[("streamgate-caller", admin)], b"x")
            .await;
    assert_eq!(answer.problem(), (401, "api_key_missing".into()));
    let front = gateway(&postgres, &[&behind], |_| {}).await;
    let headers = [("streamgate-role-key", "wrong"), ("streamgate-caller", admin)];
    let answer = http::request(front.origin.addr(), "POST", "/api/v1/upload?name=x", &headers, b"x").await;
    assert_eq!(answer.problem(), (401, "api_key_wrong".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_elsewhere_begins_at_once_when_nats_carries_the_ring() {
    let (postgres, nats) = (Server::start(), Nats::start());
    let behind = Site::start(|config| {
        part(config, &postgres, "worker");
        config.nats = Some(nats.address().parse().unwrap());
    })
    .await;
    let front = Site::start(|config| {
        part(config, &postgres, "gateway,upload");
        config.nats = Some(nats.address().parse().unwrap());
    })
    .await;
    // Its bytes are in another folder, so the job fails there; when it was taken is what counts.
    let mut waits = Vec::new();
    for _ in 0..5 {
        let begun = Instant::now();
        let id = front.upload("", b"no video").await;
        front.until(&id, |status| status["attempts"].as_i64() > Some(0) || status["state"] != "queued").await;
        waits.push(begun.elapsed());
    }
    waits.sort();
    // Without a ring a worker looks every five seconds.
    assert!(waits[2] < Duration::from_secs(1), "{waits:?}");
    drop(behind);
}
