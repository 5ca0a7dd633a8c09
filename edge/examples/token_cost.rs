//! What a playback token costs: verified for the first time, by algorithm, and remembered. One thread, in this process.
//!
//! `cargo run --release -p streamgate-edge --example token_cost`

use std::hint::black_box;
use std::time::{Duration, Instant};

use edge::{Gatekeeper, Pass, Tokens, Viewer};
use wire::token::{Claims, KeySet, SigningKey, UnixSeconds, mint};
use wire::url::AssetId;

const PATH: &str = "/v/film/av1/1.m4s";
const TOKENS: u32 = 2_000;
const HITS: u32 = 1_000_000;

fn main() {
    let secret: [u8; 32] = std::array::from_fn(|i| i as u8 + 1);
    let keys = [
        ("Ed25519", SigningKey::ed25519("k", &secret)),
        ("ES256", SigningKey::es256("k", &secret)),
        ("HS256", SigningKey::hs256("k", &secret)),
    ];
    for (name, key) in keys {
        let key = key.expect("a key");
        let set = KeySet::new([key.verification_key()]).expect("one key");
        let asset = AssetId::parse("film").expect("an asset");
        let tokens: Vec<String> = (0..TOKENS)
            .map(|n| {
                let mut cti = [0; 16];
                cti[..4].copy_from_slice(&n.to_le_bytes());
                mint(&Claims::for_asset(asset, UnixSeconds(1_000), 600, cti), &key).expect("a token")
            })
            .collect();
        let began = Instant::now();
        for token in &tokens {
            let claims = wire::token::verify(token, &set, UnixSeconds(1_000), PATH);
            assert!(black_box(claims).is_ok());
        }
        let pure = began.elapsed().as_secs_f64() * 1e6 / f64::from(TOKENS);
        let mut checked = Tokens::new(set, Gatekeeper::default(), Duration::ZERO);
        let viewer = Viewer { address: std::net::Ipv4Addr::LOCALHOST.into(), head: b"" };
        let mut check =
            |token: &str| checked.check(token.as_bytes(), PATH.as_bytes(), 1_000_000, &viewer) == Pass::Valid;
        let began = Instant::now();
        for token in &tokens {
            assert!(black_box(check(token)));
        }
        let cold = began.elapsed().as_secs_f64() * 1e6 / f64::from(TOKENS);
        let began = Instant::now();
        for n in 0..HITS {
            let token = &tokens[(n % TOKENS) as usize];
            assert!(black_box(check(token)));
        }
        let hit = began.elapsed().as_secs_f64() * 1e6 / f64::from(HITS);
        println!("{name:8} first time {cold:7.1} us ({pure:.1} in pure Rust), remembered {hit:6.3} us");
    }
}
