//! Promised: with `cmsd`, answers for media objects say what they are and how the line is (CTA-5006); nothing else does, and nothing does
//! without.

use crate::support::{Client, Origin, bytes, edge};

const SEGMENT: &str = "Cache-Control: max-age=60\nContent-Type: video/mp4";

#[test]
fn media_objects_say_what_they_are() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| {
        config.cmsd = true;
        config.upstream.cdn_id = "edge-1".to_owned();
    });
    let mut client = Client::connect(&edge);
    client.ask("GET", "/v/a/av1/0.m4s", "");
    origin.next().answer("200 OK", SEGMENT, bytes(100_000));
    let dynamic = |value: Option<&str>| {
        let value = value.expect("a line").to_owned();
        let rtt = value.split(";rtt=").nth(1).expect("a round trip").parse::<u64>().expect("a number");
        assert!(value.starts_with("\"edge-1\"") && rtt < 1_000, "{value}");
    };
    let first = client.answer();
    assert_eq!(first.field("cmsd-static"), Some("ot=v"));
    dynamic(first.field("cmsd-dynamic"));
    client.ask("GET", "/v/a/av1/media.m3u8", "");
    let fields = "Cache-Control: max-age=60\nContent-Type: application/vnd.apple.mpegurl";
    origin.next().answer("200 OK", fields, "#EXTM3U\n#EXTINF:4,\n0.m4s\n#EXT-X-ENDLIST\n");
    client.answer();
    let hit = client.get("/v/a/av1/media.m3u8", "");
    assert_eq!((hit.cache(), hit.field("cmsd-static")), ("streamgate; hit", Some("ot=m,sf=h,st=v")));
    dynamic(hit.field("cmsd-dynamic"));
    let part = client.get("/v/a/av1/0.m4s", "Range: bytes=0-9");
    assert_eq!((part.status, part.field("cmsd-static")), (206, Some("ot=v")));
    client.ask("GET", "/page", "");
    origin.next().answer("200 OK", "Cache-Control: max-age=60\nContent-Type: text/html", "x");
    assert_eq!(client.answer().field("cmsd-dynamic"), None);
}

#[test]
fn without_it_nothing_is_said() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/v/a/av1/0.m4s", "");
    origin.next().answer("200 OK", SEGMENT, b"film");
    let first = client.answer();
    assert_eq!((first.field("cmsd-static"), first.field("cmsd-dynamic")), (None, None));
}
