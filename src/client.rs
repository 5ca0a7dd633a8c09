//! The ingest API as a client uses it: what the demo does over HTTP, anybody can.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Answers of the API are small; anything larger is not ours.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// A connection to one origin.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    key: String,
}

/// How far an upload has come (`GET /api/v1/transcode/status/:id`).
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    pub state: String,
    pub stage: String,
    pub playable: bool,
    pub playable_ms: Option<u64>,
    pub error: Option<Problem>,
    pub tracks: Vec<TrackStatus>,
}

/// One rendition's part of a [`Status`].
#[derive(Debug, Clone, Deserialize)]
pub struct TrackStatus {
    pub name: String,
    pub state: String,
    pub progress: f64,
}

/// Why something failed: a stable code and a sentence.
#[derive(Debug, Clone, Deserialize)]
pub struct Problem {
    pub code: String,
    pub detail: String,
}

#[derive(Debug, Deserialize)]
struct Uploaded {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Minted {
    token: String,
}

impl Client {
    pub fn new(origin: SocketAddr, key: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(5)))
            .build()
            .into();
        Self { agent, base: format!("http://{origin}"), key: format!("Bearer {key}") }
    }

    /// Uploads the file at `path`, of which `said` is said in the query; `sent` is told how many bytes have left. Returns the title's id.
    pub fn upload(&self, path: &Path, said: &[(&str, &str)], sent: impl Fn(u64)) -> Result<String> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let size = file.metadata().with_context(|| format!("cannot read {}", path.display()))?.len();
        let mut body = Counted { file, sent: 0, tell: sent };
        let response = self
            .agent
            .post(format!("{}/api/v1/upload", self.base))
            .query_pairs(said.iter().copied())
            .header("authorization", &self.key)
            .header("content-type", "application/octet-stream")
            .header("content-length", size.to_string())
            .send(ureq::SendBody::from_reader(&mut body))
            .context("the upload was cut")?;
        Ok(answer::<Uploaded>(response)?.id)
    }

    pub fn status(&self, id: &str) -> Result<Status> {
        let request = self.agent.get(format!("{}/api/v1/transcode/status/{id}", self.base));
        answer(request.header("authorization", &self.key).call()?)
    }

    /// Says who may watch the title (`docs/formats/rules.md`).
    pub fn rule(&self, id: &str, rule: &serde_json::Value) -> Result<()> {
        let request = self.agent.put(format!("{}/api/v1/content/{id}/gating-rules", self.base));
        let body = serde_json::json!({ "rule": rule }).to_string();
        let request = request.header("authorization", &self.key).header("content-type", "application/json");
        answer::<serde_json::Value>(request.send(body)?).map(drop)
    }

    /// A playback token for the title.
    pub fn token(&self, id: &str, ttl: Duration) -> Result<String> {
        let request = self.agent.post(format!("{}/api/v1/content/{id}/token", self.base));
        let body = serde_json::json!({ "ttl_seconds": ttl.as_secs() }).to_string();
        let request = request.header("authorization", &self.key).header("content-type", "application/json");
        Ok(answer::<Minted>(request.send(body)?)?.token)
    }
}

fn answer<T: serde::de::DeserializeOwned>(mut response: ureq::http::Response<ureq::Body>) -> Result<T> {
    let status = response.status();
    let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
    if !status.is_success() {
        match serde_json::from_str::<Problem>(&body) {
            Ok(problem) => bail!("{} ({}, HTTP {status})", problem.detail, problem.code),
            Err(_) => bail!("the origin answered HTTP {status}"),
        }
    }
    serde_json::from_str(&body).context("the origin's answer is not what this version expects")
}

struct Counted<F> {
    file: File,
    sent: u64,
    tell: F,
}

impl<F: Fn(u64)> Read for Counted<F> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(into)?;
        self.sent += count as u64;
        (self.tell)(self.sent);
        Ok(count)
    }
}
