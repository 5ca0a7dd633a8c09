//! What we are compared with. Each server is pinned to one core, tuned as one would for video, and serves hits from memory.

pub mod h2o;
pub mod nginx;
pub mod ours;
pub mod rav1e;
pub mod trafficserver;
pub mod varnish;

use crate::process::Pinned;
use anyhow::{Context, Result};
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A server that hits are asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Our edge.
    Ours,
    /// `proxy_cache`.
    Nginx,
    /// Varnish, in memory.
    Varnish,
    /// Apache Traffic Server.
    TrafficServer,
    /// h2o has no cache: it serves files.
    H2o,
}

impl Peer {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Ours => "ours",
            Peer::Nginx => "nginx",
            Peer::Varnish => "varnish",
            Peer::TrafficServer => "trafficserver",
            Peer::H2o => "h2o (files)",
        }
    }
}

/// What every server is started with.
pub struct Setup {
    /// The core it may use.
    pub core: u32,
    /// The origin behind it.
    pub upstream: SocketAddr,
    /// PEM files of a certificate and its key, for those that speak TLS.
    pub pair: (PathBuf, PathBuf),
    /// Sizes of the bodies asked for, and how many there are of each.
    pub objects: Vec<(usize, usize)>,
}

/// A running server.
pub struct Server {
    /// Which one.
    pub peer: Peer,
    /// Name and version.
    pub version: String,
    /// The whole tree of its processes.
    pub process: Pinned,
    /// Where it answers HTTP.
    pub http: SocketAddr,
    /// Where it answers HTTPS, if it does here.
    pub https: Option<SocketAddr>,
    /// Its files; gone when dropped.
    pub _scratch: Option<TempDir>,
}

/// Starts ours and whichever of the others are installed. nginx must be.
///
/// # Errors
/// One that is installed does not start.
pub fn start(setup: &Setup) -> Result<Vec<Server>> {
    let mut servers = vec![ours::start(setup)?, nginx::start(setup)?];
    type Start = fn(&Setup) -> Result<Server>;
    let others: [(&str, &str, Start); 3] = [
        ("varnishd", "varnish", varnish::start),
        ("traffic_server", "trafficserver", trafficserver::start),
        ("h2o", "h2o", h2o::start),
    ];
    for (program, package, start) in others {
        match installed(program) {
            true => servers.push(start(setup).with_context(|| program.to_owned())?),
            false => eprintln!("edge: {program} is not installed (Debian: {package}) and is left out"),
        }
    }
    Ok(servers)
}

/// Whether the shell finds a program.
pub fn installed(program: &str) -> bool {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "command -v \"$0\"", program]).output().is_ok_and(|found| found.status.success())
}

/// A port that was free a moment ago; not every server can choose one itself.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A folder that a server under another user may use as well.
fn scratch(of: Peer) -> Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::Builder::new().prefix(&format!("streamgate-bench-{of:?}-").to_lowercase()).tempdir()?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777))?;
    Ok(folder)
}

/// A path as an argument.
pub fn text(path: &Path) -> Result<&str> {
    path.to_str().context("the temporary folder's name is not UTF-8")
}

/// A configuration with its `{NAME}`s filled in.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// First line that `program` prints of its version, on either stream.
fn version(program: &str, arg: &str) -> Result<String> {
    let output = std::process::Command::new(program).arg(arg).output().with_context(|| format!("{program} {arg}"))?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    Ok(text.lines().next().unwrap_or(program).trim().to_owned())
}
