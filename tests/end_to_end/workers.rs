//! An origin that takes uploads and encodes nothing, and workers beside it, on one PostgreSQL and one S3.

use crate::media;
use crate::parts::{Engines, Part, read};
use crate::program::PATIENCE;
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An origin that takes an upload and encodes nothing, with the film it was given.
pub struct Origin {
    pub engines: Engines,
    pub environment: HashMap<String, String>,
    folder: TempDir,
    part: Part,
    key: String,
    agent: ureq::Agent,
    pub id: String,
}

impl Origin {
    pub fn with_a_film(seconds: u32) -> Self {
        let (engines, folder) = (Engines::start(), tempfile::tempdir().expect("a folder"));
        let mut environment = engines.environment();
        // One chunk at a time: so many can be lost by a kill.
        environment.insert("STREAMGATE_WORK__LANES".into(), "1".into());
        let data = folder.path().join("origin");
        let part = Part::start(&["origin", "--roles", "gateway,upload,streaming"], &data, "127.0.0.1:0", &environment);
        let key = read(&data.join("keys/api.key"));
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut origin = Self { engines, environment, folder, part, key, agent, id: String::new() };
        origin.upload(seconds);
        origin
    }

    /// From here on it is about another film.
    pub fn upload(&mut self, seconds: u32) {
        let film = media::movie(self.folder.path(), seconds, "128x72");
        let (status, made) = self.post("/api/v1/upload?name=film.mp4", "video/mp4", &film);
        assert_eq!(status, 201, "{made}");
        self.id = made["id"].as_str().expect("an id").to_owned();
    }

    pub fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let request = self.agent.post(format!("http://{}{path}", self.part.listen));
        let request = request.header("authorization", format!("Bearer {}", self.key)).content_type(kind);
        let answer = request.send(body).expect("an answer");
        let status = answer.status().as_u16();
        let body = answer.into_body().read_to_vec().expect("a body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Looks again and again until this is so; answers how long that took.
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Value) -> bool) -> Duration {
        let begun = Instant::now();
        loop {
            let Some(now) = self.status() else { continue };
            assert_ne!(now["error"]["code"], "store_failed", "{now:#}");
            if holds(&now) {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < PATIENCE, "waited for {what} in vain: {now:#}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A worker on a data folder of this name.
    pub fn worker(&self, name: &str) -> Part {
        Part::start(&["worker"], &self.folder.path().join(name), "127.0.0.1:0", &self.environment)
    }

    pub fn get(&self, at: &str, path: &str) -> (u16, String) {
        let request = self.agent.get(format!("http://{at}{path}"));
        let answer = request.header("authorization", format!("Bearer {}", self.key)).call().expect("an answer");
        let status = answer.status().as_u16();
        (status, String::from_utf8(answer.into_body().read_to_vec().expect("a body")).expect("text"))
    }

    /// How far it is; `None`: the database is away for this moment.
    pub fn status(&self) -> Option<Value> {
        let (status, body) = self.get(&self.part.listen, &format!("/api/v1/transcode/status/{}", self.id));
        (status == 200).then(|| serde_json::from_str(&body).expect("JSON"))
    }

    /// The states of all jobs of a kind.
    pub fn jobs(&self, kind: &str) -> Vec<String> {
        let (status, body) = self.get(&self.part.listen, &format!("/api/v1/worker/jobs?kind={kind}"));
        assert_eq!(status, 200, "{body}");
        let listed: Value = serde_json::from_str(&body).expect("JSON");
        let states = listed["items"].as_array().expect("jobs").iter().filter_map(|job| job["state"].as_str());
        states.map(str::to_owned).collect()
    }

    /// Chunks that a worker has stored since its start.
    pub fn stored_by(&self, worker: &Part) -> usize {
        let (_, text) = self.get(&worker.listen, "/metrics");
        let line = text.lines().find(|line| line.starts_with("streamgate_origin_chunks_encoded_total "));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("a number")
    }

    /// Chunks that the encoded rendition has.
    pub fn chunks(&self) -> usize {
        let status = self.status().expect("it is there");
        let tracks = status["tracks"].as_array().expect("tracks");
        let names: Vec<_> = tracks.iter().filter_map(|track| track["name"].as_str()).collect();
        let name = names.iter().find(|name| name.starts_with("av1")).expect("an encoded one");
        let (_, media) = self.get(&self.part.listen, &format!("/v/{}/{name}/media.m3u8", self.id));
        media.lines().filter(|line| line.ends_with(".m4s")).count()
    }
}
