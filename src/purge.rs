//! `streamgate purge`: asks a running edge to end what it keeps.

use crate::{cli, config};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::io::{Write as _, stdout};
use std::time::Duration;

/// Longer than an edge waits for its shards.
const WAIT: Duration = Duration::from_secs(15);

#[derive(Debug, Deserialize)]
struct Done {
    seq: u64,
    milliseconds: f64,
}

#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

pub fn run(options: cli::Purge) -> Result<()> {
    let cli::Purge { url, prefix, tag, group, all: _, soft, edge, config } = options;
    let named = [("url", url), ("prefix", prefix), ("tag", tag), ("group", group)];
    let named = named.into_iter().find_map(|(kind, value)| value.map(|value| (kind, serde_json::Value::from(value))));
    let (kind, value) = named.unwrap_or(("all", serde_json::Value::Null));
    let mut body = serde_json::Map::new();
    body.insert(kind.to_owned(), value);
    body.insert("soft".to_owned(), soft.into());
    let at = match edge {
        Some(at) => at,
        None => {
            let admin = config::load(config.as_deref())?.edge_admin;
            admin.context("edge.admin is off in the configuration; name the edge with --edge HOST:PORT")?.to_string()
        }
    };
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(WAIT)).build().into();
    let mut answer = agent
        .post(format!("http://{at}/purge"))
        .content_type("application/json")
        .send(serde_json::Value::Object(body).to_string())
        .with_context(|| format!("no edge answers at {at}; is it running, and is edge.admin the same there?"))?;
    let is_done = answer.status().is_success();
    let text = answer.body_mut().read_to_string().context("the edge's answer cannot be read")?;
    if !is_done {
        let problem: Problem = serde_json::from_str(&text).with_context(|| format!("{at} is no edge: {text}"))?;
        bail!("{}", problem.detail);
    }
    let done: Done = serde_json::from_str(&text).with_context(|| format!("{at} is no edge: {text}"))?;
    writeln!(stdout(), "purge {} done in {:.1} ms", done.seq, done.milliseconds)?;
    Ok(())
}
