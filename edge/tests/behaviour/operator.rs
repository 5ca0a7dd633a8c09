//! Promised: what an operator reads is well-formed and true: metrics by the rules of their format, the shards' numbers, what is hot.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Client, Origin, bytes, edge, until};
use edge::Edge;

fn json(edge: &Edge, path: &str) -> serde_json::Value {
    let text = Client::to(edge.admin_addr().expect("configured")).get(path, "").text();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An edge with two shards that has answered from memory and from its origin.
fn busy() -> (Origin, Edge) {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.shards = 2;
        config.admin = Some("127.0.0.1:0".parse().expect("an address"));
    });
    for n in 0..8 {
        let mut client = Client::connect(&edge);
        client.ask("GET", &format!("/{n}"), "");
        origin.next().answer("200 OK", "Cache-Control: max-age=60", bytes(2000));
        client.answer();
        (0..100).for_each(|_| drop(client.get(&format!("/{n}"), "")));
    }
    (origin, edge)
}

/// A metric and its kind: what its samples must be called.
fn family<'a>(name: &'a str, kinds: &HashMap<&str, &str>) -> &'a str {
    let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    of_histogram.filter(|base| kinds.get(base) == Some(&"histogram")).unwrap_or(name)
}

#[test]
fn metrics_keep_to_the_rules_of_their_format() {
    let (_origin, edge) = busy();
    let text = edge.metrics();
    assert!(text.ends_with('\n'));
    let (mut helped, mut kinds, mut series) = (HashSet::new(), HashMap::new(), HashSet::new());
    let (mut now, mut over) = (String::new(), HashSet::new());
    let mut buckets: HashMap<String, Vec<(f64, f64)>> = HashMap::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            assert!(!help.trim().is_empty() && helped.insert(name), "{line}");
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            assert!(helped.contains(name), "its help comes first: {line}");
            assert!(kinds.insert(name, kind).is_none(), "twice: {line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(
                kind == "counter",
                name.ends_with("_total"),
                "counters, and nothing else, end in _total: {line}"
            );
            assert!(!["_count", "_sum", "_bucket", "_info"].iter().any(|end| name.ends_with(end)), "{line}");
            let units = ["ms", "us", "milliseconds", "microseconds", "kb", "mb", "kilobytes", "minutes"];
            assert!(!name.split('_').any(|word| units.contains(&word)), "base units: {line}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{line}");
            over.insert(std::mem::replace(&mut now, name.to_owned()));
            assert!(!over.contains(name), "in one piece: {line}");
        } else {
            let (labelled, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
            assert!(value >= 0.0 && series.insert(labelled), "negative or twice: {line}");
            let (name, labels) = labelled.split_once('{').unwrap_or_else(|| panic!("no labels: {line}"));
            assert_eq!(family(name, &kinds), now, "under its own type: {line}");
            let labels = labels.strip_suffix('}').unwrap_or_else(|| panic!("open: {line}"));
            let mut bound = None;
            for label in labels.split(',') {
                let (key, quoted) = label.split_once('=').unwrap_or_else(|| panic!("no label: {line}"));
                let plain = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let plain = plain.unwrap_or_else(|| panic!("not quoted: {line}"));
                assert!(!plain.is_empty() && !plain.contains(['"', '\\', '\n']), "{line}");
                if key == "le" {
                    bound = Some(if plain == "+Inf" { f64::INFINITY } else { plain.parse().expect("a bound") });
                }
            }
            if let Some(bound) = bound {
                let others = labels.split(",le=").next().unwrap_or_default();
                buckets.entry(format!("{}{others}", family(name, &kinds))).or_default().push((bound, value));
            }
        }
    }
    assert!(helped.len() == kinds.len() && kinds.len() > 50, "{} metrics", kinds.len());
    assert!(!buckets.is_empty());
    for (name, classes) in buckets {
        assert!(classes.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1), "{name}: {classes:?}");
        assert_eq!(classes.last().map(|(bound, _)| *bound), Some(f64::INFINITY), "{name}");
    }
}

/// What Prometheus itself says of them; nothing, when all is well.
#[test]
fn prometheus_has_nothing_against_the_metrics() {
    let (_origin, edge) = busy();
    let text = Client::to(edge.admin_addr().expect("configured")).get("/metrics", "").text();
    let mut command = Command::new("promtool");
    let piped = command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut tool = piped.spawn().expect("promtool is there (make setup-test)");
    tool.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let said = tool.wait_with_output().expect("it ends");
    let words = [said.stdout, said.stderr].concat();
    assert!(said.status.success() && words.is_empty(), "{}", String::from_utf8_lossy(&words));
}

#[test]
fn the_shards_tell_what_they_do() {
    let (_origin, edge) = busy();
    until("requests of the last second are counted", || {
        let mut client = Client::connect(&edge);
        (0..50).for_each(|_| drop(client.get("/0", "")));
        let shards = json(&edge, "/shards");
        let sum = |name: &str| shards.as_array().expect("a list").iter().filter_map(|s| s[name].as_u64()).sum::<u64>();
        sum("requests_per_second") > 0 && sum("memory_pinned_bytes") > 0 && sum("leases") > 0
    });
    let shards = json(&edge, "/shards");
    for shard in shards.as_array().expect("a list") {
        for name in
            ["hits_total", "disk_hits_total", "misses_total", "mailbox_waiting", "disk_waiting", "loop_longest_us"]
        {
            assert!(shard[name].is_u64(), "{name}: {shard}");
        }
        assert!(shard["enters_per_request"].is_f64(), "{shard}");
        assert!(shard["requests"]["count"].is_u64() && shard["loop_turns"]["p999_us"].is_u64(), "{shard}");
    }
}

#[test]
fn one_request_in_so_many_is_logged_with_its_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.access_log = edge::AccessLog::File(log.clone());
        config.access_log_sample = 10;
    });
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", &format!("traceparent: {trace}"));
    let exchange = origin.next();
    assert_eq!(exchange.field("traceparent"), Some(trace), "the origin is told of it");
    exchange.answer("200 OK", "Cache-Control: max-age=60", b"x");
    client.answer();
    for _ in 0..99 {
        drop(client.get("/a", &format!("traceparent: {trace}")));
    }
    let lines = || std::fs::read_to_string(&log).unwrap_or_default();
    until("a tenth of a hundred is there", || lines().lines().count() == 10);
    for line in lines().lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!((line["trace"].as_str(), line["sample"].as_u64()), (Some(trace), Some(10)), "{line}");
    }
}

#[test]
fn what_is_hot_is_named_without_its_tokens() {
    let (origin, edge) = busy();
    let mut client = Client::connect(&edge);
    client.ask("GET", "/hot", "");
    origin.next().answer("200 OK", "Cache-Control: max-age=60", b"x");
    client.answer();
    for _ in 0..4000 {
        client.ask("GET", "/hot", "");
        client.answer();
    }
    let top = json(&edge, "/top");
    assert_eq!(top["urls"][0]["name"], "/hot", "{top}");
    let requests = top["urls"][0]["requests"].as_u64().expect("a number");
    assert!((1000..16_000).contains(&requests), "{requests} of 4000");
    assert_eq!(top["clients"][0]["name"], "127.0.0.1");
    for _ in 0..500 {
        drop(client.ask("GET", "/p/not-a-token/v/x/1.m4s", "").answer());
    }
    let top = json(&edge, "/top");
    assert!(!top.to_string().contains("not-a-token"), "{top}");
    assert!(top["urls"].as_array().expect("a list").iter().any(|url| url["name"] == "/v/x/1.m4s"), "{top}");
}
