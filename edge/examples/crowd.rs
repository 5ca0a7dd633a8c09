//! How soon each byte of a cold object reaches everyone who waits for it: N clients ask at once, a tenth of them late, an origin sends
//! the object piece by piece, and each piece carries the time at which it left.
//!
//! `cargo run --release -p streamgate-edge --example crowd -- [CLIENTS] [PIECES] [BYTES OF A PIECE] [MS BETWEEN THEM]`
//!
//! Origin and clients run in this process and on the same cores: their own time is in the figures.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edge::{Config, Source, Upstream};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How the origin sends.
#[derive(Clone, Copy)]
struct Flow {
    pieces: usize,
    /// Of each piece; eight at least.
    bytes: usize,
    /// After each.
    pause: Duration,
}

fn main() {
    let arg = |n: usize, default: usize| std::env::args().nth(n).map_or(default, |v| v.parse().expect("a number"));
    let (clients, pieces) = (arg(1, 1_000), arg(2, 40));
    let flow = Flow { pieces, bytes: arg(3, 16 * 1024), pause: Duration::from_millis(arg(4, 100) as u64) };
    let (start, requests) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let origin = origin(flow, start, requests.clone());
    let mut config = Config::new(Upstream::new(Source::parse(&format!("http://{origin}")).expect("an address")));
    config.ram_bytes = 256 << 20;
    let edge = edge::start(config).expect("the edge starts");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let delays = runtime.block_on(crowd(edge.http_addr(), clients, flow, start));
    let caught_up: Vec<u64> = delays.iter().filter(|delay| delay.1).map(|delay| delay.0).collect();
    let awaited: Vec<u64> = delays.iter().filter(|delay| !delay.1).map(|delay| delay.0).collect();
    println!(
        "{clients} clients, {} requests at the origin, {} pieces read; from the origin's send, or a late one's request, to a client's receive:",
        requests.load(Ordering::Relaxed),
        delays.len(),
    );
    let of_piece = |n: usize| {
        let mut delays: Vec<u64> = delays.iter().skip(n).step_by(pieces).map(|delay| delay.0).collect();
        delays.sort_unstable();
        let share = |part: usize| delays.get(delays.len() * part / 100).map_or(0.0, |delay| *delay as f64 / 1e3);
        format!("{:.0}/{:.0}", share(50), share(99))
    };
    println!("piece by piece, median/p99 in ms: {}", (0..pieces).map(of_piece).collect::<Vec<_>>().join(" "));
    for (what, mut delays) in
        [("all", delays.iter().map(|delay| delay.0).collect()), ("awaited", awaited), ("caught up with", caught_up)]
    {
        delays.sort_unstable();
        let share = |part: usize| {
            delays.get((delays.len() * part / 1000).min(delays.len() - 1)).map_or(0.0, |d| *d as f64 / 1e3)
        };
        let (median, p99, longest) = (share(500), share(990), share(1000));
        println!("{what} ({}): median {median:.1} ms, p99 {p99:.1} ms, longest {longest:.1} ms", delays.len());
    }
}

/// What a client has received.
struct Client {
    /// Bytes of body so far; `None` before the head's end.
    body: Option<usize>,
    head: Vec<u8>,
    stamp: Vec<u8>,
    asked_us: u64,
    /// Bytes of a piece.
    piece: usize,
}

/// Asks and reads for `count` clients; the delay of every piece, microseconds, and whether it was there before
/// they asked.
async fn crowd(at: SocketAddr, count: usize, flow: Flow, start: Instant) -> Vec<(u64, bool)> {
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(TcpStream::connect(at).await.expect("the edge accepts"));
    }
    let late = flow.pause * (flow.pieces as u32 / 2);
    let tasks = (0..).zip(streams).map(|(i, stream)| {
        tokio::spawn(async move {
            // Every tenth comes when the half is there.
            if i % 10 == 9 {
                tokio::time::sleep(late).await;
            }
            read(stream, flow, start).await
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let (mut delays, mut streams) = (Vec::new(), Vec::new());
    for task in tasks {
        let (seen, stream) = task.await.expect("a client's answer");
        delays.extend(seen);
        // Closed when everyone has everything: who is done must not take others' time for it.
        streams.push(stream);
    }
    delays
}

async fn read(mut stream: TcpStream, flow: Flow, start: Instant) -> (Vec<(u64, bool)>, TcpStream) {
    stream.write_all(b"GET /cold HTTP/1.1\r\nHost: e\r\n\r\n").await.expect("sent");
    let asked_us = start.elapsed().as_micros() as u64;
    let mut client = Client { body: None, head: Vec::new(), stamp: Vec::new(), asked_us, piece: flow.bytes };
    let mut delays = Vec::new();
    while client.body != Some(flow.pieces * flow.bytes) {
        stream.readable().await.expect("a socket");
        BUFFER.with_borrow_mut(|buffer| match stream.try_read(buffer) {
            Ok(0) => panic!("cut after {:?} bytes", client.body),
            Ok(count) => client.take(&buffer[..count], start, &mut delays),
            Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::WouldBlock),
        });
    }
    (delays, stream)
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
}

impl Client {
    fn take(&mut self, mut bytes: &[u8], start: Instant, delays: &mut Vec<(u64, bool)>) {
        let now = start.elapsed().as_micros() as u64;
        if self.body.is_none() {
            // No longer than a head may be: copies of all that comes would cost the clients what is measured.
            let (before, count) = (self.head.len(), bytes.len().min(4096));
            self.head.extend_from_slice(&bytes[..count]);
            let Some(end) = self.head.windows(4).position(|w| w == b"\r\n\r\n") else { return };
            assert!(self.head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.head));
            bytes = &bytes[end + 4 - before..];
            self.body = Some(0);
        }
        let before = self.body.unwrap_or(0);
        let mut at = 0;
        while at < bytes.len() {
            let place = (before + at) % self.piece;
            let count = (self.piece - place).min(bytes.len() - at);
            // The stamp stands in the last eight bytes of a piece: with it all of the piece is here.
            let from = at + (self.piece - 8).saturating_sub(place).min(count);
            self.stamp.extend_from_slice(&bytes[from..at + count]);
            at += count;
            if place + count == self.piece {
                let sent = u64::from_le_bytes(self.stamp[..].try_into().expect("eight bytes"));
                self.stamp.clear();
                // What a late comer finds counts from its own request.
                delays.push((now.saturating_sub(sent.max(self.asked_us)), sent < self.asked_us));
            }
        }
        self.body = Some(before + bytes.len());
    }
}

fn origin(flow: Flow, start: Instant, requests: Arc<AtomicU64>) -> SocketAddr {
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
                        let length = flow.pieces * flow.bytes;
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"1\"\r\nContent-Length: {length}\r\n\r\n"
                        );
                        let mut sent = out.write_all(head.as_bytes()).is_ok();
                        for _ in 0..flow.pieces {
                            let mut piece = vec![7; flow.bytes];
                            piece[flow.bytes - 8..]
                                .copy_from_slice(&(start.elapsed().as_micros() as u64).to_le_bytes());
                            sent = sent && out.write_all(&piece).is_ok();
                            std::thread::sleep(flow.pause);
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
