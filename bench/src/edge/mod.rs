//! Our edge against what people would put there instead: hits, in requests per CPU-second of the server.
//!
//! All stand in front of the same origin, on the same core in turn, the load on another core. Rounds are interleaved
//! (ours, theirs, ours, ...), so that what drifts on the machine drifts for all. After the warm-up the origin must not be
//! asked again: then every answer was a hit.
//!
//! - [`workload`]: what is asked for, and the goals. [`latency`]: the 99th percentile at equal load.
//! - [`idle`]: what a connection costs that says nothing, and how often the ring is entered.
//! - [`serve`]: our edge as a process of its own. [`congestion`]: the one kernel setting that matters.

mod congestion;
pub mod idle;
mod latency;
pub mod serve;
mod workload;

use crate::load::{Client, Counted, Generator, cores};
use crate::options::Options;
use crate::peers::{self, Peer, Server, Setup};
use crate::report::{Spread, Table};
use crate::upstream::Upstream;
use anyhow::{Context, Result, bail};
use congestion::Congestion;
use std::path::PathBuf;
use workload::{WORKLOADS, Workload};

/// Requests per CPU-second and per second of one round.
#[derive(Clone, Copy)]
struct Round {
    per_cpu_second: f64,
    per_second: f64,
}

/// Measures all workloads.
pub fn run(options: &Options) -> Result<Table> {
    let congestion = Congestion::set();
    let (core, load_core) = cores();
    let generator = Generator::choose();
    let upstream = Upstream::start()?;
    let certificate = Pair::make()?;
    let objects = WORKLOADS.iter().map(|workload| (workload.bytes, workload.objects)).collect();
    let setup = Setup { core, upstream: upstream.address(), pair: certificate.files.clone(), objects };
    let servers = peers::start(&setup)?;
    let others: Vec<&str> = servers[1..].iter().map(|server| server.version.as_str()).collect();
    let columns = ["load", "server", "req/CPU-s", "ours over it", "goal", "req/s", "p99 at equal load, ms"];
    let mut table = Table {
        title: format!("The edge's hits against {}", others.join(", ")),
        columns: columns.map(str::to_owned).to_vec(),
        ..Table::default()
    };
    let wanted = WORKLOADS.iter().filter(|workload| workload.name.starts_with(&options.only));
    for workload in wanted {
        eprintln!("edge: {}, {} rounds of {} s a server", workload.name, options.rounds, options.seconds);
        table.rows.extend(measure(workload, &servers, &upstream, generator, load_core, options)?);
    }
    table.notes = vec![
        "median (smallest-largest) of the rounds; ratios are taken round by round".into(),
        format!(
            "{} rounds of {} s, interleaved; server on core {core}, {} with {} connections on core {load_core}{}",
            options.rounds,
            options.seconds,
            generator.name(),
            crate::load::CONNECTIONS,
            if core == load_core { " (the same: only one is there)" } else { "" }
        ),
        congestion.note(),
        "CPU-seconds: user and kernel time of the server's process tree; the origin was not asked during the rounds"
            .into(),
        latency::note(),
        "h2o has no cache and serves files; varnish and trafficserver are asked without TLS".into(),
    ];
    Ok(table)
}

/// A certificate that the load does not check, in files; gone when dropped.
pub struct Pair {
    files: (PathBuf, PathBuf),
    _folder: tempfile::TempDir,
}

impl Pair {
    /// ECDSA over P-256, as most sites have.
    fn make() -> Result<Pair> {
        let folder = tempfile::Builder::new().prefix("streamgate-bench-tls-").tempdir()?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
        let files = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&files.0, made.cert.pem())?;
        std::fs::write(&files.1, made.signing_key.serialize_pem())?;
        Ok(Pair { files, _folder: folder })
    }
}

fn measure(
    workload: &Workload,
    servers: &[Server],
    upstream: &Upstream,
    generator: Generator,
    load_core: u32,
    options: &Options,
) -> Result<Vec<Vec<String>>> {
    let paths = workload.paths();
    let asked: Vec<&Server> = servers.iter().filter(|server| takes_part(workload, server)).collect();
    for server in &asked {
        warm(server, &paths, workload.bytes, upstream)?;
    }
    let asked_before = upstream.requests();
    let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); asked.len()];
    for _ in 0..options.rounds {
        for (server, rounds) in asked.iter().zip(&mut rounds) {
            let round = one(workload, server, &paths, generator, load_core, options);
            rounds.push(round.with_context(|| format!("{}, {}", workload.name, server.peer.name()))?);
        }
    }
    let slow = latency::measure(workload, &asked, &paths, &rounds, load_core, options)?;
    if upstream.requests() != asked_before {
        bail!("{}: the origin was asked {} times during the rounds", workload.name, upstream.requests() - asked_before);
    }
    Ok(asked
        .iter()
        .enumerate()
        .map(|(at, server)| row(workload, server.peer, &rounds[0], &rounds[at], &slow[at]))
        .collect())
}

/// By TLS only those that have a goal, and ours.
fn takes_part(workload: &Workload, server: &Server) -> bool {
    !workload.secure || (server.https.is_some() && (server.peer == Peer::Ours || workload.goal(server.peer).is_some()))
}

fn one(
    workload: &Workload,
    server: &Server,
    paths: &[String],
    generator: Generator,
    load_core: u32,
    options: &Options,
) -> Result<Round> {
    let (scheme, address) = match (workload.secure, server.https) {
        (true, Some(https)) => ("https", https),
        _ => ("http", server.http),
    };
    let cpu_before = server.process.cpu_seconds()?;
    let Counted { requests, seconds } = generator.run(load_core, scheme, address, paths, "", options)?;
    let cpu = server.process.cpu_seconds()? - cpu_before;
    if cpu <= 0.0 || requests == 0 {
        bail!("{requests} requests in {cpu} CPU-seconds");
    }
    Ok(Round { per_cpu_second: requests as f64 / cpu, per_second: requests as f64 / seconds })
}

/// Fetches everything until the origin is not asked for it any more.
fn warm(server: &Server, paths: &[String], bytes: usize, upstream: &Upstream) -> Result<()> {
    /// Some keep an object at the second request for it only.
    const PASSES_MAX: usize = 4;
    let name = server.peer.name();
    let mut client = Client::connect(server.http)?;
    for path in paths {
        for pass in 1.. {
            let before = upstream.requests();
            let answer = client.get(path).with_context(|| format!("{name}: warming up"))?;
            if answer.length != bytes {
                bail!("{name}: {path} has {} bytes", answer.length);
            }
            if upstream.requests() == before && pass > 1 {
                break;
            }
            if pass == PASSES_MAX {
                bail!("{name}: {path} is not a hit at request {pass}: {:?}", answer.headers);
            }
        }
    }
    Ok(())
}

fn row(workload: &Workload, peer: Peer, ours: &[Round], its: &[Round], slow: &Option<Spread>) -> Vec<String> {
    let spread = |figures: Vec<f64>| Spread::of(&figures).expect("at least one round was run");
    let of = |figure: fn(&Round) -> f64| spread(its.iter().map(figure).collect());
    let ratio = spread(ours.iter().zip(its).map(|(ours, its)| ours.per_cpu_second / its.per_cpu_second).collect());
    let goal = workload.goal(peer).map(|goal| {
        let met = if ratio.median >= goal { "met" } else { "missed" };
        format!("{goal} {met}")
    });
    vec![
        workload.name.to_owned(),
        peer.name().to_owned(),
        format!("{:.0}", of(|round| round.per_cpu_second)),
        if peer == Peer::Ours { String::new() } else { format!("{ratio:.2}") },
        goal.unwrap_or_default(),
        format!("{:.0}", of(|round| round.per_second)),
        slow.as_ref().map(|slow| format!("{slow:.2}")).unwrap_or_default(),
    ]
}
