//! Promised: clients that are slow on purpose, with their heads or with taking answers, are cut by their limits and counted by name,
//! and good clients get their answers meanwhile. `bench` does the same with thousands.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Client, Origin, counter, edge, refusals, until};
use edge::Edge;
use socket2::{Domain, Socket, Type};

/// Heads that never end.
const SLOW: usize = 300;
/// Clients that take nothing: fewer, as the kernel holds up to 4 MiB for each.
const READERS: usize = 60;
const HEADER: Duration = Duration::from_millis(1500);

/// A connection with little room for what it is sent.
fn small(edge: &Edge) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a size");
    socket.connect(&edge.http_addr().into()).expect("the edge accepts");
    socket.into()
}

#[test]
fn they_are_cut_and_counted_and_nobody_else_notices() {
    let edge = edge(&Origin::start(), |config| {
        config.shards = 2;
        config.limits.header = HEADER;
        config.limits.write = Duration::from_millis(500);
        let body: &'static [u8] = &[b'x'; 16 * 1024];
        let page = |path: &str, body| edge::Page { path: path.to_owned(), content_type: "text/plain", body };
        config.pages = vec![page("/", b"here"), page("/large", body)];
    });
    let started = Instant::now();
    let mut heads: Vec<TcpStream> = (0..SLOW)
        .map(|_| {
            let mut stream = TcpStream::connect(edge.http_addr()).expect("the edge accepts");
            stream.write_all(b"GET / HTTP/1.1\r\nHost: edge\r\nX-Slow: ").expect("the edge reads");
            stream
        })
        .collect();
    // Many requests at once, and nobody takes the answers: 6 MiB of them, more than the two sockets hold.
    let asked = "GET /large HTTP/1.1\r\nHost: edge\r\n\r\n".repeat(400);
    let readers: Vec<TcpStream> = (0..READERS)
        .map(|_| {
            let mut stream = small(&edge);
            stream.write_all(asked.as_bytes()).expect("the edge reads");
            stream
        })
        .collect();
    let mut good = [Client::connect(&edge), Client::connect(&edge), Client::connect(&edge)];
    let (mut answers, mut slowest) = (0, Duration::ZERO);
    let all_cut =
        || refusals(&edge, "request-timeout") >= SLOW as u64 && counter(&edge, "slow_readers_total") >= READERS as u64;
    while !all_cut() {
        let cut = (refusals(&edge, "request-timeout"), counter(&edge, "slow_readers_total"));
        assert!(started.elapsed() < Duration::from_secs(15), "{cut:?} were cut");
        // One byte more of each head: progress of that kind buys no time.
        for stream in &mut heads {
            let _ = stream.write_all(b"y");
        }
        for client in &mut good {
            let asked = Instant::now();
            assert_eq!(client.get("/", "").text(), "here");
            slowest = slowest.max(asked.elapsed());
            answers += 1;
        }
    }
    assert!(started.elapsed() >= HEADER);
    assert!(answers > 100, "{answers} answers");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    assert_eq!(refusals(&edge, "request-timeout"), SLOW as u64);
    drop((heads, readers));
    until("only the good are left", || counter(&edge, "connections") == good.len() as u64);
}
