//! Promised: interim answers reach the client that leads as they come, also through another shard and past the cache; never one that
//! does not know them, never from the cache.

use crate::support::{Client, Origin, edge};

const HINT: &str = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x\r\nX: hop\r\n\r\n";

#[test]
fn a_hint_arrives_before_the_answer_exists() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    for number in 0..8 {
        // Connections and keys fall on either shard.
        let mut client = Client::connect(&edge);
        let target = format!("/{number}");
        client.ask("GET", &target, "");
        let mut exchange = origin.next();
        exchange.send(HINT);
        let hint = client.head();
        assert_eq!((hint.status, hint.field("link")), (103, Some("</a.css>; rel=preload")));
        assert_eq!((hint.field("x"), hint.field("connection")), (None, None));
        exchange.send("HTTP/1.1 102 Processing\r\n\r\n");
        assert_eq!(client.head().status, 102);
        exchange.answer("200 OK", "Cache-Control: max-age=60", b"here");
        assert_eq!(client.answer().text(), "here");
        let hit = client.get(&target, "");
        assert_eq!((hit.status, hit.cache()), (200, "streamgate; hit"));
    }
}

#[test]
fn a_hint_passes_a_method_and_stops_at_an_old_client() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("POST", "/a", "Content-Length: 1").send("x");
    let mut exchange = origin.next();
    exchange.send(HINT);
    exchange.answer("200 OK", "", b"done");
    assert_eq!(client.head().status, 103);
    assert_eq!(client.answer().text(), "done");
    for method in ["GET", "POST"] {
        let mut old = Client::connect(&edge);
        old.send(format!("{method} /b HTTP/1.0\r\nContent-Length: 0\r\n\r\n"));
        let mut exchange = origin.next();
        exchange.send(HINT);
        exchange.answer("200 OK", "", b"plain");
        let answer = old.rest();
        assert!(
            answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"plain"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
}
