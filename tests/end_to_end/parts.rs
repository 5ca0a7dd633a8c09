//! Parts of an origin as processes of their own, and what they share: PostgreSQL, NATS, Redis and an S3.

use crate::program::{PATIENCE, streamgate};
use crate::support::nats::Nats;
use crate::support::postgres::Server;
use crate::support::redis::Redis;
use crate::support::weed::{ACCESS_KEY, BUCKET, SECRET_KEY, Weed};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};

/// What they share, and what all of them are told.
pub struct Engines {
    pub postgres: Server,
    nats: Nats,
    redis: Redis,
    s3: Weed,
}

impl Engines {
    /// By the thread of the test: PostgreSQL and SeaweedFS end with the thread that started them.
    pub fn start() -> Self {
        Self { postgres: Server::start(), nats: Nats::start(), redis: Redis::start(), s3: Weed::start() }
    }

    pub fn environment(&self) -> HashMap<String, String> {
        let told = [
            ("STORAGE__CATALOGUE", self.postgres.url()),
            ("STORAGE__OBJECTS", format!("s3://{BUCKET}/roles")),
            ("STORAGE__S3_ENDPOINT", self.s3.endpoint()),
            ("STORAGE__S3_ACCESS_KEY", ACCESS_KEY.into()),
            ("STORAGE__S3_SECRET_KEY", SECRET_KEY.into()),
            ("CACHE__REDIS", self.redis.address()),
            ("NATS__URL", self.nats.address()),
            ("ROLES__SECRET", "0123456789abcdef0123456789abcdef".into()),
        ];
        told.into_iter().map(|(key, value)| (format!("STREAMGATE_{key}"), value)).collect()
    }
}

/// A process, with where it listens; killed when it is dropped.
pub struct Part {
    child: Child,
    pub listen: String,
    /// What its log said.
    log: Arc<Mutex<Vec<String>>>,
}

impl Part {
    /// Returns once it says in its log that it listens.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let (tell, told) = mpsc::channel();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let parsed: Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(message) = parsed["fields"]["message"].as_str() {
                    kept.lock().expect("nobody panics with it").push(message.to_owned());
                }
                if let Some(listen) = parsed["fields"]["listen"].as_str() {
                    let _ = tell.send(listen.to_owned());
                } else if parsed["level"] != "INFO" {
                    eprintln!("{line}");
                }
            }
        });
        let listen = told.recv_timeout(PATIENCE).expect("the program says where it listens");
        Self { child, listen, log }
    }

    /// `streamgate` with these arguments, listening at `listen`.
    pub fn start(arguments: &[&str], data: &Path, listen: &str, environment: &HashMap<String, String>) -> Self {
        let mut command = streamgate();
        command.args(arguments).envs(environment);
        command.env("STREAMGATE_STORAGE__DATA", data).env("STREAMGATE_ORIGIN__LISTEN", listen);
        Self::spawn(&mut command)
    }

    /// How often its log said this.
    pub fn said(&self, message: &str) -> usize {
        let log = self.log.lock().expect("nobody panics with it");
        log.iter().filter(|line| line.as_str() == message).count()
    }

    /// `-STOP`, `-CONT`.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "{signal}");
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().expect("it ran");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one line of a file.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).trim().to_owned()
}
