//! Promised: what an origin takes back opens nothing from then on, on every shard, also for a token that has been verified; the keys that an origin tells
//! count beside the configured ones; when the origin has been silent for longer than allowed, gates shut, and open again once it is heard.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{Answer, Client, Origin, edge, source};
use edge::{Edge, Revocation};
use wire::token::{Claims, KeySet, SigningKey, UnixSeconds, mint};
use wire::url::AssetId;

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64
}

fn now() -> UnixSeconds {
    UnixSeconds(now_ms() / 1000)
}

fn token(key: &SigningKey, subject: &str, id: u8) -> String {
    let asset = AssetId::parse("a").expect("an asset");
    let claims = Claims { sub: Some(subject.to_owned()), ..Claims::for_asset(asset, now(), 600, [id; 16]) };
    mint(&claims, key).expect("a token")
}

fn filled(origin: &Origin, key: &SigningKey, staleness_max: Duration) -> (Edge, Vec<Client>) {
    let edge = edge(origin, |config| {
        config.shards = 2;
        config.keys = KeySet::new([key.verification_key()]).expect("keys");
        config.staleness_max = staleness_max;
    });
    // Enough that both shards have some.
    let mut clients: Vec<Client> = (0..16).map(|_| Client::connect(&edge)).collect();
    let token = token(key, "ann", 1);
    clients[0].ask("GET", &format!("/p/{token}/v/a/1.m4s"), "");
    let fields = "Cache-Control: max-age=60\nStreamGate-Gate: token";
    origin.expect("GET /v/a/1.m4s").answer("200 OK", fields, "film");
    clients[0].answer();
    (edge, clients)
}

fn all(clients: &mut [Client], token: &str, check: impl Fn(&Answer)) {
    for client in clients {
        check(&client.get(&format!("/p/{token}/v/a/1.m4s"), ""));
    }
}

#[test]
fn what_is_taken_back_opens_nothing_on_any_shard() {
    let key = SigningKey::es256("k", &[7; 32]).expect("a key");
    let origin = Origin::start();
    let (edge, mut clients) = filled(&origin, &key, Duration::ZERO);
    let until = UnixSeconds(now().0 + 600);
    for (what, ended, other) in [
        (Revocation::Token(vec![1; 16]), token(&key, "ann", 1), token(&key, "ann", 2)),
        (Revocation::Subject("bob".into()), token(&key, "bob", 3), token(&key, "ann", 4)),
    ] {
        for token in [&ended, &other] {
            all(&mut clients, token, |got| assert_eq!(got.text(), "film"));
        }
        edge.gatekeeper().revoke(what, until, now());
        all(&mut clients, &ended, |got| assert_eq!((got.status, got.refusal()), (403, "token-revoked")));
        all(&mut clients, &other, |got| assert_eq!(got.text(), "film"));
    }
    edge.gatekeeper().revoke(Revocation::Asset("a".into()), until, now());
    all(&mut clients, &token(&key, "eve", 9), |got| assert_eq!(got.refusal(), "token-revoked"));
    origin.expect_none();
}

#[test]
fn keys_that_the_origin_tells_count_beside_the_configured_ones_until_it_tells_others() {
    let keys =
        [SigningKey::ed25519("a", &[7; 32]), SigningKey::es256("b", &[8; 32]), SigningKey::ed25519("c", &[9; 32])];
    let [ours, old, new] = keys.map(|key| key.expect("a key"));
    let origin = Origin::start();
    let (edge, mut clients) = filled(&origin, &ours, Duration::ZERO);
    let [by_ours, by_old, by_new] = [(&ours, 1), (&old, 2), (&new, 3)].map(|(key, id)| token(key, "ann", id));
    let tell = |keys: &[&SigningKey]| {
        let keys = keys.iter().map(|key| key.verification_key());
        edge.gatekeeper().change_keys(KeySet::new(keys).expect("keys"))
    };
    let mut check = |open: &[&String], shut: &[&String]| {
        for token in open {
            all(&mut clients, token, |got| assert_eq!(got.text(), "film"));
        }
        for token in shut {
            all(&mut clients, token, |got| assert_eq!(got.refusal(), "token-key-unknown"));
        }
    };
    check(&[&by_ours], &[&by_old, &by_new]);
    assert!(tell(&[&old]));
    check(&[&by_ours, &by_old], &[&by_new]);
    assert!(tell(&[&new, &old]) && !tell(&[&new, &old]), "the same again is no change");
    check(&[&by_ours, &by_old, &by_new], &[]);
    assert!(tell(&[&new]));
    check(&[&by_ours, &by_new], &[&by_old]);
    // Another configuration of the edge is no other word of the origin.
    let keys = KeySet::new([old.verification_key()]).expect("keys");
    let mut config = edge::Config { keys, ..edge::Config::new(edge::Upstream::new(source(origin.addr))) };
    (config.shards, config.pin, config.ram_bytes) = (2, false, 64 << 20);
    edge.reload(config).expect("it can be used");
    check(&[&by_old, &by_new], &[&by_ours]);
}

#[test]
fn gates_shut_when_the_origin_has_been_silent_for_too_long() {
    let key = SigningKey::ed25519("k", &[7; 32]).expect("a key");
    let origin = Origin::start();
    let (edge, mut clients) = filled(&origin, &key, Duration::from_secs(60));
    let token = token(&key, "ann", 1);
    // Nobody follows: a token is valid by itself.
    all(&mut clients, &token, |got| assert_eq!(got.text(), "film"));
    edge.gatekeeper().heard(now_ms() - 61_000);
    all(&mut clients, &token, |got| assert_eq!((got.status, got.refusal()), (503, "revocations-stale")));
    clients[0].ask("GET", "/open", "");
    origin.expect("GET /open").answer("200 OK", "Cache-Control: max-age=60", "open");
    assert_eq!(clients[0].answer().text(), "open");
    edge.gatekeeper().heard(now_ms());
    all(&mut clients, &token, |got| assert_eq!(got.text(), "film"));
}
