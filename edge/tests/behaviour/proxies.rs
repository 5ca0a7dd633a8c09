//! Promised: a trusted proxy says for whom it speaks, by a PROXY header or field by field, and that one is in the log, has the bounds
//! and is named to the origin; nobody else is believed; and what a client says of itself never enters a shared answer.

use std::path::Path;

use crate::support::{Client, Origin, edge, refusals, until};
use edge::{AccessLog, Config, Edge, TrustedField};

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// An edge that trusts the loopback and the ten-net.
fn trusting(origin: &Origin, change: impl FnOnce(&mut Config)) -> Edge {
    edge(origin, |config| {
        config.trusted_proxies = ["127.0.0.1", "10.0.0.0/8"].map(|net| net.parse().expect("a range")).to_vec();
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
        change(config);
    })
}

fn logged(path: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(path).expect("a log");
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    lines
        .map(|l| (l["client"].as_str().expect("text").to_owned(), l["client_port"].as_u64().expect("a port")))
        .collect()
}

#[test]
fn a_proxy_header_names_the_client_whatever_pieces_it_comes_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access");
    let origin = Origin::start();
    let edge = trusting(&origin, |config| {
        config.proxy_protocol = true;
        config.access_log = AccessLog::File(path.clone());
        config.faults.recv_bytes_max = Some(7);
    });
    let mut client = Client::connect(&edge);
    client.send("PROXY TCP4 192.0.2.1 198.51.100.2 4711 80\r\n");
    assert_eq!(client.get("/", "X-Forwarded-For: 203.0.113.66").text(), "here");
    let mut client = Client::connect(&edge);
    client.send([V2, &[0x21, 0x11, 0, 16, 192, 0, 2, 2, 198, 51, 100, 2, 1, 0, 0, 80, 4, 0, 1, 0]].concat());
    assert_eq!(client.get("/", "").text(), "here");
    let mut client = Client::connect(&edge);
    client.send([V2, &[0x20, 0, 0, 0]].concat());
    let port = client.stream.local_addr().expect("bound").port();
    assert_eq!(client.get("/", "").text(), "here");
    let mut client = Client::connect(&edge);
    // Another proxy behind this one: it is trusted as well.
    client.send("PROXY TCP4 10.0.0.1 198.51.100.2 4711 80\r\n");
    assert_eq!(client.get("/", "X-Forwarded-For: 203.0.113.66, 192.0.2.3").text(), "here");
    drop(edge);
    let expected = [("192.0.2.1", 4711), ("192.0.2.2", 256), ("127.0.0.1", u64::from(port)), ("192.0.2.3", 0)];
    assert_eq!(logged(&path), expected.map(|(ip, port)| (ip.to_owned(), port)));
}

#[test]
fn a_trusted_connection_without_a_header_ends_without_a_word_and_is_counted() {
    let origin = Origin::start();
    let edge = trusting(&origin, |config| {
        config.proxy_protocol = true;
        config.limits.header = std::time::Duration::from_millis(200);
    });
    let longest = format!("PROXY UNKNOWN {}", "x".repeat(200));
    let broken: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        b"PROXY TCP4 nowhere\r\n",
        longest.as_bytes(),
        &[V2, &[9; 4]].concat(),
        b"PRO",
    ];
    for (n, bytes) in broken.into_iter().enumerate() {
        let mut client = Client::connect(&edge);
        client.send(bytes);
        client.expect_closed_or_reset();
        until("it is counted", || refusals(&edge, "proxy-header") == n as u64 + 1);
    }
    origin.expect_none();
}

#[test]
fn nobody_else_is_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access");
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a range")];
        config.proxy_protocol = true;
        config.access_log = AccessLog::File(path.clone());
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
    });
    for header in [&b"PROXY TCP4 192.0.2.1 198.51.100.2 4711 80\r\n"[..], &[V2, &[0x20, 0, 0, 0]].concat()] {
        let mut client = Client::connect(&edge);
        client.send(header);
        assert!((400..506).contains(&client.answer().status));
        client.expect_closed_or_reset();
    }
    assert_eq!(Client::connect(&edge).get("/", "X-Forwarded-For: 192.0.2.1").text(), "here");
    drop(edge);
    assert_eq!(logged(&path).into_iter().map(|(ip, _)| ip).collect::<Vec<_>>(), ["127.0.0.1"]);
}

#[test]
fn the_client_a_proxy_speaks_for_has_the_bound_and_not_the_proxy() {
    let origin = Origin::start();
    for (field, name, before) in
        [(TrustedField::XForwardedFor, "X-Forwarded-For", ""), (TrustedField::Forwarded, "Forwarded", "for=")]
    {
        let edge = trusting(&origin, |config| {
            config.trusted_field = field;
            config.limits.connections_per_address = 1;
            config.limits.requests_per_address_per_second = 1;
            config.limits.requests_per_address_burst = 3;
        });
        let mut proxy = [Client::connect(&edge), Client::connect(&edge)];
        let mut ask = |n: usize, told: &str| proxy[n % 2].get("/", &format!("{name}: {told}")).status;
        // The client writes another address in front each time; the proxy appends its real one.
        let greedy: Vec<u16> = (0..8).map(|n| ask(n, &format!("{before}203.0.113.{n}, {before}192.0.2.1"))).collect();
        assert_eq!(greedy[..3], [200; 3], "{name}");
        assert!(greedy.iter().filter(|status| **status == 429).count() >= 3, "{greedy:?}");
        assert_eq!(ask(0, &format!("{before}192.0.2.2")), 200);
        assert_eq!([0; 6].map(|n| ask(n, "")), [200; 6], "the proxy's own are not counted");
    }
}

#[test]
fn the_origin_is_told_of_the_client_in_what_is_for_it_alone() {
    let origin = Origin::start();
    let edge = trusting(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("POST", "/a", "X-Forwarded-For: 203.0.113.66, 192.0.2.1\nForwarded: for=x\nContent-Length: 0");
    let exchange = origin.next();
    assert_eq!((exchange.field("x-forwarded-for"), exchange.field("forwarded")), (Some("192.0.2.1"), None));
    exchange.answer("200 OK", "", b"");
    client.answer();
    client.ask("GET", "/a", "X-Forwarded-For: 203.0.113.66, 192.0.2.1\nForwarded: for=x");
    let exchange = origin.next();
    assert_eq!((exchange.field("x-forwarded-for"), exchange.field("forwarded")), (None, None));
    exchange.answer("200 OK", "Cache-Control: max-age=60", b"shared");
    assert_eq!(client.answer().text(), "shared");
}
