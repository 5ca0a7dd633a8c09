//! The origin's events at an edge: what was changed or deleted there is purged here, within a fraction of a second. An edge follows an
//! origin whose edge key it holds, and tells it what plays here (`streams.rs`).

use crate::config::Config;
use crate::streams::Reporter;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use edge::purge::{Purge, Purger, What};
use edge::{Gatekeeper, Playing, Revocation};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wire::token::{KeySet, UnixSeconds, VerificationKey};

/// Longer than an origin waits for something to happen.
const WAIT: Duration = Duration::from_secs(10);
/// Pause after a failure: the origin may be starting again.
const PAUSE: Duration = Duration::from_millis(500);
/// A thousand events are far below; 65,536 tokens that were taken back have 60 bytes each.
const ANSWER_BYTES_MAX: u64 = 8 << 20;
/// Where the number of the last event stands, in the folder of the first disk.
const NAME: &str = "events.seq";

/// The thread that follows, and the one that reports.
pub struct Feed {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Deserialize)]
struct Page {
    events: Vec<Event>,
    last: i64,
    gap: bool,
    /// What tokens are checked with, beside the keys of the configuration.
    #[serde(default)]
    keys: Vec<String>,
    /// Everything that is taken back at the moment; when the origin was not asked to go on from an event, or cannot.
    #[serde(default)]
    revoked: Option<Vec<Revoked>>,
    /// Beside `revoked`: subjects and assets.
    #[serde(default)]
    revoked_wholes: Vec<Event>,
}

#[derive(Debug, Deserialize)]
struct Revoked {
    /// The token's id, base64url.
    cti: String,
    until_s: u64,
}

#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    asset: String,
    /// Of `token.revoked` and `token.restored`: the token's id, base64url.
    #[serde(default)]
    cti: String,
    /// Of `subject.revoked`.
    #[serde(default)]
    subject: String,
    /// Of `subject.revoked` and `asset.revoked`: tokens that were made by then. Without it: all.
    made_by_s: Option<u64>,
    /// Of every revocation: when the last token that it concerns has expired.
    #[serde(default)]
    until_s: u64,
    /// Of `cache.purge`: one of these, or everything.
    url: Option<String>,
    prefix: Option<String>,
    tag: Option<String>,
    group: Option<String>,
    /// Of `cache.purge`: not gone, but stale.
    #[serde(default)]
    soft: bool,
}

/// Follows the origin at `url`.
pub fn follow(
    url: String,
    edge_key: String,
    config: &Config,
    purger: Purger,
    (gatekeeper, playing): (Gatekeeper, Playing),
) -> Result<Feed> {
    let stop = Arc::new(AtomicBool::new(false));
    let (told, also_told) = (stop.clone(), stop.clone());
    let reporter = Reporter::new(&url, edge_key.clone(), playing);
    let memory = config.edge_disks.first().map(|disk| disk.path.join(NAME));
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let follower =
        thread("event-feed").spawn(move || Follower::new(url, edge_key, memory, purger, gatekeeper).run(&told))?;
    let mut feed = Feed { stop, threads: vec![follower] };
    feed.threads.push(thread("stream-reports").spawn(move || reporter.run(&also_told))?);
    Ok(feed)
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

struct Follower {
    agent: ureq::Agent,
    url: String,
    edge_key: String,
    /// Where the last event's number outlives the process: beside a disk tier, whose contents do as well.
    memory: Option<PathBuf>,
    purger: Purger,
    gatekeeper: Gatekeeper,
}

impl Follower {
    fn new(url: String, edge_key: String, memory: Option<PathBuf>, purger: Purger, gatekeeper: Gatekeeper) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(WAIT)).build().into();
        Self { agent, url, edge_key, memory, purger, gatekeeper }
    }

    fn run(&self, stop: &AtomicBool) {
        self.gatekeeper.expects();
        let mut goes_on_from = self.memory.as_deref().and_then(remembered);
        // What a disk kept from before, while nobody followed, may be anything; memory is empty.
        let mut is_new = self.memory.is_some() && goes_on_from.is_none();
        // What has been taken back is in memory alone: the first question is what is so now. Then the events since the last one that was
        // purged for are gone through, some of them for the second time.
        let mut last = None;
        let mut failing = false;
        while !stop.load(Ordering::Relaxed) {
            let known = last.or(goes_on_from);
            match self.page(last).and_then(|page| self.apply(&page, known, std::mem::take(&mut is_new))) {
                Ok(seq) => {
                    if failing {
                        tracing::info!(origin = self.url, "following the origin's events again");
                    }
                    (failing, last) = (false, Some(seq));
                    goes_on_from = None;
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(
                            origin = self.url,
                            error = format!("{error:#}"),
                            "the origin's events cannot be followed: changes there reach viewers as cached answers expire"
                        );
                    }
                    failing = true;
                    std::thread::sleep(PAUSE);
                }
            }
        }
    }

    fn page(&self, last: Option<i64>) -> Result<Page> {
        let after = last.map(|seq| format!("?after={seq}")).unwrap_or_default();
        let request = self.agent.get(format!("{}/api/v1/events{after}", self.url));
        let mut answer = request.header("StreamGate-Edge-Key", &self.edge_key).call().context("no answer")?;
        ensure!(answer.status().is_success(), "it answers {}", answer.status());
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().context("a cut answer")?;
        serde_json::from_str(&text).context("the answer is no list of events")
    }

    /// Purges what a page is about. Returns the number to go on from.
    fn apply(&self, page: &Page, known: Option<i64>, is_new: bool) -> Result<i64> {
        self.take_keys(&page.keys)?;
        if page.gap || is_new {
            tracing::warn!("events of the origin were missed: everything is purged");
            self.purge(What::All, false)?;
        }
        for event in &page.events {
            if matches!(event.kind.as_str(), "asset.updated" | "asset.deleted") {
                self.purge(What::Tag(format!("asset-{}", event.asset)), false)?;
            }
            if event.kind == "cache.purge" {
                self.purge(named(event), event.soft)?;
            }
            self.take_back(event)?;
        }
        if let Some(revoked) = &page.revoked {
            self.replace(revoked, &page.revoked_wholes)?;
        }
        self.gatekeeper.heard(millis());
        // The state of now, asked for with events before it still to be gone through.
        let is_ahead = page.revoked.is_some() && !page.gap && known.is_some();
        let last = if is_ahead { known.unwrap_or(page.last) } else { page.last };
        if known != Some(last)
            && let Some(memory) = &self.memory
        {
            remember(memory, last).with_context(|| format!("cannot write {}", memory.display()))?;
        }
        Ok(last)
    }

    fn replace(&self, tokens: &[Revoked], wholes: &[Event]) -> Result<()> {
        let always = UnixSeconds(u64::MAX);
        let token = |one: &Revoked| Ok((Revocation::Token(decoded(&one.cti)?), always, UnixSeconds(one.until_s)));
        let whole = |one: &Event| {
            let what = if one.asset.is_empty() {
                Revocation::Subject(one.subject.clone())
            } else {
                Revocation::Asset(one.asset.clone())
            };
            Ok((what, made_by(one), UnixSeconds(one.until_s)))
        };
        let taken = tokens.iter().map(token).chain(wholes.iter().map(whole)).collect::<Result<Vec<_>>>()?;
        self.gatekeeper.replace(taken, UnixSeconds(millis() / 1000));
        Ok(())
    }

    /// Takes the keys that the origin signs with. An origin that tells none has none to tell, or is an older one.
    fn take_keys(&self, keys: &[String]) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<VerificationKey> =
            keys.iter().map(|key| key.parse()).collect::<Result<_, _>>().context("a key of the origin")?;
        let count = keys.len();
        if self.gatekeeper.change_keys(KeySet::new(keys).context("the keys of the origin")?) {
            tracing::info!(origin = self.url, count, "the origin tells its keys");
        }
        Ok(())
    }

    /// What an event says of tokens.
    fn take_back(&self, event: &Event) -> Result<()> {
        let what = match event.kind.as_str() {
            "token.revoked" => Revocation::Token(decoded(&event.cti)?),
            "token.restored" => {
                self.gatekeeper.restore(&Revocation::Token(decoded(&event.cti)?));
                return Ok(());
            }
            "subject.revoked" => Revocation::Subject(event.subject.clone()),
            "asset.revoked" => Revocation::Asset(event.asset.clone()),
            _ => return Ok(()),
        };
        let (until, now) = (UnixSeconds(event.until_s), UnixSeconds(millis() / 1000));
        self.gatekeeper.revoke_made_by(what, made_by(event), until, now);
        Ok(())
    }

    fn purge(&self, what: What, soft: bool) -> Result<()> {
        self.purger.purge_blocking(Purge { what, soft }).context("the purge failed")?;
        Ok(())
    }
}

/// What is to be purged. Named in a way that only a later program knows it may be anything.
fn named(event: &Event) -> What {
    let url = event.url.clone().map(What::Url);
    let prefix = event.prefix.clone().map(What::Prefix);
    let tag = event.tag.clone().map(What::Tag);
    let group = event.group.clone().map(What::Group);
    url.or(prefix).or(tag).or(group).unwrap_or(What::All)
}

fn made_by(event: &Event) -> UnixSeconds {
    UnixSeconds(event.made_by_s.unwrap_or(u64::MAX))
}

fn decoded(cti: &str) -> Result<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(cti).context("a token's id")
}

fn millis() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

fn remembered(path: &Path) -> Option<i64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Written after what it counts was purged: a crash in between purges once more.
fn remember(path: &Path, seq: i64) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, seq.to_string())?;
    std::fs::rename(&fresh, path)
}
