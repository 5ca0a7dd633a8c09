//! Promise: a token opens what it says until it says, and every other token is refused with the name of its fault. Tokens
//! of another implementation (coset) are read, and ours are read by it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ciborium::Value;
use coset::{
    CborSerializable, CoseMac0, CoseMac0Builder, CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable,
    iana,
};
use wire::limits::TOKEN_BYTES_MAX;
use wire::token::{
    Claims, KeyError, KeySet, SigningKey, Streams, TokenError, UnixSeconds, VerificationKey, inspect, mint, verify,
};
use wire::url::AssetId;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const PATH: &str = "/v/abc/av1-360/0.m4s";

fn keys() -> [SigningKey; 3] {
    [
        SigningKey::ed25519("ed", &[7; 32]).unwrap(),
        SigningKey::es256("es", &[7; 32]).unwrap(),
        SigningKey::hs256("hs", &[7; 32]).unwrap(),
    ]
}

fn key_set() -> KeySet {
    KeySet::new(keys().iter().map(SigningKey::verification_key)).unwrap()
}

fn claims() -> Claims {
    Claims::for_asset(AssetId::parse("abc").unwrap(), NOW, 60, [9; 16])
}

/// The one door: what becomes of `token` when `path` is asked for at `now`.
fn check_at(token: &str, now: UnixSeconds, path: &str, expected: Result<&Claims, TokenError>) {
    assert_eq!(verify(token, &key_set(), now, path).as_ref().map_err(|e| *e), expected, "{token}");
}

fn check(token: &str, expected: Result<&Claims, TokenError>) {
    check_at(token, NOW, PATH, expected);
}

fn refused(payload: &[u8], expected: TokenError) {
    check(&signed(payload), Err(expected));
}

/// A token of the HS256 key around any payload, made by coset.
fn signed(payload: &[u8]) -> String {
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::HMAC_256_256).build();
    let unprotected = HeaderBuilder::new().key_id(b"hs".to_vec()).build();
    let message = CoseMac0Builder::new().protected(protected).unprotected(unprotected).payload(payload.to_vec());
    let sealed = message.create_tag(&[], |data| hmac_sha256(&[7; 32], data)).build();
    URL_SAFE_NO_PAD.encode(sealed.to_tagged_vec().unwrap())
}

fn hmac_sha256(key: &[u8], data: &[u8]) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn map(pairs: &[(i64, Value)]) -> Value {
    Value::Map(pairs.iter().map(|(k, v)| (Value::from(*k), v.clone())).collect())
}

fn catu(prefix: &str) -> (i64, Value) {
    (312, map(&[(3, map(&[(1, prefix.into())]))]))
}

/// The claims that every token needs, and `more`.
fn payload(more: &[(i64, Value)]) -> Vec<u8> {
    let mut pairs = vec![(4, Value::from(NOW.0 + 60)), catu("/v/abc/")];
    pairs.extend_from_slice(more);
    bytes(&map(&pairs))
}

fn bytes(value: &Value) -> Vec<u8> {
    value.clone().to_vec().unwrap()
}

#[test]
fn a_token_of_each_algorithm_opens_its_asset() {
    for key in keys() {
        let token = mint(&claims(), &key).unwrap();
        assert!(token.len() < 300, "{} letters", token.len());
        check(&token, Ok(&claims()));
    }
}

#[test]
fn every_claim_reads_back() {
    let all = Claims { iss: Some("a".into()), sub: Some("0xabc".into()), nbf: Some(NOW), ..claims() };
    let none = Claims { iss: None, sub: None, aud: None, nbf: None, iat: None, cti: None, ..claims() };
    let conditional = Claims {
        networks: Some(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"].map(|text| text.parse().unwrap()).to_vec()),
        countries: Some(vec!["SE".parse().unwrap(), "CH".parse().unwrap()]),
        referrers: Some(vec!["watch.example.org".into(), "[::1]:8080".into()]),
        streams: Some(Streams { class: "abc".into(), max: 2, id: vec![5; 16] }),
        ..claims()
    };
    let nobody = Claims { networks: Some(vec![]), countries: Some(vec![]), referrers: Some(vec![]), ..claims() };
    for claims in [all, none, conditional, nobody] {
        check(&mint(&claims, &keys()[0]).unwrap(), Ok(&claims));
    }
}

#[test]
fn every_single_bit_that_flips_closes_the_door() {
    let set = key_set();
    for key in keys() {
        let token = mint(&claims(), &key).unwrap();
        let raw = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..8 * raw.len() {
            let mut raw = raw.clone();
            raw[bit / 8] ^= 1 << (bit % 8);
            let flipped = URL_SAFE_NO_PAD.encode(raw);
            assert!(verify(&flipped, &set, NOW, PATH).is_err(), "bit {bit} of {key:?}");
        }
        for (at, bit) in (0..token.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut text = token.clone().into_bytes();
            text[at] ^= 1 << bit;
            let Ok(flipped) = String::from_utf8(text) else { continue };
            assert!(verify(&flipped, &set, NOW, PATH).is_err(), "letter {at} of {key:?}");
        }
    }
}

#[test]
fn time_has_two_edges() {
    let claims = Claims { nbf: Some(UnixSeconds(NOW.0 - 5)), ..claims() };
    let token = mint(&claims, &keys()[0]).unwrap();
    check_at(&token, UnixSeconds(NOW.0 - 6), PATH, Err(TokenError::NotYet));
    check_at(&token, UnixSeconds(NOW.0 - 5), PATH, Ok(&claims));
    check_at(&token, UnixSeconds(NOW.0 + 59), PATH, Ok(&claims));
    check_at(&token, UnixSeconds(NOW.0 + 60), PATH, Err(TokenError::Expired));
}

#[test]
fn a_token_can_be_shown_after_its_time_but_not_without_its_key() {
    let old = Claims { exp: UnixSeconds(1), ..claims() };
    let token = mint(&old, &keys()[0]).unwrap();
    assert_eq!(inspect(&token, &key_set()), Ok(old));
    assert_eq!(inspect(&token, &KeySet::default()), Err(TokenError::KeyUnknown));
}

#[test]
fn a_prefix_ends_where_a_segment_ends() {
    for (prefix, path, expected) in [
        ("/v/ab/", "/v/ab/master.m3u8", Ok(())),
        ("/v/ab/", "/v/ab/", Ok(())),
        ("/v/ab", "/v/ab/master.m3u8", Ok(())),
        ("/v/ab/master.m3u8", "/v/ab/master.m3u8", Ok(())),
        ("/", "/v/ab/master.m3u8", Ok(())),
        ("/v/ab", "/v/abc/master.m3u8", Err(TokenError::Path)),
        ("/v/ab/", "/v/abc/master.m3u8", Err(TokenError::Path)),
        ("/v/ab/", "/v/ab", Err(TokenError::Path)),
        ("/v/ab/", "/w/v/ab/master.m3u8", Err(TokenError::Path)),
        ("/v/ab/", "/v/ab/../abc/master.m3u8", Err(TokenError::PathNotPlain)),
        ("/v/ab/", "/v/ab/%2e%2e/abc/master.m3u8", Err(TokenError::PathNotPlain)),
        ("/v/ab/", "/v/ab//master.m3u8", Err(TokenError::PathNotPlain)),
    ] {
        let claims = Claims { catu_path_prefix: prefix.into(), ..claims() };
        check_at(&mint(&claims, &keys()[0]).unwrap(), NOW, path, expected.map(|()| &claims));
    }
}

#[test]
fn a_key_opens_nothing_of_another() {
    let token = mint(&claims(), &SigningKey::ed25519("ed", &[8; 32]).unwrap()).unwrap();
    check(&token, Err(TokenError::Signature));
    let token = mint(&claims(), &SigningKey::ed25519("other", &[7; 32]).unwrap()).unwrap();
    check(&token, Err(TokenError::KeyUnknown));
    assert_eq!(verify(&token, &KeySet::default(), NOW, PATH), Err(TokenError::KeyUnknown));
}

#[test]
fn the_key_decides_the_algorithm() {
    // A tag made with the public key as if it were a shared secret, under the public key's id.
    let public = keys()[0].verification_key().to_string();
    let public = URL_SAFE_NO_PAD.decode(public.rsplit(':').next().unwrap()).unwrap();
    let confused = SigningKey::hs256("ed", &public).unwrap();
    check(&mint(&claims(), &confused).unwrap(), Err(TokenError::Algorithm));
    check(&mint(&claims(), &SigningKey::es256("ed", &[7; 32]).unwrap()).unwrap(), Err(TokenError::Algorithm));
    // The right algorithm in the wrong message.
    let protected = HeaderBuilder::new().algorithm(iana::Algorithm::HMAC_256_256).key_id(b"hs".to_vec()).build();
    let message = CoseSign1Builder::new().protected(protected).payload(payload(&[]));
    let message = message.create_signature(&[], |data| hmac_sha256(&[7; 32], data)).build();
    check(&URL_SAFE_NO_PAD.encode(message.to_tagged_vec().unwrap()), Err(TokenError::Algorithm));
}

#[test]
fn an_audience_that_is_not_ours_is_refused() {
    let elsewhere = Claims { aud: Some("elsewhere".into()), ..claims() };
    let token = mint(&elsewhere, &keys()[0]).unwrap();
    check(&token, Err(TokenError::Audience));
    assert!(verify(&token, &key_set().with_audience("elsewhere"), NOW, PATH).is_ok());
    let several = Value::Array(vec!["elsewhere".into(), "streamgate".into()]);
    let found = verify(&signed(&payload(&[(3, several)])), &key_set(), NOW, PATH).unwrap();
    assert_eq!(found.aud.as_deref(), Some("streamgate"));
    refused(&payload(&[(3, Value::Array(vec![]))]), TokenError::Audience);
}

#[test]
fn what_is_not_understood_is_refused() {
    refused(&payload(&[(313, Value::Array(vec!["GET".into()]))]), TokenError::ClaimUnknown); // catm
    refused(&payload(&[(322, Value::Map(vec![]))]), TokenError::ClaimUnknown); // catif
    refused(&payload(&[(-70000, 1.into())]), TokenError::ClaimUnknown);
    let text_label = Value::Map(vec![("vip".into(), 1.into())]);
    refused(&bytes(&text_label), TokenError::ClaimUnknown);
    refused(&payload(&[(310, 2.into())]), TokenError::Version);
    refused(&payload(&[(308, 1.into())]), TokenError::RestrictionUnsupported); // no replay
    refused(&payload(&[(311, Value::Array(vec![64496.into()]))]), TokenError::RestrictionUnsupported); // a system's number
    refused(&payload(&[(316, Value::Array(vec!["US-CA".into()]))]), TokenError::RestrictionUnsupported);
    let restricted = |catu: Value| bytes(&map(&[(4, Value::from(NOW.0 + 60)), (312, catu)]));
    for catu in [
        map(&[]),
        map(&[(1, map(&[(0, "host".into())]))]),
        map(&[(3, map(&[(0, PATH.into())]))]),
        map(&[(3, map(&[(1, "/v/abc/".into()), (2, ".m4s".into())]))]),
        map(&[(3, map(&[(1, "/v/abc/".into())])), (1, map(&[(0, "host".into())]))]),
    ] {
        refused(&restricted(catu), TokenError::RestrictionUnsupported);
    }
    assert!(verify(&signed(&payload(&[(6, NOW.0.into()), (308, 0.into())])), &key_set(), NOW, PATH).is_ok());
}

#[test]
fn claims_that_are_missing_doubled_or_of_another_type_are_refused() {
    refused(&bytes(&map(&[catu("/v/abc/")])), TokenError::ClaimMissing);
    refused(&bytes(&map(&[(4, Value::from(NOW.0 + 60))])), TokenError::ClaimMissing);
    refused(&payload(&[(4, Value::from(u64::MAX))]), TokenError::ClaimTwice);
    refused(&payload(&[catu("/")]), TokenError::ClaimTwice);
    for (label, value) in [
        (1, Value::from(1)),
        (2, Value::Bytes(vec![1])),
        (5, Value::from(-1)),
        (5, Value::Float(1.0)),
        (5, Value::Tag(1, Box::new(Value::from(1)))),
        (7, Value::from("text")),
        (1, "x".repeat(257).into()),
        (310, Value::Null),
    ] {
        refused(&payload(&[(label, value)]), TokenError::ClaimInvalid);
    }
    for prefix in ["", "v/abc/", "/v/../", "/v//", "/v/abc/%2e/"] {
        refused(&bytes(&map(&[(4, Value::from(NOW.0 + 60)), catu(prefix)])), TokenError::ClaimInvalid);
        let claims = Claims { catu_path_prefix: prefix.into(), ..claims() };
        assert_eq!(mint(&claims, &keys()[0]), Err(TokenError::ClaimInvalid), "{prefix}");
    }
}

#[test]
fn cbor_has_one_spelling_and_no_depth() {
    let good = payload(&[]);
    for n in 0..good.len() {
        assert!(verify(&signed(&good[..n]), &key_set(), NOW, PATH).is_err(), "cut at {n}");
    }
    refused(&[good.clone(), vec![0]].concat(), TokenError::Malformed); // left over
    refused(&[vec![0xb8, 2], good[1..].to_vec()].concat(), TokenError::Malformed); // a longer head than needed
    refused(&[vec![0xbf], good[1..].to_vec(), vec![0xff]].concat(), TokenError::Malformed); // indefinite length
    refused(&vec![0x81; 1500], TokenError::Malformed);
    refused(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], TokenError::Malformed); // 2^64 - 1 claims
}

#[test]
fn an_envelope_with_anything_unexpected_is_refused() {
    let envelope = |protected: HeaderBuilder, unprotected: HeaderBuilder| {
        let message = CoseMac0Builder::new().protected(protected.build()).unprotected(unprotected.build());
        let message = message.payload(payload(&[])).create_tag(&[], |data| hmac_sha256(&[7; 32], data)).build();
        URL_SAFE_NO_PAD.encode(message.to_tagged_vec().unwrap())
    };
    let alg = || HeaderBuilder::new().algorithm(iana::Algorithm::HMAC_256_256);
    let kid = || HeaderBuilder::new().key_id(b"hs".to_vec());
    assert!(verify(&envelope(alg(), kid()), &key_set(), NOW, PATH).is_ok());
    check(&envelope(alg(), HeaderBuilder::new()), Err(TokenError::KeyMissing));
    check(&envelope(kid(), alg()), Err(TokenError::HeaderUnknown)); // the algorithm is not protected
    check(&envelope(alg().add_critical(iana::HeaderParameter::Kid), kid()), Err(TokenError::HeaderUnknown));
    check(&envelope(alg().value(-65_000, 1.into()), kid()), Err(TokenError::HeaderUnknown));
    check(&envelope(alg().key_id(b"hs".to_vec()), kid()), Err(TokenError::Malformed));
    check("", Err(TokenError::Malformed));
    check("_", Err(TokenError::NotBase64Url));
    check("gA==", Err(TokenError::NotBase64Url));
    check(&URL_SAFE_NO_PAD.encode([0x81; TOKEN_BYTES_MAX]), Err(TokenError::Malformed));
    check(&URL_SAFE_NO_PAD.encode([0x81; TOKEN_BYTES_MAX + 1]), Err(TokenError::TooLong));
    check(&"A".repeat(1 << 20), Err(TokenError::TooLong));
    let long = Claims { sub: Some("x".repeat(257)), ..claims() };
    assert_eq!(mint(&long, &keys()[0]), Err(TokenError::TooLong));
}

#[test]
fn a_condition_that_cannot_be_is_refused() {
    let prefix = |tag, bits: u64, bytes: &[u8]| {
        Value::Tag(tag, Box::new(Value::Array(vec![bits.into(), Value::Bytes(bytes.to_vec())])))
    };
    let networks = |network| payload(&[(311, Value::Array(vec![network]))]);
    let short = verify(&signed(&networks(prefix(52, 8, &[10]))), &key_set(), NOW, PATH).unwrap();
    assert_eq!(short.networks, Some(vec!["10.0.0.0/8".parse().unwrap()]), "zeros at the end may be left out");
    let one = Value::Tag(54, Box::new(Value::Bytes(vec![0; 16])));
    let one = verify(&signed(&networks(one)), &key_set(), NOW, PATH).unwrap();
    assert_eq!(one.networks, Some(vec!["::/128".parse().unwrap()]));
    let whole = |tag, bytes: &[u8]| Value::Tag(tag, Box::new(Value::Bytes(bytes.to_vec())));
    let interface = Value::Tag(52, Box::new(Value::Array(vec![Value::Bytes(vec![10, 0, 0, 1]), 8.into()])));
    for network in [
        prefix(52, 33, &[10, 0, 0, 0]),
        prefix(54, 129, &[0; 16]),
        prefix(52, 8, &[10, 0, 0, 0, 0]),
        prefix(55, 8, &[10]),
        whole(52, &[10]),
        whole(54, &[10, 0, 0, 0]),
        interface,
    ] {
        refused(&networks(network), TokenError::ClaimInvalid);
    }
    let many = Value::Array(vec![whole(52, &[10, 0, 0, 1]); 17]);
    refused(&payload(&[(311, many)]), TokenError::ClaimInvalid);
    let streams = |class: &str, max: u64, id: &[u8]| {
        let claim = Value::Array(vec![class.into(), max.into(), Value::Bytes(id.to_vec())]);
        payload(&[(-65_538, claim)])
    };
    assert!(verify(&signed(&streams("a", 1, &[1])), &key_set(), NOW, PATH).is_ok());
    for wrong in [
        streams("", 1, &[1]),
        streams("a", 0, &[1]),
        streams("a", 1001, &[1]),
        streams("a", 1, &[]),
        streams("a", 1, &[1; 17]),
    ] {
        refused(&wrong, TokenError::ClaimInvalid);
    }
    refused(&payload(&[(-65_537, Value::Array(vec!["https://a.b".into()]))]), TokenError::ClaimInvalid);
}

#[test]
fn another_implementation_reads_our_tokens() {
    let [ed, es, hs] = keys().map(|key| URL_SAFE_NO_PAD.decode(mint(&claims(), &key).unwrap()).unwrap());
    for (token, alg) in [(&ed, iana::Algorithm::EdDSA), (&es, iana::Algorithm::ES256)] {
        let message = CoseSign1::from_tagged_slice(token).unwrap();
        assert_eq!(message.protected.header.alg, Some(coset::Algorithm::Assigned(alg)));
        assert!(Value::from_slice(message.payload.as_ref().unwrap()).unwrap().is_map());
    }
    assert_eq!(hs[..2], [0xd8, 61], "the CWT tag");
    let message = CoseMac0::from_tagged_slice(&hs[2..]).unwrap();
    message
        .verify_payload_tag(
            &[],
            || "no payload",
            |tag, data| if tag == hmac_sha256(&[7; 32], data) { Ok(()) } else { Err("tag") },
        )
        .unwrap();
}

#[test]
fn a_token_of_an_independent_issuer_opens_what_it_says() {
    // Made by the npm package @eyevinn/cat 0.16.4 with `mac(.., "HS256")`: claims in insertion order, two audiences, `iat`,
    // the key's id unprotected.
    let token = "2D3RhEOhAQWhBEJoc1g_qAFkcGVlcgOCanN0cmVhbWdhdGVheAQa7msoAAUaZVPxAAYaZVPxAAdCC3EZATihA6EBZy\
                 92L2FiYy8ZATYBWCDk4tGea8IU7Mw8D-LFsqnpvEZjhLYtG3KwisaYB50I7Q\
                 ";
    let found = verify(token, &key_set(), NOW, PATH).unwrap();
    assert_eq!(
        (found.iss.as_deref(), found.exp, found.cti),
        (Some("peer"), UnixSeconds(4_000_000_000), Some(vec![11, 113]))
    );
    check_at(token, NOW, "/v/abd/master.m3u8", Err(TokenError::Path));
}

#[test]
fn keys_are_written_and_read_as_text() {
    for key in keys() {
        let again = SigningKey::from_secret_text(&format!("{}\n", key.to_secret_text())).unwrap();
        let public: VerificationKey = again.verification_key().to_string().parse().unwrap();
        assert_eq!(public, key.verification_key());
        let set = KeySet::new([public]).unwrap();
        assert!(verify(&mint(&claims(), &again).unwrap(), &set, NOW, PATH).is_ok());
        assert!(!format!("{key:?}{set:?}").contains("BwcH"), "secrets are not shown");
    }
    let parse = |text: &str| text.parse::<VerificationKey>().err();
    assert_eq!(parse("ed25519:a"), Some(KeyError::Text));
    assert_eq!(parse("rs256:a:AAAA"), Some(KeyError::Text));
    assert_eq!(parse("ed25519:a:AAAA"), Some(KeyError::Bytes));
    let zero = URL_SAFE_NO_PAD.encode([0; 32]);
    assert_eq!(parse(&format!("ed25519:a:{zero}")), Some(KeyError::Bytes), "a key of small order");
    assert_eq!(parse(&format!("hs256-secret:a b:{zero}")), Some(KeyError::Kid));
    assert_eq!(SigningKey::hs256("a", &[1; 31]).err(), Some(KeyError::Bytes));
    let twice = [keys()[0].verification_key(), keys()[0].verification_key()];
    assert_eq!(KeySet::new(twice).err(), Some(KeyError::KidTwice));
}
