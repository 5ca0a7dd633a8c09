//! Promised: a request that could be read in two ways is read in none: a named 4xx or 5xx, and the connection closes. Slow heads end.

use std::time::Duration;

use crate::support::{Client, Origin, edge};

#[test]
fn each_has_its_name_and_ends_the_connection() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let host = "Host: edge\r\n";
    let many = "X: y\r\n".repeat(100);
    let huge = format!("X: {}\r\n", "y".repeat(17 * 1024));
    let long = "a".repeat(9 * 1024);
    let cases = [
        (400, "request-line", "nonsense\r\n\r\n".to_owned()),
        (505, "version", format!("GET / HTTP/2.0\r\n{host}\r\n")),
        (400, "host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (400, "host", format!("GET / HTTP/1.1\r\n{host}{host}\r\n")),
        (400, "content-length", format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\n")),
        (400, "content-length", format!("POST / HTTP/1.1\r\n{host}Content-Length: 0x1\r\n\r\n")),
        (
            400,
            "length-and-coding",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ),
        (501, "transfer-coding", format!("POST / HTTP/1.1\r\n{host}Transfer-Encoding: gzip\r\n\r\n")),
        (400, "header-syntax", format!("GET / HTTP/1.1\r\n{host}X: a\r\n folded\r\n\r\n")),
        (400, "header-syntax", format!("GET / HTTP/1.1\r\n{host}X: a\0b\r\n\r\n")),
        (400, "header-syntax", format!("GET / HTTP/1.1\r\n{host}X: a\nY: b\r\n\r\n")),
        (400, "header-repeated", format!("GET / HTTP/1.1\r\n{host}Authorization: a\r\nAuthorization: b\r\n\r\n")),
        (431, "head-too-large", format!("GET / HTTP/1.1\r\n{host}{many}\r\n")),
        (431, "head-too-large", format!("GET / HTTP/1.1\r\n{host}{huge}\r\n")),
        (414, "target-too-long", format!("GET /{long} HTTP/1.1\r\n{host}\r\n")),
        (400, "target-form", format!("GET http://edge/a HTTP/1.1\r\n{host}\r\n")),
        (400, "target-form", format!("GET a HTTP/1.1\r\n{host}\r\n")),
        (400, "target-traversal", format!("GET /v/../x HTTP/1.1\r\n{host}\r\n")),
        (400, "target-traversal", format!("GET /v/%2e%2e/x HTTP/1.1\r\n{host}\r\n")),
        (400, "target-encoded-slash", format!("GET /v%2fx HTTP/1.1\r\n{host}\r\n")),
        (400, "target-bytes", format!("GET /v%x HTTP/1.1\r\n{host}\r\n")),
        (405, "method", format!("TRACE / HTTP/1.1\r\n{host}\r\n")),
        (417, "expectation", format!("GET / HTTP/1.1\r\n{host}Expect: wonders\r\n\r\n")),
    ];
    for (status, name, text) in cases {
        let mut client = Client::connect(&edge);
        // A second request behind it must never be read.
        client.send(&text).send(format!("GET /smuggled HTTP/1.1\r\n{host}\r\n"));
        let got = client.answer();
        assert_eq!((got.status, got.refusal()), (status, name), "{text:?}");
        assert_eq!(got.field("connection"), Some("close"));
        client.expect_closed();
    }
    origin.expect_none();
}

#[test]
fn a_malformed_chunked_body_ends_the_connection() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("POST", "/a", "Transfer-Encoding: chunked").send("3\r\nabcX\r\n0\r\n\r\n");
    let got = client.answer();
    assert_eq!((got.status, got.refusal()), (400, "chunk-syntax"));
    client.expect_closed();
}

#[test]
fn a_body_above_the_limit_is_refused_before_it_is_read() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.limits.request_body_bytes_max = 1000);
    let mut client = Client::connect(&edge);
    client.ask("POST", "/a", "Content-Length: 1001");
    let got = client.answer();
    assert_eq!((got.status, got.refusal()), (413, "body-too-large"));
    client.expect_closed();
    origin.expect_none();
}

#[test]
fn a_head_that_does_not_end_in_time_ends_the_connection() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.limits.header = Duration::from_millis(200));
    let mut client = Client::connect(&edge);
    client.send("GET / HTTP/1.1\r\n");
    let got = client.answer();
    assert_eq!((got.status, got.refusal()), (408, "request-timeout"));
    client.expect_closed();
}

#[test]
fn an_idle_connection_ends_without_a_word() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.limits.idle = Duration::from_millis(200));
    Client::connect(&edge).expect_closed();
}

#[test]
fn a_full_house_says_so() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.limits.connections_max = 1);
    let mut first = Client::connect(&edge);
    first.ask("GET", "/a", "");
    let exchange = origin.next();
    let mut second = Client::connect(&edge);
    let got = second.answer();
    assert_eq!((got.status, got.refusal()), (503, "connections-full"));
    exchange.answer("200 OK", "", b"here");
    assert_eq!(first.answer().text(), "here");
}
