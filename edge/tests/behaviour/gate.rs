//! Promised: an object marked `StreamGate-Gate: token` goes to nobody without a valid token that covers its path, by whichever of three
//! ways the token comes; the token splits neither the cache nor reaches origin or log; the edge alone proves itself to the origin.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{Client, Origin, edge};
use wire::token::{Claims, KeySet, SigningKey, UnixSeconds, mint};
use wire::url::AssetId;

pub const GATED: &str = "Cache-Control: max-age=60\nStreamGate-Gate: token";

fn key() -> SigningKey {
    SigningKey::ed25519("test", &[7; 32]).expect("a key")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn token_with(asset: &str, key: &SigningKey, change: impl FnOnce(&mut Claims)) -> String {
    let asset = AssetId::parse(asset).expect("an asset");
    let mut claims = Claims::for_asset(asset, UnixSeconds(now()), 600, [1; 16]);
    change(&mut claims);
    mint(&claims, key).expect("a token")
}

pub fn token(asset: &str) -> String {
    token_with(asset, &key(), |_| {})
}

pub fn gated_edge(origin: &Origin) -> edge::Edge {
    edge(origin, |config| {
        config.keys = KeySet::new([key().verification_key()]).expect("keys");
        config.upstream.edge_key = Some("secret".to_owned());
    })
}

#[test]
fn a_token_opens_in_path_header_and_cookie_and_one_copy_serves_all() {
    let origin = Origin::start();
    let edge = gated_edge(&origin);
    let token = token("a");
    let mut client = Client::connect(&edge);
    client.ask("GET", &format!("/p/{token}/v/a/1.m4s?x=1"), "StreamGate-Edge-Key: forged");
    let exchange = origin.expect("GET /v/a/1.m4s?x=1");
    assert!(!exchange.head.contains(&token) && !exchange.head.contains("forged"));
    assert_eq!(exchange.field("streamgate-edge-key"), Some("secret"));
    exchange.answer("200 OK", GATED, b"film");
    let first = client.answer();
    assert_eq!((first.status, first.text().as_str()), (200, "film"));
    assert_eq!(first.field("streamgate-gate"), None);
    for fields in [format!("Authorization: Bearer {token}"), format!("Cookie: a=b; streamgate={token}; c=d")] {
        let got = client.get("/v/a/1.m4s?x=1", &fields);
        assert_eq!((got.status, got.cache()), (200, "streamgate; hit"), "{fields}");
    }
    let other = token_with("a", &key(), |claims| claims.cti = Some(vec![2; 16]));
    assert_eq!(client.get(&format!("/p/{other}/v/a/1.m4s?x=1"), "").cache(), "streamgate; hit");
    origin.expect_none();
}

#[test]
fn each_token_that_opens_nothing_has_its_reason() {
    let origin = Origin::start();
    let edge = gated_edge(&origin);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/v/a/1.m4s", "");
    origin.expect("GET /v/a/1.m4s").answer("200 OK", GATED, b"film");
    let first = client.answer();
    assert_eq!((first.status, first.refusal()), (403, "token-missing"));
    let stranger = SigningKey::ed25519("other", &[8; 32]).expect("a key");
    let forger = SigningKey::ed25519("test", &[9; 32]).expect("a key");
    let cases = [
        ("token-missing", String::new()),
        ("token-path", token("b")),
        ("token-key-unknown", token_with("a", &stranger, |_| {})),
        ("token-signature", token_with("a", &forger, |_| {})),
        ("token-expired", token_with("a", &key(), |claims| claims.exp = UnixSeconds(now() - 1))),
        ("token-not-yet", token_with("a", &key(), |claims| claims.nbf = Some(UnixSeconds(now() + 60)))),
        ("token-audience", token_with("a", &key(), |claims| claims.aud = Some("somebody".to_owned()))),
        ("token-malformed", "AAAA".to_owned()),
    ];
    for (reason, token) in cases {
        let mut ways = vec![("/v/a/1.m4s".to_owned(), String::new())];
        if !token.is_empty() {
            ways = vec![
                (format!("/p/{token}/v/a/1.m4s"), String::new()),
                ("/v/a/1.m4s".to_owned(), format!("Authorization: Bearer {token}")),
                ("/v/a/1.m4s".to_owned(), format!("Cookie: streamgate={token}")),
            ];
        }
        for (target, fields) in ways {
            let got = client.get(&target, &fields);
            assert_eq!((got.status, got.refusal()), (403, reason), "{target} {fields}");
            assert!(!got.text().contains("film"));
            let head = client.ask("HEAD", &target, &fields).head();
            assert_eq!(head.status, 403);
        }
    }
    assert_eq!(client.get("/v/a/1.m4s", &format!("Authorization: Bearer {}", token("a"))).text(), "film");
    origin.expect_none();
}

#[test]
fn a_gate_holds_for_what_is_not_kept_and_for_other_methods() {
    let origin = Origin::start();
    let edge = gated_edge(&origin);
    let mut client = Client::connect(&edge);
    client.ask("GET", "/v/a/live", "");
    origin.expect("GET /v/a/live").answer("200 OK", "Cache-Control: no-store\nStreamGate-Gate: token", b"film");
    assert_eq!(client.answer().refusal(), "token-missing");
    client.ask("HEAD", "/v/a/live", "");
    let mut exchange = origin.expect("HEAD /v/a/live");
    exchange.send("HTTP/1.1 200 OK\r\nStreamGate-Gate: token\r\nContent-Length: 4\r\n\r\n");
    exchange.end();
    assert_eq!(client.head().status, 403);
    client.ask("POST", "/v/a/live", "Content-Length: 0");
    origin.expect("POST /v/a/live").answer("200 OK", "StreamGate-Gate: token", b"film");
    assert_eq!(client.answer().refusal(), "token-missing");
}

#[test]
fn a_bad_token_in_the_path_opens_not_even_what_is_open() {
    let origin = Origin::start();
    let edge = gated_edge(&origin);
    let mut client = Client::connect(&edge);
    assert_eq!(client.get("/p/nonsense/v/a/1.m4s", "").refusal(), "token-malformed");
    origin.expect_none();
    client.ask("GET", "/v/a/open", "Authorization: Bearer of-the-origin");
    let exchange = origin.expect("GET /v/a/open");
    assert_eq!(exchange.field("authorization"), Some("Bearer of-the-origin"));
    exchange.answer("200 OK", "Cache-Control: public, max-age=60", b"open");
    assert_eq!(client.answer().text(), "open");
}

#[test]
fn the_log_never_shows_a_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("access.log");
    let origin = Origin::start();
    let log = path.clone();
    let edge = edge(&origin, |config| {
        config.keys = KeySet::new([key().verification_key()]).expect("keys");
        config.access_log = edge::AccessLog::File(log);
    });
    let token = token("a");
    let mut client = Client::connect(&edge);
    client.ask("GET", &format!("/p/{token}/v/a/1.m4s"), "");
    origin.next().answer("200 OK", GATED, b"film");
    client.answer();
    client.get(&format!("/p/{token}/v/a/1.m4s"), "");
    client.get("/v/a/1.m4s", "");
    drop(client);
    edge.drain(crate::support::SOON);
    let text = std::fs::read_to_string(&path).expect("the log");
    assert!(!text.contains(&token));
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let seen: Vec<_> =
        lines.iter().map(|l| (l["target"].as_str(), l["status"].as_u64(), l["cache"].as_str())).collect();
    let target = Some("/v/a/1.m4s");
    assert_eq!(
        seen,
        [(target, Some(200), Some("miss")), (target, Some(200), Some("hit")), (target, Some(403), Some("refused"))]
    );
    assert_eq!(lines[2]["refusal"], "token-missing");
    assert_eq!(lines[0]["token"], true);
}
