//! Promised: a range of a large body costs the slices it touches, each once whoever asks; a whole small body that came as a part is
//! kept as the whole; what changes at the origin midway is never mixed with what was there before.

use crate::support::{Client, Exchange, Origin, bytes, counter, edge};

const SLICE: u64 = 1024 * 1024;

/// Answers as an origin that serves ranges does.
fn serve(exchange: Exchange, body: &[u8], tag: &str) -> Option<(u64, u64)> {
    let total = body.len() as u64;
    let fields = format!("Cache-Control: max-age=60\nAccept-Ranges: bytes\nETag: {tag}");
    let current = exchange.field("if-range").is_none_or(|known| known == tag);
    let range = exchange.field("range").filter(|_| current).map(|range| {
        let (from, to) = range.strip_prefix("bytes=").and_then(|r| r.split_once('-')).expect("one range");
        let (from, to): (u64, u64) = (from.parse().expect("a number"), to.parse().expect("a number"));
        (from, total.min(to + 1))
    });
    match range {
        Some((from, to)) => exchange.answer(
            "206 Partial Content",
            &format!("{fields}\nContent-Range: bytes {from}-{}/{total}", to - 1),
            &body[from as usize..to as usize],
        ),
        None => {
            let mut exchange = exchange;
            let head = crate::support::lines(&fields);
            exchange.send(format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {total}\r\n\r\n"));
            // The edge need not read it all.
            exchange.try_send(body);
            exchange.end();
        }
    }
    range
}

#[test]
fn a_range_of_what_is_large_costs_the_slices_it_touches() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.shards = 2);
    let body = bytes(9 * SLICE as usize + 77);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/large", "Range: bytes=3500000-4500000");
    assert_eq!(serve(origin.next(), &body, "\"a\""), Some((3 * SLICE, 4 * SLICE)));
    assert_eq!(serve(origin.next(), &body, "\"a\""), Some((4 * SLICE, 5 * SLICE)));
    let got = client.answer();
    assert_eq!((got.status, got.field("content-range")), (206, Some("bytes 3500000-4500000/9437261")));
    assert!(got.body == body[3_500_000..=4_500_000]);
    origin.expect_none();
    // The same again, on another connection, and smaller ones, and the end counted backwards.
    let mut other = Client::connect(&edge);
    assert!(other.get("/large", "Range: bytes=3500000-4500000").body == body[3_500_000..=4_500_000]);
    assert!(other.get("/large", "Range: bytes=4194304-4194304").body == body[4_194_304..4_194_305]);
    origin.expect_none();
    other.ask("GET", "/large", "Range: bytes=-10");
    assert_eq!(serve(origin.next(), &body, "\"a\""), Some((9 * SLICE, body.len() as u64)));
    assert!(other.answer().body == body[body.len() - 10..]);
    let head = other.ask("HEAD", "/large", "").head();
    assert_eq!((head.status, head.field("content-length")), (200, Some("9437261")));
    assert_eq!(other.get("/large", "If-None-Match: \"a\"").status, 304);
    // Several parts, one of them from a slice that is not here yet.
    other.ask("GET", "/large", "Range: bytes=0-4,4194304-4194308");
    assert_eq!(serve(origin.next(), &body, "\"a\""), Some((0, SLICE)));
    let parts = other.answer();
    assert_eq!(parts.status, 206);
    let has = |piece: &[u8]| parts.body.windows(piece.len()).any(|window| window == piece);
    assert!(has(&body[..5]) && has(&body[4_194_304..4_194_309]));
    assert_eq!(counter(&edge, "origin_requests_total"), 4);
}

#[test]
fn the_whole_of_what_is_too_large_to_be_kept_as_one_comes_by_slice() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.ram_bytes = 16 * 1024 * 1024);
    let body = bytes(6 * SLICE as usize + 5);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/large", "");
    assert_eq!(serve(origin.next(), &body, "\"a\""), None);
    let got = std::thread::scope(|scope| {
        // It reads meanwhile: slices are asked for only a little ahead of it.
        let reader = scope.spawn(|| client.answer());
        for _ in 0..7 {
            assert!(serve(origin.next(), &body, "\"a\"").is_some());
        }
        reader.join().expect("read")
    });
    assert_eq!((got.status, got.body.len()), (200, body.len()));
    assert!(got.body == body);
    assert!(client.get("/large", "").body == body);
    origin.expect_none();
}

#[test]
fn a_small_body_that_comes_as_a_part_is_kept_as_the_whole() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/small", "Range: bytes=2-3");
    assert_eq!(serve(origin.next(), b"0123456789", "\"a\""), Some((0, 10)));
    let got = client.answer();
    assert_eq!((got.status, got.text().as_str()), (206, "23"));
    let whole = client.get("/small", "");
    assert_eq!((whole.status, whole.text().as_str(), whole.cache()), (200, "0123456789", "streamgate; hit"));
    origin.expect_none();
}

#[test]
fn a_part_that_nothing_ties_to_the_whole_is_passed_on_and_not_kept() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    for etag in ["", "\nETag: W/\"a\""] {
        let target = format!("/weak{}", etag.len());
        client.ask("GET", &target, "Range: bytes=2-3");
        let fields = format!("Cache-Control: max-age=60\nContent-Range: bytes 0-4/10{etag}");
        let asked = origin.next();
        assert_eq!(asked.field("range"), Some("bytes=0-1048575"));
        asked.answer("206 Partial Content", &fields, b"01234");
        let passed = origin.next();
        assert_eq!(passed.field("range"), Some("bytes=2-3"));
        passed.answer("206 Partial Content", "Content-Range: bytes 2-3/10", b"23");
        let got = client.answer();
        assert_eq!((got.status, got.field("content-range"), got.text().as_str()), (206, Some("bytes 2-3/10"), "23"));
    }
    assert_eq!(counter(&edge, "objects"), 0);
}

#[test]
fn what_changes_midway_is_never_mixed() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let (old, new) = (bytes(4 * SLICE as usize), vec![7u8; 4 * SLICE as usize]);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/large", "Range: bytes=0-9");
    serve(origin.next(), &old, "\"old\"");
    assert!(client.answer().body == old[..10]);
    // Before anything was sent: the client gets what is there now.
    client.ask("GET", "/large", "Range: bytes=2097152-2097161");
    assert_eq!(serve(origin.next(), &new, "\"new\""), None);
    let passed = origin.next();
    assert_eq!(passed.field("range"), Some("bytes=2097152-2097161"));
    serve(passed, &new, "\"new\"");
    let got = client.answer();
    assert_eq!((got.field("etag"), got.body.as_slice()), (Some("\"new\""), &[7u8; 10][..]));

    // In the middle of an answer: it is cut, and what was sent is of one kind.
    client.ask("GET", "/other", "Range: bytes=0-9");
    serve(origin.next(), &old, "\"old\"");
    client.answer();
    client.ask("GET", "/other", "Range: bytes=0-3000000");
    assert_eq!(serve(origin.next(), &new, "\"new\""), None);
    assert_eq!(serve(origin.next(), &new, "\"new\""), None);
    let head = client.head();
    assert_eq!(head.field("etag"), Some("\"old\""));
    let rest = client.rest();
    assert!(rest.len() as u64 <= SLICE && rest == old[..rest.len()]);
}
