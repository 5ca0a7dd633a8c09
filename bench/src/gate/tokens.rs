//! Playback tokens as one shard of an edge checks them: seen for the first time, and known.

use anyhow::{Result, ensure};
use edge::{Gatekeeper, Pass, Tokens, Viewer};
use std::hint::black_box;
use std::time::{Duration, Instant};
use wire::token::{Claims, KeySet, SigningKey, UnixSeconds, mint};
use wire::url::AssetId;

const ASSET: &str = "0123456789abcdef";
const COLD: u32 = 4_000;
const CACHED: u32 = 2_000_000;

/// Microseconds of a check: cold, cached.
pub fn measure(key: &SigningKey) -> Result<(f64, f64)> {
    let asset = AssetId::parse(ASSET).map_err(|error| anyhow::anyhow!("{error}"))?;
    let now = UnixSeconds(1_800_000_000);
    let made = (0..COLD).map(|n| {
        let mut cti = [0; 16];
        cti[..4].copy_from_slice(&n.to_be_bytes());
        mint(&Claims::for_asset(asset, now, 900, cti), key)
    });
    let made: Vec<String> = made.collect::<Result<_, _>>()?;
    let path = format!("/v/{ASSET}/h264-720/7.m4s");
    let keys = KeySet::new([key.verification_key()])?;
    let mut tokens = Tokens::new(keys, Gatekeeper::default(), Duration::ZERO);
    let viewer = Viewer { address: std::net::Ipv4Addr::LOCALHOST.into(), head: b"" };
    let mut check = |token: &str| tokens.check(token.as_bytes(), path.as_bytes(), now.0 * 1000, &viewer);
    let begun = Instant::now();
    for token in &made {
        ensure!(matches!(check(token), Pass::Valid), "a token of ours is not valid");
    }
    let cold = begun.elapsed();
    let begun = Instant::now();
    for n in 0..CACHED {
        black_box(check(&made[(n % COLD) as usize]));
    }
    Ok((us(cold, COLD), us(begun.elapsed(), CACHED)))
}

fn us(time: Duration, times: u32) -> f64 {
    time.as_secs_f64() * 1e6 / f64::from(times)
}
