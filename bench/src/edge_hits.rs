//! Our edge against nginx: hits, in requests per CPU-second of the server.
//!
//! Both stand in front of the same origin, one core each in turn, the load on another core. Rounds are interleaved
//! (ours, theirs, ours, ...), so that what drifts on the machine drifts for both. After the warm-up the origin must not be
//! asked again: then every answer was a hit.

use crate::load::{Client, Generator, cores};
use crate::options::Options;
use crate::peers::nginx;
use crate::process::Pinned;
use crate::report::{Spread, Table};
use crate::upstream::Upstream;
use anyhow::{Context, Result, bail};
use std::fs;
use std::net::SocketAddr;

/// Kernel's choice for new sockets; what is comparable is that both use the same one.
const CONGESTION: &str = "/proc/sys/net/ipv4/tcp_congestion_control";
/// BBR paces, which on the loopback makes bulk figures bimodal.
const WANTED_CONGESTION: &str = "reno";

struct Workload {
    name: &'static str,
    bytes: usize,
    objects: usize,
    /// What the project has set itself: our requests per CPU-second over theirs.
    goal: f64,
}

const WORKLOADS: [Workload; 2] = [
    Workload { name: "1 KiB, one object", bytes: 1 << 10, objects: 1, goal: 1.5 },
    Workload { name: "1 MiB, 128 objects", bytes: 1 << 20, objects: 128, goal: 0.9 },
];

struct Contender<'a> {
    name: &'static str,
    process: &'a Pinned,
    address: SocketAddr,
}

/// Requests per CPU-second and per second of one round.
#[derive(Clone, Copy)]
struct Round {
    per_cpu_second: f64,
    per_second: f64,
}

/// Measures all workloads.
pub fn run(options: &Options) -> Result<Table> {
    let theirs_version = nginx::version()?;
    let congestion = Congestion::set();
    let (server_core, load_core) = cores();
    let generator = Generator::choose();
    let upstream = Upstream::start()?;
    let ours = start_ours(server_core, &upstream)?;
    let theirs = nginx::start(server_core, upstream.address())?;
    let contenders = [
        Contender { name: "ours", process: &ours.0, address: ours.1 },
        Contender { name: "theirs", process: &theirs.process, address: theirs.address },
    ];

    let mut table = Table {
        title: format!("Edge against {theirs_version} proxy_cache: hits"),
        columns: ["load", "ours, req/CPU-s", "nginx, req/CPU-s", "ratio", "goal", "ours, req/s", "nginx, req/s"]
            .map(str::to_owned)
            .to_vec(),
        ..Table::default()
    };
    for workload in &WORKLOADS {
        eprintln!("edge: {}, {} rounds of {} s for each of the two", workload.name, options.rounds, options.seconds);
        table.rows.push(measure(workload, &contenders, &upstream, generator, load_core, options)?);
    }
    table.notes = vec![
        "median (smallest-largest) of the rounds; the ratio is taken round by round".into(),
        format!(
            "{} rounds of {} s, interleaved; server on core {server_core}, {} with {} connections on core {load_core}{}",
            options.rounds,
            options.seconds,
            generator.name(),
            crate::load::CONNECTIONS,
            if server_core == load_core { " (the same: only one is there)" } else { "" }
        ),
        congestion.note(),
        "CPU-seconds: user and kernel time of the server's process tree; the origin was not asked during the rounds"
            .into(),
    ];
    Ok(table)
}

fn start_ours(core: u32, upstream: &Upstream) -> Result<(Pinned, SocketAddr)> {
    let program = std::env::current_exe()?;
    let program = program.to_str().context("the program's name is not UTF-8")?;
    let address = nginx::free_address()?;
    let (listen, upstream) = (address.to_string(), upstream.address().to_string());
    let mut process = Pinned::start(core, program, &["serve-edge", &listen, &upstream])?;
    process.wait_until_listening(address)?;
    Ok((process, address))
}

fn measure(
    workload: &Workload,
    contenders: &[Contender; 2],
    upstream: &Upstream,
    generator: Generator,
    load_core: u32,
    options: &Options,
) -> Result<Vec<String>> {
    let paths: Vec<String> = (0..workload.objects).map(|index| format!("/{}/{index}", workload.bytes)).collect();
    for contender in contenders {
        warm(contender, &paths, workload.bytes)?;
    }
    let asked_before = upstream.requests();
    let mut rounds: [Vec<Round>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..options.rounds {
        for (contender, rounds) in contenders.iter().zip(&mut rounds) {
            let cpu_before = contender.process.cpu_seconds()?;
            let counted = generator
                .run(load_core, contender.address, &paths, options)
                .with_context(|| format!("{}, {}", workload.name, contender.name))?;
            let cpu = contender.process.cpu_seconds()? - cpu_before;
            if cpu <= 0.0 || counted.requests == 0 {
                bail!("{}, {}: {} requests in {cpu} CPU-seconds", workload.name, contender.name, counted.requests);
            }
            let requests = counted.requests as f64;
            rounds.push(Round { per_cpu_second: requests / cpu, per_second: requests / counted.seconds });
        }
    }
    if upstream.requests() != asked_before {
        bail!("{}: the origin was asked {} times during the rounds", workload.name, upstream.requests() - asked_before);
    }
    Ok(row(workload, &rounds))
}

/// Fetches everything until both the body and the head say that it is cached.
fn warm(contender: &Contender<'_>, paths: &[String], bytes: usize) -> Result<()> {
    let mut client = Client::connect(contender.address)?;
    for path in paths {
        for pass in 0..3 {
            let answer = client.get(path).with_context(|| format!("{}: warming up", contender.name))?;
            if answer.length != bytes {
                bail!("{}: {path} has {} bytes", contender.name, answer.length);
            }
            let hit = answer.headers.iter().any(|line| {
                (line.starts_with("cache-status:") || line.starts_with("x-cache:")) && line.contains("hit")
            });
            if hit {
                break;
            }
            if pass == 2 {
                bail!("{}: {path} is not a hit at the third request: {:?}", contender.name, answer.headers);
            }
        }
    }
    Ok(())
}

fn row(workload: &Workload, rounds: &[Vec<Round>; 2]) -> Vec<String> {
    let spread = |figures: Vec<f64>| Spread::of(&figures).expect("at least one round was run");
    let of = |index: usize, figure: fn(&Round) -> f64| spread(rounds[index].iter().map(figure).collect());
    let pairs = rounds[0].iter().zip(&rounds[1]);
    let ratio = spread(pairs.map(|(ours, theirs)| ours.per_cpu_second / theirs.per_cpu_second).collect());
    let met = if ratio.median >= workload.goal { "met" } else { "missed" };
    vec![
        workload.name.to_owned(),
        format!("{:.0}", of(0, |round| round.per_cpu_second)),
        format!("{:.0}", of(1, |round| round.per_cpu_second)),
        format!("{ratio:.2}"),
        format!("{} {met}", workload.goal),
        format!("{:.0}", of(0, |round| round.per_second)),
        format!("{:.0}", of(1, |round| round.per_second)),
    ]
}

/// The kernel's congestion control, put back when dropped.
struct Congestion {
    before: String,
    changed: bool,
}

impl Congestion {
    fn set() -> Self {
        let before = fs::read_to_string(CONGESTION).unwrap_or_default().trim().to_owned();
        let changed = before != WANTED_CONGESTION && fs::write(CONGESTION, WANTED_CONGESTION).is_ok();
        Self { before, changed }
    }

    fn note(&self) -> String {
        if self.changed || self.before == WANTED_CONGESTION {
            format!("congestion control {WANTED_CONGESTION} for both")
        } else {
            format!(
                "congestion control {} for both: the kernel's setting may not be changed here, bulk figures may be bimodal",
                self.before
            )
        }
    }
}

impl Drop for Congestion {
    fn drop(&mut self) {
        if self.changed {
            let _ = fs::write(CONGESTION, &self.before);
        }
    }
}
