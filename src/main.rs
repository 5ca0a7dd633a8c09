//! `streamgate`: the table of contents. Each sub-command is one file beside this one.

mod agent;
mod backup;
mod check_config;
mod cli;
mod client;
mod config;
mod copying;
mod demo;
mod edge_only;
mod failure;
mod feed;
mod logging;
mod origin_only;
mod pages;
mod purge;
mod reload;
mod serve;
mod signals;
mod stack;
mod storage;
mod streams;
mod token;
mod top;
mod version;

use clap::Parser;
use cli::Command;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    logging::start(matches!(cli.command, Command::Demo(_)));
    let result = match cli.command {
        Command::Demo(options) => demo::run(options),
        Command::Serve(options) => serve::run(options),
        Command::Origin(options) => origin_only::run(options),
        Command::Worker(options) => origin_only::work(options),
        Command::Edge(options) => edge_only::run(options),
        Command::CheckConfig(options) => check_config::run(options),
        Command::Purge(options) => purge::run(options),
        Command::Top(options) => top::run(options),
        Command::Token(options) => token::run(options.command),
        Command::Storage(options) => storage::run(options.command),
        Command::Backup(options) => backup::backup(options),
        Command::Restore(options) => backup::restore(options),
        Command::Version => version::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::end(&error),
    }
}
