//! Promised: any page may play what the edge serves, and read how it came; an origin's own rules win; pages of the program are served
//! from memory.

use crate::support::{Client, Origin, edge};

#[test]
fn every_answer_may_be_read_by_any_page() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "Origin: https://player.example");
    let exchange = origin.next();
    assert_eq!(exchange.field("origin"), None, "one answer for every page");
    exchange.answer("200 OK", "Cache-Control: max-age=60", b"x");
    for got in [client.answer(), client.get("/a", "Origin: https://other.example"), client.get("/a/../b", "")] {
        assert_eq!(got.field("access-control-allow-origin"), Some("*"));
        assert!(got.field("access-control-expose-headers").is_some_and(|list| list.contains("Cache-Status")));
    }
}

#[test]
fn an_origin_that_has_rules_of_its_own_keeps_them() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", "Access-Control-Allow-Origin: https://one.example", b"x");
    let got = client.answer();
    assert_eq!(got.head.matches("Access-Control-Allow-Origin").count(), 1);
    assert_eq!(got.field("access-control-allow-origin"), Some("https://one.example"));
}

#[test]
fn preflights_of_reads_are_answered_here_and_others_by_the_origin() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    let fields = "Origin: https://x.example\nAccess-Control-Request-Method: GET\nAccess-Control-Request-Headers: range";
    let got = client.ask("OPTIONS", "/v/a/1.m4s", fields).answer();
    assert_eq!(got.status, 204);
    assert!(got.field("access-control-allow-headers").is_some_and(|list| list.contains("Range")));
    origin.expect_none();
    client.ask("OPTIONS", "/api", "Access-Control-Request-Method: POST");
    origin.expect("OPTIONS /api").answer("200 OK", "", b"");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn pages_are_served_from_memory() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/html", body: b"<h1>hello" }];
    });
    let mut client = Client::connect(&edge);
    let got = client.get("/?x=1", "");
    assert_eq!((got.text().as_str(), got.field("content-type")), ("<h1>hello", Some("text/html")));
    let tag = got.field("etag").expect("a tag").to_owned();
    assert_eq!(client.get("/", &format!("If-None-Match: {tag}")).status, 304);
    let head = client.ask("HEAD", "/", "").head();
    assert_eq!(head.field("content-length"), Some("9"));
    assert_eq!(client.get("/", "").text(), "<h1>hello");
    origin.expect_none();
}
