//! nginx with `proxy_cache` (`bench/peers/nginx.conf`).

use crate::process::Pinned;
use anyhow::{Context, Result};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use tempfile::TempDir;

/// A running nginx.
pub struct Nginx {
    /// Master and worker.
    pub process: Pinned,
    /// Where it listens.
    pub address: SocketAddr,
    _scratch: TempDir,
}

/// `nginx/1.22.1`, or why it cannot be asked.
pub fn version() -> Result<String> {
    let output = Command::new("nginx").arg("-v").output().context("nginx is not installed (Debian: nginx)")?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(text.trim().trim_start_matches("nginx version: ").to_owned())
}

/// Starts one worker on `core` in front of `upstream`, its cache in `scratch_root`.
pub fn start(core: u32, upstream: SocketAddr) -> Result<Nginx> {
    let scratch = tempfile::Builder::new().prefix("streamgate-bench-nginx-").tempdir()?;
    let address = free_address()?;
    let place = scratch.path().to_str().context("the temporary folder's name is not UTF-8")?;
    let text = include_str!("../../peers/nginx.conf")
        .replace("{SCRATCH}", place)
        .replace("{PORT}", &address.port().to_string())
        .replace("{UPSTREAM}", &upstream.to_string());
    let file = scratch.path().join("nginx.conf");
    // As root, nginx would give its worker another user, who may not enter the folder.
    let user = if running_as_root() { "user root;\n" } else { "" };
    fs::write(&file, format!("{user}{text}"))?;
    let file = file.to_str().context("the temporary folder's name is not UTF-8")?;
    let mut process = Pinned::start(core, "nginx", &["-e", "stderr", "-p", place, "-c", file])?;
    process.wait_until_listening(address)?;
    Ok(Nginx { process, address, _scratch: scratch })
}

/// A port that was free a moment ago; nginx cannot choose one itself.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn running_as_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|text| text.lines().any(|line| line.starts_with("Uid:\t0\t")))
}
