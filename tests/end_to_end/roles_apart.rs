//! Promised: the nine roles of an origin as nine processes, on PostgreSQL, NATS, Redis and an S3, are for whoever asks the gateway one
//! origin: a film that is uploaded there is encoded, gated and played through an edge; a role that is gone is named and takes nothing but
//! its own answers along; when it is back it is used again, and nobody has to do anything.

use crate::media;
use crate::parts::{Engines, Part, read};
use crate::program::{PATIENCE, streamgate};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;
use tempfile::TempDir;

/// Those that a gateway asks.
const ROLES: [&str; 8] = ["upload", "transcoder", "streaming", "metadata", "cache", "auth", "worker", "monitor"];

/// All nine.
struct Nine {
    folder: TempDir,
    environment: HashMap<String, String>,
    behind: HashMap<&'static str, Part>,
    gateway: Part,
    key: String,
    agent: ureq::Agent,
}

impl Nine {
    fn start(engines: &Engines) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut environment = engines.environment();
        let behind: HashMap<_, _> = std::thread::scope(|at_once| {
            let start = |role: &'static str| {
                let (data, environment) = (folder.path().join(role), &environment);
                (
                    role,
                    at_once.spawn(move || Part::start(&["origin", "--roles", role], &data, "127.0.0.1:0", environment)),
                )
            };
            let started = ROLES.map(start);
            started.into_iter().map(|(role, part)| (role, part.join().expect("it starts"))).collect()
        });
        for (role, part) in &behind {
            let key = format!("STREAMGATE_ROLES__{}", role.to_uppercase());
            environment.insert(key, format!("http://{}", part.listen));
        }
        let data = folder.path().join("gateway");
        let gateway = Part::start(&["origin", "--roles", "gateway"], &data, "127.0.0.1:0", &environment);
        let key = read(&data.join("keys/api.key"));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { folder, environment, behind, gateway, key, agent }
    }

    fn data(&self, role: &str) -> PathBuf {
        self.folder.path().join(role)
    }

    /// Asks someone.
    fn ask(&self, at: &str, path: &str) -> (u16, Vec<u8>) {
        let request =
            self.agent.get(format!("http://{at}{path}")).header("authorization", format!("Bearer {}", self.key));
        let mut answer = request.call().expect("an answer");
        (answer.status().as_u16(), answer.body_mut().read_to_vec().expect("a whole body"))
    }

    /// Asks the gateway.
    fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.ask(&self.gateway.listen, path);
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let request = self.agent.post(format!("http://{}{path}", self.gateway.listen));
        let request = request.header("authorization", format!("Bearer {}", self.key)).content_type(kind);
        let mut answer = request.send(body).expect("an answer");
        let body = answer.body_mut().read_to_vec().expect("a whole body");
        (answer.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Asks the gateway until it is as wanted; answers that.
    fn until(&self, path: &str, what: &str, holds: impl Fn(u16, &Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let (status, value) = self.get(path);
            if holds(status, &value) {
                return value;
            }
            assert!(begun.elapsed() < PATIENCE, "waited for {what} in vain: {status} {value:#}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// What a playlist names: lines that are no tags, and `URI="..."` of those that are.
fn named(playlist: &str) -> Vec<String> {
    let uri = |line: &str| Some(line.split_once("URI=\"")?.1.split_once('"')?.0.to_owned());
    let lines = playlist.lines().filter(|line| !line.is_empty());
    lines.filter_map(|line| if line.starts_with('#') { uri(line) } else { Some(line.to_owned()) }).collect()
}

#[test]
fn nine_processes_and_an_edge_play_a_film_and_outlive_one_of_them() {
    let engines = Engines::start();
    let mut nine = Nine::start(&engines);
    let is_ready = |status: u16, value: &Value| status == 200 && value["status"] == "ready";
    let ready = nine.until("/readyz", "all parts", is_ready);
    let parts = ready["parts"].as_object().expect("parts");
    assert_eq!(parts.len(), 4 + ROLES.len(), "catalogue, objects, Redis, NATS and every role: {ready}");

    // Uploaded at the gateway, taken by upload, packaged and encoded by transcoder; none of it is in a data folder.
    let clips = tempfile::tempdir().expect("a folder");
    let film = media::movie(clips.path(), 3, "160x90");
    let (status, made) = nine.post("/api/v1/upload?name=film.mp4&title=Film&visibility=gated", "video/mp4", &film);
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().expect("an id").to_owned();
    let done = nine.until(&status_of(&id), "the film", |_, value| {
        ["ready", "failed"].contains(&value["state"].as_str().unwrap_or(""))
    });
    assert_eq!(done["state"], "ready", "{done:#}");

    // Each role answers what is its own, through the gateway and nowhere else.
    for path in [
        "transcode/profiles",
        "content",
        "keys",
        "auth/jwks",
        "worker/schedule",
        "monitor/health",
        "web3/supported-chains",
    ] {
        let (status, value) = nine.get(&format!("/api/v1/{path}"));
        assert_eq!(status, 200, "{path}: {value:#}");
    }
    assert_eq!(nine.get("/api/v1/cache/stats").1["engine"], "redis");
    assert_eq!(nine.get(&format!("/api/v1/content/{id}")).1["title"], "Film");
    let (status, body) = nine.ask(&nine.behind["metadata"].listen, "/api/v1/cache/stats");
    let refused: Value = serde_json::from_slice(&body).expect("a problem");
    assert_eq!((status, &refused["code"]), (503, &json!("role_away")));

    // Edges are given keys of any of them: they come from the secret that all have.
    let key = streamgate().args(["token", "key"]).env("STREAMGATE_STORAGE__DATA", nine.data("gateway")).output();
    let edge = Part::spawn(
        streamgate()
            .arg("edge")
            .env("STREAMGATE_EDGE__HTTP", "127.0.0.1:0")
            .env("STREAMGATE_EDGE__ADMIN", "")
            .env("STREAMGATE_EDGE__SHARDS", "1")
            .env("STREAMGATE_EDGE__RAM", "32 MiB")
            .env("STREAMGATE_UPSTREAM__URL", format!("http://{}", nine.behind["streaming"].listen))
            .env("STREAMGATE_UPSTREAM__EDGE_KEY", read(&nine.data("monitor").join("keys/edge.key")))
            .env("STREAMGATE_GATE__KEYS", String::from_utf8_lossy(&key.expect("it runs").stdout).trim()),
    );
    let (status, token) = nine.post(&format!("/api/v1/content/{id}/token"), "application/json", b"{}");
    assert_eq!(status, 201, "made by auth: {token}");
    let base = format!("/p/{}/v/{id}", token["token"].as_str().expect("a token"));
    assert_eq!(nine.ask(&edge.listen, &format!("/v/{id}/master.m3u8")).0, 403, "gated");
    assert!(play(&nine, &edge, &base) >= 4, "init and segments of picture and sound");

    // One goes: it is named, its own answers are refused, the others go on.
    let metadata = nine.behind.remove("metadata").expect("it runs");
    let listen = metadata.listen.clone();
    metadata.kill();
    let (status, refused) = nine.get("/api/v1/content");
    assert_eq!((status, &refused["code"]), (503, &json!("role_away")));
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("metadata")), "{refused}");
    let told = nine.until("/readyz", "its absence", |_, value| value["parts"]["metadata"] == "away");
    assert_eq!((&told["status"], &told["parts"]["auth"]), (&json!("ready in part"), &json!("ok")));
    assert_eq!(nine.get(&status_of(&id)).0, 200, "the transcoder answers");
    assert!(play(&nine, &edge, &base) >= 4, "the edge plays");
    let back = Part::start(&["origin", "--roles", "metadata"], &nine.data("metadata"), &listen, &nine.environment);
    nine.behind.insert("metadata", back);
    nine.until("/readyz", "its return", is_ready);
    assert_eq!(nine.get(&format!("/api/v1/content/{id}")).1["title"], "Film");
}

/// Fetches everything that the master playlist below `base` leads to; how many init and media segments that were.
fn play(nine: &Nine, edge: &Part, base: &str) -> usize {
    let text = |path: &str| {
        let (status, body) = nine.ask(&edge.listen, path);
        assert_eq!(status, 200, "{path}: {}", String::from_utf8_lossy(&body));
        String::from_utf8(body).expect("a playlist")
    };
    let mut pieces = 0;
    for media in named(&text(&format!("{base}/master.m3u8"))) {
        let (folder, _) = media.rsplit_once('/').expect("a rendition of its own folder");
        for piece in named(&text(&format!("{base}/{media}"))) {
            let (status, body) = nine.ask(&edge.listen, &format!("{base}/{folder}/{piece}"));
            assert_eq!((status, body.is_empty()), (200, false), "{media} {piece}");
            pieces += 1;
        }
    }
    pieces
}

fn status_of(id: &str) -> String {
    format!("/api/v1/transcode/status/{id}")
}
