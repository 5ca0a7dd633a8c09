//! Processes: the edge that is attacked, and whoever attacks it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use edge::{Config, Page, Source, Upstream};

/// Another process of this program, killed with its owner.
pub struct Process {
    pub child: Child,
}

impl Process {
    /// Runs this program with `args` on `core`, at the lowest priority if it is to stand back.
    pub fn start(core: usize, stands_back: bool, args: &[&str]) -> Process {
        let mut command = Command::new("nice");
        command.args(["-n", if stands_back { "19" } else { "0" }, "taskset", "-c", &core.to_string()]);
        let child = command.arg(std::env::current_exe().expect("this program")).args(args);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("nice and taskset are there");
        Process { child }
    }

    /// What it says, to its end.
    pub fn said(mut self) -> String {
        let mut text = String::new();
        self.child.stdout.take().expect("piped").read_to_string(&mut text).expect("text");
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The edge's process.
pub struct Target {
    process: Process,
    pub http: SocketAddr,
    admin: SocketAddr,
}

/// Serves until standard input ends.
pub fn serve() {
    let nowhere = Source::parse("http://127.0.0.1:9").expect("an address");
    let mut config = Config::new(Upstream::new(nowhere));
    config.shards = 1;
    config.ram_bytes = 64 << 20;
    config.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let page = |path: &str, body| Page { path: path.to_owned(), content_type: "text/plain", body };
    config.pages = vec![page("/", &[b'x'; 1024]), page("/large", &[b'x'; 256 * 1024])];
    let edge = edge::start(config).expect("the edge starts");
    println!("{} {}", edge.http_addr(), edge.admin_addr().expect("configured"));
    std::io::stdout().flush().expect("the parent reads");
    let _ = std::io::stdin().read(&mut [0]);
}

impl Target {
    pub fn start() -> Target {
        let mut process = Process::start(0, false, &["serve"]);
        let mut line = String::new();
        BufReader::new(process.child.stdout.take().expect("piped")).read_line(&mut line).expect("it says where it is");
        let (http, admin) = line.trim().split_once(' ').expect("two addresses");
        Target { process, http: http.parse().expect("an address"), admin: admin.parse().expect("an address") }
    }

    /// Resident memory, bytes.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.child.id());
        let text = std::fs::read_to_string(path).expect("it runs");
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// A number of its metrics, over all reasons if it has some.
    pub fn number(&self, name: &str) -> u64 {
        let mut stream = TcpStream::connect(self.admin).expect("it answers");
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text");
        let name = format!("streamgate_edge_{name}");
        let values = text.lines().filter(|line| line.starts_with(&name));
        values.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    }
}
