//! `GET /api/v1/content/{id}` with a key: requests a core-second, and the slowest of a hundred at fixed rates.

use super::Origin;
use super::upload::{Body, Form, send};
use crate::load::open::at_rate;
use crate::load::{CONNECTIONS, Generator, cores};
use crate::options::Options;
use crate::report::{Spread, Table};
use anyhow::Result;
use std::io::Cursor;

/// Requests a second of one core, at least.
const GOAL: f64 = 15_000.0;
/// Requests a second of the open loop.
const RATES: [u32; 3] = [1_000, 4_000, 8_000];

/// Measures both on one core.
pub fn run(options: &Options) -> Result<Table> {
    let (core, load_core) = cores();
    let origin = Origin::start(&core.to_string())?;
    let small = Body { bytes: 8, open: &|| Ok(Box::new(Cursor::new(b"no video".to_vec()))) };
    let path = format!("/api/v1/content/{}", send(&origin, Form::Post, &small)?);
    let (mut per_core, mut per_second) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let before = origin.process.cpu_seconds()?;
        let paths = std::slice::from_ref(&path);
        let counted = Generator::choose().run(load_core, "http", origin.address, paths, &origin.key, options)?;
        per_core.push(counted.requests as f64 / (origin.process.cpu_seconds()? - before));
        per_second.push(counted.requests as f64 / counted.seconds);
    }
    let shown = |figures: &[f64]| Spread::of(figures).map_or_else(String::new, |spread| format!("{spread:.0}"));
    let met = if Spread::of(&per_core).is_some_and(|spread| spread.median >= GOAL) { "met" } else { "missed" };
    let mut rows = vec![
        vec!["requests a CPU-second".into(), shown(&per_core), format!("{GOAL} {met}")],
        vec!["requests a second on one core".into(), shown(&per_second), String::new()],
    ];
    for rate in RATES {
        let at = at_rate(load_core, origin.address, std::slice::from_ref(&path), rate, &origin.key, options)?;
        rows.push(vec![
            format!("at {rate} a second, p50 / p99"),
            format!("{:.2} / {:.2} ms", at.p50_ms, at.p99_ms),
            String::new(),
        ]);
    }
    Ok(Table {
        title: "GET /api/v1/content/{id}".into(),
        columns: ["what", "measured", "goal"].map(str::to_owned).to_vec(),
        rows,
        notes: vec![format!(
            "with an API key, SQLite; {} rounds of {} s, {CONNECTIONS} connections; origin on core {core}, load on core {load_core}; the rates are an open loop",
            options.rounds, options.seconds
        )],
    })
}
