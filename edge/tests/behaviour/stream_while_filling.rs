//! Promised: bytes reach every client as they reach the edge, the first, a late joiner and a range alike; a body that is not kept
//! waits for its reader within a window; a body cut short by the origin is never stored, and its clients are cut too.

use crate::support::{Client, Origin, bytes, counter, edge, until};

#[test]
fn each_byte_is_passed_on_as_it_comes() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(1_000_000);
    let mut early = Client::connect(&edge);
    early.ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 1000000\r\n\r\n");
    exchange.send(&body[..10]);
    early.head();
    assert_eq!(early.body(10), body[..10]);
    exchange.send(&body[10..400_000]);
    assert!(early.body(399_990) == body[10..400_000]);
    let mut late = Client::connect(&edge);
    late.ask("GET", "/a", "");
    assert_eq!(late.head().cache(), "streamgate; fwd=miss; collapsed");
    assert!(late.body(400_000) == body[..400_000]);
    let mut range = Client::connect(&edge);
    let part = range.get("/a", "Range: bytes=300000-399999");
    assert_eq!(part.status, 206);
    assert!(part.body == body[300_000..400_000]);
    exchange.send(&body[400_000..]);
    exchange.end();
    assert!(early.body(600_000) == body[400_000..]);
    assert!(late.body(600_000) == body[400_000..]);
    origin.expect_none();
}

#[test]
fn a_chunked_body_is_streamed_and_then_has_a_length() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    let head = client.head();
    assert_eq!(head.field("transfer-encoding"), Some("chunked"));
    assert_eq!(client.body(10), b"5\r\nhello\r\n");
    exchange.send("6\r\n world\r\n0\r\n\r\n");
    exchange.end();
    assert_eq!(client.body(16), b"6\r\n world\r\n0\r\n\r\n");
    until("the fill ends", || counter(&edge, "objects") == 1);
    let again = client.get("/a", "");
    assert_eq!((again.field("content-length"), again.text().as_str()), (Some("11"), "hello world"));
    let mut old = Client::connect(&edge);
    old.send("GET /a HTTP/1.0\r\n\r\n");
    assert!(old.rest().ends_with(b"hello world"));
    origin.expect_none();
}

#[test]
fn a_body_cut_by_the_origin_cuts_its_clients_and_is_not_stored() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut clients = [Client::connect(&edge), Client::connect(&edge)];
    clients[0].ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    clients[1].ask("GET", "/a", "");
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 1000\r\n\r\nonly this");
    for client in &mut clients {
        client.head();
        assert_eq!(client.body(9), b"only this");
    }
    exchange.close();
    for client in &mut clients {
        client.expect_closed();
    }
    let mut next = Client::connect(&edge);
    next.ask("GET", "/a", "");
    origin.expect("GET /a").answer("200 OK", "Cache-Control: max-age=60", b"whole");
    assert_eq!(next.answer().text(), "whole");
    assert_eq!(counter(&edge, "origin_truncated_total"), 1);
}

#[test]
fn a_chunked_body_without_its_end_is_not_taken_for_whole() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    client.head();
    exchange.close();
    assert_eq!(client.rest(), b"5\r\nhello\r\n", "no last chunk");
    let mut next = Client::connect(&edge);
    next.ask("GET", "/a", "");
    origin.expect("GET /a").answer("200 OK", "", b"");
    next.answer();
}

#[test]
fn what_is_not_kept_waits_for_its_reader_within_a_window() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let total = 64 * 1024 * 1024;
    let mut client = Client::connect(&edge);
    client.ask("GET", "/big", "");
    let mut exchange = origin.expect("GET /big");
    exchange.send(format!("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: {total}\r\n\r\n"));
    let sender = std::thread::spawn(move || {
        let piece = bytes(1024 * 1024);
        for _ in 0..64 {
            exchange.send(&piece);
        }
        exchange.end();
    });
    let head = client.head();
    assert_eq!(head.cache(), "streamgate; fwd=miss");
    // The client does not read: the edge must stop reading too, with far less than the body in memory.
    crate::support::until("the origin is held back", || {
        let before = counter(&edge, "memory_used_bytes");
        before < 8 * 1024 * 1024 && !sender.is_finished()
    });
    let piece = bytes(1024 * 1024);
    for _ in 0..64 {
        assert!(client.body(1024 * 1024) == piece);
    }
    sender.join().expect("all was sent");
    assert_eq!(counter(&edge, "objects"), 0);
}

#[test]
fn an_unkept_body_whose_reader_leaves_is_given_up() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/big", "");
    let mut exchange = origin.expect("GET /big");
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 1000000000\r\n\r\n");
    client.head();
    drop(client);
    let piece = bytes(1024 * 1024);
    // The edge hangs up long before a gigabyte has gone through.
    assert!((0..500).any(|_| !exchange.try_send(&piece)), "the origin was read to the end for nobody");
}

#[test]
fn a_body_that_outgrows_its_share_is_still_delivered() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.ram_bytes = 4 * 1024 * 1024);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/big", "");
    let mut exchange = origin.expect("GET /big");
    exchange.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n");
    let piece = bytes(500_000);
    let sent = piece.clone();
    let sender = std::thread::spawn(move || {
        for _ in 0..20 {
            exchange.send(format!("{:x}\r\n", sent.len()));
            exchange.send(&sent);
            exchange.send("\r\n");
        }
        exchange.send("0\r\n\r\n");
        exchange.end();
    });
    let answer = client.answer();
    sender.join().expect("all was sent");
    assert_eq!(answer.body.len(), 20 * piece.len());
    assert!(answer.body.chunks(piece.len()).all(|chunk| chunk == piece));
    assert_eq!(counter(&edge, "objects"), 0);
}
