//! Promised: a connection may go from shard to shard between two requests, and its client notices nothing: not of an answer, not of a limit,
//! not over TLS. Here each goes after each answer; when one should is `shard/balance.rs`.

use std::time::Duration;

use crate::https::{Authority, Secure, secure};
use crate::support::{Client, Origin, SOON, bytes, counter, edge, refusals, until};

const CLIENTS: u64 = 12;
const ROUNDS: u64 = 20;
const KEPT: &str = "Cache-Control: max-age=60";

#[test]
fn who_is_handed_over_after_each_answer_does_not_notice() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.shards = 2;
        config.faults.hands_over = true;
    });
    let large = bytes(700_000);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(&edge)).collect();
    clients[0].ask("GET", "/small", "");
    origin.expect("GET /small").answer("200 OK", KEPT, b"small");
    clients[0].answer();
    clients[0].ask("GET", "/large", "");
    origin.expect("GET /large").answer("200 OK", KEPT, &large);
    clients[0].answer();
    for _ in 0..ROUNDS {
        for client in &mut clients {
            assert_eq!(client.get("/small", "").text(), "small");
        }
        // Several at once leave together, and it goes behind the last of them.
        for client in &mut clients {
            client.ask("GET", "/small", "").ask("GET", "/large", "Range: bytes=9-29").ask("GET", "/large", "");
        }
        for client in &mut clients {
            assert_eq!(client.answer().text(), "small");
            assert!(client.answer().body == large[9..30]);
            assert!(client.answer().body == large);
        }
    }
    // A body that is passed through, and a head in two pieces.
    clients[0].ask("POST", "/up", "Content-Length: 4").send("body");
    let exchange = origin.expect("POST /up");
    assert_eq!(exchange.body, b"body");
    exchange.answer("200 OK", "", b"taken");
    assert_eq!(clients[0].answer().text(), "taken");
    clients[0].send("GET /small HTTP/1.1\r\nHo");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(clients[0].send("st: e\r\n\r\n").answer().text(), "small");
    let handed = counter(&edge, "connections_handed_over_total");
    assert!(handed >= CLIENTS * ROUNDS * 2, "{handed}");
    until("all have arrived", || {
        counter(&edge, "connections_taken_over_total") == counter(&edge, "connections_handed_over_total")
    });
    assert_eq!(counter(&edge, "connections_total"), CLIENTS, "handed over is not accepted anew");
    until("all are counted where they are", || counter(&edge, "connections") == CLIENTS);
    drop(clients);
    until("nobody is left", || counter(&edge, "connections") == 0);
    origin.expect_none();
}

#[test]
fn a_session_of_tls_goes_with_its_connection() {
    let by = Authority::new();
    let origin = Origin::start();
    let edge = secure(&origin, &by, |config| {
        config.shards = 2;
        config.faults.hands_over = true;
        config.https.as_mut().expect("HTTPS").hsts = Some("max-age=5".to_owned());
    });
    let config = by.client(rustls::ALL_VERSIONS);
    let large = bytes(300_000);
    let mut clients: Vec<Secure> = (0..4).map(|_| Secure::connect(&edge, &config, "edge.example")).collect();
    clients[0].ask("/large", "");
    origin.expect("GET /large").answer("200 OK", KEPT, &large);
    assert!(clients[0].answer().body == large);
    for _ in 0..ROUNDS {
        for client in &mut clients {
            let answer = client.ask("/large", "Range: bytes=1-9").ask("/large", "").answer();
            assert!(answer.body == large[1..10] && answer.field("strict-transport-security") == Some("max-age=5"));
            assert!(client.answer().body == large);
        }
    }
    assert!(counter(&edge, "connections_handed_over_total") >= 4 * ROUNDS);
    assert_eq!(counter(&edge, "tls_handshakes_total"), 4);
    clients[0].ask("/large", "Connection: close").answer();
    clients[0].expect_closed();
}

#[test]
fn limits_go_with_it() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.shards = 2;
        config.faults.hands_over = true;
        config.limits.connections_per_address = 2;
        config.limits.idle = Duration::from_millis(300);
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
    });
    let mut clients = [Client::connect(&edge), Client::connect(&edge)];
    for client in &mut clients {
        (0..10).for_each(|_| assert_eq!(client.get("/", "").text(), "here"));
    }
    let mut third = Client::connect(&edge);
    assert_eq!(third.answer().refusal(), "address-connections");
    // Idle for too long, on whichever shard.
    clients.iter_mut().for_each(Client::expect_closed);
    until("their places are free", || counter(&edge, "connections") == 0);
    assert_eq!(Client::connect(&edge).get("/", "").text(), "here");
    assert_eq!(refusals(&edge, "address-connections"), 1);
}

#[test]
fn a_drain_finds_everyone() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.shards = 2;
        config.faults.hands_over = true;
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
    });
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(&edge)).collect();
    for client in &mut clients {
        (0..5).for_each(|_| assert_eq!(client.get("/", "").text(), "here"));
    }
    assert_eq!(edge.drain(SOON).cut, 0);
    clients.iter_mut().for_each(Client::expect_closed_or_reset);
}
