//! `streamgate edge`: the cache in front of any HTTP origin.

use crate::config::Config;
use crate::feed::{self, Feed, Source};
use crate::signals::{self, Signal};
use crate::{cli, config, reload, serve, stack};
use anyhow::{Context, Result};
use wire::token::{KeySet, VerificationKey};

pub fn run(options: cli::ConfigFile) -> Result<()> {
    let mut config = config::load(options.config.as_deref())?;
    let runtime = serve::runtime()?;
    let signals = signals::all(&runtime)?;
    let source = Source::of(&config.upstream)?.map(Source::asked);
    let edge = edge::start(settings(&config)?).context("the edge did not start")?;
    let mut feed = stack::follow(&config, source, &edge)?;
    if config.gate_keys.is_empty() && feed.is_none() {
        tracing::warn!(
            "[gate] keys is empty, and no origin is followed that would tell its own: every gated title is refused"
        );
    }
    let origins: Vec<String> = config.upstream.origins.iter().map(ToString::to_string).collect();
    signals.with_handover(edge.handed_over())?;
    let admin = edge.admin_addr().map(|at| at.to_string());
    tracing::info!(listen = %edge.http_addr(), admin, upstream = origins.join(" "), "edge is up");
    let end = loop {
        match signals.recv() {
            Signal::Reload => {}
            end => break end,
        }
        let apply = |new: &Config| edge.reload(settings(new)?).context("the edge cannot use it");
        if let Some(new) = reload::again(options.config.as_deref(), &config, apply) {
            refollow(&mut feed, &config, &new, &edge);
            config = new;
        }
    };
    // What the one that has taken over learns is told to this one too.
    drop(feed);
    if end == Signal::HandedOver {
        tracing::info!("another process has taken over: connections end with their next answer");
        edge.leave(config.drain, config.handover);
    } else {
        tracing::info!("draining");
        edge.drain(config.drain);
    }
    Ok(())
}

/// What an edge without an origin in the same process is told.
fn settings(config: &Config) -> Result<edge::Config> {
    let keys = config.gate_keys.iter().map(|key| key.parse::<VerificationKey>()).collect::<Result<Vec<_>, _>>()?;
    let keys = KeySet::new(keys).context("gate.keys")?;
    let settings = stack::settings(config, config.upstream.clone(), keys);
    Ok(edge::Config { handover: config.edge_handover.clone(), ..settings })
}

/// Follows another origin's events when a reload has named another one, or other roots to verify it against. What is kept is purged then:
/// the old one's events say nothing of the new one's.
fn refollow(feed: &mut Option<Feed>, old: &Config, new: &Config, edge: &edge::Edge) {
    let followed = |config: &Config| {
        let upstream = &config.upstream;
        (upstream.origins.first().cloned(), upstream.edge_key.clone(), upstream.ca_file.clone())
    };
    if followed(old) == followed(new) {
        return;
    }
    feed.take();
    let source = || {
        feed::forget(new)?;
        stack::follow(new, Source::of(&new.upstream)?, edge)
    };
    match source() {
        Ok(new) => *feed = new,
        Err(error) => tracing::error!(error = format!("{error:#}"), "the origin's events are not followed any more"),
    }
}
