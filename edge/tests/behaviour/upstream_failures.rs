//! Promised: an origin that cannot be reached, is silent, or talks nonsense becomes a named 502 or 504 that is not cached; a kept
//! connection that turns out closed costs the client nothing; connections are reused.

use std::time::Duration;

use crate::support::{Client, Origin, counter, edge, source};

#[test]
fn an_origin_that_is_not_there() {
    let origin = Origin::start();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let edge = edge(&origin, |config| config.upstream.origins = vec![source(closed)]);
    let mut client = Client::connect(&edge);
    for _ in 0..2 {
        let got = client.get("/a", "");
        assert_eq!((got.status, got.refusal()), (502, "origin-connect"));
    }
    assert_eq!(counter(&edge, "origin_requests_total"), 2, "the refusal was not cached");
}

#[test]
fn an_origin_that_says_nothing() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.limits.origin_read = Duration::from_millis(200));
    let (mut one, mut two) = (Client::connect(&edge), Client::connect(&edge));
    one.ask("GET", "/a", "");
    let _silent = origin.next();
    two.ask("GET", "/a", "");
    for client in [&mut one, &mut two] {
        let got = client.answer();
        assert_eq!((got.status, got.refusal()), (504, "origin-timeout"));
    }
}

#[test]
fn an_origin_that_talks_nonsense_or_hangs_up() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    for nonsense in [
        "SMTP ready\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ] {
        client.ask("GET", "/a", "");
        let mut exchange = origin.next();
        exchange.send(nonsense);
        let got = client.answer();
        assert_eq!((got.status, got.refusal()), (502, "origin-head"), "{nonsense:?}");
    }
    client.ask("GET", "/a", "");
    origin.next().close();
    let got = client.answer();
    assert_eq!((got.status, got.refusal()), (502, "origin-closed"));
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", b"well again");
    assert_eq!(client.answer().text(), "well again");
}

#[test]
fn connections_are_reused_and_a_closed_one_is_replaced_unnoticed() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/1", "");
    let first = origin.next();
    let connection = first.connection;
    first.answer("200 OK", "", b"1");
    client.answer();
    client.ask("GET", "/2", "");
    let second = origin.next();
    assert_eq!(second.connection, connection);
    second.answer("200 OK", "", b"2");
    client.answer();
    origin.hang_up();
    client.ask("GET", "/3", "");
    let third = origin.expect("GET /3");
    assert_ne!(third.connection, connection);
    third.answer("200 OK", "", b"3");
    assert_eq!(client.answer().text(), "3");
}

#[test]
fn informational_answers_are_not_taken_for_the_answer() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    let mut exchange = origin.next();
    exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
    exchange.answer("200 OK", "Cache-Control: max-age=60", b"here");
    assert_eq!(client.head().status, 103);
    assert_eq!(client.answer().text(), "here");
}

#[test]
fn errors_of_the_origin_are_passed_on_and_not_kept() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    for _ in 0..2 {
        client.ask("GET", "/a", "");
        origin.expect("GET /a").answer("500 Internal Server Error", "", b"oops");
        let got = client.answer();
        assert_eq!((got.status, got.text().as_str()), (500, "oops"));
    }
    client.ask("GET", "/gone", "");
    origin.expect("GET /gone").answer("404 Not Found", "Cache-Control: max-age=60", b"no");
    assert_eq!(client.answer().status, 404);
    assert_eq!(client.get("/gone", "").cache(), "streamgate; hit");
}
