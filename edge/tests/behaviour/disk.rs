//! Promised: what is asked for twice is on the disk and answers after a restart without a request to the origin; what was replaced, changed
//! or invalidated does not come back from there; a body streams while it is read, and whoever asks meanwhile shares the read.

use std::path::Path;

use crate::support::{Client, Origin, bytes, counter, until};
use edge::{Config, Disk, Edge};

const FRESH: &str = "ETag: \"v1\"\nCache-Control: max-age=600";

fn on_disk(path: &Path) -> impl FnOnce(&mut Config) {
    let disk = Disk { path: path.join("disk"), bytes: 280 << 20, write_bytes_per_second: 0 };
    |config| config.disks = vec![disk]
}

/// An edge whose disk is in use: a start waits two seconds for it, and a busy machine may need more.
fn edge(origin: &Origin, change: impl FnOnce(&mut Config)) -> Edge {
    let edge = crate::support::edge(origin, change);
    until("every shard has its disk", || counter(&edge, "disk_up") == edge.shards() as u64);
    edge
}

/// Asks until what was asked for twice has been written: `objects` of them.
fn written(edge: &Edge, objects: u64) {
    until("the objects are on disk", || counter(edge, "disk_objects_written_total") >= objects);
}

fn stop(edge: Edge) {
    assert!(edge.drain(crate::support::SOON).in_time);
}

#[test]
fn what_was_asked_for_twice_is_there_after_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let sizes = [("/small", 300), ("/piece", 256 * 1024), ("/large", 3_000_001), ("/empty", 0)];
    let first = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&first);
    for (path, size) in sizes {
        client.ask("GET", path, "");
        origin.expect(&format!("GET {path}")).answer("200 OK", FRESH, bytes(size));
        assert_eq!(client.answer().body, bytes(size));
        assert_eq!(client.get(path, "").cache(), "streamgate; hit");
    }
    client.ask("GET", "/once", "");
    origin.expect("GET /once").answer("200 OK", FRESH, b"once");
    client.answer();
    written(&first, 4);
    drop(client);
    stop(first);

    let again = edge(&origin, on_disk(dir.path()));
    assert_eq!(counter(&again, "disk_up"), 1);
    let mut client = Client::connect(&again);
    for (path, size) in sizes {
        let got = client.get(path, "");
        assert_eq!((got.status, got.cache()), (200, "streamgate; hit; detail=disk"), "{path}");
        assert_eq!(got.field("etag"), Some("\"v1\""));
        assert!(got.body == bytes(size), "{path}");
        let got = client.get(path, "");
        assert!(got.body == bytes(size) && got.cache().starts_with("streamgate; hit"), "{path}");
    }
    let part = client.get("/large", "Range: bytes=2999990-");
    assert_eq!((part.status, part.body.as_slice()), (206, &bytes(3_000_001)[2_999_990..]));
    assert_eq!(counter(&again, "origin_requests_total"), 0);
    client.ask("GET", "/once", "");
    origin.expect("GET /once").answer("200 OK", FRESH, b"once");
    assert_eq!(client.answer().cache(), "streamgate; fwd=miss; stored");
}

#[test]
fn a_head_and_only_if_cached_are_answered_from_disk() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let first = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&first);
    for path in ["/a", "/b"] {
        client.ask("GET", path, "");
        origin.next().answer("200 OK", FRESH, b"body");
        client.answer();
        client.get(path, "");
    }
    written(&first, 2);
    drop(client);
    stop(first);
    let again = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&again);
    client.ask("HEAD", "/a", "");
    let head = client.head();
    assert_eq!((head.status, head.field("content-length")), (200, Some("4")));
    assert_eq!(client.get("/b", "Cache-Control: only-if-cached").text(), "body");
    assert_eq!(client.get("/c", "Cache-Control: only-if-cached").status, 504);
    origin.expect_none();
}

#[test]
fn what_is_stale_on_disk_is_confirmed_and_stays_with_its_new_head() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let first = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&first);
    let body = bytes(700_000);
    client.ask("GET", "/a", "");
    // Fresh for a second more when it is written, stale when it is read.
    origin.next().answer("200 OK", "ETag: \"v1\"\nAge: 599\nCache-Control: max-age=600", &body);
    client.answer();
    client.get("/a", "");
    written(&first, 1);
    std::thread::sleep(std::time::Duration::from_millis(1050));
    drop(client);
    stop(first);
    let second = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&second);
    client.ask("GET", "/a", "");
    let mut exchange = origin.expect("GET /a");
    assert_eq!(exchange.field("if-none-match"), Some("\"v1\""));
    exchange.send("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nX-New: yes\r\nCache-Control: max-age=600\r\n\r\n");
    exchange.end();
    let got = client.answer();
    assert_eq!((got.cache(), got.field("x-new")), ("streamgate; fwd=stale; fwd-status=304", Some("yes")));
    assert!(got.body == body);
    written(&second, 1);
    drop(client);
    stop(second);
    let third = edge(&origin, on_disk(dir.path()));
    let got = Client::connect(&third).get("/a", "");
    assert_eq!((got.cache(), got.field("x-new")), ("streamgate; hit; detail=disk", Some("yes")));
    assert!(got.body == body);
    origin.expect_none();
}

#[test]
fn what_was_replaced_or_invalidated_does_not_come_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let first = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&first);
    for path in ["/changed", "/replaced"] {
        client.ask("GET", path, "");
        let fields = if path == "/replaced" { "ETag: \"1\"\nAge: 599\nCache-Control: max-age=600" } else { FRESH };
        // Large enough to be worth confirming, however short its life.
        origin.next().answer("200 OK", fields, bytes(100_000));
        client.answer();
        client.get(path, "");
    }
    written(&first, 2);
    client.ask("POST", "/changed", "Content-Length: 0");
    origin.expect("POST /changed").answer("204 No Content", "", b"");
    assert_eq!(client.answer().status, 204);
    std::thread::sleep(std::time::Duration::from_millis(1050));
    client.ask("GET", "/replaced", "");
    origin.expect("GET /replaced").answer("200 OK", "Cache-Control: no-store", b"new");
    assert_eq!(client.answer().text(), "new");
    until("both are forgotten", || counter(&first, "disk_objects") == 0);
    drop(client);
    stop(first);
    let again = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&again);
    for path in ["/changed", "/replaced"] {
        client.ask("GET", path, "");
        origin.expect(&format!("GET {path}")).answer("200 OK", FRESH, b"newest");
        assert_eq!(client.answer().text(), "newest");
    }
}

#[test]
fn variants_are_found_again_each_by_its_request() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let first = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&first);
    for language in ["de", "fr"] {
        client.ask("GET", "/page", &format!("Accept-Language: {language}"));
        origin.next().answer("200 OK", &format!("{FRESH}\nVary: Accept-Language"), language);
        client.answer();
        assert_eq!(client.get("/page", &format!("Accept-Language: {language}")).text(), language);
    }
    // Two variants and the marker through which they are found.
    written(&first, 3);
    drop(client);
    stop(first);
    let again = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&again);
    for language in ["fr", "de"] {
        let got = client.get("/page", &format!("Accept-Language: {language}"));
        assert_eq!((got.text().as_str(), got.cache()), (language, "streamgate; hit; detail=disk"));
    }
    origin.expect_none();
    client.ask("GET", "/page", "Accept-Language: it");
    origin.expect("GET /page").answer("200 OK", &format!("{FRESH}\nVary: Accept-Language"), b"it");
    assert_eq!(client.answer().text(), "it");
}

#[test]
fn an_object_evicted_from_memory_comes_back_from_disk() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        on_disk(dir.path())(config);
        config.ram_bytes = 4 << 20;
    });
    let mut client = Client::connect(&edge);
    let body = |i: usize| bytes(500_000 + i);
    for i in 0..20 {
        let path = format!("/{i}");
        client.ask("GET", &path, "");
        origin.next().answer("200 OK", FRESH, body(i));
        client.answer();
        client.get(&path, "");
        written(&edge, i as u64 + 1);
    }
    let before = counter(&edge, "origin_requests_total");
    for i in 0..20 {
        assert!(client.get(&format!("/{i}"), "").body == body(i), "object {i}");
    }
    assert_eq!(counter(&edge, "origin_requests_total"), before);
    assert!(counter(&edge, "disk_hits_total") >= 10);
    // Not written again: it is there.
    assert_eq!(counter(&edge, "disk_objects_written_total"), 20);
}

#[test]
fn everyone_who_asks_at_once_shares_one_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let first = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&first);
    let body = bytes(5_000_000);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", FRESH, &body);
    client.answer();
    client.get("/a", "");
    written(&first, 1);
    drop(client);
    stop(first);
    let again = edge(&origin, on_disk(dir.path()));
    let mut clients: Vec<Client> = (0..40).map(|_| Client::connect(&again)).collect();
    for client in &mut clients {
        client.ask("GET", "/a", "");
    }
    for client in &mut clients {
        assert!(client.answer().body == body);
    }
    assert_eq!(counter(&again, "disk_objects_read_total"), 1);
    origin.expect_none();
}

#[test]
fn another_number_of_shards_begins_anew_and_two_shards_keep_their_own() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let with = |shards: usize| {
        edge(&origin, |config| {
            on_disk(dir.path())(config);
            config.shards = shards;
        })
    };
    let first = with(2);
    let mut client = Client::connect(&first);
    for i in 0..20 {
        client.ask("GET", &format!("/{i}"), "");
        origin.next().answer("200 OK", FRESH, format!("body {i}"));
        client.answer();
        client.get(&format!("/{i}"), "");
    }
    written(&first, 20);
    drop(client);
    stop(first);
    let second = with(2);
    let mut client = Client::connect(&second);
    for i in 0..20 {
        assert_eq!(client.get(&format!("/{i}"), "").text(), format!("body {i}"));
    }
    origin.expect_none();
    drop(client);
    stop(second);
    let third = with(1);
    let mut client = Client::connect(&third);
    client.ask("GET", "/0", "");
    origin.next().answer("200 OK", FRESH, b"fetched");
    assert_eq!(client.answer().text(), "fetched");
    let logs = std::fs::read_dir(dir.path().join("disk")).expect("the folder").flatten();
    let logs: Vec<_> = logs.map(|e| e.file_name()).filter(|n| n.to_string_lossy().ends_with(".log")).collect();
    assert_eq!(logs, ["shard-0-of-1.log"]);
}

#[test]
fn a_second_process_waits_for_the_first_to_let_go() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let first = edge(&origin, on_disk(dir.path()));
    let second = crate::support::edge(&origin, on_disk(dir.path()));
    assert_eq!((counter(&first, "disk_up"), counter(&second, "disk_up")), (1, 0));
    let mut client = Client::connect(&second);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", FRESH, b"served meanwhile");
    assert_eq!(client.answer().text(), "served meanwhile");
    stop(first);
    until("the second has the disk", || counter(&second, "disk_up") == 1);
}

#[test]
fn slices_of_a_large_body_come_back_from_disk() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let body = bytes(40 << 20);
    let range = |from: usize| format!("Range: bytes={from}-{}", from + 99);
    let serve = |index: usize| {
        let exchange = origin.next();
        let (from, to) = (index << 20, ((index + 1) << 20).min(body.len()));
        assert_eq!(exchange.field("range"), Some(&*format!("bytes={from}-{}", to - 1)));
        let fields = format!("{FRESH}\nContent-Range: bytes {from}-{}/{}", to - 1, body.len());
        exchange.answer("206 Partial Content", &fields, &body[from..to]);
    };
    let places = [3usize << 20, (7 << 20) + 5000];
    let first = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&first);
    for from in places {
        client.ask("GET", "/film", &range(from));
        serve(from >> 20);
        assert_eq!(client.answer().body, &body[from..from + 100]);
        assert_eq!(client.get("/film", &range(from)).body, &body[from..from + 100]);
    }
    // Two slices and the head they are found by.
    written(&first, 3);
    drop(client);
    stop(first);
    let again = edge(&origin, on_disk(dir.path()));
    let mut client = Client::connect(&again);
    for from in places {
        let got = client.get("/film", &range(from));
        assert_eq!((got.status, got.body.as_slice()), (206, &body[from..from + 100]));
    }
    origin.expect_none();
}

#[test]
fn what_is_used_outlives_its_region_and_the_rest_makes_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let small = |path: &Path| {
        let disk = Disk { path: path.join("disk"), bytes: 9 << 20, write_bytes_per_second: 0 };
        move |config: &mut Config| {
            config.disks = vec![disk];
            config.ram_bytes = 2 << 20;
        }
    };
    let first = edge(&origin, small(dir.path()));
    let mut client = Client::connect(&first);
    let ask = |client: &mut Client, path: &str, size: usize| {
        client.ask("GET", path, "");
        origin.expect(&format!("GET {path}")).answer("200 OK", FRESH, bytes(size));
        assert!(client.answer().body == bytes(size));
        assert!(client.get(path, "").body == bytes(size));
    };
    ask(&mut client, "/used", 100_001);
    ask(&mut client, "/seldom", 90_001);
    written(&first, 2);
    // More than a lap of the log, past memory, which holds but a few: one is always there, the other is looked for on disk now and then.
    for i in 0..55 {
        ask(&mut client, &format!("/{i}"), 200_000 + i);
        // What waits to be written is held in memory, of which there is little.
        written(&first, i as u64 + 3);
        if i % 12 == 0 {
            assert!(client.get("/seldom", "").body == bytes(90_001), "after {i}");
        }
        if i % 4 == 0 {
            assert!(client.get("/used", "").body == bytes(100_001), "after {i}");
        }
    }
    assert!(counter(&first, "disk_used_bytes") <= 9 << 20);
    assert!(counter(&first, "disk_objects") < 45, "the oldest have made room");
    drop(client);
    stop(first);
    let again = edge(&origin, small(dir.path()));
    let mut client = Client::connect(&again);
    assert_eq!(client.get("/used", "").cache(), "streamgate; hit; detail=disk");
    assert_eq!(client.get("/seldom", "").cache(), "streamgate; hit; detail=disk");
    assert!(client.get("/54", "").body == bytes(200_054));
    origin.expect_none();
    ask(&mut client, "/0", 200_000);
}

#[test]
fn what_the_write_budget_does_not_allow_is_served_and_not_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        on_disk(dir.path())(config);
        config.disks[0].write_bytes_per_second = 1000;
    });
    let mut client = Client::connect(&edge);
    // The first may overdraw what is saved up; the others find nothing left.
    for i in 0..5 {
        let path = format!("/{i}");
        client.ask("GET", &path, "");
        origin.next().answer("200 OK", FRESH, bytes(100_000));
        client.answer();
        until("it is whole", || client.get(&path, "").cache() == "streamgate; hit");
        written(&edge, 1);
    }
    assert_eq!(counter(&edge, "disk_objects_written_total"), 1);
    assert!(counter(&edge, "disk_refused_total") >= 4);
}
