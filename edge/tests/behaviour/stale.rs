//! Promised: what is stale is revalidated before it is used, unless the origin granted its use meanwhile; one revalidation is in flight;
//! a failing origin is covered only where it granted that; a lifetime of one second ends after one second.

use crate::support::{Client, Origin, counter, edge, until};

/// A stale answer without waiting for time to pass: its age is told by the origin.
const STALE: &str = "ETag: \"v1\"\nAge: 10\nCache-Control: max-age=10";

#[test]
fn a_stale_object_is_revalidated_and_confirmed() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/list.m3u8", "");
    origin.expect("GET /list.m3u8").answer("200 OK", STALE, b"one");
    assert_eq!(client.answer().text(), "one");
    let mut other = Client::connect(&edge);
    client.ask("GET", "/list.m3u8", "");
    let exchange = origin.expect("GET /list.m3u8");
    assert_eq!(exchange.field("if-none-match"), Some("\"v1\""));
    other.ask("GET", "/list.m3u8", "");
    origin.expect_none();
    let mut exchange = exchange;
    exchange.send("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nCache-Control: max-age=60\r\nX-New: yes\r\n\r\n");
    exchange.end();
    for client in [&mut client, &mut other] {
        let got = client.answer();
        assert_eq!((got.text().as_str(), got.cache()), ("one", "streamgate; fwd=stale; fwd-status=304"));
        assert_eq!(got.field("x-new"), Some("yes"));
    }
    let hit = client.get("/list.m3u8", "");
    assert_eq!((hit.cache(), hit.field("age")), ("streamgate; hit", Some("0")));
    origin.expect_none();
}

#[test]
fn a_stale_object_that_changed_is_replaced() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", STALE, b"one");
    client.answer();
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", "ETag: \"v2\"\nCache-Control: max-age=60", b"two");
    let got = client.answer();
    assert_eq!((got.text().as_str(), got.cache()), ("two", "streamgate; fwd=stale; stored"));
    assert_eq!(client.get("/a", "").text(), "two");
    origin.expect_none();
}

#[test]
fn a_granted_stale_answer_is_given_while_one_revalidation_runs() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    origin.next().answer(
        "200 OK",
        "ETag: \"v1\"\nAge: 10\nCache-Control: max-age=10, stale-while-revalidate=60",
        b"one",
    );
    client.answer();
    for _ in 0..3 {
        let got = client.get("/a", "");
        assert_eq!(got.cache(), "streamgate; hit; detail=stale-while-revalidate");
        assert_eq!(got.text(), "one");
    }
    let exchange = origin.expect("GET /a");
    origin.expect_none();
    exchange.answer("200 OK", "ETag: \"v2\"\nCache-Control: max-age=60", b"two");
    until("the new one is here", || client.get("/a", "").text() == "two");
    origin.expect_none();
}

#[test]
fn a_failing_origin_is_covered_only_where_that_was_granted() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/granted", "");
    origin.next().answer("200 OK", "ETag: \"v1\"\nAge: 10\nCache-Control: max-age=10, stale-if-error=60", b"one");
    client.answer();
    client.ask("GET", "/granted", "");
    origin.next().answer("503 Service Unavailable", "", b"down");
    let got = client.answer();
    assert_eq!((got.status, got.text().as_str()), (200, "one"));
    assert_eq!(got.cache(), "streamgate; fwd=stale; detail=stale-if-error");
    client.ask("GET", "/not", "");
    origin.next().answer("200 OK", STALE, b"one");
    client.answer();
    client.ask("GET", "/not", "");
    origin.next().answer("503 Service Unavailable", "", b"down");
    let got = client.answer();
    assert_eq!((got.status, got.text().as_str()), (503, "down"));
    assert_eq!(counter(&edge, "stale_on_error_total"), 1);
    // The error was not stored in place of the object.
    client.ask("GET", "/not", "");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", b"two");
    assert_eq!(client.answer().text(), "two");
}

#[test]
fn a_second_is_a_second() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/live.m3u8", "");
    origin.next().answer("200 OK", "ETag: \"1\"\nCache-Control: max-age=1", b"one");
    client.answer();
    assert_eq!(client.get("/live.m3u8", "").cache(), "streamgate; hit");
    // The one place where time itself is the behaviour.
    std::thread::sleep(std::time::Duration::from_millis(1050));
    client.ask("GET", "/live.m3u8", "");
    origin.expect("GET /live.m3u8").answer("200 OK", "ETag: \"2\"\nCache-Control: max-age=1", b"two");
    assert_eq!(client.answer().text(), "two");
}
