//! Promised: every request to the origin names this edge in CDN-Loop, and one that comes round again too often ends in 508.

use crate::support::{Client, Origin, edge};

#[test]
fn the_edge_names_itself_behind_the_others() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.upstream.cdn_id = "edge.example".to_owned();
        config.upstream.node = "n1".to_owned();
    });
    let mut client = Client::connect(&edge);
    for (method, target) in [("GET", "/a"), ("POST", "/b")] {
        client.ask(method, target, "CDN-Loop: other\nConnection: CDN-Loop");
        let asked = origin.next();
        assert_eq!(asked.field("cdn-loop"), Some("other, edge.example;node=n1"));
        assert_eq!(asked.field("via"), Some("1.1 streamgate"));
        asked.answer("200 OK", "Cache-Control: no-store", b"");
        assert_eq!(client.answer().status, 200);
    }
}

#[test]
fn a_request_that_has_passed_too_often_is_refused() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.upstream.cdn_id = "edge.example".to_owned();
        config.upstream.node = "n1".to_owned();
    });
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "CDN-Loop: edge.example, x, edge.example");
    origin.next().answer("200 OK", "Cache-Control: no-store", b"");
    assert_eq!(client.answer().status, 200);
    let got = client.get("/a", "CDN-Loop: edge.example, edge.example;n=2\nCDN-Loop: EDGE.example");
    assert_eq!((got.status, got.refusal()), (508, "loop-detected"));
    origin.expect_none();
}

#[test]
fn an_edge_in_front_of_itself_ends_the_loop() {
    let origin = Origin::start();
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let edge = edge(&origin, |config| {
        config.http = port;
        config.upstream.origins = vec![crate::support::source(port)];
    });
    let got = Client::connect(&edge).get("/a", "Cache-Control: no-cache");
    assert_eq!(got.status, 508, "{}", got.head);
}
