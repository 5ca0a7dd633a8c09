//! Promised: a purge by URL, prefix, tag or group is done when it is confirmed, on every shard, for every variant, slice and lease, for
//! what is on its way, and after a restart for what is on disk; a soft one asks the origin first.

use crate::support::{Client, Origin, bytes, edge};
use edge::purge::{Purge, What};

const KEPT: &str = "Cache-Control: max-age=60\nETag: \"1\"";

fn purge(what: What) -> Purge {
    Purge { what, soft: false }
}

fn fetch(origin: &Origin, client: &mut Client, target: &str, fields: &str) {
    client.ask("GET", target, "");
    origin.expect(&format!("GET {target}")).answer("200 OK", &format!("{KEPT}\n{fields}"), b"old");
    assert_eq!(client.answer().text(), "old");
}

fn is_kept(client: &mut Client, target: &str) -> bool {
    client.get(target, "Cache-Control: only-if-cached").status == 200
}

#[test]
fn each_kind_ends_what_it_names_on_every_shard() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    // Several connections, so that both shards have clients and leases.
    let mut clients: Vec<Client> = (0..6).map(|_| Client::connect(&edge)).collect();
    let all = ["/v/a/1", "/v/a/2", "/v/b/1?x", "/w"];
    for (what, ended) in [
        (What::Url("/v/b/1?x".into()), vec!["/v/b/1?x"]),
        (What::Prefix("/v/a/".into()), vec!["/v/a/1", "/v/a/2"]),
        (What::Tag("one".into()), vec!["/v/a/1", "/v/b/1?x"]),
        (What::Group("1".into()), vec!["/v/a/1", "/v/b/1?x"]),
        (What::Tag("on".into()), vec![]),
        (What::All, all.to_vec()),
    ] {
        for target in all {
            if !is_kept(&mut clients[0], target) {
                let tag = if target.ends_with('2') || target == "/w" { "two" } else { "one" };
                let fields =
                    format!("Surrogate-Key: shared {tag}\nCache-Groups: \"{}\"", if tag == "one" { 1 } else { 2 });
                fetch(&origin, &mut clients[0], target, &fields);
            }
            clients.iter_mut().for_each(|client| assert!(is_kept(client, target)));
        }
        edge.purge(purge(what.clone())).expect("done");
        for client in &mut clients {
            for target in all {
                assert_eq!(is_kept(client, target), !ended.contains(&target), "{target} after {what:?}");
            }
        }
    }
    origin.expect_none();
}

#[test]
fn variants_slices_and_what_is_on_its_way_are_covered() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    for language in ["en", "de"] {
        client.ask("GET", "/varied", &format!("Accept-Language: {language}"));
        origin.next().answer("200 OK", "Cache-Control: max-age=60\nVary: Accept-Language", language.as_bytes());
        client.answer();
    }
    client.ask("GET", "/large", "Range: bytes=0-9");
    let slice = bytes(1024 * 1024);
    let part = format!("{KEPT}\nContent-Range: bytes 0-1048575/5000000");
    origin.next().answer("206 Partial Content", &part, &slice);
    assert_eq!(client.answer().status, 206);
    client.ask("GET", "/late", "");
    let late = origin.expect("GET /late");
    edge.purge(purge(What::Prefix("/".into()))).expect("done");
    late.answer("200 OK", KEPT, b"from before");
    assert_eq!(client.answer().text(), "from before");
    for language in ["en", "de"] {
        let got = client.get("/varied", &format!("Accept-Language: {language}\nCache-Control: only-if-cached"));
        assert_eq!(got.status, 504);
    }
    for target in ["/large", "/late"] {
        assert!(!is_kept(&mut client, target), "{target}");
    }
}

#[test]
fn a_soft_purge_asks_the_origin_first() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let mut client = Client::connect(&edge);
    fetch(&origin, &mut client, "/a", "Surrogate-Key: t");
    assert!(is_kept(&mut client, "/a"));
    edge.purge(Purge { what: What::Tag("t".into()), soft: true }).expect("done");
    client.ask("GET", "/a", "");
    let mut exchange = origin.next();
    assert_eq!(exchange.field("if-none-match"), Some("\"1\""));
    exchange.send("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n");
    exchange.end();
    assert_eq!(client.answer().text(), "old");
    assert_eq!(client.get("/a", "").cache(), "streamgate; hit");
    origin.expect_none();
}

#[test]
fn the_origin_can_end_a_group_by_its_answer_to_a_change() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let mut client = Client::connect(&edge);
    for (target, group) in [("/a", "x"), ("/b", "x"), ("/c", "y")] {
        fetch(&origin, &mut client, target, &format!("Cache-Groups: \"{group}\""));
    }
    client.ask("POST", "/change", "Content-Length: 0");
    origin.next().answer("200 OK", "Cache-Group-Invalidation: \"x\"", b"");
    client.answer();
    let kept: Vec<bool> = ["/a", "/b", "/c"].iter().map(|target| is_kept(&mut client, target)).collect();
    assert_eq!(kept, [false, false, true]);
}

#[test]
fn what_is_on_disk_stays_purged_after_a_restart() {
    let origin = Origin::start();
    let folder = tempfile::tempdir().expect("a folder");
    let begin = || {
        edge(&origin, |config| {
            config.disks =
                vec![edge::Disk { path: folder.path().join("disk"), bytes: 280 << 20, write_bytes_per_second: 0 }];
        })
    };
    let written = |edge: &edge::Edge| crate::support::counter(edge, "disk_objects");
    let first = begin();
    let mut client = Client::connect(&first);
    for (target, tag) in [("/gone", "x"), ("/stays", "y")] {
        fetch(&origin, &mut client, target, &format!("Cache-Control: max-age=3600\nSurrogate-Key: {tag}"));
        assert!(is_kept(&mut client, target) && is_kept(&mut client, target));
    }
    crate::support::until("both are written", || written(&first) == 2);
    first.purge(purge(What::Tag("x".into()))).expect("done");
    drop((client, first));
    let second = begin();
    let mut client = Client::connect(&second);
    assert_eq!(client.get("/stays", "").text(), "old");
    assert!(!is_kept(&mut client, "/gone"));
    origin.expect_none();
}

#[test]
fn the_admin_api_takes_purges_and_says_what_it_wants() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.admin = Some(([127, 0, 0, 1], 0).into()));
    let mut client = Client::connect(&edge);
    fetch(&origin, &mut client, "/a?b", "");
    let admin = edge.admin_addr().expect("it listens");
    let post = |kind: &str, body: &str| {
        let mut stream = std::net::TcpStream::connect(admin).expect("it accepts");
        let text = format!(
            "POST /purge HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        std::io::Write::write_all(&mut stream, text.as_bytes()).expect("sent");
        std::io::read_to_string(&mut stream).expect("an answer")
    };
    for (kind, body) in
        [("text/plain", "{\"all\":null}"), ("application/json", "{\"prefx\":\"/\"}"), ("application/json", "")]
    {
        let refused = post(kind, body);
        assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("purge-syntax"), "{refused}");
    }
    assert!(is_kept(&mut client, "/a?b"));
    let done = post("application/json", "{\"url\":\"https://any.host/a?b\"}");
    assert!(done.starts_with("HTTP/1.1 200") && done.contains("\"seq\":1"), "{done}");
    assert!(!is_kept(&mut client, "/a?b"));
}
