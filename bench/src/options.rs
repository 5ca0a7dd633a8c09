//! The command line.

use crate::edge::serve::Listen;

const USAGE: &str =
    "usage: streamgate-bench all | edge | idle | encode | catalogue | api | upload | gate   [--rounds N] [--seconds S] [--only TEXT] [--save]

  edge     our edge against nginx, varnish, trafficserver and h2o: hits, requests per CPU-second of the server
  idle     memory of an idle connection, and entries into the ring a request
  encode   media::transcode on all cores against the rav1e tool
  catalogue  listing, search and jobs a second with a million assets
  api      GET of one asset: requests a core-second, times at fixed rates
  upload   uploads against dd with fsync and @tus/server; memory of 12 GiB
  gate     tokens, sign-ins, rule checks and a premiere of five thousand wallets
  all      these

  --rounds N    interleaved rounds of each server and workload (default 5, at most 50)
  --seconds S   length of a round (default 3, at most 60)
  --only TEXT   workloads of `edge` whose name begins so: --only \"16 KiB\"
  --save        append the tables to bench/results/";

const ROUNDS_MAX: u32 = 50;
const SECONDS_MAX: u32 = 60;
const RATE_MAX: u32 = 1_000_000;

/// What to run and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to run.
    pub command: Command,
    /// Rounds a server and workload.
    pub rounds: u32,
    /// Seconds a round.
    pub seconds: u32,
    /// Beginning of the names of the workloads that are run; empty: all.
    pub only: String,
    /// Whether to append to the results.
    pub save: bool,
    /// The arguments as they were typed, for the results.
    pub as_typed: String,
}

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Everything.
    All,
    /// The edge against its peers.
    Edge,
    /// Idle connections and entries into the ring.
    Idle,
    /// Encoding against the rav1e tool.
    Encode,
    /// The catalogue with many rows.
    Catalogue,
    /// One asset, asked for.
    Api,
    /// Uploads.
    Upload,
    /// The gate.
    Gate,
    /// The server under measurement: our edge.
    ServeEdge {
        /// Where it listens.
        listen: Listen,
        /// `host:port` of the origin behind it.
        upstream: String,
    },
    /// Our own open loop of requests.
    LoadAt {
        /// `host:port`.
        address: String,
        /// Requests a second.
        rate: u32,
        /// Paths asked for in turn.
        paths: Vec<String>,
    },
    /// Our own closed loop of requests.
    Load {
        /// `host:port`.
        address: String,
        /// Paths asked for in turn.
        paths: Vec<String>,
    },
}

impl Options {
    /// Reads the arguments after the program's name. The error is for a person.
    pub fn read(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let args: Vec<String> = args.collect();
        let mut options = Self {
            command: Command::All,
            rounds: 5,
            seconds: 3,
            only: String::new(),
            save: false,
            as_typed: args.join(" "),
        };
        let mut words = Vec::new();
        let mut rest = args.into_iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--save" => options.save = true,
                "--rounds" => options.rounds = number(&arg, rest.next(), ROUNDS_MAX)?,
                "--seconds" => options.seconds = number(&arg, rest.next(), SECONDS_MAX)?,
                "--only" => options.only = rest.next().ok_or_else(|| format!("{arg} takes the beginning of a name"))?,
                _ if arg.starts_with("--") => return Err(format!("no such option: {arg}\n\n{USAGE}")),
                _ => words.push(arg),
            }
        }
        options.command = command(words)?;
        Ok(options)
    }
}

fn command(mut words: Vec<String>) -> Result<Command, String> {
    match (words.first().map(String::as_str), words.len()) {
        (Some("all"), 1) => Ok(Command::All),
        (Some("edge"), 1) => Ok(Command::Edge),
        (Some("encode"), 1) => Ok(Command::Encode),
        (Some("catalogue"), 1) => Ok(Command::Catalogue),
        (Some("api"), 1) => Ok(Command::Api),
        (Some("upload"), 1) => Ok(Command::Upload),
        (Some("gate"), 1) => Ok(Command::Gate),
        (Some("idle"), 1) => Ok(Command::Idle),
        (Some("serve-edge"), 6) => {
            let (http, https) = (words.remove(1), words.remove(1));
            let listen = Listen { http, https, pair: (words.remove(1), words.remove(1)) };
            Ok(Command::ServeEdge { listen, upstream: words.remove(1) })
        }
        (Some("load-at"), 4..) => {
            let address = words.remove(1);
            let rate = number("load-at", Some(words.remove(1)), RATE_MAX)?;
            Ok(Command::LoadAt { address, rate, paths: words.split_off(1) })
        }
        (Some("load"), 3..) => Ok(Command::Load { address: words.remove(1), paths: words.split_off(1) }),
        _ => Err(USAGE.to_owned()),
    }
}

fn number(name: &str, value: Option<String>, max: u32) -> Result<u32, String> {
    let number = value.as_deref().and_then(|value| value.parse().ok()).filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| format!("{name} takes a number from 1 to {max}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_command_and_its_options_are_read() {
        let options = read("edge --rounds 7 --save").expect("well formed");
        assert_eq!((options.command, options.rounds, options.seconds, options.save), (Command::Edge, 7, 3, true));
        let load = read("load 127.0.0.1:80 /a /b").expect("well formed").command;
        assert_eq!(load, Command::Load { address: "127.0.0.1:80".into(), paths: vec!["/a".into(), "/b".into()] });
    }

    #[test]
    fn what_is_not_known_or_out_of_bounds_is_refused() {
        for line in ["", "edges", "all --round 3", "all --rounds 0", "all --rounds 51", "edge extra", "serve-edge"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
