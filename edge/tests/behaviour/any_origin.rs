//! Promised: the edge fronts any HTTP origin: methods pass through with their bodies, nothing is cached that the origin does not allow,
//! and fields that end at a hop end there.

use crate::support::{Client, Origin, bytes, counter, edge};

#[test]
fn other_methods_pass_through_uncached_with_their_bodies() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    let body = bytes(3_000_000);
    client.ask("POST", "/api/upload?name=x", "Content-Length: 3000000\nX-Mine: 1");
    let sent = body.clone();
    let mut writer = client.stream.try_clone().expect("a clone");
    let sender = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &sent).expect("the edge reads"));
    let exchange = origin.expect("POST /api/upload?name=x");
    sender.join().expect("sent");
    assert!(exchange.body == body);
    assert_eq!(exchange.field("x-mine"), Some("1"));
    exchange.answer("201 Created", "Cache-Control: max-age=60\nLocation: /x", b"made");
    let got = client.answer();
    assert_eq!((got.status, got.field("location"), got.cache()), (201, Some("/x"), "streamgate; fwd=method"));
    client.ask("DELETE", "/api/x", "");
    let mut exchange = origin.expect("DELETE /api/x");
    exchange.send("HTTP/1.1 204 No Content\r\n\r\n");
    exchange.end();
    let got = client.answer();
    assert_eq!((got.status, got.field("content-length")), (204, None));
    assert_eq!(counter(&edge, "objects"), 0);
}

#[test]
fn an_expecting_client_is_told_to_go_on() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("PUT", "/a", "Content-Length: 3\nExpect: 100-continue");
    assert_eq!(client.head().status, 100);
    client.send("abc");
    let exchange = origin.expect("PUT /a");
    assert_eq!((exchange.field("expect"), exchange.body.as_slice()), (None, &b"abc"[..]));
    exchange.answer("200 OK", "", b"");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn only_what_the_origin_allows_is_kept() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    let mut asked_twice = |path: &str, request: &str, fields: &str| {
        client.ask("GET", path, request);
        origin.next().answer("200 OK", fields, b"x");
        client.answer();
        client.ask("GET", path, request);
        let again = matches!(origin_or_hit(&origin, &mut client), Seen::Origin);
        assert!(again, "{path} was kept: {fields}");
    };
    asked_twice("/none", "", "");
    asked_twice("/no-store", "", "Cache-Control: no-store, max-age=60");
    asked_twice("/private", "", "Cache-Control: private, max-age=60");
    asked_twice("/cookie", "", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\nSet-Cookie: a=b");
    asked_twice("/star", "", "Cache-Control: max-age=60\nVary: *");
    asked_twice("/expired", "", "Expires: 0");
    asked_twice("/authorised", "Authorization: Basic eA==", "Cache-Control: max-age=60");
}

enum Seen {
    Origin,
    Hit,
}

fn origin_or_hit(origin: &Origin, client: &mut Client) -> Seen {
    let exchange = origin.next();
    exchange.answer("200 OK", "Cache-Control: no-store", b"x");
    if client.answer().cache() == "streamgate; hit" { Seen::Hit } else { Seen::Origin }
}

#[test]
fn what_ends_at_a_hop_ends_there() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "Connection: X-Secret\nX-Secret: 1\nTE: trailers\nUpgrade: h2c\nKeep-Alive: 5\nX-Kept: 2");
    let exchange = origin.next();
    for gone in ["x-secret", "te", "upgrade", "keep-alive", "connection", "accept-encoding"] {
        assert_eq!(exchange.field(gone), None, "{gone}");
    }
    assert_eq!(exchange.field("x-kept"), Some("2"));
    assert_eq!(exchange.field("via"), Some("1.1 streamgate"));
    exchange.answer(
        "200 OK",
        "Cache-Control: max-age=60\nConnection: X-Hop\nX-Hop: 1\nKeep-Alive: 5\nX-End: 2\nAge: 7\nSurrogate-Key: k",
        b"",
    );
    let got = client.answer();
    for gone in ["x-hop", "keep-alive", "surrogate-key"] {
        assert_eq!(got.field(gone), None, "{gone}");
    }
    assert_eq!((got.field("x-end"), got.field("age")), (Some("2"), Some("7")));
}

#[test]
fn only_if_cached_never_asks_the_origin() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    let got = client.get("/a", "Cache-Control: only-if-cached");
    assert_eq!((got.status, got.refusal()), (504, "only-if-cached"));
    origin.expect_none();
}
