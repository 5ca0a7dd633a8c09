//! How soon each byte of a cold object reaches everyone who waits for it: N clients ask at once, a tenth of them late, an origin sends
//! the object piece by piece, and each piece carries the time at which it left.
//!
//! `cargo run --release -p streamgate-edge --example crowd -- [CLIENTS] [PIECES]`
//!
//! Origin and clients run in this process and on the same cores: their own time is in the figures.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use edge::{Config, Source, Upstream};

const PIECE: usize = 16 * 1024;
const PAUSE: Duration = Duration::from_millis(100);
/// Threads that read for the clients, each for many by turns.
const READERS: usize = 8;

fn main() {
    let arg = |n: usize, default: usize| std::env::args().nth(n).map_or(default, |v| v.parse().expect("a number"));
    let (clients, pieces) = (arg(1, 1_000), arg(2, 40));
    let (start, requests) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let origin = origin(pieces, start, requests.clone());
    let mut config = Config::new(Upstream::new(Source::parse(&format!("http://{origin}")).expect("an address")));
    config.ram_bytes = 256 << 20;
    let edge = edge::start(config).expect("the edge starts");
    let (at, delays) = (edge.http_addr(), Mutex::new(Vec::new()));
    let together = Barrier::new(READERS);
    std::thread::scope(|scope| {
        for n in 0..READERS {
            let (delays, together) = (&delays, &together);
            scope.spawn(move || {
                let mine = (n..clients).step_by(READERS).count();
                let seen = crowd(at, mine, pieces, start, together);
                delays.lock().expect("not poisoned").extend(seen);
            });
        }
    });
    let mut delays = delays.into_inner().expect("not poisoned");
    delays.sort_unstable();
    let share = |part: usize| delays[(delays.len() * part / 1000).min(delays.len() - 1)] as f64 / 1e3;
    println!(
        "{clients} clients, {} requests at the origin, {} pieces read; from the origin's send to a client's receive: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        requests.load(Ordering::Relaxed),
        delays.len(),
        share(500),
        share(990),
        share(1000)
    );
}

/// A client's connection and what it has received.
struct Client {
    stream: TcpStream,
    /// Bytes of body so far; `None` before the head's end.
    body: Option<usize>,
    head: Vec<u8>,
    stamp: Vec<u8>,
    asked: bool,
    asked_us: u64,
}

/// Reads for `count` clients; the delay of every piece that came while they waited, microseconds.
fn crowd(at: SocketAddr, count: usize, pieces: usize, start: Instant, together: &Barrier) -> Vec<u64> {
    let connect = |_| {
        let stream = TcpStream::connect(at).expect("the edge accepts");
        stream.set_nonblocking(true).expect("a socket");
        Client { stream, body: None, head: Vec::new(), stamp: Vec::new(), asked: false, asked_us: 0 }
    };
    let mut clients: Vec<Client> = (0..count).map(connect).collect();
    together.wait();
    let began = Instant::now();
    let (mut delays, mut buffer) = (Vec::new(), vec![0; 256 * 1024]);
    while clients.iter().any(|client| client.body != Some(pieces * PIECE)) {
        let mut idle = true;
        for (i, client) in clients.iter_mut().enumerate() {
            // Every tenth comes when the half is there.
            let is_due = i % 10 != 9 || began.elapsed() > PAUSE * (pieces as u32 / 2);
            if !client.asked && is_due {
                client.stream.write_all(b"GET /cold HTTP/1.1\r\nHost: e\r\n\r\n").expect("sent");
                client.asked = true;
                client.asked_us = start.elapsed().as_micros() as u64;
            }
            if let Ok(count @ 1..) = client.stream.read(&mut buffer) {
                idle = false;
                client.take(&buffer[..count], start, &mut delays);
            }
        }
        if idle {
            std::thread::sleep(Duration::from_micros(500));
        }
    }
    delays
}

impl Client {
    fn take(&mut self, mut bytes: &[u8], start: Instant, delays: &mut Vec<u64>) {
        let now = start.elapsed().as_micros() as u64;
        if self.body.is_none() {
            self.head.extend_from_slice(bytes);
            let Some(end) = self.head.windows(4).position(|w| w == b"\r\n\r\n") else { return };
            assert!(self.head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.head));
            bytes = &bytes[bytes.len() - (self.head.len() - end - 4)..];
            self.body = Some(0);
        }
        let before = self.body.unwrap_or(0);
        let mut at = 0;
        while at < bytes.len() {
            let place = (before + at) % PIECE;
            let count = (PIECE - place).min(bytes.len() - at);
            // The stamp stands in the last eight bytes of a piece: with it all of the piece is here.
            let from = at + (PIECE - 8).saturating_sub(place).min(count);
            self.stamp.extend_from_slice(&bytes[from..at + count]);
            at += count;
            if place + count == PIECE {
                let sent = u64::from_le_bytes(self.stamp[..].try_into().expect("eight bytes"));
                self.stamp.clear();
                // What a late comer finds counts from its own request.
                delays.push(now.saturating_sub(sent.max(self.asked_us)));
            }
        }
        self.body = Some(before + bytes.len());
    }
}

fn origin(pieces: usize, start: Instant, requests: Arc<AtomicU64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let requests = requests.clone();
            std::thread::spawn(move || {
                stream.set_nodelay(true).expect("a socket");
                let mut out = stream.try_clone().expect("a clone");
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if line.is_empty() {
                        requests.fetch_add(1, Ordering::Relaxed);
                        // Time for everyone to ask.
                        std::thread::sleep(Duration::from_millis(500));
                        let length = pieces * PIECE;
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\nContent-Length: {length}\r\n\r\n"
                        );
                        let mut sent = out.write_all(head.as_bytes()).is_ok();
                        for _ in 0..pieces {
                            let mut piece = vec![7; PIECE];
                            piece[PIECE - 8..].copy_from_slice(&(start.elapsed().as_micros() as u64).to_le_bytes());
                            sent = sent && out.write_all(&piece).is_ok();
                            std::thread::sleep(PAUSE);
                        }
                        if !sent {
                            return;
                        }
                    }
                }
            });
        }
    });
    addr
}
