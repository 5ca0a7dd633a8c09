//! The reader against the public test vectors of `spruceid/siwe` (MIT or Apache-2.0; `test/*.json`): facts of EIP-4361, carried over as
//! data. Where the vectors of one implementation are looser than the EIP, the EIP holds; that is said at the line.

use proptest::prelude::*;

use super::*;
use crate::gate::signin::evm_address::{EvmAddress, unhex_all};
use crate::gate::signin::{eip191, eoa, solana};

const ADDRESS: &str = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";

/// The text of the vectors, with its parts to be changed.
fn text(domain: &str, statement: &str, uri: &str, rest: &str) -> String {
    format!(
        "{domain} wants you to sign in with your Ethereum account:\n{ADDRESS}\n\n{statement}\n\
         URI: {uri}\nVersion: 1\nChain ID: 1\nNonce: 32891757\nIssued At: 2021-09-30T16:25:24.000Z{rest}"
    )
}

const TERMS: &str = "I accept the ServiceOrg Terms of Service: https://service.org/tos\n";
const LOGIN: &str = "https://service.org/login";

#[test]
fn what_the_vectors_accept_reads_and_is_written_as_it_was() {
    let resources = "\nResources:\n- ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu\n- https://example.com/my-web2-claim.json";
    let optional =
        "\nExpiration Time: 2023-03-17T12:45:13.610Z\nNot Before: 2022-03-17T12:45:13.610Z\nRequest ID: some_id";
    let seconds = text("service.org", TERMS, LOGIN, "").replace(".000Z", "Z");
    for good in [
        text("service.org", TERMS, LOGIN, resources),
        text("service.org", TERMS, LOGIN, ""),
        text("service.org", TERMS, LOGIN, &format!("{optional}{resources}")),
        text("service.org", TERMS, LOGIN, "\nRequest ID: "),
        text("service.org", TERMS, LOGIN, "\nResources:"),
        text("127.0.0.1", TERMS, LOGIN, ""),
        text("test@127.0.0.1", TERMS, LOGIN, ""),
        text("127.0.0.1:8080", TERMS, LOGIN, ""),
        text("test@127.0.0.1:8080", TERMS, LOGIN, ""),
        text("[2001:db8::1]:8080", TERMS, LOGIN, ""),
        text("https://service.org", TERMS, LOGIN, ""),
        text("service.org", "", LOGIN, ""),
        text("service.org", ":/?#[]@!$&'()*+,;= azAZ09-._~\n", LOGIN, ""),
        text("service.org", TERMS, "uri://user:pass@[ffff:abcd:0:10:200:3000:f8a:1]:123/one?q1=a1&q2=a2#body", ""),
        text("service.org", TERMS, "did:key:z6Mk", ""),
        text("service.org", TERMS, "uri://[v1.a:b]/%20", ""),
        seconds,
    ] {
        let read = SignInText::parse(&good).unwrap_or_else(|error| panic!("{error}:\n{good}"));
        assert_eq!(read.write(), good);
    }
    let read = SignInText::parse(&text("a@b:1", TERMS, LOGIN, &format!("{optional}{resources}"))).unwrap();
    assert_eq!((read.domain.as_str(), read.chain.as_str(), read.nonce.as_str()), ("a@b:1", "1", "32891757"));
    assert_eq!(read.statement.as_deref(), Some(TERMS.trim_end()));
    assert_eq!(read.resources.unwrap().len(), 2);
    assert_eq!((read.request_id.as_deref(), read.issued_at.at), (Some("some_id"), 1_633_019_124_000));
}

#[test]
fn what_the_vectors_refuse_is_refused_by_its_field() {
    use TextError as E;
    let whole = |rest| text("service.org", TERMS, LOGIN, rest);
    let of = |from: &str, to: &str| whole("").replace(from, to);
    let optional =
        "\nExpiration Time: 2023-03-17T12:45:13.610Z\nNot Before: 2022-03-17T12:45:13.610Z\nRequest ID: some_id";
    let cases = [
        ("missing uri", of("URI: https://service.org/login\n", ""), E::Missing("URI: ")),
        ("missing version", of("Version: 1\n", ""), E::Missing("Version: ")),
        ("missing chain id", of("Chain ID: 1\n", ""), E::Missing("Chain ID: ")),
        ("missing nonce", of("Nonce: 32891757\n", ""), E::Missing("Nonce: ")),
        ("missing issued at", of("\nIssued At: 2021-09-30T16:25:24.000Z", ""), E::Missing("Issued At: ")),
        ("missing domain", of("service.org wants", " wants"), E::Domain),
        ("missing address", of(&format!("{ADDRESS}\n"), ""), E::Address),
        ("empty address", of(ADDRESS, ""), E::Address),
        ("extra line break", text("service.org", &format!("\n{TERMS}"), LOGIN, ""), E::Missing("URI: ")),
        ("empty statement", text("service.org", "\n", LOGIN, ""), E::Missing("URI: ")), // 1*( .. ) in the EIP
        ("statement of two lines", text("service.org", "a\nb\n", LOGIN, ""), E::Lines),
        ("statement `", text("service.org", "a`\n", LOGIN, ""), E::Statement),
        ("statement <", text("service.org", "a<\n", LOGIN, ""), E::Statement),
        ("statement {", text("service.org", "{a}\n", LOGIN, ""), E::Statement),
        ("statement ä", text("service.org", "ä\n", LOGIN, ""), E::Statement),
        ("wrong version", of("Version: 1", "Version: 2"), E::Version),
        ("chain id ?", of("Chain ID: 1", "Chain ID: ?"), E::Chain),
        ("chain id 01", of("Chain ID: 1", "Chain ID: 01"), E::Chain),
        ("chain id of 2^64", of("Chain ID: 1", "Chain ID: 18446744073709551616"), E::Chain),
        ("nonce of 7", of("32891757", "1234567"), E::Nonce),
        ("nonce with a sign", of("32891757", "1234567-"), E::Nonce),
        ("out of order", of("Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"), E::Missing("Version: ")),
        ("fields on one line", of("Nonce: 32891757\n", "Nonce: 32891757"), E::Nonce),
        ("time of another time", of("2021-09-30T16:25:24.000Z", "Wed Oct 05 2011 16:48:00 GMT"), E::Time("Issued At")),
        ("expiry of another time", whole("\nExpiration Time: Wed Oct 05 2011"), E::Time("Expiration Time")),
        ("not before", whole("\nNot Before: yesterday"), E::Time("Not Before")),
        (
            "expiry after not before",
            whole(&optional.replace("\nExp", "\nNot Before: 2022-03-17T12:45:13Z\nExp")),
            E::Trailing,
        ),
        ("request id", whole("\nRequest ID: a/b"), E::RequestId),
        ("request id %", whole("\nRequest ID: %2"), E::RequestId),
        ("resources first", whole("\nResources:\n- https://a.b\nRequest ID: x"), E::Resources),
        ("resources on one line", whole("\nResources:\n- https://a.b - https://a.c"), E::Resources),
        ("resource of no scheme", whole("\nResources:\n- _not_a_rfc3986_valid_uri_"), E::Resources),
        ("a line more", whole("\n"), E::Trailing),
        ("Windows", whole("").replace('\n', "\r\n"), E::Opening),
        (
            "Solana's sentence with two empty lines",
            text("a.b", "", LOGIN, "").replace("Ethereum", "Solana"),
            E::Statement,
        ),
    ];
    for (name, bad, expected) in cases {
        assert_eq!(SignInText::parse(&bad), Err(expected), "{name}:\n{bad}");
    }
    for uri in [
        "uri://[::0.0.0.256]/p/path",
        "uri://[::300.0.0.0]/p/path",
        "uri://[::0.ff.0.255]",
        "uri://[ffff:abcd:0:10:200:3000:f8a:1:ffff]",
        "uri://[ffff:abcd:0:10:200:3000:f8a]",
        "uri://[ffff:abcd:0:10:200:3000:ff:255.255.255.255]",
        "uri://[::1:2:3:4:5:6:7:8]",
        "uri://[::1:2:3:4:5:6:198.162.10.255]",
        "uri://[1:2:3:4:5:6:7:8::]",
        "uri://[1:2:3:4:5:6::198.162.10.255]",
        "uri://[1:2:3:4:5::6:7:8]",
        "uri://[1:2:3:4:5::6:198.162.10.255]",
        "://user:pass@example.com:123/one/two.three?q1=a1&q2=a2#body",
        "uri://user:pass@example.com:123/one/two.three ?q1=a1&q2=a2#body",
        "uri://user:pass@example.com:123/one/two.three?q1=a1&q2=a2 #body",
        "_not_a_rfc3986_valid_uri_",
        "uri://a/^",
        "uri://a/|",
        "uri://a/%",
        "uri://a#b#c",
    ] {
        assert_eq!(SignInText::parse(&text("service.org", TERMS, uri, "")), Err(TextError::Uri), "{uri}");
    }
    for domain in ["a b", "a/b", "a?b", "a#b", "[::1", "a@b@c", "a:b", ""] {
        let read = SignInText::parse(&text(domain, TERMS, LOGIN, ""));
        assert!(matches!(read, Err(TextError::Domain)), "{domain} {read:?}");
    }
    assert_eq!(SignInText::parse(&"a".repeat(5000)), Err(TextError::TooLong));
}

/// Domain, address, statement, URI, nonce, issued at, what follows, signature.
type Signed =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const SIGNED: &[Signed] = &[
    ("login.xyz", "0x9D85ca56217D2bb651b00f15e694EB7E713637D4", "Sign-In With Ethereum Example Statement", "https://login.xyz",
     "bTyXgcQxn2htgkjJn", "2022-01-27T17:09:38.578Z", "\nExpiration Time: 2100-01-07T14:31:43.952Z",
     "dc35c7f8ba2720df052e0092556456127f00f7707eaa8e3bbff7e56774e7f2e05a093cfc9e02964c33d86e8e066e221b7d153d27e5a2e97ccd5ca7d3f2ce06cb1b"),
    ("login.xyz", "0xE6D3Aa1F561A215E5eb1f02Ba8705385F03fCaFB", "Sign-In With Ethereum Example Statement", "https://login.xyz",
     "lx2nx4so", "2022-01-05T14:27:30.883Z", "\nNot Before: 2100-01-07T14:31:43.952Z",
     "c2539ace78f13c7eb8c0852d38d269a6f97bebd9f7872097d2e3137b541f8bf50176062a46eeea83086bd2721423fb5755a932ff6ccc046ed482d14e4576042f1c"),
    ("login.xyz", "0x2ecA0068307e706741445764A3D6A4402aC2A5a9", "Sign-In With Ethereum Example Statement", "https://login.xyz",
     "lx2nx4so", "2022-01-05T14:27:30.883Z", "\nExpiration Time: 2021-01-05T00:00:00Z",
     "7337bc2826c7678cd6bc84f5b3b236efc969b0451f9feca2328b1d3401b030c113f19bdba359ba3f52762c66e9147311fa95fe598a1a4ec9bb383a7b4e3874241b"),
    ("www.tally.xyz", "0xc95EB884FE852e241D409234bfC7045CB9E31BD7", "Sign in with Ethereum to Tally", "https://tally.xyz",
     "15050747", "2022-06-30T14:08:51.382Z", "",
     "8c46b6eb8505939892d8e9b075f89f8277321b17b993151f37810cdda38cce6f4a85909d2b53e6a14629c74c0ac38bf4becde78ee5b2529812bf6cceaf7b2a2501"),
];

fn signed((domain, address, statement, uri, nonce, issued, rest, _): &Signed) -> String {
    format!(
        "{domain} wants you to sign in with your Ethereum account:\n{address}\n\n{statement}\n\n\
         URI: {uri}\nVersion: 1\nChain ID: 1\nNonce: {nonce}\nIssued At: {issued}{rest}"
    )
}

#[test]
fn the_signatures_of_the_vectors_are_of_their_addresses() {
    for vector in SIGNED {
        let text = signed(vector);
        let read = SignInText::parse(&text).unwrap();
        let signature = unhex_all(vector.7).unwrap();
        let signer = eoa::recover(&eip191::hash(text.as_bytes()), &signature);
        assert_eq!(signer, EvmAddress::parse_checked(&read.address), "{text}");
        for (v, is_valid) in (0..=255).map(|v: u8| (v, [signature[64] % 27, signature[64] % 27 + 27].contains(&v))) {
            let other = [&signature[..64], &[v]].concat();
            let found = eoa::recover(&eip191::hash(text.as_bytes()), &other) == EvmAddress::parse(&read.address);
            assert_eq!(found, is_valid, "v = {v}");
        }
    }
    let wrong = unhex_all(
        "31df81dc02344c9156e6f71da46e2db624b38f8f806290d670d46492b834b2e7575cbce9f48169356cfb577b910d8e30732fcf23c1ac0021d08b945ed7ee118e1b",
    );
    let hash = eip191::hash(signed(&SIGNED[0]).as_bytes());
    assert_ne!(eoa::recover(&hash, &wrong.unwrap()), EvmAddress::parse(SIGNED[0].1));
}

/// n - s: the other signature by the same key over the same hash, which Ethereum has refused since EIP-2.
fn flipped(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae,
        0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
    ];
    let mut out = signature.to_vec();
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i16::from(ORDER[at]) - i16::from(signature[32 + at]) - borrow;
        borrow = i16::from(digit < 0);
        out[32 + at] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    out[64] ^= 1;
    out
}

#[test]
fn the_other_half_of_the_curve_is_refused() {
    for vector in SIGNED {
        let mut signature = unhex_all(vector.7).unwrap();
        signature[64] %= 27;
        let high = flipped(&signature);
        let hash = eip191::hash(signed(vector).as_bytes());
        assert_eq!(eoa::recover(&hash, &high), None);
        assert_eq!(flipped(&high), signature, "the arithmetic of this test");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    /// Ten thousand hostile signatures: flipped bits, high s, every v, cut, longer, noise.
    #[test]
    fn a_hostile_signature_is_never_of_the_address(
        which in 0..SIGNED.len(), how in 0..6, at in 0..512_usize, v in any::<u8>(), noise in any::<[u8; 32]>(), more in any::<[u8; 32]>()
    ) {
        let vector = &SIGNED[which];
        let good = unhex_all(vector.7).unwrap();
        let bad = match how {
            0 => { let mut bad = good.clone(); bad[at / 8] ^= 1 << (at % 8); bad }
            1 => flipped(&[&good[..64], &[good[64] % 27]].concat()),
            2 if v % 27 != good[64] % 27 || v > 28 => [&good[..64], &[v]].concat(),
            3 => good[..at % 65].to_vec(),
            4 => [good.as_slice(), &noise[..=at % 32]].concat(),
            _ => [noise.as_slice(), &more, &[v]].concat(),
        };
        let hash = eip191::hash(signed(vector).as_bytes());
        prop_assert_ne!(eoa::recover(&hash, &bad), EvmAddress::parse(vector.1));
    }

    #[test]
    fn whatever_reads_is_written_as_it_was(domain in "[a-z.:@0-9]{0,12}", statement in "[ -~]{0,20}", uri in "[ -~]{1,24}", rest in "(\n[ -~]{0,30}){0,4}") {
        let given = text(&domain, &format!("{statement}\n"), &uri, &rest);
        if let Ok(read) = SignInText::parse(&given) {
            prop_assert_eq!(read.write(), given);
        }
    }

    #[test]
    fn a_hostile_solana_signature_is_refused(at in 0..512_usize, seed in any::<[u8; 32]>(), noise in any::<[u8; 32]>()) {
        use ed25519_dalek::{Signer, SigningKey};
        let key = SigningKey::from_bytes(&seed);
        let public = key.verifying_key().to_bytes();
        let good = key.sign(b"text").to_bytes();
        prop_assert!(solana::signed(&public, b"text", &good));
        let mut bad = good;
        bad[at / 8] ^= 1 << (at % 8);
        prop_assert!(!solana::signed(&public, b"text", &bad));
        prop_assert!(!solana::signed(&public, b"texT", &good));
        prop_assert!(!solana::signed(&noise, b"text", &good));
    }
}

#[test]
fn keys_and_points_of_small_order_sign_nothing() {
    // The eight points of order 1, 2, 4 and 8 (RFC 8032 section 5.1; "Taming the many EdDSAs", table 1) as keys, with R = A and s = 0.
    for low in [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ] {
        let key: [u8; 32] = unhex_all(low).unwrap().try_into().unwrap();
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&key);
        for text in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            assert!(!solana::signed(&key, text.as_bytes(), &signature), "{low} {text}");
        }
    }
}
