//! Promised: another configuration is used without a restart, as far as it can be, and nothing that is under way notices. What cannot
//! change is named; a configuration that cannot be used changes nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::{Client, Origin, SOON, bytes, counter, edge, refusals, source, until};
use edge::{Config, Edge, Reloaded, Source, Upstream};

/// The configuration of [`edge`] in front of other origins.
fn in_front_of(origins: Vec<Source>) -> Config {
    let mut config = Config::new(Upstream { origins, ..Upstream::default() });
    config.shards = 2;
    config.pin = false;
    config.ram_bytes = 64 << 20;
    config
}

fn reload(edge: &Edge, config: Config) -> Reloaded {
    edge.reload(config).expect("it can be used")
}

#[test]
fn origins_come_and_go_under_load_and_no_answer_is_disturbed() {
    let (first, second) = (Origin::start(), Origin::start());
    let edge = edge(&first, |config| config.shards = 2);
    let body = bytes(600_000);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/hot", "");
    first.expect("GET /hot").answer("200 OK", "Cache-Control: max-age=60", &body);
    assert!(client.answer().body == body);
    let mut waiting = Client::connect(&edge);
    waiting.ask("GET", "/slow", "");
    let mut slow = first.expect("GET /slow");
    slow.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 600000\r\n\r\n");
    slow.send(&body[..1000]);
    waiting.head();
    let over = AtomicBool::new(false);
    let answers: usize = std::thread::scope(|scope| {
        let load = || {
            let mut client = Client::connect(&edge);
            let mut answers = 0;
            while !over.load(Ordering::Relaxed) {
                assert!(client.get("/hot", "").body == body);
                answers += 1;
            }
            answers
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(load)).collect();
        for round in 0..20 {
            let (origin, name) = if round % 2 == 0 { (&second, "second") } else { (&first, "first") };
            assert_eq!(reload(&edge, in_front_of(vec![source(origin.addr)])).need_restart, [""; 0]);
            let target = format!("/{round}/{name}");
            client.ask("GET", &target, "");
            origin.expect(&format!("GET {target}")).answer("200 OK", "Cache-Control: max-age=60", name);
            assert_eq!(client.answer().text(), name);
        }
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("no answer was disturbed")).sum()
    });
    assert!(answers > 20, "{answers} answers meanwhile");
    slow.send(&body[1000..]);
    slow.end();
    assert!(waiting.body(600_000) == body);
    let origins = edge.origins();
    assert_eq!(origins.as_array().map(Vec::len), Some(1), "{origins}");
}

#[test]
fn limits_lifetimes_and_trust_change() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", "", b"not kept");
    client.answer();
    let mut config = in_front_of(vec![source(origin.addr)]);
    config.defaults.ttl = Duration::from_secs(60);
    config.limits.requests_per_address_per_second = 1;
    config.limits.requests_per_address_burst = 3;
    config.limits.header = Duration::from_millis(300);
    reload(&edge, config.clone());
    client.ask("GET", "/b", "");
    origin.next().answer("200 OK", "", b"kept");
    client.answer();
    let statuses: Vec<u16> = (0..5).map(|_| client.get("/b", "").status).collect();
    assert_eq!((statuses[0], statuses[4]), (200, 429), "{statuses:?}");
    let mut dripping = Client::connect(&edge);
    dripping.send("GET / HT");
    until("the shorter limit of a head holds", || refusals(&edge, "request-timeout") == 1);
    // Whom a trusted proxy names has bounds of their own.
    config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a range")];
    reload(&edge, config);
    let mut proxy = Client::connect(&edge);
    let statuses: Vec<u16> = (1..9).map(|n| proxy.get("/b", &format!("X-Forwarded-For: 192.0.2.{n}")).status).collect();
    assert_eq!(statuses, [200; 8]);
}

#[test]
fn what_needs_a_restart_is_named_and_what_cannot_be_used_changes_nothing() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut config = in_front_of(vec![source(origin.addr)]);
    config.ram_bytes = 128 << 20;
    config.disks = vec![edge::Disk { path: "nowhere".into(), bytes: 64 << 20, write_bytes_per_second: 0 }];
    assert_eq!(reload(&edge, config.clone()).need_restart, ["edge.shards", "edge.ram", "edge.disks"]);
    let unknown = Source::parse("http://no-such-host.invalid").expect("a URL");
    let error = edge.reload(in_front_of(vec![unknown])).expect_err("it does not resolve");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    config.upstream.ca_file = Some("no-such-file.pem".into());
    let error = edge.reload(config).expect_err("there is no such file");
    assert!(error.to_string().contains("no-such-file.pem"), "{error}");
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", "", b"as before");
    assert_eq!(client.answer().text(), "as before");
}

#[test]
fn a_place_that_stays_keeps_its_connections_and_a_rotated_log_is_let_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let (first, second) = (Origin::start(), Origin::start());
    let edge = edge(&first, |config| {
        config.shards = 2;
        config.access_log = edge::AccessLog::File(log.clone());
    });
    let mut client = Client::connect(&edge);
    let mut ask = |target: &str| {
        client.ask("GET", target, "");
        let exchange = first.next();
        let connection = exchange.connection;
        exchange.answer("200 OK", "Cache-Control: max-age=60", b"x");
        client.answer();
        connection
    };
    let rotated = folder.path().join("access.log.1");
    assert_eq!(ask("/a"), 0);
    until("it is logged", || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("/a")));
    std::fs::rename(&log, &rotated).expect("renamed");
    let mut config = in_front_of(vec![source(first.addr), Source { backup: true, ..source(second.addr) }]);
    config.access_log = edge::AccessLog::File(log.clone());
    config.shards = 2;
    reload(&edge, config);
    // Its owner may be the other shard, which has no connection yet.
    assert!(ask("/b") <= 1);
    until("it is logged anew", || std::fs::read_to_string(&log).is_ok_and(|text| text.contains("/b")));
    assert!(!std::fs::read_to_string(&rotated).expect("there").contains("/b"));
    assert!(counter(&edge, "origin_connects_total") <= 2);
    assert!(edge.drain(SOON).in_time);
}
