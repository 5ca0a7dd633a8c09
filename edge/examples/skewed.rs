//! What it costs that the kernel gave one shard most of the connections: 256 clients ask two shards at a rate that both together can bear,
//! 128 of them on each, then 200 on one and 56 on the other, with connections handed over and without.
//!
//! `cargo run --release -p streamgate-edge --example skewed -- [SECONDS]`
//!
//! Clients run on the same two cores. So that most of the time is the edge's and the skew can be seen, a request has 40 fields, 32 are asked
//! for at a time, and the kernel throws the answers away unread (MSG_TRUNC).

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edge::{Config, Edge, Page, Source, Upstream};
use socket2::SockRef;

const CLIENTS: [usize; 2] = [200, 56];
const AT_ONCE: usize = 32;
/// Threads that ask for the clients, each for many by turns.
const THREADS: usize = 2;
const BODY: &[u8] = &[b'x'; 64];

fn main() {
    let seconds = std::env::args().nth(1).map_or(5, |n| n.parse().expect("a number of seconds"));
    let even = [CLIENTS.iter().sum::<usize>() / 2; 2];
    let most = asked(&start(true), even, None, seconds).0;
    let rate = most * 0.85;
    println!(
        "{most:.0} requests a second are the most, with as many clients on each shard; asked for at {rate:.0} a second:"
    );
    println!("| clients | handed over | answered a second | of the even ones |\n|---|---|---|---|");
    let (base, _) = asked(&start(false), even, Some(rate), seconds);
    println!("| {} and {} | off | {base:.0} | 100 % |", even[0], even[1]);
    for balance in [false, true] {
        let edge = start(balance);
        let (got, moved) = asked(&edge, CLIENTS, Some(rate), seconds);
        let off = if balance { format!("{moved} connections") } else { "off".to_owned() };
        println!("| {} and {} | {off} | {got:.0} | {:.0} % |", CLIENTS[0], CLIENTS[1], got / base * 100.0);
    }
}

fn start(balance: bool) -> Edge {
    let mut config = Config::new(Upstream::new(Source::parse("http://127.0.0.1:9").expect("an address")));
    config.shards = 2;
    config.balance = balance;
    config.pages = vec![Page { path: "/".to_owned(), content_type: "text/plain", body: BODY }];
    edge::start(config).expect("the edge starts")
}

/// A shard's number.
fn number(edge: &Edge, name: &str, shard: usize) -> u64 {
    let prefix = format!("streamgate_edge_{name}{{shard=\"{shard}\"}} ");
    edge.metrics().lines().find_map(|line| line.strip_prefix(&prefix)?.parse().ok()).expect("the metric")
}

/// So many connections on each shard: the kernel decides, and those too many are closed.
fn connections(edge: &Edge, wanted: [usize; 2]) -> Vec<TcpStream> {
    let mut kept = Vec::new();
    let mut have = [0; 2];
    while have != wanted {
        let before = number(edge, "connections_total", 0) + number(edge, "connections_total", 1);
        let first = number(edge, "connections_total", 0);
        let stream = TcpStream::connect(edge.http_addr()).expect("the edge accepts");
        while number(edge, "connections_total", 0) + number(edge, "connections_total", 1) == before {
            std::thread::yield_now();
        }
        let at = usize::from(number(edge, "connections_total", 0) == first);
        if have[at] < wanted[at] {
            have[at] += 1;
            kept.push(stream);
        }
    }
    kept
}

/// A client's connection and what is still to come of its answers.
struct Client {
    stream: TcpStream,
    left: usize,
    due: Instant,
}

/// Answers a second, and connections handed over. `rate`: requests a second of all together, `None`: as many as can be.
fn asked(edge: &Edge, clients: [usize; 2], rate: Option<f64>, seconds: u64) -> (f64, u64) {
    let mut streams = connections(edge, clients);
    let fields: String = (0..40).map(|n| format!("X-Field-{n}: what some client says of itself, {n}\r\n")).collect();
    let asks = format!("GET / HTTP/1.1\r\nHost: edge\r\n{fields}\r\n").repeat(AT_ONCE);
    let answer = length_of_answer(&mut streams[0], &asks);
    let step = rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64((streams.len() * AT_ONCE) as f64 / rate));
    let (over, answers) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut shares: Vec<Vec<Client>> = (0..THREADS).map(|_| Vec::new()).collect();
    let count = streams.len();
    for (n, stream) in streams.into_iter().enumerate() {
        stream.set_nonblocking(true).expect("a socket");
        let due = Instant::now() + step.mul_f64(n as f64 / count as f64);
        shares[n % THREADS].push(Client { stream, left: 0, due });
    }
    std::thread::scope(|scope| {
        for share in shares {
            let (over, answers, asks) = (&over, &answers, &asks);
            scope.spawn(move || ask(share, asks, answer, step, over, answers));
        }
        // What the shards find out, and what they do about it, has its time before it counts.
        std::thread::sleep(Duration::from_secs(5));
        let (before, began) = (answers.load(Ordering::Relaxed), Instant::now());
        std::thread::sleep(Duration::from_secs(seconds));
        let rate = (answers.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
        over.store(true, Ordering::Relaxed);
        (rate, (0..2).map(|shard| number(edge, "connections_handed_over_total", shard)).sum())
    })
}

/// How long the answers to one turn of asking are.
fn length_of_answer(stream: &mut TcpStream, asks: &str) -> usize {
    stream.write_all(asks.as_bytes()).expect("sent");
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a socket");
    let mut length = 0;
    while let Ok(count) = discard(stream) {
        length += count;
    }
    length
}

fn discard(stream: &TcpStream) -> std::io::Result<usize> {
    // The bytes go nowhere: the buffer only says how many.
    let mut buffer = Vec::with_capacity(1 << 20);
    SockRef::from(stream).recv_with_flags(buffer.spare_capacity_mut(), libc::MSG_TRUNC)
}

fn ask(mut clients: Vec<Client>, asks: &str, answer: usize, step: Duration, over: &AtomicBool, answers: &AtomicU64) {
    while !over.load(Ordering::Relaxed) {
        let mut idle = true;
        for client in &mut clients {
            if client.left == 0 && Instant::now() >= client.due {
                // One that was late does not make up for it: a player would not either.
                client.due = (client.due + step).max(Instant::now());
                (&client.stream).write_all(asks.as_bytes()).expect("the edge reads");
                client.left = answer;
                idle = false;
            }
            if client.left > 0
                && let Ok(count) = discard(&client.stream)
            {
                idle = false;
                client.left -= count;
                answers.fetch_add(if client.left == 0 { AT_ONCE as u64 } else { 0 }, Ordering::Relaxed);
            }
        }
        if idle {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}
