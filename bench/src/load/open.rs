//! An open loop: so many requests a second, each at its time, over as many connections as a round has.

use super::{CONNECTIONS, Client};
use crate::options::Options;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a round measured.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Measured {
    /// Answers.
    pub requests: u64,
    /// Milliseconds from the time a request had to the end of its answer: half of them were faster.
    pub p50_ms: f64,
    /// 99 of 100 were faster.
    pub p99_ms: f64,
}

/// Runs this binary's `load-at` on `core`, with an API key unless that is empty.
///
/// # Errors
/// Anything but whole answers of status 200.
pub fn at_rate(
    core: u32,
    address: SocketAddr,
    paths: &[String],
    rate: u32,
    key: &str,
    options: &Options,
) -> Result<Measured> {
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string()]).arg(std::env::current_exe()?).env(super::KEY, key);
    command.args(["load-at", &address.to_string(), &rate.max(1).to_string()]).args(paths);
    let output = command.args(["--seconds", &options.seconds.to_string()]).output()?;
    if !output.status.success() {
        bail!("the open loop failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The `load-at` command: prints what it measured as JSON.
pub fn serve(address: &str, rate: u32, paths: &[String], seconds: u32) -> Result<()> {
    let address: SocketAddr = address.parse()?;
    // Until every connection stands.
    let begin = Instant::now() + Duration::from_millis(300);
    let loops: Vec<_> = (0..CONNECTIONS)
        .map(|index| {
            let paths = paths.to_vec();
            std::thread::spawn(move || one_loop(address, &paths, index, rate, begin, seconds))
        })
        .collect();
    let mut took: Vec<Duration> = Vec::new();
    for one in loops {
        took.extend(one.join().map_err(|_| anyhow::anyhow!("a connection panicked"))??);
    }
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).map(|took| took.as_secs_f64() * 1e3);
    let (p50_ms, p99_ms) = (at(50).context("nothing was asked")?, at(99).context("nothing was asked")?);
    println!("{}", serde_json::to_string(&Measured { requests: took.len() as u64, p50_ms, p99_ms })?);
    Ok(())
}

/// Every `CONNECTIONS`th request of the whole loop, from the `index`th on.
fn one_loop(
    address: SocketAddr,
    paths: &[String],
    index: usize,
    rate: u32,
    begin: Instant,
    seconds: u32,
) -> Result<Vec<Duration>> {
    let mut client = Client::connect(address)?;
    let count = u64::from(rate) * u64::from(seconds);
    let mut took = Vec::with_capacity((count as usize).div_ceil(CONNECTIONS));
    for number in (index as u64..count).step_by(CONNECTIONS) {
        let due = begin + Duration::from_secs_f64(number as f64 / f64::from(rate));
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        client.get(&paths[number as usize % paths.len()])?;
        took.push(due.elapsed());
    }
    Ok(took)
}
