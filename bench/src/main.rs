//! Measures StreamGate against what people would use instead, on this machine, over the loopback.
//!
//! ```text
//! streamgate-bench all | edge | encode   [--rounds N] [--seconds S] [--save]
//! ```
//!
//! - `edge`: our edge against nginx (`proxy_cache`, sendfile), 1 KiB and 1 MiB hits, requests per CPU-second of the server.
//! - `encode`: `media::transcode` on all cores against the `rav1e` tool on the same pictures with the same settings.
//!
//! `--save` appends the tables to a file under `bench/results/`. The binary also starts itself as the server under
//! measurement (`serve-edge`) and, where wrk is missing, as the load (`load`).
#![forbid(unsafe_code)]

mod edge_hits;
mod encode;
mod load;
mod machine;
mod options;
mod peers;
mod process;
mod report;
mod serve_edge;
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
        Command::All => run(&options, &[edge_hits::run, encode::run]),
        Command::Edge => run(&options, &[edge_hits::run]),
        Command::Encode => run(&options, &[encode::run]),
        Command::ServeEdge { listen, upstream } => serve_edge::run(listen, upstream),
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
