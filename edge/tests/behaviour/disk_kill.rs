//! Promised: an edge that is killed while it serves and writes comes back with what had been written, and with nothing wrong.
//!
//! The test runs itself again as the edge. The log alone is killed a hundred times in `storage/cache/tests/disk_kill.rs`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{Client, bytes, source, until};
use edge::{Config, Disk, Upstream};

const EDGE: &str = "STREAMGATE_TEST_DISK_EDGE";
const KILLS: usize = 10;

/// An edge in front of `origin`, until it is killed.
fn serve(origin: SocketAddr, folder: &Path) {
    let mut config = Config::new(Upstream::new(source(origin)));
    config.shards = 1;
    config.pin = false;
    config.ram_bytes = 256 << 20;
    config.admin = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    config.disks = vec![Disk { path: folder.join("disk"), bytes: 280 << 20, write_bytes_per_second: 0 }];
    let edge = edge::start(config).expect("the edge starts");
    let admin = edge.admin_addr().expect("configured");
    std::io::stderr().write_all(format!("at {} {admin}\n", edge.http_addr()).as_bytes()).expect("the parent reads");
    loop {
        std::thread::park();
    }
}

/// An edge in a process of its own.
struct Served {
    process: Child,
    http: SocketAddr,
    admin: SocketAddr,
}

impl Served {
    fn start(origin: SocketAddr, folder: &Path) -> Served {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "disk_kill::a_killed_edge_comes_back_with_what_it_had_written", "--nocapture"])
            .env(EDGE, format!("{origin} {}", folder.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let line = lines.map_while(Result::ok).find(|line| line.starts_with("at ")).expect("it says where it is");
        let words: Vec<&str> = line.split(' ').collect();
        Served { process, http: words[1].parse().expect("an address"), admin: words[2].parse().expect("an address") }
    }

    fn written(&self) -> u64 {
        self.number("disk_objects_written_total")
    }

    fn number(&self, name: &str) -> u64 {
        let metrics = Client::to(self.admin).get("/metrics", "").text();
        let name = format!("streamgate_edge_{name}{{");
        let line = metrics.lines().find(|line| line.starts_with(&name)).expect("the metric");
        line.rsplit(' ').next().and_then(|n| n.parse().ok()).expect("a number")
    }
}

impl Drop for Served {
    /// Killed, here and when the test fails.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn size(i: u64) -> usize {
    match i % 7 {
        0 => 1_200_000 + i as usize,
        1 | 2 => 40_000 + i as usize,
        _ => 500 + i as usize,
    }
}

/// An origin that has `/0`, `/1`, ..., and how many requests it got.
fn origin() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = count.clone();
            std::thread::spawn(move || answer(stream, &count));
        }
    });
    (addr, asked)
}

fn answer(mut stream: TcpStream, asked: &AtomicU64) {
    let (mut input, mut part) = (Vec::new(), [0; 4096]);
    loop {
        while let Some(end) = input.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8(input.drain(..end + 4).collect()).expect("text");
            let i = head.split(' ').nth(1).and_then(|path| path[1..].parse().ok()).expect("GET /N");
            asked.fetch_add(1, Ordering::SeqCst);
            let body = bytes(size(i));
            let head =
                format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: {}\r\n\r\n", body.len());
            if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)).is_err() {
                return;
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return,
            Ok(count) => input.extend_from_slice(&part[..count]),
        }
    }
}

#[test]
fn a_killed_edge_comes_back_with_what_it_had_written() {
    if let Ok(told) = std::env::var(EDGE) {
        let (origin, folder) = told.split_once(' ').expect("two words");
        return serve(origin.parse().expect("an address"), Path::new(folder));
    }
    let dir = tempfile::tempdir().expect("a folder");
    let (origin, asked) = origin();
    let mut served = Served::start(origin, dir.path());
    let (mut next, mut acknowledged, mut missing) = (0u64, 0u64, 0u64);
    for kill in 0..KILLS as u64 {
        let first = next;
        let mut client = Client::to(served.http);
        let get = |client: &mut Client, i: u64| {
            let got = client.get(&format!("/{i}"), "");
            assert!(got.status == 200 && got.body == bytes(size(i)), "object {i}");
        };
        // Asked for twice each, in order, and so written in order. How far that comes before the kill differs from time to time.
        for _ in 0..10 + kill * 3 {
            get(&mut client, next);
            get(&mut client, next);
            next += 1;
        }
        until("some of it is written", || served.written() > kill);
        let written = served.written();
        drop(served);
        served = Served::start(origin, dir.path());
        // A start waits two seconds for its disk; a busy machine may need more.
        until("the disk is found again", || served.number("disk_up") == 1);
        let mut client = Client::to(served.http);
        let before = asked.load(Ordering::SeqCst);
        for i in first..(first + written).min(next) {
            get(&mut client, i);
        }
        acknowledged += written;
        missing += asked.load(Ordering::SeqCst) - before;
        for i in first..next {
            get(&mut client, i);
        }
    }
    // Everything of every life, whether it was written then or later.
    let mut client = Client::to(served.http);
    for i in 0..next {
        let got = client.get(&format!("/{i}"), "");
        assert!(got.status == 200 && got.body == bytes(size(i)), "object {i}");
    }
    assert!(acknowledged >= KILLS as u64);
    assert!(missing * 100 <= acknowledged, "{missing} of {acknowledged} are missing");
}
