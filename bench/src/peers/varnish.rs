//! Varnish with its cache in memory (`bench/peers/varnish.vcl`).

use super::{Peer, Server, Setup, fill, free_address, scratch, text, version};
use crate::process::Pinned;
use anyhow::Result;
use std::fs;

/// Starts it in front of the origin; it speaks no TLS.
pub fn start(setup: &Setup) -> Result<Server> {
    let scratch = scratch(Peer::Varnish)?;
    let http = free_address()?;
    let values = [("HOST", setup.upstream.ip().to_string()), ("PORT", setup.upstream.port().to_string())];
    let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
    let file = scratch.path().join("default.vcl");
    fs::write(&file, fill(include_str!("../../peers/varnish.vcl"), &values))?;
    let work = scratch.path().join("work");
    let listen = http.to_string();
    // Its own records go to shared memory in any case; without a reader they cost what they cost in service.
    let args = ["-F", "-j", "none", "-a", &listen, "-n", text(&work)?, "-f", text(&file)?, "-s", "malloc,1G"];
    let pools = ["-p", "thread_pools=1", "-p", "thread_pool_min=100", "-p", "timeout_idle=120"];
    let mut process = Pinned::start(setup.core, "varnishd", &[&args[..], &pools].concat())?;
    process.wait_until_listening(http)?;
    let version = version("varnishd", "-V")?;
    Ok(Server { peer: Peer::Varnish, version, process, http, https: None, _scratch: Some(scratch) })
}
