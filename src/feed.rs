//! The origin's events at an edge: what was changed or deleted there is purged here, within a fraction of a second. An edge follows an
//! origin whose edge key it holds, and tells it what plays here (`streams.rs`).
//!
//! Nothing that is kept may outlive a purge that was not heard of. So the origin is asked for the number of its last event *before* the edge
//! starts: whatever is kept later is covered by the events after that number. A purge of everything at first contact would do as well, and
//! would empty every edge some milliseconds after its start; it is left to those whose first question had no answer, whose disk kept something
//! that nobody followed, or who were told of another origin while they ran.

use crate::agent;
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
/// Longest that a start waits for the first answer: an edge serves without its origin, too.
const FIRST_WAIT: Duration = Duration::from_secs(1);
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

/// An origin whose events can be followed.
pub struct Source {
    agent: ureq::Agent,
    url: String,
    edge_key: String,
    ca_file: Option<PathBuf>,
    /// The last event when the edge had nothing yet.
    first: Option<i64>,
}

impl Source {
    /// What an edge with these settings follows: an origin whose key it holds, and of several the first, since they share a catalogue.
    pub fn of(upstream: &edge::Upstream) -> Result<Option<Self>> {
        let (Some(key), Some(origin)) = (&upstream.edge_key, upstream.origins.first()) else { return Ok(None) };
        let ca_file = upstream.ca_file.clone();
        let agent = agent::new(ca_file.as_deref(), WAIT)?;
        Ok(Some(Self { agent, url: origin.to_string(), edge_key: key.clone(), ca_file, first: None }))
    }

    /// Asks which the last event is, for an edge that keeps nothing yet and does not before this returns. Without an answer it follows all the
    /// same, and purges everything when it has one.
    pub fn asked(mut self) -> Self {
        let first = agent::new(self.ca_file.as_deref(), FIRST_WAIT).and_then(|agent| self.page(&agent, None));
        self.first = first.ok().map(|page| page.last);
        self
    }

    fn page(&self, agent: &ureq::Agent, after: Option<i64>) -> Result<Page> {
        let after = after.map(|seq| format!("?after={seq}")).unwrap_or_default();
        let request = agent.get(format!("{}/api/v1/events{after}", self.url));
        let mut answer = request.header("StreamGate-Edge-Key", &self.edge_key).call().context("no answer")?;
        ensure!(answer.status().is_success(), "it answers {}", answer.status());
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().context("a cut answer")?;
        serde_json::from_str(&text).context("the answer is no list of events")
    }
}

/// Follows an origin.
pub fn follow(source: Source, config: &Config, purger: Purger, told: (Gatekeeper, Playing)) -> Result<Feed> {
    let (gatekeeper, playing) = told;
    let stop = Arc::new(AtomicBool::new(false));
    let (told, also_told) = (stop.clone(), stop.clone());
    let reporter = Reporter::new(&source.url, source.edge_key.clone(), source.ca_file.as_deref(), playing)?;
    let follower = Follower { source, memory: memory(config), purger, gatekeeper };
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let follower = thread("event-feed").spawn(move || follower.run(&told))?;
    let mut feed = Feed { stop, threads: vec![follower] };
    feed.threads.push(thread("stream-reports").spawn(move || reporter.run(&also_told))?);
    Ok(feed)
}

/// Forgets the number on disk, before another origin is followed: it is none of that one's numbers.
pub fn forget(config: &Config) -> Result<()> {
    let Some(memory) = memory(config) else { return Ok(()) };
    match std::fs::remove_file(&memory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", memory.display()))
        }
        _ => Ok(()),
    }
}

/// Where the last event's number outlives the process: beside a disk tier, whose contents do as well.
fn memory(config: &Config) -> Option<PathBuf> {
    config.edge_disks.first().map(|disk| disk.path.join(NAME))
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
    source: Source,
    memory: Option<PathBuf>,
    purger: Purger,
    gatekeeper: Gatekeeper,
}

/// How far the origin has been followed.
struct Place {
    /// The event up to which everything that is kept here is purged for. Without: it may have missed any.
    seq: Option<i64>,
    /// What is taken back has been told: events are asked for that came after `seq`. Before, the state of now is asked for.
    is_told: bool,
    /// What the memory says.
    written: Option<i64>,
}

impl Place {
    fn after(&self) -> Option<i64> {
        self.seq.filter(|_| self.is_told)
    }
}

impl Follower {
    fn run(&self, stop: &AtomicBool) {
        self.gatekeeper.expects();
        let mut place = self.begin();
        let mut failing = false;
        while !stop.load(Ordering::Relaxed) {
            match self.source.page(&self.source.agent, place.after()).and_then(|page| self.apply(&page, &mut place)) {
                Ok(()) => {
                    if failing {
                        tracing::info!(origin = self.source.url, "following the origin's events again");
                    }
                    failing = false;
                }
                Err(error) => {
                    if !failing {
                        tracing::warn!(
                            origin = self.source.url,
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

    /// Memory is empty when the edge starts, and the first number is from before. What a disk keeps was followed as far as its number says.
    fn begin(&self) -> Place {
        let written = self.memory.as_deref().and_then(remembered);
        let seq = if self.memory.is_some() { written } else { self.source.first };
        Place { seq, is_told: false, written }
    }

    /// Purges what a page is about, and moves on.
    fn apply(&self, page: &Page, place: &mut Place) -> Result<()> {
        self.take_keys(&page.keys)?;
        if page.gap || place.seq.is_none() {
            tracing::warn!("events of the origin may have been missed: everything is purged");
            self.purge(What::All, false)?;
            // Once, whatever becomes of the rest of the page: what is kept from now on is covered by the events after it.
            (place.seq, place.is_told) = (Some(page.last), false);
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
        // The state of now is ahead of the events, which are still to be gone through, some of them perhaps for the second time.
        let seq = place.seq.filter(|_| !place.is_told).unwrap_or(page.last);
        (place.seq, place.is_told) = (Some(seq), true);
        if let Some(memory) = self.memory.as_deref().filter(|_| place.written != Some(seq)) {
            remember(memory, seq).with_context(|| format!("cannot write {}", memory.display()))?;
            place.written = Some(seq);
        }
        Ok(())
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
            tracing::info!(origin = self.source.url, count, "the origin tells its keys");
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
