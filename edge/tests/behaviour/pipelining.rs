//! Promised: pipelined requests are answered in order, however their bytes are cut, and keep-alive lasts until one side ends it; an
//! HTTP/1.0 client gets what it can read.

use std::io::Write;

use crate::support::{Client, Origin, bytes, edge};

#[test]
fn answers_come_in_the_order_of_the_questions() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    let large = bytes(500_000);
    for (path, body) in [("/small", &b"small"[..]), ("/large", &large[..])] {
        client.ask("GET", path, "");
        origin.next().answer("200 OK", "Cache-Control: max-age=60", body);
        client.answer();
    }
    client.ask("GET", "/small", "").ask("GET", "/large", "").ask("GET", "/late", "").ask("HEAD", "/small", "");
    client.ask("GET", "/small", "Connection: close");
    origin.expect("GET /late").answer("200 OK", "Cache-Control: max-age=60", b"late");
    assert_eq!(client.answer().text(), "small");
    assert!(client.answer().body == large);
    assert_eq!(client.answer().text(), "late");
    assert_eq!(client.head().field("content-length"), Some("5"));
    let last = client.answer();
    assert_eq!((last.text().as_str(), last.field("connection")), ("small", Some("close")));
    client.expect_closed();
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", b"here");
    client.answer();
    let text = b"GET /a HTTP/1.1\r\nHost: edge\r\n\r\nGET /a HTTP/1.1\r\nHost: edge\r\n\r\n";
    for byte in text {
        client.stream.write_all(&[*byte]).expect("the edge reads");
    }
    assert_eq!(client.answer().text(), "here");
    assert_eq!(client.answer().text(), "here");
}

#[test]
fn every_send_and_receive_may_be_short() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.faults = edge::Faults { recv_bytes_max: Some(7), send_bytes_max: Some(11), ..edge::Faults::default() };
    });
    let body = bytes(3_000);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "").ask("GET", "/a", "").ask("GET", "/a", "Range: bytes=2990-");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", &body);
    assert!(client.answer().body == body);
    assert!(client.answer().body == body);
    assert!(client.answer().body == body[2990..]);
    client.ask("POST", "/b", "Content-Length: 3000").send(&body);
    let exchange = origin.expect("POST /b");
    assert!(exchange.body == body);
    exchange.answer("200 OK", "", b"done");
    assert_eq!(client.answer().text(), "done");
    let chunked = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n";
    client.ask("PUT", "/c", "Transfer-Encoding: chunked").send(chunked).ask("GET", "/a", "");
    let exchange = origin.expect("PUT /c");
    assert_eq!(exchange.body, b"abcde");
    exchange.answer("201 Created", "", b"");
    assert_eq!(client.answer().status, 201);
    assert!(client.answer().body == body);
}

#[test]
fn an_http_1_0_client_is_answered_in_its_own_terms() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.send("GET /a HTTP/1.0\r\n\r\n");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", b"here");
    let answer = client.answer();
    assert_eq!((answer.text().as_str(), answer.field("connection")), ("here", Some("close")));
    client.expect_closed();
    let mut client = Client::connect(&edge);
    client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.answer().field("connection"), Some("keep-alive"));
    client.send("GET /a HTTP/1.0\r\n\r\n");
    assert_eq!(client.answer().text(), "here");
    client.expect_closed();
}
