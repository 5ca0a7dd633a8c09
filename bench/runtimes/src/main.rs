//! One handler, four runtimes: 1 KiB by keep-alive HTTP/1.1, one receive and one send a round trip.
//!
//! `cargo run --release -- compare [ROUNDS]` starts each as a process of its own pinned to one core, loads it with wrk from another, in
//! turn, and prints requests per CPU-second. `cargo run --release -- serve RUNTIME PORT` is one of those processes.
#![forbid(unsafe_code)]

mod compare;
mod handler;
mod serve_compio;
mod serve_epoll;
mod serve_glommio;
mod serve_monoio;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["compare"] => compare::run(5),
        ["compare", rounds] => compare::run(rounds.parse().context("rounds are a number")?),
        ["serve", runtime, port] => {
            let port = port.parse().context("a port is a number")?;
            match runtime {
                "compio" => serve_compio::run(port, true),
                "compio-plain" => serve_compio::run(port, false),
                "monoio" => serve_monoio::run(port),
                "glommio" => serve_glommio::run(port),
                "epoll" => serve_epoll::run(port),
                _ => bail!("no such runtime: {runtime}"),
            }
        }
        _ => bail!("usage: streamgate-bench-runtimes compare [ROUNDS] | serve RUNTIME PORT"),
    }
}
