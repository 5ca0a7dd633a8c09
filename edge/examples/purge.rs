//! How long a purge takes that covers everything an edge holds: fills it with N small objects that share a tag, and purges the tag while
//! clients go on asking.
//!
//! `cargo run --release -p streamgate-edge --example purge -- [OBJECTS]`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edge::purge::{Purge, What};
use edge::{Config, Source, Upstream};

const CLIENTS: usize = 16;
const PIPELINED: usize = 64;

fn main() {
    let objects: usize = std::env::args().nth(1).map_or(1_000_000, |n| n.parse().expect("a number of objects"));
    let origin = origin();
    let source = Source::parse(&format!("http://{origin}")).expect("an address");
    let mut config = Config::new(Upstream::new(source));
    config.ram_bytes = (objects as u64 * 2048).max(64 << 20);
    let edge = edge::start(config).expect("the edge starts");
    let at = edge.http_addr();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            scope.spawn(move || ask(at, (n..objects).step_by(CLIENTS)));
        }
    });
    println!("{objects} objects on {} shards, filled in {:.1} s", edge.shards(), began.elapsed().as_secs_f64());
    let over = AtomicBool::new(false);
    let slowest = AtomicU64::new(0);
    let mut times = Vec::new();
    let before = slow_turns(&edge);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // One client that asks for what is there all the while: the longest answer bounds what a purge holds up.
            let mut connection = BufReader::new(TcpStream::connect(at).expect("the edge accepts"));
            while !over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                connection.get_mut().write_all(b"GET /0 HTTP/1.1\r\nHost: e\r\n\r\n").expect("sent");
                answer(&mut connection);
                slowest.fetch_max(asked.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
        });
        for round in 0..50 {
            let what = if round % 2 == 0 { What::Tag("everything".into()) } else { What::Prefix(format!("/{round}")) };
            let asked = Instant::now();
            edge.purge(Purge { what, soft: false }).expect("purged");
            times.push(asked.elapsed());
            std::thread::sleep(Duration::from_millis(20));
        }
        over.store(true, Ordering::Relaxed);
    });
    times.sort_unstable();
    println!(
        "50 purges: median {:.3} ms, longest {:.3} ms; longest answer to a client meanwhile {:.3} ms",
        times[25].as_secs_f64() * 1e3,
        times[49].as_secs_f64() * 1e3,
        slowest.load(Ordering::Relaxed) as f64 / 1e3
    );
    let after = slow_turns(&edge);
    println!("turns of the loops meanwhile: {}, longer than 1 ms: {}", after.0 - before.0, after.1 - before.1);
}

/// Turns of all shards' loops, and those that took longer than a millisecond.
fn slow_turns(edge: &edge::Edge) -> (u64, u64) {
    let metrics = edge.metrics();
    let sum = |bound: &str| -> u64 {
        let lines = metrics.lines().filter(|line| line.starts_with("streamgate_edge_loop_turn_seconds_bucket"));
        lines.filter_map(|line| line.split_once(&format!("le=\"{bound}\"}} "))?.1.parse::<u64>().ok()).sum()
    };
    (sum("+Inf"), sum("+Inf") - sum("0.001"))
}

/// Asks for every one of `numbers`, several at a time.
fn ask(at: SocketAddr, numbers: impl Iterator<Item = usize>) {
    let mut connection = BufReader::new(TcpStream::connect(at).expect("the edge accepts"));
    let numbers: Vec<usize> = numbers.collect();
    for some in numbers.chunks(PIPELINED) {
        let text: String = some.iter().map(|n| format!("GET /{n} HTTP/1.1\r\nHost: e\r\n\r\n")).collect();
        connection.get_mut().write_all(text.as_bytes()).expect("sent");
        some.iter().for_each(|_| answer(&mut connection));
    }
}

fn answer(connection: &mut BufReader<TcpStream>) {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        connection.read_line(&mut line).expect("a head");
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().expect("a length");
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("a body");
}

/// An origin that says the same to everyone.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut out = stream.try_clone().expect("a clone");
                let mut lines = BufReader::new(stream).lines();
                while let Some(Ok(line)) = lines.next() {
                    if line.is_empty()
                        && out
                            .write_all(
                                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nSurrogate-Key: everything\r\nContent-Length: 5\r\n\r\nhello",
                            )
                            .is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    addr
}
