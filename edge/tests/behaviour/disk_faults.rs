//! Promised: whatever a disk does (errors, no space, a folder that is gone, bytes that changed) is noticed by no client: the tier switches
//! itself off and says so in a metric, and the origin answers; no wrong byte is ever sent.

use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::support::{Client, Origin, bytes, counter, edge, until};
use edge::{Config, Disk, Edge, Faults};

const FRESH: &str = "ETag: \"v1\"\nCache-Control: max-age=600";
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

fn on_disk(path: &Path) -> impl FnOnce(&mut Config) {
    let disk = Disk { path: path.join("disk"), bytes: 280 << 20, write_bytes_per_second: 0 };
    |config| config.disks = vec![disk]
}

fn failing(path: &Path, faults: Faults) -> impl FnOnce(&mut Config) {
    let on_disk = on_disk(path);
    move |config| {
        on_disk(config);
        config.faults = faults;
    }
}

/// Puts `/0` to `/9` on the disk and stops.
fn filled(path: &Path, origin: &Origin, size: usize) {
    let edge = edge(origin, on_disk(path));
    up(&edge);
    let mut client = Client::connect(&edge);
    for i in 0..10 {
        client.ask("GET", &format!("/{i}"), "");
        origin.next().answer("200 OK", FRESH, bytes(size + i));
        client.answer();
        client.get(&format!("/{i}"), "");
    }
    until("they are on disk", || counter(&edge, "disk_objects_written_total") == 10);
    drop(client);
    edge.drain(crate::support::SOON);
}

/// A start waits two seconds for its disk; a busy machine may need more.
fn up(edge: &Edge) {
    until("the disk is in use", || counter(edge, "disk_up") == 1);
}

fn fetched(client: &mut Client, origin: &Origin, path: &str, size: usize) {
    client.ask("GET", path, "");
    origin.expect(&format!("GET {path}")).answer("200 OK", FRESH, bytes(size));
    let got = client.answer();
    assert!(got.status == 200 && got.body == bytes(size), "{path}");
}

fn off(edge: &Edge) {
    until("the disk is off", || counter(edge, "disk_errors_total") == 1);
    until("and says so", || counter(edge, "disk_up") == 0);
}

#[test]
fn a_failing_write_switches_the_tier_off_and_nothing_else() {
    for errno in [EIO, ENOSPC] {
        for from in [1, 3] {
            let dir = tempfile::tempdir().expect("a folder");
            let origin = Origin::start();
            let faults = Faults { file_writes_fail_from: Some((from, errno)), ..Faults::default() };
            let edge = edge(&origin, failing(dir.path(), faults));
            up(&edge);
            let mut client = Client::connect(&edge);
            for i in 0..6 {
                let path = format!("/{i}");
                fetched(&mut client, &origin, &path, 1_500_000);
                assert_eq!(client.get(&path, "").cache(), "streamgate; hit");
            }
            off(&edge);
            fetched(&mut client, &origin, "/after", 10);
            assert_eq!(client.get("/after", "").text(), String::from_utf8_lossy(&bytes(10)));
        }
    }
}

#[test]
fn a_failing_read_is_answered_by_the_origin() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    filled(dir.path(), &origin, 1000);
    // Trailers and the region being written are read first, at the start: how many reads that is, a good start says.
    for from in [1, 4, 200] {
        let faults = Faults { file_reads_fail_from: Some(from), ..Faults::default() };
        let edge = edge(&origin, failing(dir.path(), faults));
        let mut client = Client::connect(&edge);
        let mut asked = 0;
        for i in (0..10).cycle().take(400) {
            let before = counter(&edge, "origin_requests_total");
            client.ask("GET", &format!("/{i}"), "");
            if counter(&edge, "disk_up") == 0 && asked < 10 {
                // Off: it is fetched once, then it is in memory.
                if i >= asked {
                    asked = i + 1;
                }
            }
            let got = answer(&mut client, &origin, i, before, &edge);
            assert!(got.status == 200 && got.body == bytes(1000 + i), "/{i}");
        }
        if from < 200 {
            off(&edge);
        }
    }
}

/// The answer to a request that may or may not reach the origin.
fn answer(client: &mut Client, origin: &Origin, i: usize, before: u64, edge: &Edge) -> crate::support::Answer {
    let mut first = [0u8; 1];
    until("an answer or a request to the origin", || {
        client.stream.set_nonblocking(true).expect("set");
        let here = client.stream.peek(&mut first).is_ok_and(|n| n > 0);
        client.stream.set_nonblocking(false).expect("set");
        here || counter(edge, "origin_requests_total") > before
    });
    if counter(edge, "origin_requests_total") > before {
        origin.expect(&format!("GET /{i}")).answer("200 OK", FRESH, bytes(1000 + i));
    }
    client.answer()
}

#[test]
fn a_disk_that_fails_in_the_middle_of_a_body_is_made_up_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    let body = bytes(6_000_000);
    let first = edge(&origin, on_disk(dir.path()));
    up(&first);
    let mut client = Client::connect(&first);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", FRESH, &body);
    client.answer();
    client.get("/a", "");
    until("it is on disk", || counter(&first, "disk_objects_written_total") == 1);
    drop(client);
    first.drain(crate::support::SOON);
    let (mut rests, mut wholes) = (0, 0);
    // A start reads the last block of seventeen regions and walks one of 16 MiB; then come the reads of the body.
    for from in 33..44 {
        let faults = Faults { file_reads_fail_from: Some(from), ..Faults::default() };
        let edge = edge(&origin, failing(dir.path(), faults));
        let mut client = Client::connect(&edge);
        client.ask("GET", "/a", "");
        let reader = std::thread::spawn(move || (client.answer(), client));
        until("the answer has come or the origin is asked", || {
            reader.is_finished() || counter(&edge, "origin_requests_total") > 0
        });
        if counter(&edge, "origin_requests_total") > 0 {
            let exchange = origin.expect("GET /a");
            match exchange.field("range").map(str::to_owned) {
                None => {
                    wholes += 1;
                    exchange.answer("200 OK", FRESH, &body);
                }
                Some(range) => {
                    rests += 1;
                    assert_eq!(exchange.field("if-range"), Some("\"v1\""));
                    let from = range.strip_prefix("bytes=").and_then(|r| r.split_once('-')).expect("a range").0;
                    let from: usize = from.parse().expect("a number");
                    let told = format!("ETag: \"v1\"\nContent-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
                    exchange.answer("206 Partial Content", &told, &body[from..]);
                }
            }
        }
        let (got, mut client) = reader.join().expect("an answer");
        assert!(got.status == 200 && got.body == body, "failing from read {from}");
        assert!(client.get("/a", "").body == body, "kept whole, failing from read {from}");
    }
    assert!(rests >= 3 && wholes >= 1, "{rests} rests, {wholes} wholes");
}

#[test]
fn a_folder_that_cannot_be_used_or_goes_away_is_done_without() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    std::fs::write(dir.path().join("disk"), "a file").expect("writes");
    let edge_on_file = edge(&origin, on_disk(dir.path()));
    off(&edge_on_file);
    let mut client = Client::connect(&edge_on_file);
    fetched(&mut client, &origin, "/a", 10);
    drop((client, edge_on_file));
    std::fs::remove_file(dir.path().join("disk")).expect("removes");

    let edge = edge(&origin, on_disk(dir.path()));
    up(&edge);
    let mut client = Client::connect(&edge);
    fetched(&mut client, &origin, "/a", 10);
    assert_eq!(client.get("/a", "").cache(), "streamgate; hit");
    until("it is on disk", || counter(&edge, "disk_objects_written_total") == 1);
    std::fs::remove_dir_all(dir.path().join("disk")).expect("removes");
    off(&edge);
    fetched(&mut client, &origin, "/b", 10);
    assert_eq!(client.get("/b", "").cache(), "streamgate; hit");
}

#[test]
fn changed_bytes_are_seen_before_any_of_them_is_sent() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    filled(dir.path(), &origin, 100_000);
    let log = dir.path().join("disk/shard-0-of-1.log");
    let file = std::fs::OpenOptions::new().write(true).open(&log).expect("opens");
    // The records lie one after the other from the first region's beginning: every third hundred thousand bytes something changes. The
    // log was not sealed, so a start walks it and leaves out what is damaged.
    for at in (4096 + 50_000..4096 + 1_000_000).step_by(300_000) {
        file.write_all_at(b"changed", at).expect("writes");
    }
    drop(file);
    let edge = edge(&origin, on_disk(dir.path()));
    up(&edge);
    let mut client = Client::connect(&edge);
    let mut hits = 0;
    for i in 0..10 {
        let before = counter(&edge, "origin_requests_total");
        client.ask("GET", &format!("/{i}"), "");
        until("an answer or a request", || {
            counter(&edge, "origin_requests_total") > before || counter(&edge, "disk_hits_total") > hits
        });
        if counter(&edge, "origin_requests_total") > before {
            origin.expect(&format!("GET /{i}")).answer("200 OK", FRESH, bytes(100_000 + i));
        } else {
            hits += 1;
        }
        assert!(client.answer().body == bytes(100_000 + i), "/{i}");
    }
    assert_eq!(hits, 6, "four records of ten are damaged");
}

#[test]
fn a_record_that_changes_under_a_running_edge_is_fetched_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let origin = Origin::start();
    filled(dir.path(), &origin, 100_000);
    let edge = edge(&origin, on_disk(dir.path()));
    up(&edge);
    assert_eq!(counter(&edge, "disk_objects"), 10);
    let log = dir.path().join("disk/shard-0-of-1.log");
    let file = std::fs::OpenOptions::new().write(true).open(&log).expect("opens");
    file.write_all_at(&vec![0; 1_200_000], 4096).expect("writes");
    file.sync_all().expect("syncs");
    let mut client = Client::connect(&edge);
    for i in 0..10 {
        fetched(&mut client, &origin, &format!("/{i}"), 100_000 + i);
        assert_eq!(client.get(&format!("/{i}"), "").cache(), "streamgate; hit");
    }
    assert_eq!((counter(&edge, "disk_errors_total"), counter(&edge, "disk_up")), (0, 1));
    assert_eq!(counter(&edge, "disk_misses_total"), 10);
}
