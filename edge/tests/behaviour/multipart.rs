//! Promised: several ranges of one body come in one answer, each with its place; what cannot be satisfied is left out; a body that is
//! still arriving, or too many ranges, are answered with the whole.

use crate::support::{Client, Origin, edge};

const KEPT: &str = "Cache-Control: max-age=60\nContent-Type: text/plain\nETag: \"a\"";

#[test]
fn several_ranges_are_parts_of_one_answer() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "");
    origin.next().answer("200 OK", KEPT, b"0123456789");
    client.answer();
    let got = client.get("/a", "Range: bytes=7-8, 0-1, 50-60");
    assert_eq!((got.status, got.cache()), (206, "streamgate; hit"));
    let kind = got.field("content-type").expect("a type");
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").expect("multipart");
    let part = |range: &str, bytes: &str| {
        format!("\r\n--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{bytes}")
    };
    assert_eq!(got.text(), format!("{}{}\r\n--{boundary}--\r\n", part("7-8", "78"), part("0-1", "01")));
    assert_eq!(got.field("content-range"), None);
    assert_eq!(got.head.matches("Content-Type").count(), 1);

    let one = client.get("/a", "Range: bytes=0-3,2-5");
    assert_eq!((one.status, one.field("content-range"), one.text().as_str()), (206, Some("bytes 0-5/10"), "012345"));
    let old = client.get("/a", "Range: bytes=0-1,3-4\nIf-Range: \"b\"");
    assert_eq!((old.status, old.text().as_str()), (200, "0123456789"));
    let many = format!("Range: bytes={}", ["0-0"; 9].join(","));
    assert_eq!(client.get("/a", &many).status, 200);
    assert_eq!(client.get("/a", "Range: bytes=20-,30-").status, 416);
    origin.expect_none();
}
