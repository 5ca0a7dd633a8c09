//! `streamgate demo`: start both halves, ingest a video over the public API, show how far it is, fetch everything
//! through the edge, say where to look. The steps, in order:
//!
//! start (a chain, when anvil is installed) -> make a clip (or take FILE) -> upload -> follow -> the gated titles -> check ->
//! announce -> wait

mod announce;
mod anvil;
mod check;
mod progress;

use crate::client::{Client, Status};
use crate::config::Config;
use crate::signals::{self, Signals};
use crate::{cli, config, serve, stack};
use anvil::{ADA, Anvil};
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the status is asked for while something is encoded.
const POLL: Duration = Duration::from_millis(50);
/// The demo's tokens outlive a long look.
const TOKEN_TTL: Duration = Duration::from_secs(6 * 3600);

/// What the demo has put there: a title for everyone, one for whoever is on a list, encrypted, with a token that opens it as well, and one for whoever
/// holds a token of the demo's chain. Without a chain the last one is for nobody.
pub struct Titles {
    pub open: String,
    pub gated: String,
    pub token: String,
    pub held: String,
}

pub fn run(options: cli::Demo) -> Result<()> {
    if let Some(file) = &options.file {
        std::fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    }
    let anvil = Anvil::start().unwrap_or_else(|error| {
        eprintln!("anvil is installed, and is done without: {error:#}");
        None
    });
    let config = configuration(&options, anvil.as_ref())?;
    let runtime = serve::runtime()?;
    let stopped = signals::stop(&runtime)?;
    if !cfg!(feature = "asm") {
        eprintln!(
            "This build has no SIMD assembly: encoding is about five times slower. Install nasm and build again with --features asm."
        );
    }
    let stack = stack::start(&config, &runtime)?;
    let told = show(&options, &stack, anvil.as_ref(), &stopped);
    if told.is_ok() && !options.once {
        stopped.recv();
        eprintln!("draining");
    }
    stack.stop(&runtime, config.drain);
    told
}

fn show(options: &cli::Demo, stack: &stack::Stack, anvil: Option<&Anvil>, stopped: &Signals) -> Result<()> {
    let edge = stack::reachable(stack.edge.http_addr());
    let origin = stack::reachable(stack.origin.addr());
    let client = Client::new(origin, stack.origin.api_key());
    let titles = publish(options, &client, anvil, stopped)?;
    check::through_the_edge(edge, &titles)?;
    announce::urls(options, edge, origin, &titles, anvil)?;
    Ok(())
}

/// All titles, uploaded, encoded and published, with their rules.
fn publish(options: &cli::Demo, client: &Client, anvil: Option<&Anvil>, stopped: &Signals) -> Result<Titles> {
    let scratch = options.data.join("clips");
    let (file, title) = match &options.file {
        Some(file) => {
            (file.clone(), file.file_stem().map_or("video".into(), |name| name.to_string_lossy().into_owned()))
        }
        None => (clip(&scratch, "test-clip.mp4", 12)?, "StreamGate test clip".to_owned()),
    };
    let open = ingest(client, &file, &title, &[], stopped)?;
    let members = clip(&scratch, "members-only.mp4", 6)?;
    let gated = ingest(client, &members, "Members only", &[("visibility", "gated"), ("encryption", "cbcs")], stopped)?;
    client.rule(&gated, &json!({ "allow": [ADA] }))?;
    let token = client.token(&gated, TOKEN_TTL)?;
    let held = ingest(client, &members, "Holders only", &[("visibility", "gated")], stopped)?;
    if let Some(anvil) = anvil {
        let seal = json!({ "chain": "anvil", "contract": anvil.seals, "min_balance": "1", "name": "Seals" });
        client.rule(&held, &json!({ "erc721": seal }))?;
    }
    Ok(Titles { open, gated, token, held })
}

fn ingest(client: &Client, file: &Path, title: &str, said: &[(&str, &str)], stopped: &Signals) -> Result<String> {
    let bars = progress::Bars::new(title, std::fs::metadata(file)?.len());
    let id = client.upload(file, &[&[("title", title)], said].concat(), |sent| bars.sent(sent))?;
    loop {
        let status = client.status(&id)?;
        bars.show(&status);
        match status.state.as_str() {
            "ready" => {
                bars.finish();
                return Ok(id);
            }
            "failed" => {
                bars.finish();
                bail!("{title}: {}", reason(&status));
            }
            _ => {}
        }
        if stopped.has_come() {
            bars.finish();
            bail!("stopped before everything was published; the next start goes on where this one ended");
        }
        std::thread::sleep(POLL);
    }
}

fn reason(status: &Status) -> String {
    match &status.error {
        Some(problem) => format!("{} ({})", problem.detail, problem.code),
        None => "the job failed without a reason".to_owned(),
    }
}

/// Makes a test clip, unless an earlier run has left it.
fn clip(folder: &Path, name: &str, seconds: u32) -> Result<PathBuf> {
    let path = folder.join(name);
    if !path.exists() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let making = folder.join(format!("{name}.part"));
        media::clip::write(&making, &media::clip::ClipSpec { seconds, ..Default::default() })?;
        std::fs::rename(&making, &path)?;
    }
    Ok(path)
}

fn configuration(options: &cli::Demo, anvil: Option<&Anvil>) -> Result<Config> {
    let defaults = config::load(None)?;
    Ok(Config {
        data: options.data.clone(),
        origin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, options.origin_port)),
        edge_http: SocketAddr::from((Ipv4Addr::LOCALHOST, options.edge_port)),
        chains: anvil
            .and_then(|anvil| origin::ChainConfig::known("anvil", vec![anvil.url.clone()]))
            .into_iter()
            .collect(),
        demo_wallets: true,
        edge_admin: defaults.edge_admin.filter(|_| options.edge_port != 0),
        ..defaults
    })
}
