//! Promised: however many ask for an object that is not here, the origin is asked once; a leader that leaves is noticed by nobody.

use crate::support::{Client, Origin, bytes, edge};

#[test]
fn many_ask_and_the_origin_is_asked_once() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(300_000);
    let mut clients: Vec<Client> = (0..20).map(|_| Client::connect(&edge)).collect();
    clients[0].ask("GET", "/v/a/1.m4s", "");
    let exchange = origin.expect("GET /v/a/1.m4s");
    for client in &mut clients[1..] {
        client.ask("GET", "/v/a/1.m4s", "");
    }
    origin.expect_none();
    exchange.answer("200 OK", "Cache-Control: max-age=60", &body);
    let answers: Vec<_> = clients.iter_mut().map(Client::answer).collect();
    assert!(answers.iter().all(|a| a.status == 200 && a.body == body));
    assert_eq!(answers[0].cache(), "streamgate; fwd=miss; stored");
    assert!(answers[1..].iter().all(|a| a.cache() == "streamgate; fwd=miss; collapsed"));
    assert_eq!(clients[0].get("/v/a/1.m4s", "").cache(), "streamgate; hit");
    origin.expect_none();
}

#[test]
fn a_leader_that_leaves_before_the_answer_takes_nothing_with_it() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut leader = Client::connect(&edge);
    leader.ask("GET", "/a", "");
    let exchange = origin.expect("GET /a");
    let mut other = Client::connect(&edge);
    other.ask("GET", "/a", "");
    origin.expect_none();
    drop(leader);
    exchange.answer("200 OK", "Cache-Control: max-age=60", b"here");
    assert_eq!(other.answer().text(), "here");
    assert_eq!(Client::connect(&edge).get("/a", "").cache(), "streamgate; hit");
}

#[test]
fn a_leader_that_leaves_while_it_fills_takes_nothing_with_it() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(600_000);
    let mut leader = Client::connect(&edge);
    leader.ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 600000\r\n\r\n");
    exchange.send(&body[..1000]);
    assert_eq!(leader.head().status, 200);
    drop(leader);
    exchange.send(&body[1000..]);
    exchange.end();
    assert!(Client::connect(&edge).get("/a", "").body == body);
    origin.expect_none();
}

#[test]
fn what_cannot_be_kept_is_not_shared_and_not_queued_for() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let (mut one, mut two) = (Client::connect(&edge), Client::connect(&edge));
    one.ask("GET", "/me", "Cookie: who=one");
    let first = origin.expect("GET /me");
    assert_eq!(first.field("cookie"), Some("who=one"));
    two.ask("GET", "/me", "Cookie: who=two");
    origin.expect_none();
    first.answer("200 OK", "Cache-Control: private", b"one");
    let second = origin.expect("GET /me");
    assert_eq!(second.field("cookie"), Some("who=two"));
    second.answer("200 OK", "Cache-Control: private", b"two");
    assert_eq!(one.answer().text(), "one");
    assert_eq!(two.answer().text(), "two");
    // From now on nobody waits for anybody.
    one.ask("GET", "/me", "");
    two.ask("GET", "/me", "");
    let (a, b) = (origin.next(), origin.next());
    a.answer("200 OK", "Cache-Control: private", b"x");
    b.answer("200 OK", "Cache-Control: private", b"x");
    assert_eq!(one.answer().cache(), "streamgate; fwd=bypass");
    assert_eq!(two.answer().cache(), "streamgate; fwd=bypass");
}
