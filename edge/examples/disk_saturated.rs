//! How long a shard's loop is kept busy at a time while the disk tier has all it can do: fills a disk tier with objects of 256 KiB, eight
//! times what memory holds, then many clients ask for them at random. Prints the quantiles of the turns, as `/metrics` has them.
//!
//! `cargo run --release -p streamgate-edge --example disk_saturated -- FOLDER [SECONDS]`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use edge::{Config, Disk, Edge, Source, Upstream};

const OBJECTS: u64 = 2048;
const BYTES: usize = 256 * 1024;
const CLIENTS: u64 = 64;

fn main() {
    let folder = std::env::args().nth(1).expect("a folder on the disk to be measured");
    let seconds: u64 = std::env::args().nth(2).map_or(10, |n| n.parse().expect("a number of seconds"));
    let source = Source::parse(&format!("http://{}", origin())).expect("an address");
    let mut config = Config::new(Upstream::new(source));
    config.ram_bytes = OBJECTS * BYTES as u64 / 8;
    config.disks = vec![Disk { path: folder.into(), bytes: OBJECTS * BYTES as u64 * 2, write_bytes_per_second: 0 }];
    let edge = edge::start(config).expect("the edge starts");
    fill(&edge);
    let before = (sum(&edge, "disk_read_bytes_total"), turns(&edge));
    let (over, answers, cut) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            let (edge, over, answers, cut) = (&edge, &over, &answers, &cut);
            scope.spawn(move || {
                let mut connection = connect(edge);
                let mut draw = n + 1;
                while !over.load(Ordering::Relaxed) {
                    // xorshift: any order will do.
                    draw ^= draw << 13;
                    draw ^= draw >> 7;
                    draw ^= draw << 17;
                    if let Err(why) = get(&mut connection, draw % OBJECTS) {
                        cut.fetch_add(1, Ordering::Relaxed);
                        println!("client {n}: {why}");
                        connection = connect(edge);
                    } else {
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_secs(seconds));
        over.store(true, Ordering::Relaxed);
    });
    let read = (sum(&edge, "disk_read_bytes_total") - before.0) as f64 / seconds as f64 / 1e6;
    let answers = answers.load(Ordering::Relaxed);
    let cut = cut.load(Ordering::Relaxed);
    println!(
        "{answers} answers in {seconds} s, {cut} cut, {read:.0} MB/s read from disk, {} disks up",
        sum(&edge, "disk_up")
    );
    for name in [
        "misses_total",
        "passed_total",
        "disk_hits_total",
        "disk_misses_total",
        "disk_errors_total",
        "origin_truncated_total",
    ] {
        print!("{name} {}, ", sum(&edge, name));
    }
    println!();
    report(&before.1, &turns(&edge));
}

/// Asks for everything until all of it has been written.
fn fill(edge: &Edge) {
    let mut connection = connect(edge);
    let until = Instant::now() + Duration::from_secs(240);
    while sum(edge, "disk_objects") < OBJECTS * 9 / 10 {
        assert!(Instant::now() < until, "{} of {OBJECTS} objects were written", sum(edge, "disk_objects"));
        for n in 0..OBJECTS {
            if let Err(why) = get(&mut connection, n) {
                println!("{why}");
                connection = connect(edge);
            }
        }
    }
    println!("{} objects of 256 KiB on disk, an eighth of that in memory", sum(edge, "disk_objects"));
}

/// The classes of all shards' turns: bound, count up to it.
fn turns(edge: &Edge) -> Vec<(String, u64)> {
    let mut classes: Vec<(String, u64)> = Vec::new();
    for line in edge.metrics().lines().filter(|line| line.starts_with("streamgate_edge_loop_turn_seconds_bucket")) {
        let (bound, count) = line.split_once("le=\"").and_then(|(_, rest)| rest.split_once("\"} ")).expect("a bucket");
        let count: u64 = count.parse().expect("a number");
        match classes.iter_mut().find(|(known, _)| known == bound) {
            Some((_, sum)) => *sum += count,
            None => classes.push((bound.to_owned(), count)),
        }
    }
    classes
}

fn report(before: &[(String, u64)], after: &[(String, u64)]) {
    let classes: Vec<(&str, u64)> = after.iter().zip(before).map(|((bound, a), (_, b))| (&bound[..], a - b)).collect();
    let all = classes.last().map_or(0, |(_, count)| *count);
    for (name, part) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("all", 1.0)] {
        let bound =
            classes.iter().find(|(_, count)| *count as f64 >= all as f64 * part).map_or("+Inf", |(bound, _)| bound);
        println!("{name} of {all} turns: at most {bound} s");
    }
}

fn sum(edge: &Edge, name: &str) -> u64 {
    let prefix = format!("streamgate_edge_{name}{{");
    let metrics = edge.metrics();
    metrics.lines().filter(|l| l.starts_with(&prefix)).filter_map(|l| l.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// A connection on which nothing may be waited for longer than a player would.
fn connect(edge: &Edge) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(edge.http_addr()).expect("the edge accepts");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket");
    BufReader::new(stream)
}

/// Asks for one object; an error says how far its answer came.
fn get(connection: &mut BufReader<TcpStream>, n: u64) -> Result<(), String> {
    let mut head = String::new();
    read_head(connection, n, &mut head).map_err(|error| format!("{error} in the head {head:?}"))?;
    if !head.starts_with("HTTP/1.1 200 ")
        || !head.to_ascii_lowercase().contains(&format!("content-length: {BYTES}\r\n"))
    {
        return Err(format!("not what was asked for: {head:?}"));
    }
    let (mut body, mut here) = (vec![0; BYTES], 0);
    while here < BYTES {
        match connection.read(&mut body[here..]) {
            Ok(0) => return Err(format!("the end after {here} of {BYTES} bytes of {head:?}")),
            Ok(count) => here += count,
            Err(error) => return Err(format!("{error} after {here} of {BYTES} bytes of {head:?}")),
        }
    }
    if body.iter().any(|byte| *byte != b'x') { Err(format!("wrong bytes behind {head:?}")) } else { Ok(()) }
}

fn read_head(connection: &mut BufReader<TcpStream>, n: u64, head: &mut String) -> std::io::Result<()> {
    connection.get_mut().write_all(format!("GET /{n} HTTP/1.1\r\nHost: e\r\n\r\n").as_bytes())?;
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// An origin that says the same to everyone.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let head = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: {BYTES}\r\n\r\n");
                let mut out = stream.try_clone().expect("a clone");
                for line in BufReader::new(stream).lines().map_while(Result::ok).filter(String::is_empty) {
                    let _ = line;
                    if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&vec![b'x'; BYTES])).is_err() {
                        return;
                    }
                }
            });
        }
    });
    addr
}
