//! `streamgate top`: what a running edge does, second by second, over its admin API. Plain ANSI: a terminal is not asked for more.

use crate::{cli, config};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

/// Longer than an edge waits for its shards.
const WAIT: Duration = Duration::from_secs(5);
/// From one look to the next.
const EVERY: Duration = Duration::from_secs(1);
/// Names that are shown of each kind.
const NAMES: usize = 10;
/// An answer of 64 shards is some hundred kilobytes.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// One shard as `/shards` has it.
#[derive(Debug, Deserialize)]
struct Shard {
    shard: u64,
    requests_total: u64,
    hits_total: u64,
    stale_hits_total: u64,
    disk_hits_total: u64,
    sent_bytes_total: u64,
    connections: u64,
    mailbox_waiting: u64,
    memory_used_bytes: u64,
    memory_pinned_bytes: u64,
    leases: u64,
    loop_longest_us: u64,
    loop_turns: Turns,
}

#[derive(Debug, Deserialize)]
struct Turns {
    count: u64,
}

#[derive(Debug, Deserialize)]
struct Top {
    seconds: u64,
    urls: Vec<Hot>,
    clients: Vec<Hot>,
}

#[derive(Debug, Deserialize)]
struct Hot {
    name: String,
    requests: u64,
}

pub fn run(options: cli::Top) -> Result<()> {
    let at = match options.edge {
        Some(at) => at,
        None => {
            let admin = config::load(options.config.as_deref())?.edge_admin;
            admin.context("edge.admin is off in the configuration; name the edge with --edge HOST:PORT")?.to_string()
        }
    };
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(WAIT)).build().into();
    let mut before = shards(&agent, &at)?;
    loop {
        std::thread::sleep(EVERY);
        let now = shards(&agent, &at)?;
        let top: Top = get(&agent, &at, "top")?;
        let page = page(&at, &before, &now, &top);
        if options.once {
            print!("{page}");
            return Ok(());
        }
        // To the upper left, then what is left of the last page goes.
        let mut out = std::io::stdout().lock();
        write!(out, "\x1b[H{}\x1b[J", page.replace('\n', "\x1b[K\n"))?;
        out.flush()?;
        before = now;
    }
}

fn shards(agent: &ureq::Agent, at: &str) -> Result<Vec<Shard>> {
    get(agent, at, "shards")
}

fn get<T: serde::de::DeserializeOwned>(agent: &ureq::Agent, at: &str, what: &str) -> Result<T> {
    let mut answer = agent
        .get(format!("http://{at}/{what}"))
        .call()
        .with_context(|| format!("no edge answers at {at}; is it running, and is edge.admin the same there?"))?;
    let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().context("a cut answer")?;
    serde_json::from_str(&text).with_context(|| format!("what answers at {at} is no edge of this version"))
}

/// What is shown. `before` is a second older than `now`.
fn page(at: &str, before: &[Shard], now: &[Shard], top: &Top) -> String {
    let mut out = format!("streamgate edge at {at}\n\n");
    let _ = writeln!(
        out,
        "{:>5} {:>9} {:>8} {:>6} {:>6} {:>7} {:>6} {:>8} {:>8} {:>6} {:>9} {:>9}",
        "shard",
        "req/s",
        "MB/s",
        "mem%",
        "disk%",
        "conns",
        "queue",
        "mem MB",
        "pinned",
        "leases",
        "enter/req",
        "longest"
    );
    for (old, new) in before.iter().zip(now) {
        let since = |read: fn(&Shard) -> u64| read(new).saturating_sub(read(old));
        let requests = since(|shard| shard.requests_total);
        let percent = |part: u64| 100 * part / requests.max(1);
        let _ = writeln!(
            out,
            "{:>5} {:>9} {:>8.1} {:>6} {:>6} {:>7} {:>6} {:>8} {:>8} {:>6} {:>9.2} {:>6.1} ms",
            new.shard,
            requests,
            since(|shard| shard.sent_bytes_total) as f64 / 1e6,
            percent(since(|shard| shard.hits_total + shard.stale_hits_total)),
            percent(since(|shard| shard.disk_hits_total)),
            new.connections,
            new.mailbox_waiting,
            new.memory_used_bytes >> 20,
            new.memory_pinned_bytes >> 20,
            new.leases,
            since(|shard| shard.loop_turns.count) as f64 / requests.max(1) as f64,
            new.loop_longest_us as f64 / 1e3,
        );
    }
    for (title, names) in [("URLs", &top.urls), ("clients", &top.clients)] {
        let _ = writeln!(out, "\n{:>9}  {title}, of the last {} s, sampled", "requests", top.seconds);
        for hot in names.iter().take(NAMES) {
            // What a client wrote must not move the cursor.
            let name: String = hot.name.chars().map(|c| if c.is_control() { '?' } else { c }).take(100).collect();
            let _ = writeln!(out, "{:>9}  {name}", hot.requests);
        }
    }
    out
}
