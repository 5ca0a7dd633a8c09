//! Promised: a playlist is compressed once for all clients that accept gzip and kept beside the plain one; each client gets a form that it
//! reads; what is no playlist, is coded already or must not be changed is left as it is.

use std::io::Read;

use crate::support::{Client, Origin, counter, edge};

const HLS: &str = "Content-Type: application/vnd.apple.mpegurl\r\nCache-Control: max-age=60\r\nETag: \"one\"";

fn playlist(segments: usize) -> Vec<u8> {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n".to_owned();
    for segment in 0..segments {
        text.push_str(&format!("#EXTINF:4.000,\n{segment}.m4s\n"));
    }
    text.into_bytes()
}

fn unpacked(body: &[u8]) -> Vec<u8> {
    let mut clear = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut clear).expect("gzip");
    clear
}

#[test]
fn each_client_gets_the_form_it_reads_and_the_origin_is_asked_once_for_each() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.gzip = true);
    let mut client = Client::connect(&edge);
    let body = playlist(200);
    for (round, kept) in ["miss", "hit"].into_iter().enumerate() {
        client.ask("GET", "/media.m3u8", "Accept-Encoding: gzip, deflate, br");
        if round == 0 {
            origin.next().answer("200 OK", HLS, &body);
        }
        let packed = client.answer();
        assert_eq!(packed.field("content-encoding"), Some("gzip"), "{kept}");
        assert_eq!(packed.field("vary"), Some("Accept-Encoding"), "{kept}");
        assert_eq!(packed.field("etag"), Some("W/\"one\""), "{kept}: other bytes under a strong tag");
        assert!(packed.body.len() * 4 < body.len(), "{kept}: {} bytes", packed.body.len());
        assert!(unpacked(&packed.body) == body, "{kept}");
        client.ask("GET", "/media.m3u8", "");
        if round == 0 {
            origin.next().answer("200 OK", HLS, &body);
        }
        let plain = client.answer();
        assert!(plain.body == body && plain.field("content-encoding").is_none(), "{kept}");
        assert_eq!((plain.field("vary"), plain.field("etag")), (Some("Accept-Encoding"), Some("\"one\"")), "{kept}");
    }
    origin.expect_none();
    assert_eq!(counter(&edge, "compressed_total"), 1);
    assert_eq!(client.get("/media.m3u8", "Accept-Encoding: gzip, deflate, br\r\nIf-None-Match: W/\"one\"").status, 304);
    client.ask("GET", "/media.m3u8", "Accept-Encoding: gzip;q=0");
    origin.next().answer("200 OK", HLS, &body);
    assert!(client.answer().body == body, "it said that it does not read gzip");
}

#[test]
fn a_confirmed_playlist_stays_packed_under_its_own_tag() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.gzip = true);
    let mut client = Client::connect(&edge);
    let body = playlist(50);
    let (stale, gzip) = (HLS.replace("max-age=60", "max-age=0"), "Accept-Encoding: gzip");
    client.ask("GET", "/live.m3u8", gzip);
    origin.next().answer("200 OK", &stale, &body);
    assert!(unpacked(&client.answer().body) == body);
    client.ask("GET", "/live.m3u8", gzip);
    let asked = origin.next();
    assert_eq!(asked.field("if-none-match"), Some("W/\"one\""));
    asked.answer("304 Not Modified", "ETag: \"one\"\r\nCache-Control: max-age=60", b"");
    let confirmed = client.answer();
    assert_eq!((confirmed.field("etag"), confirmed.field("content-encoding")), (Some("W/\"one\""), Some("gzip")));
    assert!(unpacked(&confirmed.body) == body);
}

#[test]
fn what_is_no_playlist_or_must_stay_as_it_is_is_left_alone() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.gzip = true);
    let off = crate::support::edge(&origin, |_| {});
    let body = playlist(100);
    let fields = [
        ("a segment", "Content-Type: video/mp4\r\nCache-Control: max-age=60".to_owned()),
        ("not to be changed", HLS.replace("max-age=60", "max-age=60, no-transform")),
        ("coded already", format!("{HLS}\r\nContent-Encoding: br")),
    ];
    for (what, fields) in &fields {
        let mut client = Client::connect(&edge);
        let path = format!("/{}", what.replace(' ', "-"));
        client.ask("GET", &path, "Accept-Encoding: gzip, br");
        origin.next().answer("200 OK", fields, &body);
        let answer = client.answer();
        assert!(answer.body == body && answer.field("content-encoding") != Some("gzip"), "{what}");
    }
    for (what, edge, body) in [("short", &edge, playlist(2)), ("off", &off, body)] {
        let mut client = Client::connect(edge);
        client.ask("GET", "/other.m3u8", "Accept-Encoding: gzip");
        origin.next().answer("200 OK", HLS, &body);
        let answer = client.answer();
        assert!(answer.body == body && answer.field("vary").is_none(), "{what}");
    }
}

#[test]
fn an_origin_that_leaves_in_the_middle_is_no_whole_playlist() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.gzip = true);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/cut.m3u8", "Accept-Encoding: gzip");
    let mut asked = origin.next();
    asked.send(format!("HTTP/1.1 200 OK\r\n{HLS}\r\nContent-Length: 4000\r\n\r\n#EXTM3U"));
    asked.close();
    let head = client.head();
    assert_eq!((head.field("content-length"), head.field("content-encoding")), (Some("4000"), None));
    assert_eq!(client.rest(), b"#EXTM3U", "what there is, and a cut");
}

/// A live playlist that its origin holds open: what there is of it can be read before there is more.
#[test]
fn one_that_comes_in_chunks_is_packed_as_it_comes() {
    let origin = Origin::start();
    let edge = edge(&origin, |config| config.gzip = true);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/live.m3u8", "Accept-Encoding: gzip");
    let mut asked = origin.next();
    let body = playlist(100);
    let (first, second) = body.split_at(900);
    let chunk = |bytes: &[u8]| [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
    asked.send(format!("HTTP/1.1 200 OK\r\n{HLS}\r\nTransfer-Encoding: chunked\r\n\r\n"));
    asked.send(chunk(first));
    let head = client.head();
    assert_eq!((head.field("content-encoding"), head.field("transfer-encoding")), (Some("gzip"), Some("chunked")));
    assert_eq!((head.field("vary"), head.field("etag")), (Some("Accept-Encoding"), Some("W/\"one\"")));
    let mut packed = Vec::new();
    let mut clear = Vec::new();
    while clear.len() < first.len() {
        packed.extend(client.chunk());
        clear.clear();
        // It has no end yet.
        let _ = flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut clear);
    }
    assert!(clear == first, "what has come can be read");
    asked.send(chunk(second));
    asked.send("0\r\n\r\n");
    asked.end();
    loop {
        let chunk = client.chunk();
        if chunk.is_empty() {
            break;
        }
        packed.extend(chunk);
    }
    assert!(unpacked(&packed) == body && packed.len() * 2 < body.len());
    let again = client.get("/live.m3u8", "Accept-Encoding: gzip");
    assert!(again.cache() == "streamgate; hit" && again.body == packed);
    client.ask("GET", "/live.m3u8", "");
    let mut asked = origin.next();
    asked.send(format!("HTTP/1.1 200 OK\r\n{HLS}\r\nTransfer-Encoding: chunked\r\n\r\n"));
    asked.send([&chunk(&body)[..], b"0\r\n\r\n"].concat());
    asked.end();
    let plain = client.answer();
    assert!(plain.body == body && plain.field("content-encoding").is_none());
    assert_eq!(counter(&edge, "compressed_total"), 1);
    // A cut body has no end, packed or not.
    client.ask("GET", "/cut.m3u8", "Accept-Encoding: gzip");
    let mut asked = origin.next();
    asked.send(format!("HTTP/1.1 200 OK\r\n{HLS}\r\nTransfer-Encoding: chunked\r\n\r\n"));
    asked.send(chunk(first));
    asked.close();
    client.head();
    assert!(!client.rest().ends_with(b"0\r\n\r\n"), "cut");
}
