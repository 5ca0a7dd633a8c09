//! Promised: a body that breaks off or stalls is gone on with where it ended, from another origin where there is one, when that has the
//! same thing byte by byte; clients notice nothing. Whoever waits too long for another's fetch goes by itself.

use std::time::Duration;

use crate::support::{Client, Exchange, Origin, bytes, counter, edge, source};

const LENGTH: usize = 300_000;
const HALF: usize = 150_000;
const FIELDS: &str = "Cache-Control: max-age=60\r\nETag: \"1\"";

/// The first half of an answer.
fn begin(exchange: &mut Exchange, body: &[u8]) {
    exchange.send(format!("HTTP/1.1 200 OK\r\n{FIELDS}\r\nContent-Length: {LENGTH}\r\n\r\n"));
    exchange.send(&body[..HALF]);
}

/// The second half, as it is asked for.
fn go_on(exchange: Exchange, body: &[u8]) {
    assert_eq!(exchange.field("range"), Some("bytes=150000-299999"));
    assert_eq!(exchange.field("if-range"), Some("\"1\""));
    let fields = format!("{}\nContent-Range: bytes 150000-299999/300000", FIELDS.replace("\r\n", "\n"));
    exchange.answer("206 Partial Content", &fields, &body[HALF..]);
}

fn two_origins() -> (Origin, Origin, edge::Edge) {
    let (first, other) = (Origin::start(), Origin::start());
    let edge = edge(&first, |config| {
        config.upstream.origins.push(source(other.addr));
        config.upstream.origins[1].backup = true;
        config.upstream.try_timeout = Duration::from_secs(5);
        config.limits.coalesce = Duration::from_millis(300);
    });
    (first, other, edge)
}

#[test]
fn what_breaks_off_is_gone_on_with_from_another_origin() {
    let (first, other, edge) = two_origins();
    let body = bytes(LENGTH);
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(&edge)).collect();
    clients[0].ask("GET", "/a", "");
    let mut exchange = first.expect("GET /a");
    begin(&mut exchange, &body);
    assert!(clients[0].head().status == 200 && clients[0].body(HALF) == body[..HALF]);
    for late in &mut clients[1..] {
        late.ask("GET", "/a", "");
        assert!(late.head().status == 200 && late.body(HALF) == body[..HALF], "what is here is given at once");
    }
    exchange.close();
    go_on(other.expect("GET /a"), &body);
    for client in &mut clients {
        assert!(client.body(LENGTH - HALF) == body[HALF..]);
    }
    assert_eq!((counter(&edge, "origin_resumed_total"), counter(&edge, "origin_truncated_total")), (1, 0));
    first.expect_none();
    assert!(clients[0].get("/a", "").body == body);
}

#[test]
fn what_stalls_is_gone_on_with_as_well() {
    let (first, other, edge) = two_origins();
    let body = bytes(LENGTH);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    let mut exchange = first.expect("GET /a");
    begin(&mut exchange, &body);
    go_on(other.expect("GET /a"), &body);
    assert!(client.answer().body == body);
}

#[test]
fn an_only_origin_is_asked_again_and_another_body_is_never_mixed_in() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(LENGTH);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    begin(&mut exchange, &body);
    exchange.close();
    go_on(origin.expect("GET /a"), &body);
    assert!(client.answer().body == body);
    client.ask("GET", "/b", "");
    let mut exchange = origin.expect("GET /b");
    begin(&mut exchange, &body);
    exchange.close();
    origin.expect("GET /b").answer("200 OK", "ETag: \"2\"", "something else");
    assert_eq!(client.head().status, 200);
    assert!(client.rest() == body[..HALF]);
    assert_eq!(counter(&edge, "origin_truncated_total"), 1);
}

#[test]
fn a_range_into_what_is_arriving_is_answered_at_once() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(LENGTH);
    let (mut client, mut other) = (Client::connect(&edge), Client::connect(&edge));
    client.ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    begin(&mut exchange, &body);
    assert!(client.head().status == 200 && client.body(HALF) == body[..HALF]);
    let got = other.get("/a", "Range: bytes=100000-149999");
    assert_eq!((got.status, got.field("content-range")), (206, Some("bytes 100000-149999/300000")));
    assert!(got.body == body[100_000..HALF]);
    origin.expect_none();
    exchange.send(&body[HALF..]);
    exchange.end();
    assert!(client.body(LENGTH - HALF) == body[HALF..]);
}

#[test]
fn whoever_waits_too_long_for_another_goes_by_itself() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.limits.coalesce = Duration::from_millis(300));
    let (mut leader, mut other, mut late) = (Client::connect(&edge), Client::connect(&edge), Client::connect(&edge));
    leader.ask("GET", "/a", "");
    let slow = origin.expect("GET /a");
    other.ask("GET", "/a", "");
    origin.expect("GET /a").answer("200 OK", "Cache-Control: max-age=60", "by itself");
    assert_eq!((other.answer().text().as_str(), counter(&edge, "coalesce_timeouts_total")), ("by itself", 1));
    late.ask("GET", "/a", "");
    origin.expect("GET /a").answer("200 OK", "Cache-Control: max-age=60", "at once");
    assert_eq!(late.answer().text(), "at once");
    slow.answer("200 OK", "Cache-Control: max-age=60", "slowly");
    assert_eq!(leader.answer().text(), "slowly");
    assert_eq!(late.get("/a", "").text(), "slowly");
}
