//! An origin in a folder of its own, on a free port, and a tiny HTTP client that can also behave badly. With
//! `STREAMGATE_TEST_CATALOGUE=postgres` each site has a PostgreSQL of its own, so that every test is a test of both.

pub mod chain;
pub mod http;
pub mod nats;
#[path = "../../../../storage/durable/tests/support/postgres.rs"]
pub mod postgres;
pub mod redis;
#[path = "../../../../storage/durable/tests/support/weed.rs"]
pub mod weed;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use media::clip::ClipSpec;
use origin::{Config, Origin};
use serde_json::Value;
use tempfile::TempDir;

pub use http::Answer;

/// Nothing in these tests takes longer, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Site {
    pub folder: TempDir,
    pub origin: Origin,
    pub config: Config,
    /// The catalogue's server, when it has one. Ends after the origin.
    pub server: Option<postgres::Server>,
}

impl Site {
    /// Starts with an empty ladder (no AV1), which `change` may alter.
    pub async fn start(change: impl FnOnce(&mut Config)) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            data: folder.path().join("data"),
            disk: durable::Disk::real(0),
            ..Config::default()
        };
        config.ladder.heights = Vec::new();
        let is_postgres = std::env::var("STREAMGATE_TEST_CATALOGUE").is_ok_and(|name| name == "postgres");
        let server = is_postgres.then(postgres::Server::start);
        config.catalogue = server.as_ref().map(|server| server.url().parse().unwrap());
        change(&mut config);
        let origin = origin::start(config.clone()).await.unwrap();
        Site { folder, origin, config, server }
    }

    /// The same on a PostgreSQL, whatever the environment says.
    pub async fn start_on_postgres(change: impl FnOnce(&mut Config)) -> Site {
        let server = postgres::Server::start();
        let url = server.url().parse().unwrap();
        let mut site = Self::start(|config| {
            config.catalogue = Some(url);
            change(config);
        })
        .await;
        site.server = Some(server);
        site
    }

    /// The catalogue's server.
    pub fn server(&mut self) -> &mut postgres::Server {
        self.server.as_mut().expect("a site on PostgreSQL")
    }

    /// Ends in an orderly way and starts again on the same data.
    pub async fn restart(self) -> Site {
        let Site { folder, origin, config, server } = self;
        origin.shutdown().await;
        let origin = origin::start(config.clone()).await.unwrap();
        Site { folder, origin, config, server }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        http::request(self.origin.addr(), "GET", path, headers, b"").await
    }

    /// With the API key.
    pub async fn api(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let key = format!("Bearer {}", self.origin.api_key());
        http::request(self.origin.addr(), method, path, &[("authorization", &key)], body).await
    }

    /// With another key.
    pub async fn with(&self, key: &str, method: &str, path: &str, body: &[u8]) -> Answer {
        let key = format!("Bearer {key}");
        http::request(self.origin.addr(), method, path, &[("authorization", &key)], body).await
    }

    /// Makes an API key and answers its text.
    pub async fn key(&self, role: &str, owner: &str) -> String {
        let body = serde_json::json!({ "name": "test", "role": role, "owner": owner }).to_string();
        let answer = self.api("POST", "/api/v1/keys", body.as_bytes()).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["key"].as_str().unwrap().to_owned()
    }

    /// Uploads and answers the asset's name.
    pub async fn upload(&self, query: &str, body: &[u8]) -> String {
        let answer = self.api("POST", &format!("/api/v1/upload?name=clip.mp4{query}"), body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn status(&self, id: &str) -> Value {
        let answer = self.api("GET", &format!("/api/v1/transcode/status/{id}"), b"").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Asks for the status until it is as wanted.
    pub async fn until(&self, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.status(id).await;
            if wanted(&status) {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "it stays at {status:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Until nothing more will happen to the asset.
    pub async fn settled(&self, id: &str) -> Value {
        self.until(id, |status| ["ready", "failed"].contains(&status["state"].as_str().unwrap())).await
    }

    /// Asks for the asset until its pictures are there, which are made beside the other work.
    pub async fn pictured(&self, id: &str) -> Value {
        for _ in 0..6_000 {
            let content = self.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
            if !content["pictures"].is_null() {
                return content["pictures"].clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no pictures: {:#}", self.api("GET", "/api/v1/worker/jobs", b"").await.json());
    }

    /// An uploaded clip that is ready and has its pictures, if it gets any: nothing more happens to it by itself.
    pub async fn ready(&self, query: &str) -> String {
        let id = self.upload(query, &clip(2, 160, 90)).await;
        let status = self.settled(&id).await;
        assert_eq!(status["state"], "ready", "{status:#}");
        let content = self.api("GET", &format!("/api/v1/content/{id}"), b"").await.json();
        if content["encryption"] == "none" {
            self.pictured(&id).await;
        }
        id
    }

    /// A number out of `/metrics`.
    pub async fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics", &[]).await.text();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("streamgate_origin_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }

    /// Files below a folder of the data folder.
    pub fn files(&self, below: &str) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().join("data").join(below)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    /// Until a folder of the data folder holds nothing.
    pub async fn until_empty(&self, below: &str) {
        let begun = Instant::now();
        while !self.files(below).is_empty() {
            assert!(begun.elapsed() < PATIENCE, "{:?} stay", self.files(below));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A moving picture with sound, H.264 and AAC in MP4; ten pictures a second, a keyframe every two.
pub fn clip(seconds: u32, width: u32, height: u32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    write_clip(&path, seconds, width, height);
    std::fs::read(&path).unwrap()
}

pub fn write_clip(path: &Path, seconds: u32, width: u32, height: u32) {
    let frame_rate = wire::presentation::Ratio { num: 10, den: 1 };
    let spec = ClipSpec { seconds, width, height, frame_rate, keyframe_every: 20, ..ClipSpec::default() };
    media::clip::write(path, &spec).unwrap();
}
