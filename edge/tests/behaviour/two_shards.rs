//! Promised: whichever shard a client is connected to, an object is fetched once and stored once; a shard that asked once serves the
//! object without asking again, until the owner replaces it.

use crate::support::{Client, Origin, QUIET, bytes, counter, edge, until};

/// Enough connections that each of two shards has some: the kernel spreads them by hash.
const CLIENTS: usize = 24;

#[test]
fn an_object_is_fetched_once_for_all_shards() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let body = bytes(800_000);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(&edge)).collect();
    for client in &mut clients {
        client.ask("GET", "/a", "");
    }
    let mut exchange = origin.expect("GET /a");
    origin.expect_none();
    exchange.send("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nCache-Control: max-age=60\r\nContent-Length: 800000\r\n\r\n");
    for piece in body.chunks(100_000) {
        exchange.send(piece);
    }
    exchange.end();
    for client in &mut clients {
        assert!(client.answer().body == body);
    }
    assert_eq!(counter(&edge, "misses_total"), 1);
    until("it is stored", || counter(&edge, "objects") == 1);
    for client in &mut clients {
        assert_eq!(client.get("/a", "").cache(), "streamgate; hit");
    }
    let asks = counter(&edge, "asks_total");
    assert!(asks > 0, "all clients were on the owner's shard");
    for client in &mut clients {
        assert!(client.get("/a", "").body == body);
    }
    assert_eq!(counter(&edge, "asks_total"), asks, "a lease was not used");
    origin.expect_none();
}

#[test]
fn a_replaced_object_ends_its_leases() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(&edge)).collect();
    clients[0].ask("GET", "/a", "");
    let fields = "ETag: \"1\"\nAge: 10\nCache-Control: max-age=10, stale-while-revalidate=60";
    origin.next().answer("200 OK", fields, b"old");
    clients[0].answer();
    for client in &mut clients {
        assert_eq!(client.get("/a", "").text(), "old");
    }
    origin.next().answer("200 OK", "ETag: \"2\"\nCache-Control: max-age=60", b"new");
    until("the new one is here", || clients[0].get("/a", "").text() == "new");
    for client in &mut clients {
        assert_eq!(client.get("/a", "").text(), "new");
    }
    origin.expect_none();
}

#[test]
fn an_unkept_answer_crosses_shards_within_its_window() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let body = bytes(5_000_000);
    for round in 0..6 {
        let mut client = Client::connect(&edge);
        client.ask("GET", &format!("/{round}"), "");
        let mut exchange = origin.next();
        exchange.send("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 5000000\r\n\r\n");
        let sent = body.clone();
        let sender = std::thread::spawn(move || {
            exchange.send(&sent);
            exchange.end();
        });
        assert!(client.answer().body == body);
        sender.join().expect("sent");
    }
    assert_eq!(counter(&edge, "objects"), 0);
}

/// What one shard leases, another must keep: a scan over more than fits must not fill memory with leases.
#[test]
fn leases_leave_room_for_what_comes() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.shards = 2;
        config.ram_bytes = 16 << 20;
    });
    let origin = origin.answer_all("Cache-Control: max-age=60", |_| bytes(200_000));
    let body = bytes(200_000);
    let mut clients: Vec<Client> = (0..6).map(|_| Client::connect(&edge)).collect();
    for n in 0..150 {
        for client in &mut clients {
            assert!(client.get(&format!("/{n}"), "").body == body, "{n}");
        }
    }
    assert_eq!(counter(&edge, "passed_total"), 0, "there was no room");
    assert!(counter(&edge, "hits_total") >= 700 && counter(&edge, "evicted_total") > 0);
    drop((clients, edge));
    drop(origin);
}

/// Memory that others hold has no room for it: it passes by once, is whole when its first client's shard looks at it, and must not be taken
/// for something that is kept.
#[test]
fn what_memory_had_no_room_for_is_nobody_elses() {
    const HELD: usize = 400_000;
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.shards = 2;
        config.ram_bytes = 4 << 20;
    });
    let mut holders = Vec::new();
    for n in 0..24 {
        let mut client = Client::connect(&edge);
        client.ask("GET", &format!("/held/{n}"), "");
        let mut exchange = origin.next();
        exchange.send(format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {HELD}\r\n\r\n"));
        client.head();
        holders.push((client, exchange));
    }
    let mut clients: Vec<Client> = (0..6).map(|_| Client::connect(&edge)).collect();
    let body = bytes(30_000);
    for n in 0..4 {
        for client in &mut clients {
            client.ask("GET", &format!("/{n}"), "");
            if let Some(exchange) = origin.next_within(QUIET) {
                exchange.answer("200 OK", "Cache-Control: max-age=60", &body);
            }
            assert!(client.answer().body == body, "{n}");
        }
    }
}

#[test]
fn variants_are_leased_too_and_a_change_ends_it() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(&edge)).collect();
    let fields = "Cache-Control: max-age=60\nVary: Accept-Language\nETag: \"1\"";
    let ask = |client: &mut Client, language: &str| client.get("/a", &format!("Accept-Language: {language}")).text();
    for language in ["en", "de"] {
        clients[0].ask("GET", "/a", &format!("Accept-Language: {language}"));
        origin.expect("GET /a").answer("200 OK", fields, language);
        assert_eq!(clients[0].answer().text(), language);
    }
    for language in ["en", "de"] {
        clients.iter_mut().for_each(|client| assert_eq!(ask(client, language), language));
    }
    let asks = counter(&edge, "asks_total");
    assert!(asks > 0, "all clients were on the owner's shard");
    for language in ["de", "en"] {
        clients.iter_mut().for_each(|client| assert_eq!(ask(client, language), language));
    }
    assert_eq!(counter(&edge, "asks_total"), asks, "a lease was not used");
    // Somebody changes it: no lease on what it was is good any more.
    clients[0].ask("POST", "/a", "Content-Length: 0");
    origin.expect("POST /a").answer("200 OK", "", "");
    clients[0].answer();
    for client in &mut clients[1..] {
        client.ask("GET", "/a", "Accept-Language: en");
    }
    origin.expect("GET /a").answer("200 OK", fields, "new");
    clients[1..].iter_mut().for_each(|client| assert_eq!(client.answer().text(), "new"));
    origin.expect_none();
}
