//! An S3 of a test's own: SeaweedFS on free ports of loopback, with one bucket and one identity, ended with the test by its own
//! process id. `make setup-test` puts the program beside the build; else the one on the path is used.
#![allow(dead_code)] // each test binary uses a part

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const BUCKET: &str = "videos";
pub const ACCESS_KEY: &str = "streamgate";
pub const SECRET_KEY: &str = "streamgate-secret";

/// A server with an empty bucket; it runs unless it was stopped.
#[derive(Debug)]
pub struct Weed {
    folder: TempDir,
    /// S3, filer, master, volume, and what each speaks gRPC on.
    ports: [u16; 8],
    child: Child,
}

impl Weed {
    pub fn start() -> Self {
        // A port that was free may be taken by the time it is bound, if only by somebody's connection.
        (0..5).find_map(|_| Self::on_free_ports()).expect("SeaweedFS finds its ports free")
    }

    /// `None`: it has ended by itself.
    fn on_free_ports() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("sg-s3-").tempdir().unwrap();
        let identity = format!(
            r#"{{"identities":[{{"name":"streamgate","credentials":[{{"accessKey":"{ACCESS_KEY}","secretKey":"{SECRET_KEY}"}}],"actions":["Admin"]}}]}}"#
        );
        std::fs::write(folder.path().join("s3.json"), identity).unwrap();
        let taken: Vec<TcpListener> = (0..8).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = std::array::from_fn(|n| taken[n].local_addr().unwrap().port());
        drop(taken);
        let child = spawn(folder.path(), &ports);
        let mut weed = Self { folder, ports, child };
        if !weed.wait() {
            return None;
        }
        // A bucket is a folder of the filer.
        let made = weed.says(weed.ports[1], &format!("POST /buckets/{BUCKET}/"));
        assert!(made.starts_with("HTTP/1.1 201"), "{made}");
        Some(weed)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// What the S3 says to someone without a key.
    pub fn anonymous(&self, path: &str) -> String {
        self.says(self.ports[0], &format!("GET {path}"))
    }

    /// The files of a folder of the bucket, as the filer lists them.
    pub fn lists(&self, folder: &str) -> String {
        self.says(self.ports[1], &format!("GET /buckets/{BUCKET}/{folder}/?limit=10000"))
    }

    /// Kills it.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same data and ports.
    pub fn start_again(&mut self) {
        self.child = spawn(self.folder.path(), &self.ports);
        assert!(self.wait(), "SeaweedFS ended: {:?}", self.log());
    }

    /// Until it answers; `false`: it has ended by itself.
    fn wait(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(60);
        let is_up = |weed: &Self| weed.says(weed.ports[0], "GET /status").starts_with("HTTP/1.1 200");
        let has_filer = |weed: &Self| weed.says(weed.ports[1], "GET /?limit=1").starts_with("HTTP/1.1 200");
        while !(is_up(self) && has_filer(self)) {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            assert!(Instant::now() < until, "SeaweedFS does not start: {:?}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    fn log(&self) -> std::io::Result<String> {
        std::fs::read_to_string(self.folder.path().join("log"))
    }

    fn says(&self, port: u16, request: &str) -> String {
        let asked = || {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            let head =
                "HTTP/1.1\r\nhost: s3\r\naccept: application/json\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(format!("{request} {head}").as_bytes())?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
        };
        asked().unwrap_or_default()
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        let _ = self.child.kill(); // one that has ended already is not signalled
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, ports: &[u16; 8]) -> Child {
    let [s3, filer, master, volume, rest @ ..] = ports;
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program());
    command.args(["-logtostderr=true", "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"]);
    command.args(["-filer", "-s3", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]);
    command.args(["-volume.max=20", "-master.volumeSizeLimitMB=64"]);
    command.arg(format!("-dir={}", folder.display()));
    command.arg(format!("-s3.config={}", folder.join("s3.json").display()));
    for (name, port) in [("s3", s3), ("filer", filer), ("master", master), ("volume", volume)] {
        command.arg(format!("-{name}.port={port}"));
    }
    for (name, port) in ["s3", "filer", "master", "volume"].iter().zip(rest) {
        command.arg(format!("-{name}.port.grpc={port}"));
    }
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn program() -> PathBuf {
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../seaweedfs/bin/weed");
    if beside.exists() { beside } else { PathBuf::from("weed") }
}
