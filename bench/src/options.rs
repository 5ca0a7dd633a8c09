//! The command line.

const USAGE: &str = "usage: streamgate-bench all | edge | encode   [--rounds N] [--seconds S] [--save]

  edge     our edge against nginx: 1 KiB and 1 MiB hits, requests per CPU-second of the server
  encode   media::transcode on all cores against the rav1e tool
  all      both

  --rounds N    interleaved rounds of each server and workload (default 5, at most 50)
  --seconds S   length of a round (default 3, at most 60)
  --save        append the tables to bench/results/";

const ROUNDS_MAX: u32 = 50;
const SECONDS_MAX: u32 = 60;

/// What to run and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// What to run.
    pub command: Command,
    /// Rounds a server and workload.
    pub rounds: u32,
    /// Seconds a round.
    pub seconds: u32,
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
    /// The edge against nginx.
    Edge,
    /// Encoding against the rav1e tool.
    Encode,
    /// The server under measurement: our edge.
    ServeEdge {
        /// Address it listens on.
        listen: String,
        /// `host:port` of the origin behind it.
        upstream: String,
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
        let mut options = Self { command: Command::All, rounds: 5, seconds: 3, save: false, as_typed: args.join(" ") };
        let mut words = Vec::new();
        let mut rest = args.into_iter();
        while let Some(arg) = rest.next() {
            match arg.as_str() {
                "--save" => options.save = true,
                "--rounds" => options.rounds = number(&arg, rest.next(), ROUNDS_MAX)?,
                "--seconds" => options.seconds = number(&arg, rest.next(), SECONDS_MAX)?,
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
        (Some("serve-edge"), 3) => Ok(Command::ServeEdge { listen: words.remove(1), upstream: words.remove(1) }),
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
