//! Everything that was published, fetched through the edge as a player would: each manifest, each init segment, each
//! media segment; then once more, which must be answered from memory; and the gate, both ways.

use super::Titles;
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;

/// A segment of ours is never larger.
const BODY_BYTES_MAX: u64 = 1 << 30;

struct Got {
    status: u16,
    cache_status: String,
    body: Vec<u8>,
}

/// Fetches both titles through the edge.
///
/// # Errors
/// Names the first URL that was not what it should be.
pub fn through_the_edge(edge: SocketAddr, titles: &Titles) -> Result<()> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let base = format!("http://{edge}");
    let open = format!("{base}/v/{}", titles.open);
    let gated = format!("{base}/v/{}", titles.gated);
    let with_token = format!("{base}/p/{}/v/{}", titles.token, titles.gated);
    let segments = whole_title(&agent, &open)? + whole_title(&agent, &with_token)?;
    let key = fetch(&agent, &format!("{with_token}/key"))?;
    ensure!(key.len() == 16, "the key of {} has {} bytes", titles.gated, key.len());
    let refused = ["master.m3u8", "key"].map(|file| format!("{gated}/{file}"));
    for url in refused.into_iter().chain([format!("{base}/p/not-a-token/v/{}/master.m3u8", titles.gated)]) {
        let got = get(&agent, &url)?;
        ensure!(got.status == 403, "{url} answered {} where 403 was due", got.status);
    }
    eprintln!("checked through the edge: {segments} segments, the gate refuses without a token");
    Ok(())
}

/// Fetches all of one title; returns how many segments it has.
fn whole_title(agent: &ureq::Agent, base: &str) -> Result<usize> {
    let manifest = fetch(agent, &format!("{base}/manifest.mpd"))?;
    ensure!(manifest.windows(4).any(|tag| tag == b"<MPD"), "{base}/manifest.mpd is not a DASH manifest");
    let master = text(fetch(agent, &format!("{base}/master.m3u8"))?)?;
    ensure!(master.starts_with("#EXTM3U"), "{base}/master.m3u8 is not an HLS playlist");
    let mut segments = 0;
    for playlist in uris(&master) {
        let folder = playlist.rsplit_once('/').map_or("", |(folder, _)| folder);
        let media = text(fetch(agent, &format!("{base}/{playlist}"))?)?;
        for uri in uris(&media) {
            let url = format!("{base}/{folder}/{uri}");
            let cold = fetch(agent, &url)?;
            ensure!(cold.get(4..8).is_some_and(|kind| kind == b"ftyp" || kind == b"styp"), "{url} is not CMAF");
            let warm = get(agent, &url)?;
            ensure!(warm.body == cold, "{url} changed between two requests");
            ensure!(warm.cache_status.contains("hit"), "{url} was not kept by the edge: {}", warm.cache_status);
            segments += 1;
        }
    }
    ensure!(segments > 0, "{base}/master.m3u8 names no segment");
    Ok(segments)
}

fn fetch(agent: &ureq::Agent, url: &str) -> Result<Vec<u8>> {
    let got = get(agent, url)?;
    ensure!(got.status == 200, "{url} answered {}", got.status);
    ensure!(!got.body.is_empty(), "{url} is empty");
    Ok(got.body)
}

fn get(agent: &ureq::Agent, url: &str) -> Result<Got> {
    let mut response = agent.get(url).call().with_context(|| format!("cannot fetch {url}"))?;
    let cache_status =
        response.headers().get("cache-status").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    let body = response.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec();
    Ok(Got {
        status: response.status().as_u16(),
        cache_status: cache_status.unwrap_or_default(),
        body: body.with_context(|| format!("{url} was cut"))?,
    })
}

fn text(body: Vec<u8>) -> Result<String> {
    String::from_utf8(body).context("a playlist is not UTF-8")
}

/// The URIs of a playlist: lines that are not tags, and `URI="..."` attributes, but those of keys.
fn uris(playlist: &str) -> Vec<&str> {
    let mut found: Vec<&str> = playlist
        .lines()
        .filter(|line| !line.contains("-KEY:"))
        .filter_map(|line| match line.strip_prefix('#') {
            Some(tag) => tag.split_once("URI=\"").and_then(|(_, rest)| rest.split_once('"')).map(|(uri, _)| uri),
            None => Some(line).filter(|line| !line.is_empty()),
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn uris_of_a_playlist_are_lines_and_attributes_once_each() {
        let playlist = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"aac/media.m3u8\",NAME=\"x\"\n#EXT-X-KEY:URI=\"../key\"\n#EXT-X-STREAM-INF:AUDIO=\"a\"\nv/media.m3u8\n\nv/media.m3u8\n";
        assert_eq!(super::uris(playlist), ["aac/media.m3u8", "v/media.m3u8"]);
    }
}
