//! Promised: what the system offers is found out at start and told on `/features`; what is missing is done without, and said. Without
//! io_uring an edge runs on epoll and keeps the same promises.

use std::process::Command;

use crate::support::{Client, Origin, bytes, edge};
use edge::{Config, Edge};

/// What the edges of this process do without; see [`crate::support::edge`].
pub const LACKS: &str = "STREAMGATE_TEST_LACKS";
const CHILD: &str = "STREAMGATE_TEST_MEMLOCK";
/// Promises that hold on epoll as well, by the files that they stand in.
const BASIC: [&str; 12] = [
    "coalesce::",
    "conditional::",
    "disk::",
    "drain::",
    "gate::",
    "https::",
    "pipelining::",
    "range::",
    "stale::",
    "stream_while_filling::",
    "two_shards::",
    "upstream_failures::",
];

/// Whether something is used, and why.
fn feature<'a>(edge: &'a Edge, name: &str) -> (bool, &'a str) {
    let found = edge.features().iter().find(|feature| feature.name == name).expect("it is in the list");
    (found.on, &found.why)
}

/// An edge that lacks something serves small and large bodies all the same.
fn serves(change: impl FnOnce(&mut Config)) -> (Edge, Client) {
    let origin = Origin::start();
    let edge = edge(&origin, change);
    let mut client = Client::connect(&edge);
    for (target, len) in [("/small", 100), ("/large", 3_000_000)] {
        client.ask("GET", target, "");
        origin.expect(&format!("GET {target}")).answer("200 OK", "Cache-Control: max-age=60", bytes(len));
        assert!(client.answer().body == bytes(len));
        assert!(client.get(target, "").body == bytes(len));
    }
    (edge, client)
}

#[test]
fn all_that_is_here_is_told_with_its_cost() {
    let (edge, _) = serves(|config| config.admin = Some("127.0.0.1:0".parse().expect("an address")));
    let list = Client::to(edge.admin_addr().expect("configured")).get("/features", "").text();
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    for one in list.as_array().expect("a list") {
        assert!(one["name"].is_string() && one["on"].is_boolean() && one["costs"].is_string(), "{one}");
        assert!(!one["why"].as_str().expect("a sentence").is_empty(), "{one}");
    }
    for name in ["io_uring", "single_issuer", "defer_taskrun", "memfd", "sendfile", "send_zc", "multishot", "ktls"] {
        assert!(list.as_array().expect("a list").iter().any(|one| one["name"] == name), "{name}: {list}");
    }
}

#[test]
fn a_ring_without_its_flags_serves() {
    for (lacks, name) in [(&["defer_taskrun"][..], "defer_taskrun"), (&["single_issuer"], "defer_taskrun")] {
        let (edge, _) = serves(|config| config.faults.lacks = lacks);
        assert!(!feature(&edge, name).0);
    }
}

#[test]
fn without_a_memory_file_or_sendfile_bodies_are_copied() {
    for lacks in [&["memfd"][..], &["sendfile"]] {
        let (edge, _) = serves(|config| config.faults.lacks = lacks);
        assert!(!feature(&edge, lacks[0]).0);
    }
}

#[test]
fn without_send_zc_or_unless_it_is_wanted_bodies_are_copied() {
    let (edge, _) = serves(|config| config.faults.lacks = &["send_zc"]);
    let (on, why) = feature(&edge, "send_zc");
    assert!(!on && why.contains("not here"), "{why}");
    let (edge, _) = serves(|config| config.send_zc = edge::SendZc::Off);
    let (on, why) = feature(&edge, "send_zc");
    assert!(!on && why.contains("edge.send_zc is \"off\"") == feature(&edge, "io_uring").0, "{why}");
}

#[test]
fn a_disk_without_o_direct_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = edge::Disk { path: folder.path().join("disk"), bytes: 64 << 20, write_bytes_per_second: 0 };
    let (edge, _) = serves(|config| {
        config.disks = vec![disk];
        config.faults.lacks = &["o_direct"];
    });
    assert!(!feature(&edge, "o_direct").0);
    assert!(feature(&edge, "o_direct").1.contains("disk"), "it names the folder");
}

#[test]
fn without_io_uring_it_says_so_in_one_sentence_and_serves() {
    let (edge, _) = serves(|config| config.faults.lacks = &["io_uring"]);
    let (on, why) = feature(&edge, "io_uring");
    assert!(!on && why.starts_with("io_uring is not available here") && why.contains("epoll"), "{why}");
    assert!(!feature(&edge, "defer_taskrun").0);
}

#[test]
fn the_basic_promises_hold_on_epoll() {
    if std::env::var_os(LACKS).is_some() {
        let (edge, _) = serves(|_| {});
        assert!(!feature(&edge, "io_uring").0, "this process was told to do without");
        return;
    }
    let this = "features::the_basic_promises_hold_on_epoll";
    let tests = Command::new(std::env::current_exe().expect("this program"))
        .args(BASIC)
        .arg(this)
        .env(LACKS, "io_uring")
        .output();
    let tests = tests.expect("it runs");
    let said = String::from_utf8_lossy(&tests.stdout);
    assert!(tests.status.success(), "{said}");
    let passed = said.split("test result: ok. ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    assert!(passed.is_some_and(|passed| passed > 50), "{said}");
}

#[test]
fn eight_mebibytes_of_locked_memory_are_enough_for_many_shards() {
    let many = |config: &mut Config| {
        config.shards = 16;
        config.ram_bytes = 256 << 20;
    };
    if std::env::var_os(CHILD).is_some() {
        let limits = std::fs::read_to_string("/proc/self/limits").expect("readable");
        let locked = limits.lines().find(|line| line.starts_with("Max locked memory")).expect("a line");
        assert!(locked.split_whitespace().any(|word| word == "8388608"), "{locked}");
        let (edge, _) = serves(many);
        assert!(feature(&edge, "io_uring").0);
        return;
    }
    // As the shell of a service would: the limit is of the process that becomes the edge.
    let child = Command::new("sh")
        .args(["-c", "ulimit -l 8192 && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", "features::eight_mebibytes_of_locked_memory_are_enough_for_many_shards"])
        .env(CHILD, "1")
        .output();
    let child = child.expect("it runs");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}
