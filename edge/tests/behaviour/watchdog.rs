//! Promised: a shard whose loop stands still says so, and the time of every turn and of every request can be read as a histogram.

use std::time::Duration;

use crate::support::{Client, Origin, counter, edge, until};
use edge::Edge;

/// What a histogram has counted up to `bound`.
fn below(edge: &Edge, name: &str, bound: &str) -> u64 {
    let line = format!("streamgate_edge_{name}_bucket{{shard=\"0\",le=\"{bound}\"}} ");
    let metrics = edge.metrics();
    metrics.lines().find_map(|text| text.strip_prefix(&line)).and_then(|n| n.parse().ok()).expect("the bucket is there")
}

#[test]
fn a_loop_that_stands_still_is_counted_and_timed() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.faults.accept_stalls = Some(Duration::from_millis(120)));
    until("it turns", || below(&edge, "loop_turn_seconds", "+Inf") > 0);
    assert_eq!(counter(&edge, "loop_stalls_total"), 0);
    let _client = Client::connect(&edge);
    until("the stall is counted", || counter(&edge, "loop_stalls_total") == 1);
    let above = || below(&edge, "loop_turn_seconds", "+Inf") - below(&edge, "loop_turn_seconds", "0.1");
    until("it is in its class", || above() == 1);
    let longest = edge.metrics();
    let longest =
        longest.lines().find_map(|line| line.strip_prefix("streamgate_edge_loop_longest_seconds{shard=\"0\"} "));
    assert!(longest.and_then(|text| text.parse::<f64>().ok()).is_some_and(|seconds| seconds >= 0.12), "{longest:?}");
}

#[test]
fn every_request_is_timed_from_its_turn_to_the_end_of_its_answer() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    let exchange = origin.next();
    std::thread::sleep(Duration::from_millis(60));
    exchange.answer("200 OK", "Cache-Control: max-age=60", b"x");
    client.answer();
    client.ask("GET", "/a", "").ask("GET", "/a", "").ask("GET", "/a", "");
    (0..3).for_each(|_| drop(client.answer()));
    until("all four are booked", || below(&edge, "request_seconds", "+Inf") == 4);
    let slow = below(&edge, "request_seconds", "+Inf") - below(&edge, "request_seconds", "0.05");
    assert!(slow >= 1, "the one that waited for the origin took 60 ms at least");
}
