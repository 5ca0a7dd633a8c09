//! Promised: bytes that two readers could take for two different requests are a named refusal and the end of the connection; what
//! comes behind them is never read, and nothing of them reaches the origin as a request.

use crate::support::{Client, Origin, edge, refusals};

const BEHIND: &str = "GET /smuggled HTTP/1.1\r\nHost: edge\r\n\r\n";

/// Sends each and looks for its refusal; whatever comes behind must not be read.
fn check(cases: &[(u16, &str, String)]) {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut wrong = Vec::new();
    for (status, name, text) in cases {
        let before = refusals(&edge, name);
        let mut client = Client::connect(&edge);
        client.send(format!("{text}{BEHIND}"));
        let got = client.answer();
        if (got.status, got.refusal()) != (*status, *name) {
            wrong.push(format!("{text:?}: {} {}", got.status, got.refusal()));
            continue;
        }
        assert_eq!(got.field("connection"), Some("close"), "{text:?}");
        client.expect_closed();
        assert_eq!(refusals(&edge, name), before + 1, "{text:?}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    origin.expect_none();
}

fn post(fields: &str) -> String {
    format!("POST /a HTTP/1.1\r\nHost: edge\r\n{fields}\r\n")
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n") + body
}

#[test]
fn a_length_is_one_plain_number() {
    let length = |fields: &str| (400, "content-length", post(fields));
    check(&[
        length("Content-Length: 4\r\nContent-Length: 5\r\n"),
        length("Content-Length: 4\r\nContent-Length: 4\r\n"),
        length("Content-Length: 0\r\ncontent-length: 44\r\n"),
        length("Content-Length: 4, 4\r\n"),
        length("Content-Length: 4,5\r\n"),
        length("Content-Length: +4\r\n"),
        length("Content-Length: -1\r\n"),
        length("Content-Length: 4 4\r\n"),
        length("Content-Length: 0x4\r\n"),
        length("Content-Length: 4.0\r\n"),
        length("Content-Length: \"4\"\r\n"),
        length("Content-Length:\r\n"),
        length("Content-Length: 18446744073709551620\r\n"),
        (400, "header-syntax", post("Content-Length : 4\r\n")),
        (400, "header-syntax", post("Content-Length\0: 4\r\n")),
        (400, "header-syntax", post(" Content-Length: 4\r\n")),
    ]);
}

#[test]
fn there_is_one_framing_and_one_coding() {
    let coding = |fields: &str| (501, "transfer-coding", post(fields));
    let both = |fields: &str| (400, "length-and-coding", post(fields));
    check(&[
        both("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
        both("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
        both("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"),
        both("transfer-encoding: CHUNKED\r\ncontent-length: 4\r\n"),
        coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        coding("Transfer-Encoding: chunked, chunked\r\n"),
        coding("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
        coding("Transfer-Encoding: identity\r\n"),
        coding("Transfer-Encoding: xchunked\r\n"),
        coding("Transfer-Encoding: chunked;q=1\r\n"),
        coding("Transfer-Encoding: gzip, chunked\r\n"),
        coding("Transfer-Encoding: \"chunked\"\r\n"),
        coding("Transfer-Encoding:\r\n"),
        (400, "header-syntax", post("Transfer-Encoding: \u{b}chunked\r\n")),
        (400, "header-syntax", post("Transfer-Encoding : chunked\r\n")),
        (400, "header-syntax", post("Transfer-Encoding:\r\n chunked\r\n")),
        (501, "transfer-coding", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()),
    ]);
}

#[test]
fn a_line_ends_in_cr_lf_and_is_one_line() {
    let syntax = |text: &str| (400, "header-syntax", text.to_owned());
    check(&[
        syntax("GET / HTTP/1.1\r\nHost: edge\r\nX: a\r\n folded\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\nX: a\r\n\tfolded\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\nX: a\r\n\r\n"),
        syntax("GET / HTTP/1.1\nHost: edge\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\nX: a\rY: b\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\nX: a\0b\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\nX\0: a\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\n: a\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\nX\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\nX(: a\r\n\r\n"),
        syntax("GET / HTTP/1.1\r\nHost: edge\r\n\n"),
        (400, "host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        (400, "host", "GET / HTTP/1.1\r\nHost: edge\r\nHost: edge\r\n\r\n".to_owned()),
    ]);
}

#[test]
fn a_request_line_is_three_words() {
    let line = |text: &str| (400, "request-line", format!("{text}\r\nHost: edge\r\n\r\n"));
    let target = |name: &'static str, text: &str| (400, name, format!("GET {text} HTTP/1.1\r\nHost: edge\r\n\r\n"));
    check(&[
        line("GET /"),
        line("GET\t/ HTTP/1.1"),
        (400, "header-syntax", "GET / HTTP/1.1 \r\nHost: edge\r\n\r\n".to_owned()),
        line("GE\0T / HTTP/1.1"),
        line(" GET / HTTP/1.1"),
        (505, "version", "GET / HTTP/1.2\r\nHost: edge\r\n\r\n".to_owned()),
        (505, "version", "GET / a HTTP/1.1\r\nHost: edge\r\n\r\n".to_owned()),
        (505, "version", "GET / http/1.1\r\nHost: edge\r\n\r\n".to_owned()),
        (505, "version", "PRI * HTTP/2.0\r\n\r\n".to_owned()),
        target("target-form", "http://edge/a"),
        target("target-form", "edge:80"),
        target("target-form", "*"),
        target("target-traversal", "/v/../a"),
        target("target-traversal", "/v/.%2e/a"),
        target("target-traversal", "/v/%2e%2E"),
        target("target-encoded-slash", "/v%2fa"),
        target("target-encoded-slash", "/v%2F..%2fa"),
        target("target-encoded-slash", "/v%5c..%5ca"),
        target("target-encoded-slash", "/v%00a"),
        target("target-bytes", "/v\\a"),
        target("target-bytes", "/a#b"),
        target("target-bytes", "/%"),
        target("target-bytes", "/%4"),
        target("target-bytes", "/%g0"),
    ]);
}

#[test]
fn a_chunk_is_what_its_size_says() {
    let syntax = |body: &str| (400, "chunk-syntax", chunked(body));
    check(&[
        syntax("x\r\nabc\r\n0\r\n\r\n"),
        syntax("\r\nabc\r\n0\r\n\r\n"),
        syntax("-3\r\nabc\r\n0\r\n\r\n"),
        syntax("+3\r\nabc\r\n0\r\n\r\n"),
        syntax("0x3\r\nabc\r\n0\r\n\r\n"),
        syntax(" 3\r\nabc\r\n0\r\n\r\n"),
        syntax("3\nabc\r\n0\r\n\r\n"),
        syntax("3\r\nabc\n0\r\n\r\n"),
        syntax("3\r\nabcd\r\n0\r\n\r\n"),
        syntax("3\r\nabc0\r\n\r\n"),
        syntax("3 3\r\nabc\r\n0\r\n\r\n"),
        syntax("3;a\nabc\r\n0\r\n\r\n"),
        syntax("3;a\0\r\nabc\r\n0\r\n\r\n"),
        syntax("3;a\rb\r\nabc\r\n0\r\n\r\n"),
        syntax(&format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(300))),
        syntax("10000000000000003\r\nabc\r\n0\r\n\r\n"),
        syntax("ffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
        syntax("00000000000000000003\r\nabc\r\n0\r\n\r\n"),
        syntax("0\r\nX: a\nY: b\r\n\r\n"),
        syntax("0\r\nX: a\0\r\n\r\n"),
        syntax("0\r\n\rG"),
    ]);
}

#[test]
fn a_head_is_bounded() {
    let many = "X: y\r\n".repeat(100);
    let long = "a".repeat(9 * 1024);
    let huge = "y".repeat(17 * 1024);
    check(&[
        (431, "head-too-large", post(&many)),
        (431, "head-too-large", post(&format!("X: {huge}\r\n"))),
        (431, "head-too-large", post(&format!("{huge}: x\r\n"))),
        (414, "target-too-long", format!("GET /{long} HTTP/1.1\r\nHost: edge\r\n\r\n")),
    ]);
}

#[test]
fn extensions_and_trailers_that_are_sound_end_with_the_hop() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.send(chunked("3;a=b\r\nabc\r\n2  \r\nde\r\n0\r\nX-Trailer: a\r\n\r\n"));
    let exchange = origin.expect("POST /a");
    assert_eq!(exchange.body, b"abcde");
    assert_eq!(exchange.field("content-length"), None);
    exchange.answer("200 OK", "", b"taken");
    assert_eq!(client.answer().text(), "taken");
    client.ask("GET", "/b", "");
    origin.expect("GET /b").answer("200 OK", "", b"next");
    assert_eq!(client.answer().text(), "next");
}
