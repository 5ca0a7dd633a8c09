//! Promised: what a player asks for next is here when it asks, by what it announces or by counting up; never what cannot be kept, never
//! past the end, never from an origin that fails; a gate holds all the same; and little is fetched in vain.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support::{Client, Exchange, Origin, bytes, counter, edge, until};
use edge::Edge;

const FRESH: &str = "Cache-Control: max-age=60";

fn ahead(origin: &Origin) -> Edge {
    edge(origin, |config| config.prefetch = 4)
}

fn played(client: &mut Client, origin: &Origin, target: &str, fields: &str) {
    client.ask("GET", target, "");
    origin.expect(&format!("GET {target}")).answer("200 OK", fields, b"film");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn the_segment_after_two_in_a_row_is_fetched_and_an_end_stops_it() {
    let origin = Origin::start();
    let edge = ahead(&origin);
    let mut client = Client::connect(&edge);
    played(&mut client, &origin, "/v/a/av1/7.m4s", FRESH);
    origin.expect_none();
    played(&mut client, &origin, "/v/a/av1/8.m4s", FRESH);
    origin.expect("GET /v/a/av1/9.m4s").answer("200 OK", FRESH, b"film");
    until("it is kept", || client.get("/v/a/av1/9.m4s", "").cache() == "streamgate; hit");
    origin.expect("GET /v/a/av1/10.m4s").answer("404 Not Found", "", b"");
    origin.expect_none();
    assert_eq!(client.get("/v/a/av1/9.m4s", "").cache(), "streamgate; hit");
    origin.expect_none();
    assert_eq!((counter(&edge, "prefetched_total"), counter(&edge, "prefetch_used_total")), (1, 1));
}

#[test]
fn whoever_comes_while_it_is_fetched_joins() {
    let origin = Origin::start();
    let edge = ahead(&origin);
    let mut client = Client::connect(&edge);
    played(&mut client, &origin, "/s/1.ts", FRESH);
    played(&mut client, &origin, "/s/2.ts", FRESH);
    let exchange = origin.expect("GET /s/3.ts");
    client.ask("GET", "/s/3.ts", "");
    origin.expect_none();
    exchange.answer("200 OK", FRESH, b"three");
    assert_eq!(client.answer().text(), "three");
    assert_eq!(origin.next().line(), "GET /s/4.ts");
}

#[test]
fn what_is_announced_is_fetched_within_the_asset_and_by_its_range() {
    let origin = Origin::start();
    let edge = ahead(&origin);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/v/a/av1/7.m4s?CMCD=nor%3D%22..%252Fh264%252F8.m4s%22%2Cot%3Dv", "");
    origin.expect("GET /v/a/av1/7.m4s").answer("200 OK", FRESH, b"seven");
    let exchange = origin.expect("GET /v/a/h264/8.m4s");
    assert_eq!((exchange.field("range"), exchange.head.contains("CMCD")), (None, false));
    exchange.answer("200 OK", FRESH, b"eight");
    assert_eq!(client.answer().text(), "seven");
    until("it is kept", || counter(&edge, "objects") == 2);
    for other in ["/v/b/h264/8.m4s", "https://h/v/a/1.m4s", "../../../x"] {
        client.get("/v/a/av1/7.m4s", &format!("CMCD-Request: nor=\"{other}\""));
    }
    origin.expect_none();
    client.ask("GET", "/v/a/av1/7.m4s", "CMCD-Request: nor=\"/p/tok/v/a/film.mp4\",nrr=\"2097152-2097999\"");
    let exchange = origin.expect("GET /v/a/film.mp4");
    assert_eq!(exchange.field("range"), Some("bytes=2097152-3145727"), "the slice that has it");
    let fields = format!("{FRESH}\nETag: \"a\"\nContent-Range: bytes 2097152-3145727/90000000");
    exchange.answer("206 Partial Content", &fields, bytes(1 << 20));
    client.answer();
    until("the slice is kept", || counter(&edge, "memory_used_bytes") > 1 << 20);
    let got = client.get("/v/a/film.mp4", "Range: bytes=2097152-2097999");
    assert_eq!((got.status, got.body.len()), (206, 848));
    origin.expect_none();
}

#[test]
fn nothing_is_fetched_that_cannot_be_kept_or_from_an_origin_that_fails() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.prefetch = 4;
        config.upstream.breaker_after = 1;
    });
    let mut client = Client::connect(&edge);
    for n in 1..4 {
        played(&mut client, &origin, &format!("/me/{n}"), "Cache-Control: private");
    }
    for n in 1..4 {
        client.ask("GET", &format!("/cookie/{n}"), "Cookie: me=1");
        origin.next().answer("200 OK", FRESH, b"x");
        client.answer();
    }
    origin.expect_none();
    // Kept up to here, not from here on: found out once.
    played(&mut client, &origin, "/s/1.ts", FRESH);
    played(&mut client, &origin, "/s/2.ts", FRESH);
    origin.expect("GET /s/3.ts").answer("200 OK", "Cache-Control: no-store", b"x");
    until("it is known", || counter(&edge, "origin_requests_total") == 9);
    client.ask("GET", "/s/3.ts", "");
    origin.expect("GET /s/3.ts").answer("200 OK", FRESH, b"x");
    client.answer();
    origin.expect_none();
}

#[test]
fn a_gate_is_asked_of_each_client() {
    use std::time::{SystemTime, UNIX_EPOCH};
    use wire::token::{Claims, KeySet, SigningKey, UnixSeconds, mint};
    let key = SigningKey::ed25519("test", &[7; 32]).expect("a key");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let asset = wire::url::AssetId::parse("a").expect("an asset");
    let token = mint(&Claims::for_asset(asset, UnixSeconds(now), 600, [1; 16]), &key).expect("a token");
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.prefetch = 4;
        config.keys = KeySet::new([key.verification_key()]).expect("keys");
    });
    let mut client = Client::connect(&edge);
    let gated = format!("{FRESH}\nStreamGate-Gate: token");
    for n in [1, 2] {
        client.ask("GET", &format!("/p/{token}/v/a/t/{n}.m4s"), "");
        origin.expect(&format!("GET /v/a/t/{n}.m4s")).answer("200 OK", &gated, b"film");
        client.answer();
    }
    let exchange = origin.expect("GET /v/a/t/3.m4s");
    assert!(!exchange.head.contains(&token));
    exchange.answer("200 OK", &gated, b"film");
    until("it is kept", || counter(&edge, "objects") == 3);
    assert_eq!(Client::connect(&edge).get("/v/a/t/3.m4s", "").refusal(), "token-missing");
    until("it is whole", || client.get(&format!("/p/{token}/v/a/t/3.m4s"), "").cache() == "streamgate; hit");
}

/// Answers everything but what lies past the end of a title. In one piece: a second one would wait for the first one's receipt.
fn answer_all(mut exchange: Exchange) {
    let number = exchange.line().rsplit('/').next().and_then(|file| file.strip_suffix(".m4s")?.parse::<u64>().ok());
    match number {
        Some(number) if number < SEGMENTS => {
            let head = format!("HTTP/1.1 200 OK\r\n{FRESH}\r\nContent-Length: 20000\r\n\r\n");
            exchange.send([head.as_bytes(), &bytes(20_000)].concat());
            exchange.end();
        }
        _ => exchange.answer("404 Not Found", FRESH, b""),
    }
}

const SEGMENTS: u64 = 100;

#[test]
fn players_hit_and_few_fetches_are_in_vain() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.prefetch = 8;
        config.shards = 2;
    });
    let over = &AtomicBool::new(false);
    let (asked, hits) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                if let Some(exchange) = origin.next_within(Duration::from_millis(20)) {
                    answer_all(exchange);
                }
            }
        });
        // Each alone with its title, so that nobody warms the cache for another; every third one leaves midway.
        let players: Vec<_> = (0..9u64)
            .map(|player| {
                let (edge, asked, hits) = (&edge, asked.clone(), hits.clone());
                scope.spawn(move || {
                    let mut client = Client::connect(edge);
                    let last = if player % 3 == 0 { 50 + player } else { SEGMENTS };
                    for n in 0..last {
                        // What a player does meanwhile: nothing waits for this.
                        std::thread::sleep(Duration::from_millis(25));
                        let got = client.get(&format!("/v/title-{player}/t/{n}.m4s"), "");
                        assert_eq!((got.status, got.body.len()), (200, 20_000));
                        asked.fetch_add(1, Ordering::Relaxed);
                        hits.fetch_add(u64::from(got.cache() == "streamgate; hit"), Ordering::Relaxed);
                    }
                })
            })
            .collect();
        players.into_iter().for_each(|player| player.join().expect("it plays"));
        over.store(true, Ordering::Relaxed);
    });
    let (asked, hits) = (asked.load(Ordering::Relaxed), hits.load(Ordering::Relaxed));
    let (fetched, used) = (counter(&edge, "prefetched_total"), counter(&edge, "prefetch_used_total"));
    println!("{hits} hits of {asked}; {used} used of {fetched} fetched ahead");
    assert!(hits * 100 >= asked * 95, "{hits} of {asked}");
    assert!((fetched - used) * 10 < fetched, "{used} of {fetched}");
}

#[test]
fn what_leaves_memory_unasked_is_counted() {
    let origin = Origin::start();
    let edge = ahead(&origin);
    let mut client = Client::connect(&edge);
    played(&mut client, &origin, "/s/1.ts", FRESH);
    played(&mut client, &origin, "/s/2.ts", FRESH);
    origin.expect("GET /s/3.ts").answer("200 OK", FRESH, b"x");
    until("it is kept", || counter(&edge, "objects") == 3);
    edge.purge(edge::purge::Purge { what: edge::purge::What::Url("/s/3.ts".into()), soft: false }).expect("purged");
    client.ask("GET", "/s/3.ts", "");
    origin.expect("GET /s/3.ts").answer("200 OK", FRESH, b"x");
    assert_eq!(client.answer().status, 200);
    until("the loss is counted", || counter(&edge, "prefetch_wasted_total") == 1);
}
