//! Each runtime in turn under the same load.

use anyhow::{Context, Result, bail};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RUNTIMES: [&str; 5] = ["compio", "compio-plain", "monoio", "glommio", "epoll"];
const SECONDS: u32 = 3;
/// `/proc/<pid>/stat` counts in hundredths of a second (USER_HZ).
const TICKS_A_SECOND: f64 = 100.0;

/// A server; ended when dropped.
struct Server {
    name: &'static str,
    port: u16,
    child: Child,
    /// Requests per CPU-second of each round.
    figures: Vec<f64>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints the middle, smallest and largest of the rounds.
pub fn run(rounds: u32) -> Result<()> {
    let mut servers = RUNTIMES.into_iter().map(start).collect::<Result<Vec<_>>>()?;
    for _ in 0..rounds {
        for server in &mut servers {
            let before = cpu_ticks(server.child.id())?;
            let requests = load(server.port)?;
            let ticks = cpu_ticks(server.child.id())? - before;
            server.figures.push(requests as f64 * TICKS_A_SECOND / ticks as f64);
        }
    }
    println!(
        "| runtime | requests per CPU-second, middle (smallest-largest) of {rounds} rounds of {SECONDS} s |\n|---|---|"
    );
    for server in &mut servers {
        let figures = &mut server.figures;
        figures.sort_by(f64::total_cmp);
        let (Some(first), Some(last)) = (figures.first(), figures.last()) else { bail!("no round was run") };
        println!("| {} | {:.0} ({first:.0}-{last:.0}) |", server.name, figures[figures.len() / 2]);
    }
    Ok(())
}

fn start(name: &'static str) -> Result<Server> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new("taskset");
    command.args(["-c", "0"]).arg(std::env::current_exe()?).args(["serve", name, &port.to_string()]);
    let child = command.stdin(Stdio::null()).spawn().context("taskset cannot be started")?;
    let server = Server { name, port, child, figures: Vec::new() };
    let until = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if Instant::now() > until {
            bail!("{name} does not listen");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(server)
}

/// wrk's count of requests.
fn load(port: u16) -> Result<u64> {
    let core = std::thread::available_parallelism()?.get() - 1;
    let mut command = Command::new("taskset");
    command.args(["-c", &core.to_string(), "wrk", "-t1", "-c64", &format!("-d{SECONDS}s")]);
    let output =
        command.arg(format!("http://127.0.0.1:{port}/")).output().context("wrk cannot be started (Debian: wrk)")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("Socket errors") || text.contains("Non-2xx") {
        bail!("wrk counted errors:\n{text}");
    }
    let line = text.lines().find_map(|line| line.trim().split_once(" requests in ")).context("wrk reported nothing")?;
    Ok(line.0.parse()?)
}

/// User and kernel time of a process (`proc_pid_stat(5)`, fields 14 and 15).
fn cpu_ticks(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, tail) = text.rsplit_once(')').context("/proc/pid/stat has another form")?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    Ok(fields[11].parse::<u64>()? + fields[12].parse::<u64>()?)
}
