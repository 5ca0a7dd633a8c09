//! Promised: single ranges of what is stored are answered with 206 or 416 by RFC 9110 section 14; If-Range decides; a range of something
//! that is not here fetches it whole once; a range of something too large to keep asks the origin for that part alone.

use crate::support::{Client, Origin, bytes, edge};

#[test]
fn ranges_of_a_stored_object() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let body = bytes(700_000);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "Range: bytes=10-19");
    let exchange = origin.expect("GET /a");
    assert_eq!(
        exchange.field("range"),
        Some("bytes=0-1048575"),
        "the slice is asked for, and the origin may give the whole"
    );
    exchange.answer("200 OK", "Cache-Control: max-age=60\nETag: \"v1\"", &body);
    let first = client.answer();
    assert_eq!((first.status, first.field("content-range")), (206, Some("bytes 10-19/700000")));
    assert_eq!(first.body, body[10..20]);
    let mut check = |fields: &str, status: u16, range: Option<&str>, part: &[u8]| {
        let got = client.get("/a", fields);
        assert_eq!((got.status, got.field("content-range")), (status, range), "{fields}");
        assert!(got.body == part, "{fields}");
        assert_eq!(got.field("etag"), Some("\"v1\""));
    };
    check("Range: bytes=0-0", 206, Some("bytes 0-0/700000"), &body[..1]);
    check("Range: bytes=262143-262145", 206, Some("bytes 262143-262145/700000"), &body[262_143..262_146]);
    check("Range: bytes=600000-", 206, Some("bytes 600000-699999/700000"), &body[600_000..]);
    check("Range: bytes=-5", 206, Some("bytes 699995-699999/700000"), &body[699_995..]);
    check("Range: bytes=700000-", 416, Some("bytes */700000"), b"");
    check("Range: bytes=0-1,1-4", 206, Some("bytes 0-4/700000"), &body[..5]);
    check("Range: lines=0-1", 200, None, &body);
    check("Range: bytes=0-1\nIf-Range: \"v1\"", 206, Some("bytes 0-1/700000"), &body[..2]);
    check("Range: bytes=0-1\nIf-Range: \"v0\"", 200, None, &body);
    check("Range: bytes=0-1\nIf-Range: W/\"v1\"", 200, None, &body);
    origin.expect_none();
}

#[test]
fn a_range_of_something_too_large_is_asked_of_the_origin_by_part() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.ram_bytes = 4 * 1024 * 1024);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/big", "Range: bytes=5000000-5000004");
    let mut whole = origin.expect("GET /big");
    whole.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10000000\r\n\r\n");
    let part = origin.expect("GET /big");
    assert_eq!(part.field("range"), Some("bytes=5000000-5000004"));
    part.answer("206 Partial Content", "Content-Range: bytes 5000000-5000004/10000000", b"hello");
    let got = client.answer();
    assert_eq!((got.status, got.text().as_str()), (206, "hello"));
    assert_eq!(got.field("content-range"), Some("bytes 5000000-5000004/10000000"));
}
