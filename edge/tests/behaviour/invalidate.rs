//! Promised: what a client has changed is not given to anyone any more, on any shard, nor is what was on its way meanwhile; a failed
//! change, another host's word and a safe method end nothing; a HEAD renews what is kept, or ends it.

use crate::support::{Client, Origin, edge};

const KEPT: &str = "Cache-Control: max-age=60\nETag: \"1\"";

fn keep(origin: &Origin, client: &mut Client, target: &str) {
    client.ask("GET", target, "");
    origin.next().answer("200 OK", KEPT, b"old");
    assert_eq!(client.answer().text(), "old");
    assert_eq!(client.get(target, "").cache(), "streamgate; hit");
}

fn is_kept(origin: &Origin, client: &mut Client, target: &str) -> bool {
    let kept = client.get(target, "Cache-Control: only-if-cached").status == 200;
    origin.expect_none();
    kept
}

#[test]
fn a_change_ends_its_target_and_what_the_answer_names() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    // Several connections, so that both shards have clients and leases.
    let mut clients: Vec<Client> = (0..6).map(|_| Client::connect(&edge)).collect();
    for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH"] {
        for target in ["/list/a", "/list/", "/list/b", "/other"] {
            keep(&origin, &mut clients[0], target);
            clients.iter_mut().for_each(|client| assert_eq!(client.get(target, "").text(), "old"));
        }
        clients[1].ask(method, "/list/a", "Content-Length: 0");
        origin.next().answer("200 OK", "Location: /list/\nContent-Location: http://edge/list/b", b"");
        clients[1].answer();
        for client in &mut clients {
            for (target, kept) in [("/list/a", false), ("/list/", false), ("/list/b", false), ("/other", true)] {
                assert_eq!(is_kept(&origin, client, target), kept, "{method} {target}");
            }
        }
        clients[1].ask("DELETE", "/other", "");
        origin.next().answer("200 OK", "", b"");
        clients[1].answer();
    }
}

#[test]
fn what_fails_is_safe_or_speaks_for_others_ends_nothing() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    keep(&origin, &mut client, "/a");
    keep(&origin, &mut client, "/b");
    client.ask("POST", "/a", "Content-Length: 0");
    origin.next().answer("500 Internal Server Error", "", b"");
    client.answer();
    client.ask("OPTIONS", "/a", "");
    origin.next().answer("200 OK", "", b"");
    client.answer();
    client.ask("POST", "/c", "Content-Length: 0");
    origin.next().answer("200 OK", "Location: http://elsewhere/b", b"");
    client.answer();
    assert!(is_kept(&origin, &mut client, "/a") && is_kept(&origin, &mut client, "/b"));
}

#[test]
fn what_was_on_its_way_during_a_change_is_not_kept() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let (mut reader, mut writer) = (Client::connect(&edge), Client::connect(&edge));
    reader.ask("GET", "/a", "");
    let before = origin.expect("GET /a");
    writer.ask("PUT", "/a", "Content-Length: 0");
    origin.expect("PUT /a").answer("204 No Content", "", b"");
    writer.answer();
    before.answer("200 OK", KEPT, b"old");
    assert_eq!(reader.answer().text(), "old");
    assert!(!is_kept(&origin, &mut reader, "/a"));
}

#[test]
fn a_head_renews_what_is_kept_or_ends_it() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let mut client = Client::connect(&edge);
    for (target, fields, kept) in [
        ("/same", "ETag: \"1\"\nCache-Control: max-age=60\nX-New: yes\nContent-Length: 3", true),
        ("/other-tag", "ETag: \"2\"\nCache-Control: max-age=60\nContent-Length: 3", false),
        ("/other-length", "Cache-Control: max-age=60\nContent-Length: 4", false),
    ] {
        client.ask("GET", target, "");
        origin.next().answer("200 OK", "Cache-Control: max-age=5\nAge: 9\nETag: \"1\"", b"old");
        client.answer();
        client.ask("HEAD", target, "");
        let mut exchange = origin.expect(&format!("HEAD {target}"));
        exchange.send(format!("HTTP/1.1 200 OK\r\n{}\r\n", crate::support::lines(fields)));
        exchange.end();
        assert_eq!(client.head().status, 200);
        assert_eq!(is_kept(&origin, &mut client, target), kept, "{target}");
    }
    assert_eq!(client.get("/same", "").field("x-new"), Some("yes"));
}
