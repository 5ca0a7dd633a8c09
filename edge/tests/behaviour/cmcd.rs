//! Promised: what a player says of itself (CMCD) is counted and logged, and changes neither what is kept nor what the origin is asked;
//! what cannot be read of it is counted, and the request is answered.

use crate::support::{Client, Origin, SOON, counter, edge};

const FRESH: &str = "Cache-Control: max-age=60";

#[test]
fn it_is_counted_by_kind_and_neither_kept_nor_passed_on() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    let said = "CMCD-Object: br=3200,ot=v\nCMCD-Request: mtp=7000,su\nCMCD-Session: sid=\"s\"\nCMCD-Status: bs";
    client.ask("GET", "/v/a/1.m4s?CMCD=ot%3Da", said);
    let exchange = origin.expect("GET /v/a/1.m4s");
    assert!(!exchange.head.to_lowercase().contains("cmcd"), "{}", exchange.head);
    exchange.answer("200 OK", FRESH, b"film");
    assert_eq!(client.answer().text(), "film");
    // The last of two says is taken; the argument stands first.
    for (target, fields) in
        [("/v/a/1.m4s", said), ("/v/a/1.m4s?CMCD=ot%3Da%2Cmtp%3D100", ""), ("/v/a/1.m4s?CMCD=sid%3D%22x%22", "")]
    {
        assert_eq!(client.get(target, fields).cache(), "streamgate; hit", "{target}");
    }
    client.ask("GET", "/v/a/1.m4s?CMCD=ot%3Dm&x=1", "");
    origin.expect("GET /v/a/1.m4s?x=1").answer("200 OK", FRESH, b"other");
    assert_eq!(client.answer().text(), "other");
    assert_eq!(client.get("/v/a/1.m4s?x=1&CMCD=ot%3Dm", "").cache(), "streamgate; hit");
    let metrics = edge.metrics();
    let count = |object: &str| metrics.contains(&format!("cmcd_requests_total{{shard=\"0\",object={object}"));
    for line in ["\"video\"} 2\n", "\"audio\"} 1\n", "\"manifest\"} 2\n", "\"unsaid\"} 1\n"] {
        assert!(count(line), "{line}\n{metrics}");
    }
    assert_eq!((counter(&edge, "cmcd_startup_total"), counter(&edge, "cmcd_starved_total")), (2, 2));
    assert_eq!(counter(&edge, "cmcd_throughput_kbps_sum"), 14_100);
}

#[test]
fn what_cannot_be_read_is_counted_and_answered() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a?CMCD=%zz", "");
    origin.expect("GET /a").answer("200 OK", FRESH, b"a");
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.get("/a", "CMCD-Request: nor=\"unended").status, 200);
    assert_eq!(client.get("/a", "CMCD-Request: ot=v").status, 200);
    assert_eq!(counter(&edge, "cmcd_malformed_total"), 2);
    assert_eq!(counter(&edge, "cmcd_requests_total"), 1);
}

#[test]
fn the_log_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.access_log = edge::AccessLog::File(path.clone()));
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "CMCD-Session: sid=\"one\"");
    origin.next().answer("200 OK", FRESH, b"a");
    client.answer();
    client.get("/a?CMCD=sid%3D%22two%22%2Cbs", "");
    client.get("/a", "");
    drop(client);
    edge.drain(SOON);
    let text = std::fs::read_to_string(&path).expect("the log");
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    assert_eq!(lines[0]["cmcd"], serde_json::json!({"sid": "one"}));
    assert_eq!(lines[1]["cmcd"], serde_json::json!({"sid": "two", "bs": true}));
    assert_eq!((&lines[1]["target"], lines[2].get("cmcd")), (&"/a".into(), None));
}
