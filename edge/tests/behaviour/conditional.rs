//! Promised: a client whose copy is current is told so, by tag or by date, from memory; its preconditions do not reach the origin's
//! shared answer.

use crate::support::{Client, Origin, edge};

#[test]
fn a_current_copy_is_confirmed_from_memory() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "If-None-Match: \"v1\"");
    let exchange = origin.expect("GET /a");
    assert_eq!(exchange.field("if-none-match"), None, "the fetch is for everyone");
    let fields = "Cache-Control: max-age=60\nETag: \"v1\"\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT";
    exchange.answer("200 OK", fields, b"body");
    let first = client.answer();
    assert_eq!((first.status, first.body.len()), (304, 0));
    let mut check = |fields: &str, status: u16| {
        let got = client.get("/a", fields);
        assert_eq!(got.status, status, "{fields}");
        assert_eq!(got.field("etag"), Some("\"v1\""));
        if status == 304 {
            assert_eq!(got.field("content-length"), None);
        } else {
            assert_eq!(got.text(), "body");
        }
    };
    check("If-None-Match: \"v0\", W/\"v1\"", 304);
    check("If-None-Match: *", 304);
    check("If-None-Match: \"v0\"", 200);
    check("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304);
    check("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200);
    check("If-None-Match: \"v0\"\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200);
    check("", 200);
    origin.expect_none();
}

#[test]
fn head_is_the_head_of_get() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("HEAD", "/a", "");
    let exchange = origin.expect("HEAD /a");
    let mut exchange = exchange;
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\n");
    exchange.end();
    let head = client.head();
    assert_eq!((head.status, head.field("content-length")), (200, Some("4")));
    client.ask("GET", "/a", "");
    origin.expect("GET /a").answer("200 OK", "Cache-Control: max-age=60", b"body");
    assert_eq!(client.answer().text(), "body");
    client.ask("HEAD", "/a", "");
    let head = client.head();
    assert_eq!((head.cache(), head.field("content-length")), ("streamgate; hit", Some("4")));
    assert_eq!(client.get("/a", "").text(), "body", "no body followed the head");
    origin.expect_none();
}
