//! nginx with `proxy_cache` (`bench/peers/nginx.conf`).

use super::{Peer, Server, Setup, fill, free_address, scratch, text, version};
use crate::process::Pinned;
use anyhow::{Context, Result};
use std::fs;

/// Starts one worker in front of the origin, its cache in a folder of its own.
pub fn start(setup: &Setup) -> Result<Server> {
    let version = version("nginx", "-v").context("nginx is not installed (Debian: nginx)")?;
    let scratch = scratch(Peer::Nginx)?;
    let (http, https) = (free_address()?, free_address()?);
    let place = text(scratch.path())?;
    let filled = fill(
        include_str!("../../peers/nginx.conf"),
        &[
            ("SCRATCH", place),
            ("PORT", &http.port().to_string()),
            ("TLS_PORT", &https.port().to_string()),
            ("CERTIFICATE", text(&setup.pair.0)?),
            ("KEY", text(&setup.pair.1)?),
            ("UPSTREAM", &setup.upstream.to_string()),
        ],
    );
    let file = scratch.path().join("nginx.conf");
    // As root, nginx would give its worker another user, who may not enter the folder.
    let user = if running_as_root() { "user root;\n" } else { "" };
    fs::write(&file, format!("{user}{filled}"))?;
    let mut process = Pinned::start(setup.core, "nginx", &["-e", "stderr", "-p", place, "-c", text(&file)?])?;
    process.wait_until_listening(http)?;
    let version = version.trim_start_matches("nginx version: ").to_owned();
    Ok(Server { peer: Peer::Nginx, version, process, http, https: Some(https), _scratch: Some(scratch) })
}

fn running_as_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|text| text.lines().any(|line| line.starts_with("Uid:\t0\t")))
}
