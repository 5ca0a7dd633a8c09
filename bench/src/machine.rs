//! Where a figure was measured.

use std::fmt;
use std::fs;
use std::process::Command;

/// What a reader needs to know to compare.
#[derive(Debug, Clone)]
pub struct Machine {
    cpu: String,
    cores: Vec<u32>,
    memory_gib: u64,
    kernel: String,
    commit: String,
    load: f64,
}

/// From this load average on the figures are those of the neighbours too.
const BUSY: f64 = 0.5;

impl Machine {
    /// Reads /proc and asks git; what cannot be read is said to be unknown.
    pub fn read() -> Self {
        let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".into());
        let memory_kib =
            field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").ok().and_then(|text| text.split(' ').next()?.parse().ok());
        let commit = command("git", &["describe", "--always", "--dirty", "--abbrev=12"]).unwrap_or_default();
        Self {
            cpu,
            cores: allowed_cores(),
            memory_gib: memory_kib.unwrap_or(0) / (1 << 20),
            kernel: kernel.trim().to_owned(),
            commit,
            load: load.unwrap_or(0.0),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, memory_gib, kernel, commit, load } = self;
        write!(f, "{cpu}, {} cores, {memory_gib} GiB, Linux {kernel}, commit {commit}", cores.len())?;
        if *load > BUSY { write!(f, ", BUSY (load average {load})") } else { Ok(()) }
    }
}

/// Cores this process may run on (`Cpus_allowed_list`), at least one.
pub fn allowed_cores() -> Vec<u32> {
    let list = field("/proc/self/status", "Cpus_allowed_list").unwrap_or_default();
    let cores = parse_cores(&list);
    if cores.is_empty() { vec![0] } else { cores }
}

/// First line of a program's output, if it ran and ended well.
pub fn command(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()?.lines().next().map(str::to_owned)
}

/// `0-2,5` -> 0, 1, 2, 5.
fn parse_cores(list: &str) -> Vec<u32> {
    let range = |part: &str| -> Option<std::ops::RangeInclusive<u32>> {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        Some(from.trim().parse().ok()?..=to.trim().parse().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_cores_are_read() {
        assert_eq!(parse_cores("0-2,5"), [0, 1, 2, 5]);
        assert_eq!(parse_cores("3"), [3]);
        assert_eq!(parse_cores(""), [0u32; 0]);
    }
}
