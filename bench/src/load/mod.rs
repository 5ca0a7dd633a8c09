//! Closed loops of requests: wrk where it is installed, else our own. Pinned to another core than the server.

pub mod open;

use crate::machine;
use crate::options::Options;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempPath;

/// Connections of a round, each with one request under way.
pub const CONNECTIONS: usize = 64;
/// The variable that gives our own client the API key it asks with; empty: none.
pub const KEY: &str = "STREAMGATE_BENCH_KEY";
/// A server that does not answer for this long has failed the round.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What a round counted.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Answers that came in whole.
    pub requests: u64,
    /// Wall clock.
    pub seconds: f64,
}

/// The program that makes the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generator {
    /// wrk 4 from Debian.
    Wrk,
    /// This binary's `load`.
    Own,
}

impl Generator {
    /// wrk when it is there.
    pub fn choose() -> Self {
        if crate::peers::installed("wrk") { Self::Wrk } else { Self::Own }
    }

    /// A word for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrk => "wrk",
            Self::Own => "its own client",
        }
    }

    /// Asks `address` for `paths` in turn, on `core`, for the time of a round; with an API key unless that is empty.
    ///
    /// # Errors
    /// Anything but whole answers of status 200.
    pub fn run(
        self,
        core: u32,
        scheme: &str,
        address: SocketAddr,
        paths: &[String],
        key: &str,
        options: &Options,
    ) -> Result<Counted> {
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string()]).env(KEY, key);
        let script = script()?;
        match self {
            Self::Wrk => {
                command.args([
                    "wrk",
                    "-t",
                    "1",
                    "-c",
                    &CONNECTIONS.to_string(),
                    "-d",
                    &format!("{}s", options.seconds),
                ]);
                if !key.is_empty() {
                    command.arg("-H").arg(format!("Authorization: Bearer {key}"));
                }
                command.arg("-s").arg(&script).arg(format!("{scheme}://{address}/")).arg("--").args(paths);
            }
            Self::Own if scheme == "https" => bail!("wrk is needed to ask by TLS (Debian: wrk)"),
            Self::Own => {
                command.arg(std::env::current_exe()?).args(["load", &address.to_string()]).args(paths);
                command.args(["--seconds", &options.seconds.to_string()]);
            }
        }
        let output = command.output().context("cannot start the load by taskset")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!("the load failed: {}{}", text, String::from_utf8_lossy(&output.stderr));
        }
        match self {
            Self::Wrk => parse_wrk(&text),
            Self::Own => Ok(serde_json::from_str(&text)?),
        }
    }
}

/// The script that makes wrk ask for several paths, from beside the peers' configuration; gone when dropped.
fn script() -> Result<TempPath> {
    let mut file = tempfile::Builder::new().prefix("streamgate-bench-").suffix(".lua").tempfile()?;
    file.write_all(include_bytes!("../../peers/paths.lua"))?;
    Ok(file.into_temp_path())
}

/// wrk's report: `123 requests in 3.00s, ...`, and a line of errors when there were any.
fn parse_wrk(text: &str) -> Result<Counted> {
    if let Some(line) = text.lines().find(|line| line.contains("Socket errors") || line.contains("Non-2xx")) {
        bail!("wrk counted errors: {}", line.trim());
    }
    let line = text.lines().find(|line| line.contains(" requests in ")).context("wrk reported nothing")?;
    let (requests, rest) = line.trim().split_once(" requests in ").context("wrk's report has another form")?;
    let time = rest.split(',').next().unwrap_or_default();
    let seconds = match (time.strip_suffix("ms"), time.strip_suffix('m'), time.strip_suffix('s')) {
        (Some(millis), ..) => millis.parse::<f64>()? / 1000.0,
        (_, Some(minutes), _) => minutes.parse::<f64>()? * 60.0,
        (.., Some(seconds)) => seconds.parse()?,
        _ => bail!("wrk's report has no time: {line}"),
    };
    Ok(Counted { requests: requests.parse()?, seconds })
}

/// The `load` command: our own closed loop; prints what it counted as JSON.
pub fn serve_closed_loop(address: &str, paths: &[String], seconds: u32) -> Result<()> {
    let address: SocketAddr = address.parse()?;
    let started = Instant::now();
    let until = started + Duration::from_secs(seconds.into());
    let loops: Vec<_> = (0..CONNECTIONS)
        .map(|index| {
            let paths = paths.to_vec();
            std::thread::spawn(move || one_loop(address, &paths, index, until))
        })
        .collect();
    let mut requests = 0;
    for one in loops {
        requests += one.join().map_err(|_| anyhow::anyhow!("a connection panicked"))??;
    }
    let counted = Counted { requests, seconds: started.elapsed().as_secs_f64() };
    println!("{}", serde_json::to_string(&counted)?);
    Ok(())
}

fn one_loop(address: SocketAddr, paths: &[String], first: usize, until: Instant) -> Result<u64> {
    let mut client = Client::connect(address)?;
    let mut requests = 0;
    while Instant::now() < until {
        client.get(&paths[(first + requests as usize) % paths.len()])?;
        requests += 1;
    }
    Ok(requests)
}

/// A keep-alive connection that reads answers of a known length.
pub struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    sink: Vec<u8>,
    /// The header line that says who asks, or nothing.
    who: String,
}

/// The head of an answer.
pub struct Answer {
    /// Body bytes.
    pub length: usize,
    /// Header lines, lower case.
    pub headers: Vec<String>,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        Self::with_room(address, 64 << 10)
    }

    /// Connects, for small answers: a thousand of these cost little.
    pub fn small(address: SocketAddr) -> Result<Self> {
        Self::with_room(address, 2 << 10)
    }

    fn with_room(address: SocketAddr, room: usize) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let key = std::env::var(KEY).unwrap_or_default();
        let who = if key.is_empty() { key } else { format!("Authorization: Bearer {key}\r\n") };
        Ok(Self { address, stream: BufReader::with_capacity(room, stream), sink: vec![0; room], who })
    }

    /// Asks for `path` and reads the answer whole.
    ///
    /// # Errors
    /// Another status than 200, no length, or the connection.
    pub fn get(&mut self, path: &str) -> Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{}\r\n", self.address, self.who);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut status = String::new();
        self.stream.read_line(&mut status)?;
        if !status.starts_with("HTTP/1.1 200") {
            bail!("{path} answered {}", status.trim());
        }
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            match line.trim_end() {
                "" => break,
                line => headers.push(line.to_ascii_lowercase()),
            }
        }
        let length = headers.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let length: usize = length.context("an answer without Content-Length")?;
        let mut left = length;
        while left > 0 {
            let room = left.min(self.sink.len());
            let read = self.stream.read(&mut self.sink[..room])?;
            if read == 0 {
                bail!("{path} ended {left} bytes early");
            }
            left -= read;
        }
        Ok(Answer { length, headers })
    }
}

/// The server's core and the load's: two different ones where there are two.
pub fn cores() -> (u32, u32) {
    let cores = machine::allowed_cores();
    (cores[0], cores[cores.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_wrk_is_read() {
        let text =
            "Running 3s test @ http://127.0.0.1:1/\n  489302 requests in 3.01s, 541.07MB read\nRequests/sec: 1\n";
        let counted = parse_wrk(text).expect("well formed");
        assert_eq!((counted.requests, counted.seconds), (489_302, 3.01));
    }

    #[test]
    fn a_round_with_errors_does_not_count() {
        let text = "  10 requests in 3.00s, 1MB read\n  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        assert!(parse_wrk(text).is_err());
        assert!(parse_wrk("  10 requests in 3.00s, 1MB read\n  Non-2xx or 3xx responses: 10\n").is_err());
    }

    #[test]
    fn our_own_client_reads_answers_whole() {
        let upstream = crate::upstream::Upstream::start().expect("a free port");
        let mut client = Client::connect(upstream.address()).expect("it listens");
        for _ in 0..3 {
            assert_eq!(client.get("/100000/a").expect("it answers").length, 100_000);
        }
        assert_eq!(upstream.requests(), 3);
    }
}
