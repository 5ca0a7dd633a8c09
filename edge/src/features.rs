//! What the system offers of what an edge can use: found out once at start, done without where it is missing, and told on `/features`.

use std::io;

use serde::Serialize;

use crate::config::{Config, SendZc};
use crate::rt::{Driver, Probe, has_direct};

/// One of them. `on`: it is used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// Whether it is used.
    pub on: bool,
    /// Why it is, or is not.
    pub why: String,
    /// What being without it costs.
    pub costs: &'static str,
}

/// Everything that was found, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Features {
    pub(crate) list: Vec<Feature>,
    pub(crate) driver: Driver,
    /// Large bodies lie in a memory file.
    pub(crate) arena: bool,
    /// How bodies that are not in it leave memory.
    pub(crate) send_zc: SendZc,
}

impl Features {
    /// Tries everything out. What is missing is said in one line each.
    pub(crate) fn probe(config: &Config) -> io::Result<Features> {
        let probe = Probe::new(config.faults.lacks)?;
        let mut list = ring(&probe);
        list.extend(memory(&probe));
        list.extend(config.disks.iter().map(|disk| direct(&disk.path, config.faults.lacks)));
        list.extend(cores(config));
        let send_zc = uncopied(&probe, config.send_zc);
        let wanted = config.send_zc != SendZc::Off;
        list.extend(wanted.then(|| send_zc.clone()));
        let missing = list.iter().filter(|feature| !feature.on);
        missing.for_each(|f| tracing::warn!(feature = f.name, why = f.why, costs = f.costs, "done without"));
        list.extend((!wanted).then_some(send_zc.clone()));
        list.extend(unused(&probe));
        let arena = probe.memfd.is_ok() && probe.sendfile.is_ok();
        let send_zc = if send_zc.on { config.send_zc } else { SendZc::Off };
        Ok(Features { list, driver: probe.driver, arena, send_zc })
    }
}

fn feature(name: &'static str, found: &io::Result<()>, what: &str, costs: &'static str) -> Feature {
    let why = match found {
        Ok(()) => what.to_owned(),
        Err(error) => format!("{what}: not here ({error})"),
    };
    Feature { name, on: found.is_ok(), why, costs }
}

fn ring(probe: &Probe) -> Vec<Feature> {
    let io_uring = match &probe.io_uring {
        Ok(()) => feature("io_uring", &Ok(()), "one ring a shard", ""),
        Err(error) => Feature {
            name: "io_uring",
            on: false,
            why: format!(
                "io_uring is not available here ({error}), so the edge runs on epoll: allow it with kernel.io_uring_disabled=0 and \
                 in the seccomp profile, or use Linux 5.15 or later"
            ),
            costs: "two system calls where there was one, and disks are read and written by threads",
        },
    };
    let flags =
        "of 171k requests of 1 KiB a second 124k were left without this and its neighbour, where it was measured";
    vec![
        io_uring,
        feature("single_issuer", &probe.single_issuer, "one thread a ring (Linux 6.0)", flags),
        feature("defer_taskrun", &probe.defer_taskrun, "completions when they are waited for (Linux 6.1)", flags),
    ]
}

fn memory(probe: &Probe) -> Vec<Feature> {
    let copies = "bodies of 512 KiB and more are copied into the socket";
    let large = Feature {
        name: "large_pages",
        on: probe.large_pages && probe.memfd.is_ok(),
        why: "large pages for bodies in memory (CONFIG_TRANSPARENT_HUGEPAGE)".to_owned(),
        costs: "128 instead of 73 microseconds of CPU a hit of 1 MiB, where it was measured",
    };
    vec![
        feature("memfd", &probe.memfd, "large bodies lie in a memory file", copies),
        feature("sendfile", &probe.sendfile, "they leave it without a copy", copies),
        large,
    ]
}

/// What is left in memory outside the file, by `send_zc`.
fn uncopied(probe: &Probe, wanted: SendZc) -> Feature {
    let what = "bodies of 32 KiB and more that are in no memory file leave memory without a copy (Linux 6.2)";
    let found = feature("send_zc", &probe.send_zc, what, "they are copied into the socket");
    let how = match wanted {
        _ if !found.on => return found,
        SendZc::Off => "not used: edge.send_zc is \"off\"",
        SendZc::Auto => {
            "edge.send_zc is \"auto\": to clients that are not on this machine, until the kernel says that it copies"
        }
        SendZc::On => "edge.send_zc is \"on\": to every client",
    };
    Feature { on: wanted != SendZc::Off, why: format!("{what}; {how}"), ..found }
}

/// O_DIRECT on one disk; its folder is made when its parent is there, as the disk tier does.
fn direct(folder: &std::path::Path, lacks: &[&str]) -> Feature {
    let _ = std::fs::create_dir(folder);
    let found = if lacks.contains(&"o_direct") { Err(io::ErrorKind::Unsupported.into()) } else { has_direct(folder) };
    let what = format!("{} is read and written past the page cache", folder.display());
    feature("o_direct", &found, &what, "the disk tier's reads and writes take memory from everything else")
}

fn cores(config: &Config) -> Option<Feature> {
    let known = !crate::rt::allowed_cpus().is_empty();
    config.pin.then(|| Feature {
        name: "pinning",
        on: known,
        why: "each shard stays on its core (/proc/self/status says which there are)".to_owned(),
        costs: "all shards on one core",
    })
}

/// What the kernel may have and the edge does not use: said, so that nobody looks for it.
fn unused(probe: &Probe) -> Vec<Feature> {
    let off = |name, why: &str, costs| Feature { name, on: false, why: why.to_owned(), costs };
    let ktls = if probe.ktls { "the kernel has it" } else { "the kernel does not offer it" };
    vec![
        off("multishot", "not used: one accept and one receive an operation", ""),
        off("ktls", &format!("not used ({ktls}): records are sealed by the edge"), "a copy more a body over TLS"),
    ]
}
