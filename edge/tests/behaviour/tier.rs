//! Promised: edges of one tier fetch an object once between them, from its owner, however slow the origin is; an owner that is gone is
//! stood in for; a shield takes every miss and is gone round when it fails; a gate stays shut on the way.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::support::{Client, Origin, bytes, counter, source, until};
use edge::{Config, Edge, Source, Tier, Upstream};

/// `count` edges in front of `origin` that know each other.
fn tier(origin: &Origin, count: usize, change: impl Fn(&mut Config)) -> Vec<Option<Edge>> {
    let ports: Vec<TcpListener> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let addrs: Vec<SocketAddr> = ports.iter().map(|port| port.local_addr().expect("bound")).collect();
    drop(ports);
    let peers: Vec<Source> = addrs.iter().map(|addr| source(*addr)).collect();
    let start = |(i, addr): (usize, &SocketAddr)| {
        let upstream = Upstream {
            tier: Some(Tier { peers: peers.clone(), me: source(*addr) }),
            cdn_id: "tier".to_owned(),
            node: format!("e{i}"),
            ..Upstream::new(source(origin.addr))
        };
        Some(alone(*addr, upstream, &change))
    };
    addrs.iter().enumerate().map(start).collect()
}

fn alone(addr: SocketAddr, upstream: Upstream, change: &dyn Fn(&mut Config)) -> Edge {
    let mut config = Config::new(upstream);
    config.http = addr;
    config.shards = 2;
    config.pin = false;
    config.ram_bytes = 64 * 1024 * 1024;
    change(&mut config);
    edge::start(config).expect("the edge starts")
}

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Which edge a request to the origin came from: the last one that it names.
fn asker(loops: &str) -> usize {
    loops.rsplit_once("node=e").expect("it names an edge").1.parse().expect("a number")
}

/// Thirty clients over the edges, all of whom get `body`.
fn all_get(edges: &[Option<Edge>], target: &str, body: &[u8], origin: impl FnOnce()) {
    let edges: Vec<&Edge> = edges.iter().flatten().collect();
    let mut clients: Vec<Client> = (0..30).map(|i| Client::connect(edges[i % edges.len()])).collect();
    for client in &mut clients {
        client.ask("GET", target, "");
    }
    origin();
    for client in &mut clients {
        let got = client.answer();
        assert!(got.status == 200 && got.body == body, "{}", got.head);
    }
}

#[test]
fn thirty_clients_over_three_edges_cost_the_origin_one_request() {
    let origin = Origin::start();
    let edges = tier(&origin, 3, |_| {});
    let body = bytes(300_000);
    let mut owners = [0; 3];
    for i in 0..12 {
        let target = format!("/v/a/{i}.m4s");
        all_get(&edges, &target, &body, || {
            let asked = origin.expect(&format!("GET {target}"));
            owners[asker(asked.field("cdn-loop").expect("it is there"))] += 1;
            origin.expect_none();
            asked.answer("200 OK", "Cache-Control: max-age=60", &body);
        });
        origin.expect_none();
    }
    assert!(owners.iter().all(|count| *count > 0), "every edge owns some of 12 targets: {owners:?}");
}

#[test]
fn an_origin_slower_than_a_try_is_still_asked_once() {
    let origin = Origin::start();
    let edges = tier(&origin, 3, |config| config.upstream.try_timeout = Duration::from_millis(300));
    all_get(&edges, "/slow", b"at last", || {
        let asked = origin.expect("GET /slow");
        // Three times as long as a try may be silent: nobody goes round the owner, which says that it lives.
        let until = Instant::now() + Duration::from_millis(900);
        while Instant::now() < until {
            origin.expect_none();
        }
        asked.answer("200 OK", "Cache-Control: max-age=60", b"at last");
    });
    origin.expect_none();
}

#[test]
fn an_owner_that_is_gone_is_stood_in_for() {
    let origin = Origin::start();
    let mut edges = tier(&origin, 3, |_| {});
    let mut owned = 0;
    for i in 0..20 {
        let target = format!("/{i}");
        let mut client = Client::connect(edges[0].as_ref().expect("it runs"));
        client.ask("GET", &target, "");
        let asked = origin.next();
        if asker(asked.field("cdn-loop").expect("it is there")) == 1 {
            owned += 1;
        }
        asked.answer("200 OK", "Cache-Control: max-age=60", b"here");
        assert_eq!(client.answer().text(), "here");
    }
    assert!(owned > 0, "edge 1 owns some of 20 targets");
    drop(edges[1].take());
    for i in 0..20 {
        let target = format!("/gone/{i}");
        let asked = Instant::now();
        all_get(&edges, &target, b"here", || {
            origin.expect(&format!("GET {target}")).answer("200 OK", "Cache-Control: max-age=60", b"here");
        });
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        origin.expect_none();
    }
}

#[test]
fn an_edge_is_not_sent_on_to_a_third_one() {
    let origin = Origin::start();
    let edges = tier(&origin, 3, |_| {});
    for (i, edge) in edges.iter().flatten().enumerate() {
        for n in 0..4 {
            let mut client = Client::connect(edge);
            client.ask("GET", &format!("/{i}/{n}"), "StreamGate-Hop: tier");
            let asked = origin.next();
            assert_eq!(asker(asked.field("cdn-loop").expect("it is there")), i);
            assert_eq!(asked.field("streamgate-hop"), None, "the origin is not told");
            asked.answer("200 OK", "Cache-Control: no-store", b"");
            // An edge is told that its request is being worked on, when that takes a while.
            let mut answer = client.answer();
            while answer.status < 200 {
                answer = client.answer();
            }
            assert_eq!(answer.status, 200);
        }
    }
}

#[test]
fn a_gate_stays_shut_on_the_way() {
    let origin = Origin::start();
    let edges = tier(&origin, 2, |config| config.upstream.edge_key = Some("secret".to_owned()));
    for i in 0..6 {
        let target = format!("/v/gated/{i}.m4s");
        for (n, edge) in edges.iter().flatten().enumerate() {
            let mut client = Client::connect(edge);
            client.ask("GET", &target, "StreamGate-Edge-Key: forged");
            if n == 0 {
                let asked = origin.expect(&format!("GET {target}"));
                assert_eq!(asked.field("streamgate-edge-key"), Some("secret"));
                let fields = "Cache-Control: max-age=60\nStreamGate-Gate: token\nSurrogate-Key: asset-gated";
                asked.answer("200 OK", fields, b"secret");
            }
            let got = client.answer();
            assert_eq!((got.status, got.refusal()), (403, "token-missing"));
            // Who has the key is an edge: it gets the object with its marks.
            let got = client.get(&target, "StreamGate-Edge-Key: secret\nStreamGate-Hop: tier");
            assert_eq!((got.status, got.text().as_str()), (200, "secret"));
            assert_eq!(got.field("streamgate-gate"), Some("token"));
            assert_eq!(got.field("surrogate-key"), Some("asset-gated"));
        }
        origin.expect_none();
    }
}

#[test]
fn a_shield_takes_every_miss_and_is_gone_round_when_it_fails() {
    let origin = Origin::start();
    let shield = alone(any(), Upstream::new(source(origin.addr)), &|_| {});
    let edge = |_| {
        let shield = Some(source(shield.http_addr()));
        Some(alone(any(), Upstream { shield, ..Upstream::new(source(origin.addr)) }, &|_| {}))
    };
    let edges: Vec<Option<Edge>> = (0..3).map(edge).collect();
    all_get(&edges, "/a", b"here", || {
        let asked = origin.expect("GET /a");
        origin.expect_none();
        asked.answer("200 OK", "Cache-Control: max-age=60", b"here");
    });
    origin.expect_none();
    assert_eq!(counter(&shield, "origin_requests_total"), 1);
    drop(shield);
    let one = &edges[..1];
    for i in 0..10 {
        let target = format!("/gone/{i}");
        all_get(one, &target, b"here", || {
            origin.expect(&format!("GET {target}")).answer("200 OK", "Cache-Control: max-age=60", b"here");
        });
    }
    let edge = edges[0].as_ref().expect("it runs");
    until("the shield's breaker opens", || edge.origins()[0]["breakers"].to_string().contains("open"));
}

#[test]
fn a_range_of_what_is_large_costs_its_slices_once_for_all_edges() {
    const SLICE: usize = 1024 * 1024;
    let origin = Origin::start();
    let edges = tier(&origin, 3, |_| {});
    let body = bytes(9 * SLICE + 77);
    for (n, edge) in edges.iter().flatten().enumerate() {
        let mut client = Client::connect(edge);
        client.ask("GET", "/large", "Range: bytes=3500000-4500000");
        for index in if n == 0 { 3..5 } else { 0..0 } {
            let (from, to) = (index * SLICE, (index + 1) * SLICE);
            let asked = origin.expect("GET /large");
            assert_eq!(asked.field("range"), Some(format!("bytes={from}-{}", to - 1).as_str()));
            let range = format!("Content-Range: bytes {from}-{}/{}", to - 1, body.len());
            let fields = format!("Cache-Control: max-age=60\nETag: \"a\"\n{range}");
            asked.answer("206 Partial Content", &fields, &body[from..to]);
        }
        let got = client.answer();
        assert!(got.status == 206 && got.body == body[3_500_000..=4_500_000], "edge {n}: {}", got.head);
        origin.expect_none();
    }
}
