//! Promised: a token for some networks, countries or pages opens nothing for others, nor where that cannot be known; only a trusted proxy
//! says from where somebody comes; a token that bounds streams plays only where they are counted, and as the origin says.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::gate::GATED;
use crate::support::{Client, Origin, edge};
use edge::{Config, Countries, Edge, StreamTold, TrustedField};
use wire::token::{Claims, KeySet, SigningKey, Streams, UnixSeconds, mint};
use wire::url::AssetId;

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis()).expect("soon enough")
}

fn key() -> SigningKey {
    SigningKey::ed25519("test", &[7; 32]).expect("a key")
}

fn token(change: impl FnOnce(&mut Claims)) -> String {
    let asset = AssetId::parse("a").expect("an asset");
    let mut claims = Claims::for_asset(asset, UnixSeconds(now_ms() / 1000), 600, [1; 16]);
    claims.sub = Some("ann".to_owned());
    change(&mut claims);
    mint(&claims, &key()).expect("a token")
}

/// An edge behind a trusted proxy, with a gated film in its cache.
fn filled(origin: &Origin, change: impl FnOnce(&mut Config)) -> (Edge, Client) {
    let edge = edge(origin, |config| {
        config.keys = KeySet::new([key().verification_key()]).expect("keys");
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("a range")];
        config.trusted_field = TrustedField::XForwardedFor;
        change(config);
    });
    let mut client = Client::connect(&edge);
    client.ask("GET", "/v/a/1.m4s", "");
    origin.next().answer("200 OK", GATED, b"film");
    assert_eq!(client.answer().refusal(), "token-missing");
    (edge, client)
}

/// What becomes of `token` with these fields: the film, or the name of the refusal.
fn check(client: &mut Client, token: &str, fields: &str, expected: Result<(), (u16, &str)>) {
    let got = client.get(&format!("/p/{token}/v/a/1.m4s"), fields);
    match expected {
        Ok(()) => assert_eq!((got.status, got.text().as_str()), (200, "film"), "{fields}"),
        Err((status, reason)) => {
            assert_eq!((got.status, got.refusal()), (status, reason), "{fields}");
            assert_eq!(got.field("cache-control"), Some("no-store"));
        }
    }
}

#[test]
fn a_token_for_networks_opens_in_them_as_a_trusted_proxy_says() {
    let origin = Origin::start();
    let (edge, mut client) = filled(&origin, |_| ());
    let networks = ["192.0.2.0/24", "2001:db8::/32"].map(|text| text.parse().expect("a network"));
    let token = token(|claims| claims.networks = Some(networks.to_vec()));
    let refused = Err((403, "token-network"));
    for (fields, expected) in [
        ("X-Forwarded-For: 192.0.2.7", Ok(())),
        ("X-Forwarded-For: 2001:db8::7", Ok(())),
        ("X-Forwarded-For: ::ffff:192.0.2.7", Ok(())),
        ("X-Forwarded-For: 192.0.3.7", refused),
        ("X-Forwarded-For: 192.0.2.7, 203.0.113.1", refused),
        ("X-Forwarded-For: 2001:db9::7", refused),
        ("", refused),
    ] {
        check(&mut client, &token, fields, expected);
    }
    check(
        &mut client,
        &self::token(|claims| claims.networks = Some(Vec::new())),
        "X-Forwarded-For: 192.0.2.7",
        refused,
    );
    drop(edge);
    let (_edge, mut client) = filled(&origin, |config| config.trusted_proxies.clear());
    check(&mut client, &token, "X-Forwarded-For: 192.0.2.7", refused);
    let here = self::token(|claims| claims.networks = Some(vec!["127.0.0.0/8".parse().expect("a network")]));
    check(&mut client, &here, "X-Forwarded-For: 192.0.2.7", Ok(()));
}

#[test]
fn a_token_for_countries_opens_where_the_file_says_that_it_is_one_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("countries.mmdb");
    let file = mmdb(&[("192.0.2.0", 24, "SE"), ("198.51.100.128", 25, "CH"), ("203.0.113.0", 24, "??")]);
    std::fs::write(&path, &file).expect("written");
    let countries = Arc::new(Countries::open(&path).expect("a database"));
    let origin = Origin::start();
    let (edge, mut client) = filled(&origin, |config| config.countries = Some(countries));
    let token =
        token(|claims| claims.countries = Some(["SE", "NO"].map(|text| text.parse().expect("a country")).to_vec()));
    let refused = Err((403, "token-country"));
    for (from, expected) in [
        ("192.0.2.9", Ok(())),
        ("198.51.100.200", refused),
        ("203.0.113.9", refused),
        ("8.8.8.8", refused),
        ("2001:db8::1", refused),
    ] {
        check(&mut client, &token, &format!("X-Forwarded-For: {from}"), expected);
    }
    drop(edge);
    let (_edge, mut client) = filled(&origin, |_| ());
    check(&mut client, &token, "X-Forwarded-For: 192.0.2.9", refused);
}

#[test]
fn a_file_that_is_damaged_anywhere_or_names_no_country_is_said_to_be_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("countries.mmdb");
    let check = |bytes: &[u8], expected: &str| {
        std::fs::write(&path, bytes).expect("written");
        let said = Countries::open(&path).expect_err("unusable").to_string();
        assert!(said.contains(expected) && said.contains("countries.mmdb") && !said.contains('\n'), "{said}");
    };
    let file = mmdb(&[("192.0.2.0", 24, "SE"), ("198.51.100.128", 25, "CH")]);
    for wrong in [&file[..40], b"", &[0xff; 4096]] {
        check(wrong, "is no MaxMind database");
    }
    check(&mmdb(&[("203.0.113.0", 24, "??")]), "names no country");
    // The last record says that it has two entries.
    let mut damaged = file.clone();
    let at = file.windows(7).rposition(|some| some == b"country").expect("a record") - 2;
    damaged[at] += 1;
    check(&damaged, "is damaged");
    // A node that leads to itself.
    let mut damaged = file;
    damaged[..3].fill(0);
    check(&damaged, "is damaged");
}

#[test]
fn a_token_for_pages_opens_on_them_alone() {
    let origin = Origin::start();
    let (_edge, mut client) = filled(&origin, |_| ());
    let token = token(|claims| claims.referrers = Some(vec!["watch.example.org".to_owned()]));
    let refused = Err((403, "token-referrer"));
    for (fields, expected) in [
        ("Origin: https://watch.example.org", Ok(())),
        ("Referer: https://Watch.example.org/film?a=b", Ok(())),
        ("Referer: https://watch.example.org.evil/", refused),
        ("Referer: https://evil/?https://watch.example.org/", refused),
        ("Origin: null\nReferer: https://watch.example.org/", refused),
        ("Origin: https://evil\nReferer: https://watch.example.org/", refused),
        ("Referer: https://watch.example.org:8443/", refused),
        ("", refused),
    ] {
        check(&mut client, &token, fields, expected);
    }
}

#[test]
fn streams_play_as_the_origin_says_and_not_where_nobody_counts() {
    let origin = Origin::start();
    let (edge, mut client) = filled(&origin, |config| config.staleness_max = Duration::from_secs(60));
    let of =
        |id: u8| token(|claims| claims.streams = Some(Streams { class: "a".to_owned(), max: 1, id: vec![id; 16] }));
    let (first, second) = (of(1), of(2));
    check(&mut client, &first, "", Err((503, "streams-unknown")));
    let playing = edge.playing();
    playing.counts();
    check(&mut client, &first, "", Ok(()));
    check(&mut client, &second, "", Ok(()));
    let asked = playing.asked(now_ms());
    let seen: Vec<_> = asked.iter().map(|one| (one.subject.as_str(), one.class.as_str(), one.max, one.from)).collect();
    assert_eq!(seen, [("ann", "a", 1, IpAddr::from([127, 0, 0, 1])); 2]);
    let tell = || playing.told(asked.iter().map(|one| (one, StreamTold { plays: one.id == [1; 16], is_full: true })));
    tell();
    check(&mut client, &first, "", Ok(()));
    check(&mut client, &second, "", Err((403, "streams-exceeded")));
    check(&mut client, &of(3), "", Err((403, "streams-exceeded")));
    check(&mut client, &first, "X-Forwarded-For: 192.0.2.1", Err((403, "streams-exceeded")));
    let nobody = token(|claims| {
        claims.sub = None;
        claims.streams = Some(Streams { class: "a".to_owned(), max: 1, id: vec![1] });
    });
    check(&mut client, &nobody, "", Err((503, "streams-unknown")));
    // The origin has been silent for longer than is allowed, and then answers.
    playing.unanswered(now_ms() - 61_000);
    check(&mut client, &first, "", Err((503, "streams-unknown")));
    tell();
    check(&mut client, &first, "", Ok(()));
    check(&mut client, &token(|_| ()), "", Ok(()));
}

/// A MaxMind database (format 2.0) of IPv4 networks and their countries.
fn mmdb(networks: &[(&str, u32, &str)]) -> Vec<u8> {
    #[derive(Clone, Copy)]
    enum To {
        Nothing,
        Node(u32),
        Data(u32),
    }
    fn text(out: &mut Vec<u8>, text: &str) {
        out.push(0x40 | u8::try_from(text.len()).expect("short"));
        out.extend_from_slice(text.as_bytes());
    }
    let (mut nodes, mut data) = (vec![[To::Nothing; 2]], Vec::new());
    for (address, bits, country) in networks {
        let address = address.parse::<std::net::Ipv4Addr>().expect("an address").to_bits();
        let (mut at, offset) = (0, u32::try_from(data.len()).expect("small"));
        for bit in 0..*bits {
            let side = (address >> (31 - bit) & 1) as usize;
            if bit + 1 == *bits {
                nodes[at][side] = To::Data(offset);
            } else if let To::Node(next) = nodes[at][side] {
                at = next as usize;
            } else {
                let next = u32::try_from(nodes.len()).expect("few");
                nodes[at][side] = To::Node(next);
                nodes.push([To::Nothing; 2]);
                at = next as usize;
            }
        }
        data.push(0xe1);
        text(&mut data, "country");
        data.push(0xe1);
        text(&mut data, "iso_code");
        text(&mut data, country);
    }
    let count = u32::try_from(nodes.len()).expect("few");
    let mut file = Vec::new();
    for to in nodes.into_iter().flatten() {
        let record = match to {
            To::Nothing => count,
            To::Node(node) => node,
            To::Data(offset) => count + 16 + offset,
        };
        file.extend_from_slice(&record.to_be_bytes()[1..]);
    }
    file.extend_from_slice(&[0; 16]);
    file.extend_from_slice(&data);
    file.extend_from_slice(b"\xab\xcd\xefMaxMind.com");
    let short = |out: &mut Vec<u8>, name: &str, value: u16| {
        text(out, name);
        out.push(0xa2);
        out.extend_from_slice(&value.to_be_bytes());
    };
    file.push(0xe9);
    text(&mut file, "node_count");
    file.push(0xc4);
    file.extend_from_slice(&count.to_be_bytes());
    for (name, value) in
        [("record_size", 24), ("ip_version", 4), ("binary_format_major_version", 2), ("binary_format_minor_version", 0)]
    {
        short(&mut file, name, value);
    }
    text(&mut file, "database_type");
    text(&mut file, "Test-Country");
    text(&mut file, "languages");
    file.extend_from_slice(&[0x00, 0x04]);
    text(&mut file, "build_epoch");
    file.extend_from_slice(&[0x01, 0x02, 0x01]);
    text(&mut file, "description");
    file.push(0xe0);
    file
}
