//! One running `streamgate serve` with its ports and key, killed when the test is over.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Longest wait for anything; a machine that needs longer has a hang.
pub const PATIENCE: Duration = Duration::from_secs(240);

pub fn streamgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_streamgate"))
}

pub struct Program {
    child: Child,
    pub edge: String,
    pub origin: String,
    key: String,
    agent: ureq::Agent,
}

pub struct Answer {
    pub status: u16,
    /// `Cache-Status`; empty where there is none.
    pub cache_status: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&self.body)))
    }
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }
}

impl Program {
    /// Starts origin and edge on free ports over the data folder `data`, with more settings from the environment.
    pub fn serve(data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut child = streamgate()
            .arg("serve")
            .env("STREAMGATE_STORAGE__DATA", data)
            .env("STREAMGATE_ORIGIN__LISTEN", "127.0.0.1:0")
            .env("STREAMGATE_EDGE__HTTP", "127.0.0.1:0")
            .env("STREAMGATE_EDGE__ADMIN", "")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("{line}");
                let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
                let address = |name| parsed["fields"][name].as_str().map(str::to_owned);
                if let (Some(edge), Some(origin)) = (address("edge"), address("origin")) {
                    let _ = tell.send((edge, origin));
                }
            }
        });
        let (edge, origin) = told.recv_timeout(PATIENCE).expect("the program says where it listens");
        let key = std::fs::read_to_string(data.join("keys/api.key")).expect("the key was made");
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Self { child, edge, origin, key: key.trim().to_owned(), agent }
    }

    pub fn upload(&self, bytes: &[u8], query: &str) -> Answer {
        let url = format!("http://{}/api/v1/upload?{query}", self.origin);
        let request = self.agent.post(url).header("authorization", format!("Bearer {}", self.key));
        answer(request.send(bytes))
    }

    pub fn api(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("http://{}/api/v1/{path}", self.origin));
        answer(request.header("authorization", format!("Bearer {}", self.key)).call())
    }

    /// Tries to start over a data folder; whether that succeeded, and what was said.
    pub fn refuses(data: &Path) -> (bool, String) {
        let mut command = streamgate();
        command.arg("origin").env("STREAMGATE_STORAGE__DATA", data).env("STREAMGATE_ORIGIN__LISTEN", "127.0.0.1:0");
        let ended = command.output().expect("the program starts");
        (ended.status.success(), String::from_utf8_lossy(&ended.stderr).into_owned())
    }

    /// Begins a resumable upload; answers what was said.
    pub fn begin(&self, length: u64) -> Answer {
        let request = self.agent.post(format!("http://{}/api/v1/upload/tus", self.origin));
        let request = request.header("authorization", format!("Bearer {}", self.key)).header("tus-resumable", "1.0.0");
        answer(request.header("upload-length", length.to_string()).send_empty())
    }

    /// Begins a resumable upload; answers its path.
    pub fn begin_upload(&self, length: u64) -> String {
        let request = self.agent.post(format!("http://{}/api/v1/upload/tus", self.origin));
        let request = request.header("authorization", format!("Bearer {}", self.key)).header("tus-resumable", "1.0.0");
        let begun = request.header("upload-length", length.to_string()).send_empty().expect("an answer");
        assert_eq!(begun.status(), 201);
        begun.headers()["location"].to_str().expect("a path").to_owned()
    }

    /// Sends the next bytes of an upload; answers its new offset.
    pub fn send_upload(&self, path: &str, offset: u64, mut bytes: impl Read, length: u64) -> Option<u64> {
        let request = self.agent.patch(format!("http://{}{path}", self.origin));
        let request = request.header("authorization", format!("Bearer {}", self.key)).header("tus-resumable", "1.0.0");
        let request = request.header("content-type", "application/offset+octet-stream");
        let request = request.header("upload-offset", offset.to_string()).header("content-length", length.to_string());
        let sent = request.send(ureq::SendBody::from_reader(&mut bytes)).expect("an answer");
        sent.headers().get("upload-offset")?.to_str().ok()?.parse().ok()
    }

    /// How far an upload is.
    pub fn upload_offset(&self, path: &str) -> u64 {
        let request = self.agent.head(format!("http://{}{path}", self.origin));
        let request = request.header("authorization", format!("Bearer {}", self.key)).header("tus-resumable", "1.0.0");
        let told = request.call().expect("an answer");
        told.headers()["upload-offset"].to_str().expect("a number").parse().expect("a number")
    }

    /// Changes an asset's properties.
    pub fn change(&self, id: &str, body: &str) {
        let request = self.agent.post(format!("http://{}/api/v1/content/{id}", self.origin));
        let request = request.header("authorization", format!("Bearer {}", self.key));
        let got = answer(request.content_type("application/json").send(body));
        assert_eq!(got.status, 200, "{}", got.text());
    }

    /// Queues a job by hand; answers its number.
    pub fn queue(&self, body: &str) -> i64 {
        let request = self.agent.post(format!("http://{}/api/v1/worker/jobs", self.origin));
        let request = request.header("authorization", format!("Bearer {}", self.key));
        let got = answer(request.content_type("application/json").send(body));
        assert_eq!(got.status, 202, "{}", got.text());
        got.json()["job"].as_i64().expect("a number")
    }

    /// Has every edge drop what it keeps of an asset.
    pub fn purge(&self, id: &str) {
        let request = self.agent.post(format!("http://{}/api/v1/cache/purge", self.origin));
        let request = request.header("authorization", format!("Bearer {}", self.key));
        let got = answer(request.content_type("application/json").send(format!(r#"{{"asset":"{id}"}}"#)));
        assert_eq!(got.status, 202, "{}", got.text());
    }

    /// Waits until a job is done.
    pub fn done(&self, job: i64) -> Value {
        let begun = Instant::now();
        loop {
            let told = self.api(&format!("worker/jobs/{job}")).json();
            if told["state"] == "done" {
                return told;
            }
            assert!(told["state"] != "failed" && begun.elapsed() < PATIENCE, "{told}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn delete(&self, id: &str) {
        let request = self.agent.delete(format!("http://{}/api/v1/content/{id}", self.origin));
        let got = answer(request.header("authorization", format!("Bearer {}", self.key)).call());
        assert!((200..300).contains(&got.status), "{}", got.text());
    }

    /// A token that opens an asset.
    pub fn token(&self, id: &str) -> String {
        let request = self.agent.post(format!("http://{}/api/v1/content/{id}/token", self.origin));
        let got = answer(request.header("authorization", format!("Bearer {}", self.key)).send_empty());
        assert_eq!(got.status, 201, "{}", got.text());
        got.json()["token"].as_str().expect("a token").to_owned()
    }

    pub fn through_edge(&self, path: &str) -> Answer {
        self.through(&self.edge, path)
    }

    /// Through an edge that is another process.
    pub fn through(&self, edge: &str, path: &str) -> Answer {
        answer(self.agent.get(format!("http://{edge}{path}")).call())
    }

    pub fn status(&self, id: &str) -> Value {
        let got = self.api(&format!("transcode/status/{id}"));
        assert_eq!(got.status, 200, "{}", got.text());
        got.json()
    }

    /// Asks for the status until `holds`; returns that status.
    pub fn wait(&self, id: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let status = self.status(id);
            if holds(&status) {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "waited for {what} in vain: {status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Uploads and waits until the job has ended one way or the other.
    pub fn ingest(&self, bytes: &[u8], query: &str) -> (String, Value) {
        let uploaded = self.upload(bytes, query);
        assert_eq!(uploaded.status, 201, "{}", uploaded.text());
        let id = uploaded.json()["id"].as_str().expect("an id").to_owned();
        let status = self.wait(&id, "the end of the job", ended);
        (id, status)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it was running");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM; returns whether it ended with success within the limit.
    pub fn terminate(mut self, within: Duration) -> bool {
        let ended = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(ended.expect("kill runs").success());
        let start = Instant::now();
        while start.elapsed() < within {
            if let Some(status) = self.child.try_wait().expect("it is ours") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Resident memory, bytes.
    pub fn rss(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("running");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
    }

    /// Bytes resident once the start is over: the edge's caches touch their first pages a moment after it listens.
    pub fn rss_settled(&self) -> u64 {
        let mut before = self.rss();
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(500));
            let now = self.rss();
            if now <= before {
                return now;
            }
            before = now;
        }
        panic!("the program grows without work")
    }
}

pub fn ended(status: &Value) -> bool {
    matches!(status["state"].as_str(), Some("ready" | "failed"))
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = response.expect("an answer");
    let cache_status = response.headers().get("cache-status").and_then(|value| value.to_str().ok());
    Answer {
        status: response.status().as_u16(),
        cache_status: cache_status.unwrap_or_default().to_owned(),
        body: response.body_mut().with_config().limit(1 << 30).read_to_vec().expect("a whole body"),
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
