//! `[upstream]` after the check.

use super::written::{Upstream, UpstreamHealth, UpstreamOrigin, UpstreamTier};
use anyhow::{Context, Result, ensure};
use std::time::Duration;

/// More origins, or edges of one tier, than this are a mistake.
const PLACES_MAX: usize = 64;

pub fn check(written: Upstream) -> Result<edge::Upstream> {
    ensure!(written.try_ms > 0, "upstream.try_ms is 0; every request would be sent twice");
    ensure!(written.resolve_seconds > 0, "upstream.resolve_seconds is 0; write how often names are looked up");
    for (key, text) in [("host", &written.host), ("edge_key", &written.edge_key), ("cdn_id", &written.cdn_id)] {
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b';' | b'"'));
        ensure!(plain, "upstream.{key} = \"{text}\" has a character that cannot stand in a header field");
    }
    Ok(edge::Upstream {
        origins: origins(&written.url, written.origins)?,
        shield: optional(&written.shield).map(|url| source("upstream.shield", url)).transpose()?,
        tier: tier(&written.tier)?,
        host: optional(&written.host).map(str::to_owned),
        edge_key: optional(&written.edge_key).map(str::to_owned),
        cdn_id: written.cdn_id,
        try_timeout: Duration::from_millis(written.try_ms),
        retry_percent: written.retry_percent,
        retry_per_second: written.retry_per_second,
        breaker_after: written.breaker_after,
        health: health(written.health)?,
        ca_file: optional(&written.ca_file).map(Into::into),
        resolve_interval: Duration::from_secs(written.resolve_seconds),
        ..edge::Upstream::default()
    })
}

/// The list, or the one of the simple form.
fn origins(url: &str, list: Vec<UpstreamOrigin>) -> Result<Vec<edge::Source>> {
    if list.is_empty() {
        return Ok(vec![source("upstream.url", url)?]);
    }
    ensure!(list.len() <= PLACES_MAX, "upstream.origins has more than {PLACES_MAX}");
    let one = |UpstreamOrigin { url, weight, backup }| {
        Ok(edge::Source { weight, backup, ..source("upstream.origins: url", &url)? })
    };
    list.into_iter().map(one).collect()
}

fn tier(written: &UpstreamTier) -> Result<Option<edge::Tier>> {
    if written.peers.is_empty() {
        return Ok(None);
    }
    ensure!(written.peers.len() <= PLACES_MAX, "upstream.tier.peers has more than {PLACES_MAX}");
    ensure!(!written.me.is_empty(), "upstream.tier.self is empty; write this edge's URL as the other edges know it");
    let peers = written.peers.iter().map(|url| source("upstream.tier.peers", url)).collect::<Result<_>>()?;
    Ok(Some(edge::Tier { peers, me: source("upstream.tier.self", &written.me)? }))
}

fn health(written: UpstreamHealth) -> Result<edge::Health> {
    let path = &written.path;
    let plain = path.is_empty() || (path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic()));
    ensure!(plain, "upstream.health.path = \"{path}\" is no path such as \"/healthz\"");
    ensure!(written.interval_ms >= 100, "upstream.health.interval_ms is below 100");
    ensure!(written.timeout_ms > 0, "upstream.health.timeout_ms is 0; every probe would fail");
    Ok(edge::Health {
        path: optional(path).map(str::to_owned),
        interval: Duration::from_millis(written.interval_ms),
        timeout: Duration::from_millis(written.timeout_ms),
        unhealthy_after: written.unhealthy_after,
        healthy_after: written.healthy_after,
    })
}

fn source(key: &str, url: &str) -> Result<edge::Source> {
    edge::Source::parse(url).with_context(|| format!("{key} = \"{url}\""))
}

fn optional(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
