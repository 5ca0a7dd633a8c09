//! What the edge costs beside its requests: memory of connections that say nothing, and entries into the ring.

use crate::load::{CONNECTIONS, Client, Generator, cores};
use crate::options::Options;
use crate::peers::{Setup, installed, nginx, ours};
use crate::process::Pinned;
use crate::report::Table;
use crate::upstream::Upstream;
use anyhow::{Context, Result, bail};
use std::process::{Command, Stdio};

/// Keep-alive connections that wait.
const IDLE: usize = 10_000;
/// Open files of a program that holds as many.
const FILES: usize = IDLE + 1_500;
/// Of user memory each, at most.
const GOAL_BYTES: f64 = 2048.0;
/// Entries into the ring a request, at most.
const GOAL_ENTERS: f64 = 0.2;

/// Measures both, nginx beside.
pub fn run(options: &Options) -> Result<Table> {
    let (core, load_core) = cores();
    let upstream = Upstream::start()?;
    let pair = super::Pair::make()?;
    let setup = Setup { core, upstream: upstream.address(), pair: pair.files.clone(), objects: Vec::new() };
    // Each of the two programs holds one end of every connection; the server inherits the limit.
    let pid = std::process::id().to_string();
    let files = format!("--nofile={FILES}:");
    let raised = Command::new("prlimit").args(["--pid", &pid, &files]).status().context("prlimit is missing")?;
    if !raised.success() {
        bail!("the number of open files cannot be raised to {FILES} (ulimit -n)");
    }
    let mut rows = Vec::new();
    for start in [ours::start, nginx::start] {
        let server = start(&setup)?;
        eprintln!("idle: {IDLE} connections to {}", server.peer.name());
        let bytes = idle_bytes(&server.process, server.http)?;
        let met = if bytes <= GOAL_BYTES { "met" } else { "missed" };
        rows.push(vec![
            format!("{}: user memory of an idle connection", server.peer.name()),
            format!("{bytes:.0} bytes"),
            if rows.is_empty() { format!("{GOAL_BYTES} {met}") } else { String::new() },
        ]);
    }
    let server = ours::start(&setup)?;
    let enters = enters(&server.process, server.http, load_core, options)?;
    let met = if enters <= GOAL_ENTERS { "met" } else { "missed" };
    rows.push(vec![
        format!("ours: io_uring_enter a request, {CONNECTIONS} connections"),
        format!("{enters:.3}"),
        format!("{GOAL_ENTERS} {met}"),
    ]);
    Ok(Table {
        title: "Beside the requests".into(),
        columns: ["what", "measured", "goal"].map(str::to_owned).to_vec(),
        rows,
        notes: vec![
            format!("{IDLE} keep-alive connections that have each had one answer; growth of RssAnon over their number"),
            "entries are counted by strace, which slows the server: saturated by far less load than without it".into(),
        ],
    })
}

fn idle_bytes(process: &Pinned, address: std::net::SocketAddr) -> Result<f64> {
    // The first ones pay for what is made once.
    let mut idle = Vec::with_capacity(IDLE);
    for _ in 0..IDLE / 10 {
        idle.push(greeted(address)?);
    }
    drop(idle);
    let mut idle = Vec::with_capacity(IDLE);
    let before = process.anonymous_bytes()?;
    for _ in 0..IDLE {
        idle.push(greeted(address)?);
    }
    let after = process.anonymous_bytes()?;
    Ok(after.saturating_sub(before) as f64 / IDLE as f64)
}

/// A connection with one answer behind it.
fn greeted(address: std::net::SocketAddr) -> Result<Client> {
    let mut client = Client::small(address)?;
    client.get("/1024/idle")?;
    Ok(client)
}

fn enters(process: &Pinned, address: std::net::SocketAddr, load_core: u32, options: &Options) -> Result<f64> {
    if !installed("strace") {
        bail!("strace is not installed (Debian: strace)");
    }
    Client::connect(address)?.get("/1024/0")?;
    let report = tempfile::NamedTempFile::new()?;
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-e", "trace=io_uring_enter", "-p", &process.server_id()?.to_string(), "-o"]);
    let mut strace = strace.arg(report.path()).stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let counted = Generator::choose().run(load_core, "http", address, &["/1024/0".to_owned()], "", options);
    Command::new("kill").args(["-INT", &strace.id().to_string()]).status()?;
    strace.wait()?;
    let requests = counted?.requests;
    let text = std::fs::read_to_string(report.path())?;
    let line = text.lines().find(|line| line.ends_with("io_uring_enter")).context("strace saw no entry")?;
    let calls: u64 = line.split_whitespace().nth(3).context("strace's report has another form")?.parse()?;
    Ok(calls as f64 / requests as f64)
}
