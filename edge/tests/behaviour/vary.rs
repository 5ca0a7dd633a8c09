//! Promised: an answer that varies is given to those it suits and to nobody else, one variant does not push another out, those who wait
//! for one fetch and need another variant get their own, and a change of what is varied by is noticed.

use crate::support::{Client, Origin, edge};

const BY_LANGUAGE: &str = "Cache-Control: max-age=60\nVary: Accept-Language";

fn ask<'a>(client: &'a mut Client, language: &str) -> &'a mut Client {
    client.ask("GET", "/a", &format!("Accept-Language: {language}"))
}

#[test]
fn variants_stand_side_by_side() {
    let origin = Origin::start();
    for shards in [1, 2] {
        let edge = edge(&origin, |config| config.shards = shards);
        let mut client = Client::connect(&edge);
        for language in ["en", "de"] {
            ask(&mut client, language);
            let exchange = origin.expect("GET /a");
            assert_eq!(exchange.field("accept-language"), Some(language));
            exchange.answer("200 OK", BY_LANGUAGE, language.as_bytes());
            assert_eq!(client.answer().text(), language);
        }
        for language in ["de", "en", "en"] {
            let got = ask(&mut client, language).answer();
            assert_eq!((got.text().as_str(), got.cache()), (language, "streamgate; hit"));
        }
        origin.expect_none();
    }
}

#[test]
fn who_waits_for_another_variant_gets_its_own() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(&edge)).collect();
    ask(&mut clients[0], "en");
    let first = origin.expect("GET /a");
    for (client, language) in clients[1..].iter_mut().zip(["en", "de", "de"]) {
        ask(client, language);
    }
    origin.expect_none();
    first.answer("200 OK", BY_LANGUAGE, b"en");
    let second = origin.expect("GET /a");
    assert_eq!(second.field("accept-language"), Some("de"));
    second.answer("200 OK", BY_LANGUAGE, b"de");
    for (client, language) in clients.iter_mut().zip(["en", "en", "de", "de"]) {
        assert_eq!(client.answer().text(), language);
    }
    origin.expect_none();
}

#[test]
fn what_is_varied_by_may_grow() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    ask(&mut client, "en");
    origin.next().answer("200 OK", BY_LANGUAGE, b"one");
    client.answer();
    client.ask("GET", "/a", "Accept-Language: de\nX-Kind: tv");
    origin.next().answer("200 OK", "Cache-Control: max-age=60\nVary: X-Kind", b"two");
    client.answer();
    client.ask("GET", "/a", "Accept-Language: de\nX-Kind: phone");
    origin.next().answer("200 OK", "Cache-Control: max-age=60\nVary: X-Kind", b"three");
    assert_eq!(client.answer().text(), "three");
    assert_eq!(client.get("/a", "Accept-Language: de\nX-Kind: tv").text(), "two");
    origin.expect_none();
}

#[test]
fn a_variant_is_revalidated_with_its_own_fields() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    ask(&mut client, "en");
    origin.next().answer("200 OK", "Cache-Control: max-age=5\nAge: 9\nETag: \"1\"\nVary: Accept-Language", b"one");
    client.answer();
    ask(&mut client, "en");
    let mut exchange = origin.next();
    assert_eq!((exchange.field("if-none-match"), exchange.field("accept-language")), (Some("\"1\""), Some("en")));
    exchange.send("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=60\r\n\r\n");
    exchange.end();
    assert_eq!(client.answer().text(), "one");
    assert_eq!(ask(&mut client, "en").answer().cache(), "streamgate; hit");
}

#[test]
fn codings_are_negotiated_in_one_form_and_kept_apart() {
    let origin = Origin::start();
    let edge = edge(&origin, |_| {});
    let mut client = Client::connect(&edge);
    client.ask("GET", "/a", "Accept-Encoding: deflate, br;q=0.1, gzip");
    let exchange = origin.next();
    assert_eq!(exchange.field("accept-encoding"), Some("br, gzip"));
    // It forgets to say Vary: what is coded varies all the same.
    exchange.answer("200 OK", "Cache-Control: max-age=60\nContent-Encoding: gzip", b"coded");
    assert_eq!(client.answer().text(), "coded");
    assert_eq!(client.get("/a", "Accept-Encoding: gzip, br").cache(), "streamgate; hit");
    client.ask("GET", "/a", "");
    let exchange = origin.next();
    assert_eq!(exchange.field("accept-encoding"), None);
    exchange.answer("200 OK", "Cache-Control: max-age=60", b"plain");
    assert_eq!(client.answer().text(), "plain");
}
