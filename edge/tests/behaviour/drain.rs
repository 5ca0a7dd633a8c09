//! Promised: a drain stops accepting, lets answers under way end, closes idle connections, and is bounded.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Client, Origin, SOON, bytes, edge, until};

#[test]
fn answers_under_way_end_and_idle_connections_close() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let addr = edge.http_addr();
    let body = bytes(400_000);
    let mut idle = Client::connect(&edge);
    idle.ask("GET", "/small", "");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", b"x");
    idle.answer();
    let mut busy = Client::connect(&edge);
    busy.ask("GET", "/a", "");
    let mut exchange = origin.next();
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 400000\r\n\r\n");
    exchange.send(&body[..1000]);
    busy.head();
    let draining = std::thread::spawn(move || edge.drain(SOON));
    idle.expect_closed();
    until("the port closes", || TcpStream::connect(addr).is_err());
    assert!(!draining.is_finished());
    exchange.send(&body[1000..]);
    exchange.end();
    assert!(busy.body(400_000) == body);
    busy.expect_closed();
    let drained = draining.join().expect("no panic");
    assert!(drained.in_time);
    assert_eq!(drained.cut, 0);
}

#[test]
fn what_does_not_end_is_cut() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    let _never = origin.next();
    let started = Instant::now();
    let drained = edge.drain(Duration::from_millis(300));
    assert!(!drained.in_time);
    assert_eq!(drained.cut, 1);
    assert!(started.elapsed() < Duration::from_secs(5));
    client.expect_closed();
}

#[test]
fn the_admin_port_tells_health_metrics_and_shards() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.admin = Some("127.0.0.1:0".parse().expect("an address"));
        config.shards = 2;
    });
    let admin = edge.admin_addr().expect("an admin port");
    let get = |path: &str| {
        let mut stream = TcpStream::connect(admin).expect("the admin API accepts");
        std::io::Write::write_all(&mut stream, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).expect("sent");
        std::io::read_to_string(stream).expect("text")
    };
    assert!(get("/healthz").starts_with("HTTP/1.0 200"));
    assert!(get("/readyz").starts_with("HTTP/1.0 200"));
    assert!(get("/metrics").contains("streamgate_edge_requests_total{shard=\"1\"} 0"));
    assert!(get("/shards").contains("\"shard\":1"));
}
