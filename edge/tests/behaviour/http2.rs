//! Promised: what is served over HTTP/1.1 is served over HTTP/2 by the same steps: hits, bodies that are still arriving, parts, refusals,
//! tokens, bodies of requests; by ALPN and by prior knowledge, each of which can be turned off. One stream waits for no other.

pub mod client;
pub mod raw;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned, SupportedProtocolVersion};

use crate::gate::{GATED, gated_edge, token};
use crate::https::{Authority, ONE_BY_ONE, secure};
use crate::support::{Client, Origin, SOON, bytes, counter, edge, refusals, until};
use client::H2;
use raw::*;

const KEPT: &str = "Cache-Control: max-age=60";

#[test]
fn an_answer_is_the_same_in_both_versions() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(300_000);
    let mut client = H2::connect(&edge);
    let first = client.ask("GET", "/a?b", "Accept: x\nCookie: a=b", true);
    let exchange = origin.expect("GET /a?b");
    assert_eq!(exchange.field("via"), Some("2.0 streamgate"));
    assert_eq!(exchange.field("accept"), Some("x"));
    assert_eq!(exchange.field("transfer-encoding"), None);
    exchange.answer("200 OK", &format!("{KEPT}\nETag: \"e\"\nKeep-Alive: timeout=5\nX-A: b"), &body);
    let first = client.answer(first);
    assert_eq!((first.status, first.cache(), first.field("x-a")), (200, "streamgate; fwd=miss; stored", Some("b")));
    assert!(first.body == body);
    for gone in ["connection", "keep-alive", "transfer-encoding"] {
        assert_eq!(first.field(gone), None);
    }
    let mut old = Client::connect(&edge);
    for fields in
        ["", "Range: bytes=5-99", "Range: bytes=0-4, 100000-199999", "If-None-Match: \"e\"", "Range: bytes=900000-"]
    {
        let (new, old) = (client.get("/a?b", fields), old.get("/a?b", fields));
        assert_eq!((new.status, new.cache()), (old.status, old.cache()), "{fields}");
        for name in ["etag", "content-length", "content-range", "x-a", "date"] {
            assert_eq!(new.field(name), old.field(name), "{fields} {name}");
        }
        // The parts of an answer of several are divided by chance.
        assert!(fields.contains(',') || new.body == old.body, "{fields}");
        assert_eq!(new.body.len(), old.body.len());
    }
    let head = client.ask("HEAD", "/a?b", "", true);
    let head = client.answer(head);
    assert_eq!((head.status, head.field("content-length"), head.body.len()), (200, Some("300000"), 0));
    origin.expect_none();
    assert_eq!(counter(&edge, "http2_connections_total"), 1);
    assert_eq!(counter(&edge, "http2_requests_total"), 7);
}

#[test]
fn a_stream_that_waits_for_its_body_holds_up_no_other() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(900_000);
    let mut client = H2::connect(&edge);
    let leads = client.ask("GET", "/slow", "", true);
    let mut exchange = origin.expect("GET /slow");
    exchange.send(format!("HTTP/1.1 200 OK\r\n{KEPT}\r\nContent-Length: 900000\r\n\r\n"));
    exchange.send(&body[..400_000]);
    let mut leads = client.head(leads).expect("a head");
    let mut got = client.at_least(&mut leads, 400_000);
    let joins = client.ask("GET", "/slow", "", true);
    let mut joins = client.head(joins).expect("a head");
    assert_eq!(joins.answer.cache(), "streamgate; fwd=miss; collapsed");
    let mut joined = client.at_least(&mut joins, 400_000);
    let part = client.ask("GET", "/slow", "Range: bytes=100-199", true);
    assert!(client.answer(part).body == body[100..200]);
    // Others come and go meanwhile.
    for number in 0..20 {
        let other = client.ask("GET", &format!("/{number}"), "", true);
        origin.next().answer("200 OK", KEPT, b"other");
        assert_eq!(client.answer(other).text(), "other");
    }
    exchange.send(&body[400_000..]);
    exchange.end();
    got.extend(client.rest(&mut leads).expect("the rest"));
    joined.extend(client.rest(&mut joins).expect("the rest"));
    assert!(got == body && joined == body);
    origin.expect_none();
}

#[test]
fn a_body_without_a_length_ends_with_its_stream_and_a_broken_one_is_reset() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = H2::connect(&edge);
    let asked = client.ask("GET", "/chunked", "", true);
    let mut exchange = origin.expect("GET /chunked");
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: no\r\n\r\n");
    exchange.end();
    let answer = client.answer(asked);
    assert_eq!((answer.text().as_str(), answer.field("content-length"), answer.field("trailer")), ("abc", None, None));
    let asked = client.ask("GET", "/broken", "", true);
    let mut exchange = origin.expect("GET /broken");
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    let mut head = client.head(asked).expect("a head");
    exchange.close();
    let error = client.rest(&mut head).expect_err("it is broken off");
    assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR));
    // The connection has nothing to do with it.
    let asked = client.ask("GET", "/after", "", true);
    origin.expect("GET /after").answer("200 OK", "", b"here");
    assert_eq!(client.answer(asked).text(), "here");
}

#[test]
fn bodies_of_requests_are_passed_through() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.limits.request_body_bytes_max = 3_000_000);
    let mut client = H2::connect(&edge);
    let body = bytes(2_000_000);
    for (fields, coding) in [(format!("Content-Length: {}", body.len()), None), (String::new(), Some("chunked"))] {
        let mut asked = client.ask("POST", "/up", &format!("{fields}\nX: y"), false);
        client.send(&mut asked, Bytes::from(body.clone()), true).expect("sent");
        let exchange = origin.expect("POST /up");
        assert_eq!((exchange.field("transfer-encoding"), exchange.field("x")), (coding, Some("y")));
        assert!(exchange.body == body);
        exchange.answer("201 Created", "", b"made");
        let answer = client.answer(asked);
        assert_eq!((answer.status, answer.text().as_str(), answer.cache()), (201, "made", "streamgate; fwd=method"));
    }
    // Trailers end with this hop, in a raw frame as the client's library has no say in it.
    let mut raw = Raw::open(&edge, &[]);
    raw.frame(HEADERS, END_HEADERS, 1, &asks("POST", "/trailed", &[]));
    raw.frame(DATA, 0, 1, b"body");
    raw.frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[("x-trailer", "1")]));
    let exchange = origin.expect("POST /trailed");
    assert_eq!((&exchange.body[..], exchange.head.contains("x-trailer")), (&b"body"[..], false));
    exchange.answer("200 OK", "", b"");
    assert_eq!(raw.answer(1), (200, Vec::new()));
    // Larger than allowed, told and found out.
    let asked = client.ask("POST", "/up", "Content-Length: 3000001", false);
    assert_eq!(client.answer(asked).refusal(), "body-too-large");
    let mut asked = client.ask("POST", "/up", "", false);
    let _ = client.send(&mut asked, Bytes::from(bytes(3_500_000)), true);
    assert_eq!(client.answer(asked).refusal(), "body-too-large");
}

#[test]
fn a_token_opens_in_path_header_and_cookies_that_come_apart() {
    let origin = Origin::start();
    let edge = gated_edge(&origin);
    let token = token("a");
    let mut client = H2::connect(&edge);
    let asked = client.ask("GET", &format!("/p/{token}/v/a/1.m4s"), "", true);
    origin.expect("GET /v/a/1.m4s").answer("200 OK", GATED, b"film");
    assert_eq!(client.answer(asked).text(), "film");
    let apart = format!("Cookie: a=b\nCookie: streamgate={token}\nCookie: c=d");
    for fields in [format!("Authorization: Bearer {token}"), apart.clone()] {
        let got = client.get("/v/a/1.m4s", &fields);
        assert_eq!((got.status, got.cache()), (200, "streamgate; hit"), "{fields}");
    }
    assert_eq!(client.get("/v/a/1.m4s", "").refusal(), "token-missing");
    let asked = client.ask("GET", "/v/a/2.m4s", &apart, true);
    let exchange = origin.expect("GET /v/a/2.m4s");
    assert_eq!(exchange.field("cookie"), Some("a=b; c=d"));
    exchange.answer("200 OK", GATED, b"film");
    assert_eq!(client.answer(asked).text(), "film");
}

#[test]
fn interim_answers_come_before_the_answer() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Raw::open(&edge, &[]);
    client.get(1, "/a");
    let mut exchange = origin.expect("GET /a");
    exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: x\r\nX: hop\r\n\r\n");
    let hint = client.find("a hint", |f| f.kind == HEADERS);
    assert_eq!((hint.status(), hint.ends_stream()), (103, false));
    exchange.answer("200 OK", "", b"here");
    assert_eq!(client.answer(1), (200, b"here".to_vec()));
    client.frame(HEADERS, END_HEADERS, 3, &asks("POST", "/b", &[("expect", "100-continue"), ("content-length", "2")]));
    assert_eq!(client.find("an invitation", |f| f.kind == HEADERS).status(), 100);
    client.frame(DATA, END_STREAM, 3, b"hi");
    origin.expect("POST /b").answer("200 OK", "", b"");
    assert_eq!(client.answer(3).0, 200);
}

/// A client's TLS connection, with HTTP/2 offered beside HTTP/1.1, and what was agreed upon.
fn tls(edge: &edge::Edge, by: &Authority, versions: &[&'static SupportedProtocolVersion]) -> (Raw, Vec<u8>) {
    tls_behind(edge, by, versions, b"")
}

/// The same, behind bytes in the clear.
fn tls_behind(
    edge: &edge::Edge,
    by: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    before: &[u8],
) -> (Raw, Vec<u8>) {
    let (stream, agreed) = tls_stream(edge, by, versions, before);
    let tcp = stream.sock.try_clone().expect("a clone");
    (Raw::over(stream, tcp), agreed)
}

fn tls_stream(
    edge: &edge::Edge,
    by: &Authority,
    versions: &[&'static SupportedProtocolVersion],
    before: &[u8],
) -> (StreamOwned<ClientConnection, TcpStream>, Vec<u8>) {
    let mut config = (*by.client(versions)).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("edge.example").expect("a name");
    let conn = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let tcp = TcpStream::connect(edge.https_addr().expect("HTTPS")).expect("the edge accepts");
    let mut stream = StreamOwned::new(conn, tcp);
    stream.sock.write_all(before).expect("the edge reads");
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).expect("a handshake");
    }
    let agreed = stream.conn.alpn_protocol().unwrap_or_default().to_vec();
    (stream, agreed)
}

#[test]
fn over_tls_it_is_agreed_upon() {
    let origin = Origin::start();
    let by = Authority::new();
    let body = bytes(700_000);
    let crumbs = |config: &mut edge::Config| {
        config.faults.recv_bytes_max = Some(97);
        config.faults.send_bytes_max = Some(61);
    };
    for (round, versions) in ONE_BY_ONE.into_iter().enumerate() {
        let edges = [secure(&origin, &by, |_| {}), secure(&origin, &by, crumbs)];
        for (edge, len) in edges.iter().zip([body.len(), 20_000]) {
            let (mut client, agreed) = tls(edge, &by, versions);
            assert_eq!(agreed, b"h2");
            client.begin(&[]);
            client.get(1, "/a");
            origin.expect("GET /a").answer("200 OK", KEPT, &body[..len]);
            assert!(client.answer(1) == (200, body[..len].to_vec()), "round {round}");
            client.frame(HEADERS, END_HEADERS, 3, &asks("POST", "/b", &[]));
            // Both ways at the same time.
            client.get(5, "/a");
            for piece in body[..60_000].chunks(16_000) {
                client.frame(DATA, 0, 3, piece);
            }
            client.frame(DATA, END_STREAM, 3, b"");
            assert!(client.answer(5) == (200, body[..len].to_vec()));
            let exchange = origin.expect("POST /b");
            assert!(exchange.body == body[..60_000]);
            exchange.answer("200 OK", "", b"taken");
            assert_eq!(client.answer(3), (200, b"taken".to_vec()));
            client.expect_pong();
        }
    }
    let off = secure(&origin, &by, |config| config.https.as_mut().expect("HTTPS").http2 = false);
    assert_eq!(tls(&off, &by, ONE_BY_ONE[0]).1, b"http/1.1");
    // Agreed upon and not spoken.
    let edge = secure(&origin, &by, |_| {});
    let (mut client, _) = tls(&edge, &by, ONE_BY_ONE[0]);
    client.send("GET / HTTP/1.1\r\nHost: edge\r\n\r\n");
    client.expect_closed();
    origin.expect_none();
}

/// A client that reads every field, over TLS: a thread carries bytes between the two.
fn h2_over_tls(edge: &edge::Edge, by: &Authority) -> H2 {
    let (mut tls, agreed) = tls_stream(edge, by, ONE_BY_ONE[0], b"");
    assert_eq!(agreed, b"h2");
    let (ours, mut theirs) = UnixStream::pair().expect("a pair");
    tls.sock.set_nonblocking(true).expect("nonblocking");
    theirs.set_nonblocking(true).expect("nonblocking");
    std::thread::spawn(move || {
        let carried = |from: &mut dyn Read, to: &mut dyn Write| {
            let mut buffer = [0; 4096];
            match from.read(&mut buffer) {
                Ok(count @ 1..) => to.write_all(&buffer[..count]).map(|()| true),
                Ok(0) => Err(std::io::ErrorKind::UnexpectedEof.into()),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => Ok(false),
                Err(e) => Err(e),
            }
        };
        while let (Ok(down), Ok(up)) = (carried(&mut tls, &mut theirs), carried(&mut theirs, &mut tls)) {
            if !down && !up {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
    let runtime = client::runtime();
    ours.set_nonblocking(true).expect("nonblocking");
    let stream = {
        let _inside = runtime.enter();
        tokio::net::UnixStream::from_std(ours).expect("a stream")
    };
    H2::over(runtime, stream)
}

/// RFC 6797 section 7.2, in this version too: over TLS with every answer, in the clear with none.
#[test]
fn browsers_are_told_to_keep_to_tls_where_they_came_by_it() {
    let by = Authority::new();
    let origin = Origin::start();
    let wanted = "max-age=31536000; includeSubDomains";
    let field = "strict-transport-security";
    let edge = secure(&origin, &by, |config| config.https.as_mut().expect("HTTPS").hsts = Some(wanted.into()));
    let mut client = h2_over_tls(&edge, &by);
    let asked = client.ask("GET", "/kept", "", true);
    origin.expect("GET /kept").answer("200 OK", KEPT, b"kept");
    let miss = client.answer(asked);
    assert_eq!((miss.text().as_str(), miss.field(field)), ("kept", Some(wanted)), "a miss");
    for (fields, status) in [("", 200), ("Range: bytes=9-", 416)] {
        let answer = client.get("/kept", fields);
        assert_eq!((answer.status, answer.field(field)), (status, Some(wanted)));
    }
    let refused = client.get("/p/x/../kept", "");
    assert_eq!((refused.status, refused.field(field)), (400, Some(wanted)), "a refusal");
    assert_eq!(H2::connect(&edge).get("/kept", "").field(field), None, "in the clear");
    let silent = secure(&origin, &by, |_| {});
    assert_eq!(h2_over_tls(&silent, &by).get("/p/x/../kept", "").field(field), None, "it was not asked for");
}

#[test]
fn a_proxy_header_may_stand_before_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let by = Authority::new();
    let edge = secure(&Origin::start(), &by, |config| {
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("a range")];
        config.proxy_protocol = true;
        config.access_log = edge::AccessLog::File(log.clone());
    });
    let header = |n: u8| format!("PROXY TCP4 192.0.2.{n} 198.51.100.2 4711 443\r\n").into_bytes();
    for (n, versions) in (1..).zip(ONE_BY_ONE) {
        let (mut client, agreed) = tls_behind(&edge, &by, versions, &header(n));
        assert_eq!(agreed, b"h2");
        client.begin(&[]);
        client.get(1, "/");
        assert_eq!(client.answer(1), (200, b"here".to_vec()));
    }
    // In the clear, and with the header in the same breath.
    let mut client = Raw::connect(&edge);
    client.send([&header(3), PREFACE, &frame(SETTINGS, 0, 0, b"")].concat());
    client.get(1, "/");
    assert_eq!(client.answer(1), (200, b"here".to_vec()));
    drop(edge);
    let text = std::fs::read_to_string(&log).expect("a log");
    let told = |line: &str| ["\"client\":\"192.0.2.", "\"protocol\":\"HTTP/2\""].iter().all(|part| line.contains(part));
    assert_eq!((text.lines().count(), text.lines().filter(|line| told(line)).count()), (3, 3), "{text}");
}

/// What comes of a request whose head is this.
fn check(edge: &edge::Edge, head: &[u8], want: Result<u16, u32>) {
    let mut client = Raw::open(edge, &[]);
    client.head(END_STREAM, 1, head);
    match want {
        Ok(status) => assert_eq!(client.answer(1).0, status, "{:?}", String::from_utf8_lossy(head)),
        Err(code) => {
            let frame = client.find("a word", |f| f.kind != WINDOW_UPDATE);
            assert_eq!(frame.code(), code, "{:?}", String::from_utf8_lossy(head));
            // A name or value that no field can have is taken for a broken head block, and ends the connection.
            if frame.kind == GOAWAY {
                return client.expect_closed();
            }
            assert_eq!(frame.kind, RST_STREAM);
        }
    }
    client.expect_pong();
}

#[test]
fn a_head_that_could_be_read_in_two_ways_is_not_read() {
    let edge = edge(&Origin::start(), |config| {
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
    });
    let with = |more: &[(&str, &str)]| asks("GET", "/", more);
    let to = |path: &str| asks("GET", path, &[]);
    check(&edge, &with(&[]), Ok(200));
    check(&edge, &with(&[("te", "trailers")]), Ok(200));
    check(&edge, &with(&[("host", "edge")]), Ok(200));
    check(&edge, &with(&[("host", "other")]), Ok(400));
    check(&edge, &with(&[("host", "edge"), ("host", "edge")]), Ok(400));
    check(&edge, &block(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "edge")]), Ok(200));
    check(&edge, &block(&[(":method", "GET"), (":scheme", "http"), (":path", "/")]), Ok(400));
    check(&edge, &block(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "u@edge")]), Ok(400));
    check(&edge, &block(&[(":method", "CONNECT"), (":authority", "edge:1")]), Ok(405));
    check(&edge, &asks("TRACE", "/", &[]), Ok(405));
    check(&edge, &asks("OPTIONS", "*", &[]), Ok(400));
    check(&edge, &to("/a/../b"), Ok(400));
    check(&edge, &to("/a/%2e%2e/b"), Ok(400));
    check(&edge, &to("/a%2fb"), Ok(400));
    check(&edge, &to("/a\\b"), Ok(400));
    check(&edge, &with(&[("range", "bytes=0-1"), ("range", "bytes=0-1")]), Ok(400));
    check(&edge, &with(&[("x", " y")]), Ok(400));
    check(&edge, &with(&[("expect", "a-lot")]), Ok(417));
    for (name, value) in [
        ("connection", "close"),
        ("keep-alive", "5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("X-Upper", "1"),
        ("x y", "1"),
        ("x:y", "1"),
        ("", "1"),
        ("x", "a\r\nb: c"),
        ("x", "a\0b"),
        (":odd", "1"),
        ("content-length", "5"),
        ("content-length", "-1"),
    ] {
        check(&edge, &with(&[(name, value)]), Err(PROTOCOL_ERROR));
    }
    for path in ["", "a", "http://edge/", "/a b", "/a\r\nb"] {
        check_refused(&edge, &to(path));
    }
    let many: Vec<(String, &str)> = (0..70).map(|n| (format!("x-{n}"), "y")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    check(&edge, &with(&many), Ok(431));
    check(&edge, &with(&[("x", &"y".repeat(17 * 1024))]), Ok(431));
    check(&edge, &to(&format!("/{}", "a".repeat(9 * 1024))), Ok(414));
}

/// Either is right: a stream error, or a status that says why.
fn check_refused(edge: &edge::Edge, head: &[u8]) {
    let mut client = Raw::open(edge, &[]);
    client.frame(HEADERS, END_HEADERS | END_STREAM, 1, head);
    let frame = client.find("a word", |f| f.stream == 1);
    match frame.kind {
        RST_STREAM => assert_eq!(frame.code(), PROTOCOL_ERROR),
        _ => assert_eq!(frame.status(), 400, "{:?}", String::from_utf8_lossy(head)),
    }
}

#[test]
fn the_first_bytes_tell_the_version() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
    });
    // Byte by byte, and methods that begin alike.
    let mut client = Raw::connect(&edge);
    for byte in PREFACE {
        client.send([*byte]);
    }
    client.frame(SETTINGS, 0, 0, b"");
    client.get(1, "/");
    assert_eq!(client.answer(1), (200, b"here".to_vec()));
    for method in ["PRI", "PROPFIND", "P", "PRIX"] {
        let mut client = Client::connect(&edge);
        for byte in format!("{method} /a HTTP/1.1\r\nHost: edge\r\n\r\n").bytes() {
            client.send([byte]);
        }
        origin.expect(&format!("{method} /a")).answer("200 OK", "", b"old");
        assert_eq!(client.answer().text(), "old");
    }
    let mut client = Client::connect(&edge);
    client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    assert_eq!(client.answer().refusal(), "version");
    let mut client = Client::connect(&edge);
    assert_eq!(client.get("/", "").text(), "here");
    // Only where a connection begins.
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(client.answer().refusal(), "version");
    let off = crate::support::edge(&origin, |config| config.h2c = false);
    let mut client = Client::connect(&off);
    client.send(PREFACE);
    assert_eq!(client.answer().refusal(), "version");
}

#[test]
fn the_log_tells_the_version_and_a_request_that_is_taken_back_ends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.access_log = edge::AccessLog::File(log.clone()));
    let mut client = Raw::open(&edge, &[]);
    client.get(1, "/a");
    let exchange = origin.expect("GET /a");
    client.frame(RST_STREAM, 0, 1, &CANCEL.to_be_bytes());
    until("it is taken back", || counter(&edge, "http2_cancelled_total") == 1);
    exchange.answer("200 OK", KEPT, b"kept all the same");
    client.get(3, "/a");
    assert_eq!(client.answer(3), (200, b"kept all the same".to_vec()));
    Client::connect(&edge).get("/a", "");
    drop(edge);
    let text = std::fs::read_to_string(&log).expect("a log");
    let protocols: Vec<&str> =
        text.lines().filter_map(|line| line.split("\"protocol\":\"").nth(1)?.split('"').next()).collect();
    assert_eq!(protocols, ["HTTP/2", "HTTP/1.1"], "{text}");
}

#[test]
fn each_stream_is_a_request_of_its_address() {
    let edge = edge(&Origin::start(), |config| {
        config.pages = vec![edge::Page { path: "/".to_owned(), content_type: "text/plain", body: b"here" }];
        config.limits.requests_per_address_per_second = 1;
        config.limits.requests_per_address_burst = 3;
    });
    let mut client = H2::connect(&edge);
    let statuses = [(); 5].map(|()| client.get("/", "").status);
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(refusals(&edge, "address-rate"), 2);
}

#[test]
fn a_drain_says_goodbye_and_lets_answers_end() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut idle = Raw::open(&edge, &[]);
    let mut busy = Raw::open(&edge, &[]);
    busy.get(1, "/a");
    let exchange = origin.expect("GET /a");
    let draining = std::thread::spawn(move || edge.drain(SOON));
    for client in [&mut idle, &mut busy] {
        // First that no more should come, then, once it is known that this has arrived, which was the last.
        assert_eq!(client.expect_goaway(NO_ERROR).last_stream(), (1 << 31) - 1);
        let ping = client.find("a ping", |f| f.kind == PING && f.flags & ACK == 0);
        client.frame(PING, ACK, 0, &ping.payload);
    }
    assert_eq!(idle.expect_goaway(NO_ERROR).last_stream(), 0);
    idle.expect_closed();
    assert_eq!(busy.expect_goaway(NO_ERROR).last_stream(), 1);
    exchange.answer("200 OK", "", b"all of it");
    assert_eq!(busy.answer(1), (200, b"all of it".to_vec()));
    busy.expect_closed();
    assert!(draining.join().expect("no panic").in_time);
}

#[test]
fn a_drain_does_not_wait_for_who_says_nothing() {
    let edge = edge(&Origin::start(), |_| {});
    let mut silent = Raw::open(&edge, &[]);
    let drained = edge.drain(SOON);
    assert!(drained.in_time);
    silent.expect_goaway(NO_ERROR);
    silent.expect_closed();
}

#[test]
fn time_limits_are_those_of_a_connection_and_of_each_stream() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.limits.idle = Duration::from_millis(400);
        config.limits.header = Duration::from_millis(300);
        config.limits.body = Duration::from_millis(300);
        config.limits.write = Duration::from_millis(300);
    });
    // Nobody asks: goodbye.
    let mut idle = Raw::open(&edge, &[]);
    idle.expect_goaway(NO_ERROR);
    idle.expect_closed();
    // The preface does not come, or a head does not end, however many bytes of it still come.
    let mut slow = Raw::connect(&edge);
    slow.send(&PREFACE[..10]);
    slow.expect_closed();
    let mut slow = Raw::open(&edge, &[]);
    slow.frame(HEADERS, END_STREAM, 1, &asks("GET", "/a", &[]));
    until("it is cut", || {
        slow.try_send(frame(CONTINUATION, 0, 1, b""));
        matches!(slow.next_within(Duration::from_millis(20)), Some(None))
    });
    // A body that does not come: its stream alone ends.
    let mut client = Raw::open(&edge, &[]);
    client.frame(HEADERS, END_HEADERS, 1, &asks("POST", "/a", &[("content-length", "5")]));
    client.expect_reset(1, CANCEL);
    client.get(3, "/b");
    origin.expect("GET /b").answer("200 OK", "", b"here");
    assert_eq!(client.answer(3).1, b"here");
    // An answer for which there is no window.
    let mut client = Raw::open(&edge, &[(4, 0)]);
    client.get(1, "/c");
    origin.expect("GET /c").answer("200 OK", KEPT, b"here");
    client.expect_reset(1, CANCEL);
    assert_eq!(counter(&edge, "slow_readers_total"), 1);
}

const PAGE: &[u8] = &[b'x'; 120_000];

#[test]
fn frames_that_come_and_go_in_crumbs_are_the_same_frames() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.pages = vec![edge::Page { path: "/page".to_owned(), content_type: "text/plain", body: PAGE }];
        config.faults.recv_bytes_max = Some(7);
        config.faults.send_bytes_max = Some(61);
    });
    let body = bytes(120_000);
    let mut client = H2::connect(&edge);
    let mut asked = client.ask("POST", "/a", "", false);
    client.send(&mut asked, Bytes::from(body.clone()), true).expect("sent");
    let exchange = origin.expect("POST /a");
    assert!(exchange.body == body);
    // What comes in crumbs leaves in crumbs, and a client need not bear many of those.
    exchange.answer("200 OK", KEPT, &body[..1000]);
    assert!(client.answer(asked).body == body[..1000]);
    assert!(client.get("/page", "").body == PAGE);
}

#[test]
fn an_answer_to_a_request_that_is_not_read_to_its_end_is_whole() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Raw::open(&edge, &[]);
    client.frame(HEADERS, END_HEADERS, 1, &asks("POST", "/a/../b", &[("content-length", "500")]));
    assert_eq!(client.answer(1).0, 400);
    // The rest of the body is not wanted, which is no error (RFC 9113 section 8.1).
    let reset = client.find("a reset", |f| f.kind == RST_STREAM);
    assert_eq!((reset.stream, reset.code()), (1, NO_ERROR));
    client.frame(DATA, END_STREAM, 1, &[0; 500]);
    client.expect_pong();
}
