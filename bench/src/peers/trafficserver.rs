//! Apache Traffic Server with its memory cache (`bench/peers/trafficserver.config`).

use super::{Peer, Server, Setup, fill, free_address, scratch, text, version};
use crate::process::Pinned;
use anyhow::Result;
use std::fs;

/// Files that it wants to find, empty.
const EMPTY: [&str; 11] = [
    "cache.config",
    "hosting.config",
    "parent.config",
    "plugin.config",
    "socks.config",
    "splitdns.config",
    "ssl_multicert.config",
    "volume.config",
    "logging.yaml",
    "sni.yaml",
    "strategies.yaml",
];

/// Starts one thread in front of the origin.
pub fn start(setup: &Setup) -> Result<Server> {
    let scratch = scratch(Peer::TrafficServer)?;
    let http = free_address()?;
    let place = text(scratch.path())?;
    let config = scratch.path().join("config");
    for folder in ["config", "run", "log", "cache"] {
        fs::create_dir(scratch.path().join(folder))?;
        open_to_all(&scratch.path().join(folder))?;
    }
    for file in EMPTY {
        fs::write(config.join(file), "")?;
    }
    let values = [("SCRATCH", place), ("PORT", &http.port().to_string())];
    fs::write(config.join("records.config"), fill(include_str!("../../peers/trafficserver.config"), &values))?;
    fs::write(config.join("remap.config"), format!("map / http://{}/\n", setup.upstream))?;
    fs::write(config.join("storage.config"), format!("{place}/cache 2G\n"))?;
    fs::write(
        config.join("ip_allow.yaml"),
        "ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.1\n    action: allow\n    methods: ALL\n",
    )?;
    let run = scratch.path().join("run");
    let folders = [("PROXY_CONFIG_CONFIG_DIR", text(&config)?), ("PROXY_CONFIG_LOCAL_STATE_DIR", text(&run)?)];
    let mut process = Pinned::start_with(setup.core, "traffic_server", &[], &folders)?;
    process.wait_until_listening(http)?;
    let version = version("traffic_server", "-V")?;
    let version = version.split(" 9.").nth(1).map_or(version.clone(), |rest| {
        format!("trafficserver 9.{}", rest.split_whitespace().next().unwrap_or_default())
    });
    Ok(Server { peer: Peer::TrafficServer, version, process, http, https: None, _scratch: Some(scratch) })
}

fn open_to_all(folder: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(folder, fs::Permissions::from_mode(0o777))?)
}
