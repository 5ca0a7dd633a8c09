//! Measures StreamGate against what people would use instead, on this machine, over the loopback.
//!
//! ```text
//! streamgate-bench all | edge | idle | encode | catalogue | api | upload | gate   [--rounds N] [--seconds S] [--only TEXT] [--save]
//! ```
//!
//! - `edge`: our edge against nginx (`proxy_cache`, sendfile), varnish, trafficserver and h2o, as far as they are installed:
//!   hits from 1 KiB to 1 MiB, plain and by TLS, requests per CPU-second of the server, and the slowest of a hundred answers.
//! - `idle`: memory of an idle connection, entries into the ring a request.
//! - `encode`: `media::transcode` on all cores against the `rav1e` tool on the same pictures with the same settings.
//!
//! - `catalogue`: listing, search and jobs a second with a million assets, on SQLite, and on PostgreSQL where one is named.
//! - `api`: requests for one asset a core-second, and their times at fixed rates.
//! - `upload`: uploads against `dd` with fsync and `@tus/server`, and the memory that 12 GiB take.
//!
//! - `gate`: what a token costs to check, sign-ins and rule checks a second, and a premiere of five thousand wallets.
//!
//! `--save` appends the tables to a file under `bench/results/`. The binary also starts itself as the server under
//! measurement (`serve-edge`) and as the load (`load` where wrk is missing, `load-at` at a rate).
#![forbid(unsafe_code)]

mod catalogue;
mod edge;
mod encode;
mod gate;
mod load;
mod machine;
mod options;
mod peers;
mod platform;
mod process;
mod report;
mod upstream;

use options::{Command, Options};
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match Options::read(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let done = match &options.command {
        Command::All => run(
            &options,
            &[
                edge::run,
                edge::idle::run,
                encode::run,
                catalogue::run,
                platform::api::run,
                platform::upload::run,
                gate::run,
            ],
        ),
        Command::Edge => run(&options, &[edge::run]),
        Command::Idle => run(&options, &[edge::idle::run]),
        Command::Catalogue => run(&options, &[catalogue::run]),
        Command::Api => run(&options, &[platform::api::run]),
        Command::Upload => run(&options, &[platform::upload::run]),
        Command::Gate => run(&options, &[gate::run]),
        Command::Encode => run(&options, &[encode::run]),
        Command::ServeEdge { listen, upstream } => edge::serve::run(listen, upstream),
        Command::LoadAt { address, rate, paths } => load::open::serve(address, *rate, paths, options.seconds),
        Command::Load { address, paths } => load::serve_closed_loop(address, paths, options.seconds),
    };
    if let Err(error) = done {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

type Measure = fn(&Options) -> anyhow::Result<report::Table>;

fn run(options: &Options, measures: &[Measure]) -> anyhow::Result<()> {
    let machine = machine::Machine::read();
    println!("{machine}");
    let mut tables = Vec::new();
    for measure in measures {
        let table = measure(options)?;
        println!("\n{table}");
        tables.push(table);
    }
    if options.save {
        let file = report::save(&machine, &options.as_typed, &tables)?;
        println!("saved to {}", file.display());
    }
    Ok(())
}
