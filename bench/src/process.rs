//! A program under measurement: pinned to a core, its CPU time read from /proc, ended by its id.

use anyhow::{Context, Result, bail};
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// Until a server that was just started accepts connections.
const LISTENS_WITHIN: Duration = Duration::from_secs(20);
/// `/proc/<pid>/stat` counts in hundredths of a second, whatever the kernel's own tick is (USER_HZ).
const TICKS_A_SECOND: f64 = 100.0;

/// A child process; dropped, it is ended and its threads and children with it.
pub struct Pinned {
    child: Child,
    /// What it says; told when it does not come up.
    said: NamedTempFile,
}

impl Pinned {
    /// Starts `command` on `core` alone. It inherits no input; what it says is shown when it does not come up.
    pub fn start(core: u32, program: &str, args: &[&str]) -> Result<Self> {
        Self::start_with(core, program, args, &[])
    }

    /// The same, with variables in its environment.
    pub fn start_with(core: u32, program: &str, args: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        Self::start_on(&core.to_string(), program, args, variables)
    }

    /// The same on several cores: `0,2-3`.
    pub fn start_on(cores: &str, program: &str, args: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let mut command = Command::new("taskset");
        command.envs(variables.iter().copied());
        command.arg("-c").arg(cores).arg(program).args(args);
        let said = NamedTempFile::new()?;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.reopen()?).spawn();
        Ok(Self { child: child.with_context(|| format!("cannot start {program} by taskset"))?, said })
    }

    /// Waits until `address` accepts a connection.
    ///
    /// # Errors
    /// The program has ended, or is not ready within 20 s.
    pub fn wait_until_listening(&mut self, address: SocketAddr) -> Result<()> {
        let until = Instant::now() + LISTENS_WITHIN;
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                let said = fs::read_to_string(self.said.path()).unwrap_or_default();
                bail!("the server ended before it listened: {status}\n{said}");
            }
            if Instant::now() > until {
                bail!("nothing listens on {address} after {} s", LISTENS_WITHIN.as_secs());
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// The server itself: the last of its line, behind taskset and a master.
    ///
    /// # Errors
    /// It has ended.
    pub fn server_id(&self) -> Result<u32> {
        let stats = all_stats();
        let mut pid = self.child.id();
        stats.iter().find(|stat| stat.pid == pid).context("the server has ended")?;
        while let Some(child) = stats.iter().find(|stat| stat.parent == pid) {
            pid = child.pid;
        }
        Ok(pid)
    }

    /// Memory of its own that the server holds: RssAnon, bytes.
    pub fn anonymous_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server_id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon in /proc")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// CPU seconds that the process and its living descendants have used so far, in user and kernel mode.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let stats = all_stats();
        let mut tree = vec![self.child.id()];
        let mut ticks = 0;
        while let Some(pid) = tree.pop() {
            let stat = stats.iter().find(|stat| stat.pid == pid).context("the server has ended")?;
            ticks += stat.ticks;
            tree.extend(stats.iter().filter(|stat| stat.parent == pid).map(|stat| stat.pid));
        }
        Ok(ticks as f64 / TICKS_A_SECOND)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let pid = self.child.id().to_string();
        // SIGTERM, so that a master process takes its workers along.
        let asked = Command::new("kill").args(["-TERM", &pid]).status().is_ok_and(|status| status.success());
        let until = Instant::now() + Duration::from_secs(5);
        while asked && Instant::now() < until {
            match self.child.try_wait() {
                Ok(None) => std::thread::yield_now(),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of this process, and of those of its children that have ended, so far.
pub fn own_and_children_cpu_seconds() -> Result<f64> {
    let text = fs::read_to_string("/proc/self/stat")?;
    let stat = parse_stat(&text).context("/proc/self/stat has another form")?;
    Ok((stat.ticks + stat.children_ticks) as f64 / TICKS_A_SECOND)
}

struct Stat {
    pid: u32,
    parent: u32,
    ticks: u64,
    children_ticks: u64,
}

fn all_stats() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect()
}

/// `proc_pid_stat(5)`: the name in brackets may hold anything, so the fields are counted from the last bracket.
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(')')?;
    let pid = head.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    Some(Stat { pid, parent, ticks: number(11)? + number(12)?, children_ticks: number(13)? + number(14)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_read_behind_a_name_with_brackets_and_spaces() {
        let text = "42 (a) b) (c) S 7 42 42 0 -1 4194304 1 2 3 4 500 25 9 9 20 0 1 0 100 1 1";
        let stat = parse_stat(text).expect("well formed");
        assert_eq!((stat.pid, stat.parent, stat.ticks, stat.children_ticks), (42, 7, 525, 18));
    }

    #[test]
    fn a_busy_child_uses_cpu_and_is_gone_after_the_drop() {
        let core = crate::machine::allowed_cores()[0];
        let busy = Pinned::start(core, "sh", &["-c", "while :; do :; done"]).expect("sh and taskset are there");
        let until = Instant::now() + Duration::from_secs(20);
        while busy.cpu_seconds().expect("it runs") < 0.05 {
            assert!(Instant::now() < until, "it used no CPU time");
        }
        let pid = busy.child.id();
        drop(busy);
        assert!(!fs::exists(format!("/proc/{pid}")).expect("/proc is readable"));
    }
}
