//! Promised: an origin whose roles run apart, on one PostgreSQL, is for its clients the same origin; a part that is gone is said to be, and
//! is used again when it is back; nobody gets past the gateway by saying that they are one.

use std::time::{Duration, Instant};

use origin::{AdminKey, Config, RoleAddresses};
use serde_json::json;

use crate::support::nats::Nats;
use crate::support::postgres::Server;
use crate::support::{Site, clip, http};

const SECRET: &str = "a secret of the roles, of 40 characters";
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
        config.role_addresses = RoleAddresses { upload: addresses.clone(), streaming: addresses, ..Default::default() };
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
    let behind = Site::start(|config| part(config, &postgres, "upload,transcoder,streaming")).await;
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
        part(config, &postgres, "transcoder");
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
        let id = front.upload("", b"no video").await;
        let begun = Instant::now();
        loop {
            let status = front.status(&id).await;
            if status["attempts"].as_i64() > Some(0) || status["state"] != "queued" {
                break;
            }
        }
        waits.push(begun.elapsed());
    }
    waits.sort();
    eprintln!("a job was begun {waits:?} after its upload was answered");
    // Without a ring a worker looks every five seconds. 50 ms are meant (docs/benchmarks.md); tests run beside others.
    assert!(waits[2] < Duration::from_millis(500), "{waits:?}");
    drop(behind);
}

/// One request of a tus upload.
async fn tus(site: &Site, key: &str, method: &str, path: &str, more: &[(&str, &str)], body: &[u8]) -> http::Answer {
    let key = format!("Bearer {key}");
    let head = [&[("authorization", key.as_str()), ("tus-resumable", "1.0.0")], more].concat();
    http::request(site.origin.addr(), method, path, &head, body).await
}

const PIECE: (&str, &str) = ("content-type", "application/offset+octet-stream");

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_at_the_instance_that_has_its_bytes() {
    let postgres = Server::start();
    let one = Site::start(|config| part(config, &postgres, "upload,streaming")).await;
    let two = Site::start(|config| part(config, &postgres, "upload,streaming")).await;
    let front = gateway(&postgres, &[&one, &two], |_| {}).await;
    until_known(&front).await;
    let key = front.key("creator", "alice").await;
    let mut places = Vec::new();
    for _ in 0..2 {
        let begun = tus(&front, &key, "POST", "/api/v1/upload/tus", &[("upload-length", "9")], b"").await;
        assert_eq!(begun.status, 201, "{begun:?}");
        places.push(begun.header("location").to_owned());
    }
    assert_eq!((one.files("uploads").len(), two.files("uploads").len()), (1, 1), "begun in turn");
    for place in &places {
        for offset in ["0", "3"] {
            let sent = tus(&front, &key, "PATCH", place, &[("upload-offset", offset), PIECE], b"abc").await;
            assert_eq!(sent.status, 204, "{sent:?}");
        }
    }
    // The one that has it goes; asked directly or by the gateway, nobody says that its bytes were gone.
    let name = places[0].rsplit('/').next().unwrap().to_owned();
    let (gone, left) =
        if one.folder.path().join("data/uploads").join(&name).exists() { (one, two) } else { (two, one) };
    let direct = tus(&left, &key, "HEAD", &places[0], &[], b"").await;
    assert_eq!((direct.status, direct.header("retry-after")), (503, "1"));
    let Site { origin, folder: _folder, config, server: _server } = gone;
    let at = origin.addr();
    origin.shutdown().await;
    let last = [("upload-offset", "6"), PIECE];
    let begun = Instant::now();
    // Until the gateway has seen it, what it says is that nobody answered.
    while tus(&front, &key, "PATCH", &places[0], &last, b"abc").await.problem() != (503, "upload_away".into()) {
        assert!(begun.elapsed() < PATIENCE, "it is not said");
    }
    let other = tus(&front, &key, "PATCH", &places[1], &last, b"abc").await;
    assert_eq!(other.status, 204, "the other one goes on: {other:?}");
    let back = origin::start(Config { listen: at, ..config }).await.unwrap();
    let begun = Instant::now();
    let told = loop {
        let told = tus(&front, &key, "HEAD", &places[0], &[], b"").await;
        if told.status == 200 {
            break told;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not go on: {told:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(told.header("upload-offset"), "6", "what was acknowledged is there");
    let done = tus(&front, &key, "PATCH", &places[0], &last, b"abc").await;
    assert_eq!(done.status, 204, "{done:?}");
    assert!(!done.header("streamgate-asset").is_empty(), "{done:?}");
    // What is whole is no longer of one place: whoever is there tells of it.
    back.shutdown().await;
    let begun = Instant::now();
    while tus(&front, &key, "HEAD", &places[0], &[], b"").await.status != 200 {
        assert!(begun.elapsed() < PATIENCE, "it is not told of");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_sent_side_by_side_are_put_together() {
    let postgres = Server::start();
    let one = Site::start(|config| part(config, &postgres, "upload,streaming")).await;
    let two = Site::start(|config| part(config, &postgres, "upload,streaming")).await;
    let front = gateway(&postgres, &[&one, &two], |_| {}).await;
    until_known(&front).await;
    for owner in ["alice", "bob", "carol"] {
        let key = front.key("creator", owner).await;
        let mut parts = Vec::new();
        for _ in 0..3 {
            let head = [("upload-length", "3"), ("upload-concat", "partial"), PIECE];
            let begun = tus(&front, &key, "POST", "/api/v1/upload/tus", &head, b"abc").await;
            assert_eq!(begun.status, 201, "{begun:?}");
            parts.push(begun.header("location").to_owned());
        }
        let all = format!("final;{}", parts.join(" "));
        let whole = tus(&front, &key, "POST", "/api/v1/upload/tus", &[("upload-concat", &all)], b"").await;
        assert_eq!(whole.status, 201, "{whole:?}");
        assert!(!whole.header("streamgate-asset").is_empty(), "{whole:?}");
    }
    // Parts of two instances, as when one was added meanwhile.
    let key = front.key("creator", "alice").await;
    let mut parts = Vec::new();
    for site in [&one, &two] {
        let head = [("upload-length", "3"), ("upload-concat", "partial"), PIECE];
        parts.push(tus(site, &key, "POST", "/api/v1/upload/tus", &head, b"abc").await.header("location").to_owned());
    }
    let all = format!("final;{}", parts.join(" "));
    let whole = tus(&front, &key, "POST", "/api/v1/upload/tus", &[("upload-concat", &all)], b"").await;
    assert_eq!(whole.problem(), (400, "bad_parts".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_nobody_could_reach_does_not_start() {
    let postgres = Server::start();
    let refused = async |change: &dyn Fn(&mut Config)| {
        let folder = tempfile::tempdir().unwrap();
        let mut config =
            Config { listen: "127.0.0.1:0".parse().unwrap(), data: folder.path().join("data"), ..Config::default() };
        part(&mut config, &postgres, "upload");
        change(&mut config);
        origin::start(config).await.unwrap_err().to_string()
    };
    let said = refused(&|config| config.role_secret = None).await;
    assert!(said.contains("roles.secret is empty") && said.contains("STREAMGATE_ROLES__SECRET"), "{said}");
    let said = refused(&|config| config.role_secret = Some(AdminKey::new("of 20 characters....".into()))).await;
    assert!(said.contains("shorter than 32"), "{said}");
    let said = refused(&|config| config.catalogue = None).await;
    assert!(said.contains("storage.catalogue is empty"), "{said}");
}
