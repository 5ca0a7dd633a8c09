//! A chain behind JSON-RPC in this process: a collection of which everyone has one, a block every 12 s, an answer after a millisecond, and a
//! count of what it was asked.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::net::{TcpListener, TcpStream};

use super::http::Line;

/// How long an answer takes.
pub const LATENCY: Duration = Duration::from_millis(1);
/// As Ethereum makes them.
const BLOCK: Duration = Duration::from_secs(12);
const BLOCKS_BEFORE: u64 = 1_000;
/// How far the settled block is behind.
const SETTLED_BEHIND: u64 = 64;
pub const COLLECTION: &str = "0x1111111111111111111111111111111111111111";
const MULTICALL3: &str = "0xca11bde05977b3631167028862be2a173976ca11";

/// The endpoint.
#[derive(Debug, Clone)]
pub struct Chain {
    pub url: String,
    begun: Instant,
    asked: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Chain {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let chain = Self { url, begun: Instant::now(), asked: Arc::default() };
        let served = chain.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, served.clone()));
            }
        });
        Ok(chain)
    }

    /// What it was asked since it was asked this, by method.
    pub fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, question: &Value) -> Result<Value> {
        let method = question["method"].as_str().context("no method")?;
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner).entry(method.to_owned()).or_default() += 1;
        let params = &question["params"];
        let result = match method {
            "eth_chainId" => json!("0x1"),
            "eth_getBlockByNumber" => self.block(&params[0]),
            "eth_getCode" => json!("0x00"),
            "eth_getLogs" => json!([]),
            "eth_call" => {
                let (to, data) = (params[0]["to"].as_str().unwrap_or_default(), params[0]["data"].as_str());
                let data = data.context("no data")?;
                json!(if to.eq_ignore_ascii_case(MULTICALL3) {
                    together(data)?
                } else {
                    format!("0x{}", word(one(data)))
                })
            }
            other => anyhow::bail!("{other} is not spoken"),
        };
        Ok(json!({ "jsonrpc": "2.0", "id": question["id"], "result": result }))
    }

    fn block(&self, which: &Value) -> Value {
        let last = BLOCKS_BEFORE + self.begun.elapsed().as_secs() / BLOCK.as_secs();
        let number = if *which == "latest" { last } else { last - SETTLED_BEHIND };
        let now = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        // The age of a block is no matter here; that it is one block is.
        let at = now - now % BLOCK.as_secs();
        json!({ "number": format!("0x{number:x}"), "hash": format!("0x{number:064x}"), "timestamp": format!("0x{at:x}") })
    }
}

/// What the collection says: it is an ERC-721, is not everything, and everyone has one.
fn one(data: &str) -> u64 {
    u64::from(!data.starts_with("0x01ffc9a7ffffffff"))
}

fn word(n: u64) -> String {
    format!("{n:064x}")
}

/// `aggregate3`: that each call was done, and its word.
fn together(data: &str) -> Result<String> {
    let count = data.get(10 + 64..10 + 128).context("no count")?;
    let count = u64::from_str_radix(count.trim_start_matches('0'), 16)?;
    let mut answer = format!("0x{}{}", word(32), word(count));
    for n in 0..count {
        answer += &word(count * 32 + n * 128);
    }
    for _ in 0..count {
        answer += &[1, 64, 32, 1].map(word).concat();
    }
    Ok(answer)
}

async fn serve(stream: TcpStream, chain: Chain) -> Result<()> {
    let mut line = Line::of(stream)?;
    loop {
        let (_, body) = line.message().await?;
        let answer = chain.answer(&serde_json::from_slice(&body)?)?.to_string();
        tokio::time::sleep(LATENCY).await;
        line.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())).await?;
    }
}
