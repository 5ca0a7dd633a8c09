//! The gate: what a token costs to check, sign-ins and rule checks a second, and a premiere: five thousand wallets that sign in and ask to
//! watch what one collection opens. The origin, the chain (an answer takes a millisecond) and the wallets run in this process.

mod http;
mod rpc;
mod tokens;
mod wallet;

use crate::options::Options;
use crate::report::Table;
use anyhow::{Context, Result};
use http::Line;
use rpc::{COLLECTION, Chain, LATENCY};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use wallet::Wallet;
use wire::token::SigningKey;

/// Wallets of the premiere, and how long it takes until the last one has come.
const CROWD: u32 = 5_000;
/// Sign-ins that are measured, and how many are under way at once.
const SIGN_INS: u32 = 2_000;
const AT_ONCE: u32 = 32;
/// Wallets that a rule is tried for.
const CHECKS: u32 = 4_000;
/// The bars.
const QUESTIONS_MAX: u64 = 100;
const P99_MAX: Duration = Duration::from_secs(1);

/// What is asked of the origin.
struct Scene {
    at: SocketAddr,
    chain: Chain,
    key: String,
    asset: String,
}

/// Measures all of it.
pub fn run(_: &Options) -> Result<Table> {
    let mut rows = Vec::new();
    for (name, key) in
        [("Ed25519", SigningKey::ed25519("k1", &[7; 32])?), ("ES256", SigningKey::es256("k2", &[7; 32])?)]
    {
        let (cold, cached) = tokens::measure(&key)?;
        rows.push(row(&format!("a token of {name}: seen for the first time"), &format!("{cold:.1} us"), "", true));
        rows.push(row(&format!("a token of {name}: known"), &format!("{cached:.2} us"), "", true));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(gate(&mut rows))?;
    let profile = if cfg!(debug_assertions) { "the dev profile: not the figures of a release" } else { "release" };
    Ok(Table {
        title: "The gate".into(),
        columns: ["what", "measured", "bar", "kept"].map(str::to_owned).to_vec(),
        rows,
        notes: vec![
            format!(
                "origin, wallets and chain on the cores of one machine ({profile}); the chain answers after {} ms",
                LATENCY.as_millis()
            ),
            "a sign-in is a challenge, its signature and the session; each is an answer by HTTP and a commit of SQLite"
                .into(),
        ],
    })
}

fn row(what: &str, measured: &str, bar: &str, is_kept: bool) -> Vec<String> {
    [what, measured, bar, if is_kept { "yes" } else { "NO" }].map(str::to_owned).to_vec()
}

async fn gate(rows: &mut Vec<Vec<String>>) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("streamgate-bench-gate-").tempdir()?;
    let chain = Chain::start().await?;
    let known = origin::ChainConfig::known("ethereum", vec![chain.url.clone()]).context("no such chain")?;
    let mut config = origin::Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data: folder.path().join("data"),
        chains: vec![known],
        ..origin::Config::default()
    };
    config.signin.domains = vec!["bench.example".into()];
    let origin = origin::start(config).await?;
    let mut scene = Scene { at: origin.addr(), chain, key: origin.api_key().to_owned(), asset: String::new() };
    let mut line = scene.line().await?;
    let made = line.asked("POST", "/api/v1/upload?name=premiere.mp4", &scene.key, "\"no video at all\"").await?;
    made["id"].as_str().context("no asset")?.clone_into(&mut scene.asset);
    let rule = json!({ "rule": { "erc721": { "chain": "ethereum", "contract": COLLECTION, "min_balance": "1" } } });
    let path = format!("/api/v1/content/{}/gating-rules", scene.asset);
    line.asked("PUT", &path, &scene.key, &rule.to_string()).await?;
    let scene = Arc::new(scene);

    let (signed, took) = at_once(&scene, SIGN_INS, |scene, n| async move {
        let mut line = scene.line().await?;
        sign_in(&mut line, &Wallet::new(n)).await.map(drop)
    })
    .await?;
    rows.push(row("sign-ins a second", &format!("{:.0}", f64::from(SIGN_INS) / took.as_secs_f64()), "", true));
    rows.push(row("a sign-in, p50 / p99", &pair(&signed), "", true));

    scene.chain.take();
    let (_, took) = at_once(&scene, CHECKS, |scene, n| async move {
        let mut line = scene.line().await?;
        let body = json!({
            "rule": { "rule": { "erc721": { "chain": "ethereum", "contract": COLLECTION, "min_balance": "1" } } },
            "wallets": [Wallet::new(1_000_000 + n).address()],
        });
        let told = line.asked("POST", "/api/v1/nft/verify", &scene.key, &body.to_string()).await?;
        anyhow::ensure!(told["lets_in"] == true, "{told}");
        Ok(())
    })
    .await?;
    let asked: u64 = scene.chain.take().values().sum();
    let rate = f64::from(CHECKS) / took.as_secs_f64();
    rows.push(row("rule checks a second, a wallet each", &format!("{rate:.0}"), "", true));
    rows.push(row("questions to the chain for them", &format!("{asked} for {CHECKS}"), "", true));

    premiere(&scene, rows).await?;
    origin.shutdown().await;
    Ok(())
}

/// Everyone comes as fast as the server signs them in, or half as fast: what is measured is an answer, not a queue before the door.
async fn premiere(scene: &Arc<Scene>, rows: &mut Vec<Vec<String>>) -> Result<()> {
    // Signed in first, so that all may ask at the very same moment.
    let mut tokens = Vec::new();
    let (asked, came) = (scene.chain.take(), Instant::now());
    drop(asked);
    let every = came_every(rows);
    let mut crowd = JoinSet::new();
    for n in 0..CROWD {
        let scene = scene.clone();
        crowd.spawn(async move {
            tokio::time::sleep_until((came + every * n).into()).await;
            let begun = Instant::now();
            let mut line = scene.line().await?;
            let token = sign_in(&mut line, &Wallet::new(2_000_000 + n)).await?;
            line.asked("POST", &format!("/api/v1/content/{}/watch", scene.asset), &token, "").await?;
            Ok::<_, anyhow::Error>((begun.elapsed(), token))
        });
    }
    let mut times = Vec::new();
    while let Some(one) = crowd.join_next().await {
        let (time, token) = one??;
        times.push(time);
        tokens.push(token);
    }
    let took = came.elapsed();
    let asked = scene.chain.take();
    let questions: u64 = asked.values().sum();
    times.sort();
    let p99 = at(&times, 99);
    let what =
        format!("a premiere: {CROWD} wallets within {:.0} s sign in and ask to watch, p50 / p99", took.as_secs_f64());
    rows.push(row(&what, &pair(&times), "p99 below 1 s", p99 < P99_MAX));
    let counted: Vec<String> = asked.iter().map(|(method, count)| format!("{method} {count}")).collect();
    let what = "questions to the chain for it";
    rows.push(row(what, &format!("{questions} ({})", counted.join(", ")), "below 100", questions < QUESTIONS_MAX));

    // All of them renew at the same moment.
    let begun = Instant::now();
    let mut crowd = JoinSet::new();
    for some in tokens.chunks(CROWD as usize / 250) {
        let (scene, some) = (scene.clone(), some.to_vec());
        crowd.spawn(async move {
            let mut line = scene.line().await?;
            let mut times = Vec::new();
            for token in some {
                let asked = Instant::now();
                line.asked("POST", &format!("/api/v1/content/{}/watch", scene.asset), &token, "").await?;
                times.push(asked.elapsed());
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Vec::new();
    while let Some(some) = crowd.join_next().await {
        times.extend(some??);
    }
    let took = begun.elapsed();
    times.sort();
    let questions: u64 = scene.chain.take().values().sum();
    let what = format!("all of them renew, 250 at once, in {:.1} s, p50 / p99", took.as_secs_f64());
    rows.push(row(&what, &pair(&times), "p99 below 1 s", at(&times, 99) < P99_MAX));
    rows.push(row("questions to the chain for it", &questions.to_string(), "below 100", questions < QUESTIONS_MAX));
    Ok(())
}

/// Half as fast as sign-ins go, as they were measured just now.
fn came_every(rows: &[Vec<String>]) -> Duration {
    let rate = rows.iter().find(|row| row[0] == "sign-ins a second").and_then(|row| row[1].parse::<f64>().ok());
    Duration::from_secs_f64(2.0 / rate.unwrap_or(500.0).clamp(50.0, 1_000.0))
}

/// Runs `deed` so many times, a few at once. Answers how long each took, sorted, and all of them.
async fn at_once<F>(
    scene: &Arc<Scene>,
    times: u32,
    deed: impl Fn(Arc<Scene>, u32) -> F,
) -> Result<(Vec<Duration>, Duration)>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let begun = Instant::now();
    let mut under_way = JoinSet::new();
    let mut took = Vec::new();
    for n in 0..times {
        if n >= AT_ONCE
            && let Some(one) = under_way.join_next().await
        {
            took.push(one??);
        }
        let one = deed(scene.clone(), n);
        under_way.spawn(async move {
            let begun = Instant::now();
            one.await?;
            Ok::<_, anyhow::Error>(begun.elapsed())
        });
    }
    while let Some(one) = under_way.join_next().await {
        took.push(one??);
    }
    took.sort();
    Ok((took, begun.elapsed()))
}

async fn sign_in(line: &mut Line, wallet: &Wallet) -> Result<String> {
    let wanted = json!({ "address": wallet.address(), "chain": "eip155:1" }).to_string();
    let challenge = line.asked("POST", "/api/v1/auth/challenge", "", &wanted).await?;
    let message = challenge["message"].as_str().context("no text")?;
    let proof = json!({ "message": message, "signature": wallet.sign(message) }).to_string();
    let tokens = line.asked("POST", "/api/v1/auth/login", "", &proof).await?;
    Ok(tokens["access_token"].as_str().context("no token")?.to_owned())
}

/// Of sorted times.
fn at(times: &[Duration], percent: usize) -> Duration {
    times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn pair(times: &[Duration]) -> String {
    let ms = |percent| at(times, percent).as_secs_f64() * 1e3;
    format!("{:.1} / {:.1} ms", ms(50), ms(99))
}

impl Scene {
    async fn line(&self) -> Result<Line> {
        Line::of(TcpStream::connect(self.at).await?)
    }
}
