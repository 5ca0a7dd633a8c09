//! How long the slowest of a hundred answers takes when every server is given the same load: half of what nginx can do.
//!
//! The loop is open: a request has its time, whatever became of those before it, and its answer is as late as it is after
//! that time. A closed loop would ask less of a server just when it is slow.

use super::Round;
use super::workload::Workload;
use crate::load::open::at_rate;
use crate::options::Options;
use crate::peers::{Peer, Server};
use crate::report::Spread;
use anyhow::Result;

/// Of what nginx answers in the closed loop.
const SHARE: f64 = 0.5;
/// More than this a second our client does not send on time.
const RATE_MAX: f64 = 12_000.0;
const ROUNDS: u32 = 3;

/// For people.
pub fn note() -> String {
    format!(
        "p99: open loop of our own client at {SHARE} of nginx's requests a second, at most {RATE_MAX}; {ROUNDS} rounds"
    )
}

/// Milliseconds of the 99th percentile a server; only ours and nginx, and only without TLS, which our client does not speak.
pub fn measure(
    workload: &Workload,
    servers: &[&Server],
    paths: &[String],
    rounds: &[Vec<Round>],
    load_core: u32,
    options: &Options,
) -> Result<Vec<Option<Spread>>> {
    let mut figures: Vec<Vec<f64>> = vec![Vec::new(); servers.len()];
    let nginx = servers.iter().position(|server| server.peer == Peer::Nginx);
    if let (Some(nginx), false) = (nginx, workload.secure) {
        let per_second: Vec<f64> = rounds[nginx].iter().map(|round| round.per_second).collect();
        let rate = Spread::of(&per_second).map_or(1.0, |spread| spread.median * SHARE).min(RATE_MAX);
        for _ in 0..ROUNDS {
            for (server, figures) in servers.iter().zip(&mut figures) {
                if matches!(server.peer, Peer::Ours | Peer::Nginx) {
                    figures.push(at_rate(load_core, server.http, paths, rate as u32, "", options)?.p99_ms);
                }
            }
        }
    }
    Ok(figures.iter().map(|figures| Spread::of(figures)).collect())
}
